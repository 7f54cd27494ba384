// An older head of ours shows up: the store has gone back in time, or an old store has come late. Ours is stored over
// it, but what came after it may be gone as well: first that is asked for, and stored again where a copy is left
// (files.md, "Copied state directories").
#include <algorithm>

#include "fs/content/check.hpp"
#include "fs/index/commit.hpp"
#include "fs/index/disk_index.hpp"

namespace spotfs {

namespace {

asio::awaitable<bool> store_copy(std::shared_ptr<const SealedStore> copies, std::string key) {
  Answer<Bytes> copy = co_await copies->blobs().fetch(key);
  if (!copy) co_return false;
  const Answer<void> stored = co_await copies->blobs().store(std::move(key), *std::move(copy));
  co_return stored.has_value();
}

}  // namespace

Mending mending_after(const std::optional<Head>& shown, const CurrentSnapshot& snapshot) {
  const bool names_it = !snapshot.known || (shown && shown->snapshot == snapshot.known->snapshot);
  return names_it ? Mending::contents : Mending::contents_and_snapshot;
}

// The loop's. Until its log is stored again, all that came after that head counts as not stored.
Answer<void> DiskIndex::see_older_head(const std::optional<Head>& shown) {
  const std::uint64_t newest = own_head_.with([](const OwnHead& head) { return head.counter; });
  const Mending due = std::max(mending_, mending_after(shown, snapshot_));
  const bool is_news = std::exchange(mending_, due) == Mending::none;
  if (is_news && options_.notice && (shown ? shown->counter : 0) < newest)
    options_.notice(
        "the store shows an older head of this mount than it did before: what came after it is stored again");
  want_head();
  return store_again_after(ledger_->journal(), shown);
}

// Only a store that can't be reached keeps the head from being stored: for ever to refuse one blob must not.
asio::awaitable<Answer<void>> DiskIndex::mend() {
  if (mending_ == Mending::none) co_return Answer<void>{};
  // What no sync has confirmed yet may be in memory.
  if (options_.origin) {
    const Answer<std::vector<Bytes>> synced = co_await options_.origin->sync();
    if (!synced && is_unreachable(synced.error().code)) co_return synced.error();
  }
  const TwoStores stores = two_stores();
  if (stores.copies) {
    if (const Answer<void> mended = co_await mend_contents(); !mended) co_return mended;
    std::vector<BlobId> nodes;
    if (mending_ == Mending::contents_and_snapshot) {
      const std::set<BlobId> ids = snapshot_.shape->ids();
      nodes.assign(ids.begin(), ids.end());
    }
    const Answer<std::vector<LostBlob>> lost = co_await check_nodes(strand_, stores, std::move(nodes));
    if (!lost && is_unreachable(lost.error().code)) co_return lost.error();
  }
  mending_ = Mending::none;
  co_return Answer<void>{};
}

// What can't be had is for a scrub to tell: it may be of a content that has been replaced since, and deleted.
asio::awaitable<Answer<void>> DiskIndex::mend_contents() {
  const Answer<std::vector<Operation>> unstored = ledger_->journal().unstored();
  if (!unstored) co_return unstored.error();
  const ContentChecker::Restore restore = [copies = store_](std::string key) {
    return store_copy(copies, std::move(key));
  };
  const auto checker =
      std::make_shared<ContentChecker>(strand_, std::shared_ptr<BlobStore>{origin_, &origin_->blobs()},
                                       std::shared_ptr<const ContentCipher>{store_, &store_->cipher()}, restore);
  for (const Operation& operation : *unstored) {
    const std::optional<Reference> content = content_of(operation);
    if (!content) continue;
    const Answer<Checked> checked = co_await checker->check(*content);
    if (!checked && is_unreachable(checked.error().code)) co_return checked.error();
  }
  co_return Answer<void>{};
}

}  // namespace spotfs
