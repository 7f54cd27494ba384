#include "fs/index/check_log.hpp"

#include "fs/content/check.hpp"
#include "fs/index/op.hpp"
#include "fs/store/at_once.hpp"

namespace spotfs {

namespace {

// A blob that is there has a plaintext, one that can't be had says why, and one that was stored again has both.
struct Asked {
  std::optional<Bytes> plaintext;
  std::error_code why;
};

asio::awaitable<Answer<Asked>> ask(TwoStores stores, ContentKind kind, BlobId id) {
  Answer<Bytes> there = co_await stores.origin->fetch_content(kind, id);
  if (there) co_return Asked{*std::move(there), {}};
  const std::error_code why = there.error().code;
  if (!cannot_be_had(why)) co_return there.error();
  if (!stores.copies) co_return Asked{std::nullopt, why};
  const Answer<Bytes> copy = co_await stores.copies->fetch_content(kind, id);
  if (!copy) co_return Asked{std::nullopt, why};
  const Answer<void> stored = co_await stores.copies->store_content(kind, id, *copy);
  if (!stored) co_return stored.error();
  co_return Asked{*copy, why};
}

}  // namespace

asio::awaitable<Answer<std::vector<LostBlob>>> check_log(TwoStores stores, LogList log) {
  std::vector<LostBlob> lost;
  for (std::size_t lists = 0; lists < kMaxLists; ++lists) {
    for (const PieceRef& piece : log.pieces) {
      const Answer<Asked> asked = co_await ask(stores, ContentKind::log, piece.id);
      if (!asked) co_return asked.error();
      LostBlob blob{piece.id, asked->why, asked->plaintext.has_value()};
      if (asked->plaintext) {
        const Result<std::vector<Operation>> operations = decode_piece(*asked->plaintext);
        if (!operations || operations->back().stamp != piece.last)
          blob = {piece.id, make_error_code(Errc::malformed), false};
      }
      if (blob.why) lost.push_back(blob);
    }
    if (!log.older) break;
    const BlobId id = *log.older;
    const Answer<Asked> asked = co_await ask(stores, ContentKind::log, id);
    if (!asked) co_return asked.error();
    const Result<LogList> older = asked->plaintext ? decode_log_list(*asked->plaintext) : Result<LogList>{asked->why};
    if (!older) {
      lost.push_back({id, older.error(), false});
      break;
    }
    if (asked->why) lost.push_back({id, asked->why, true});
    log = *older;
  }
  co_return lost;
}

asio::awaitable<Answer<std::vector<LostBlob>>> check_nodes(asio::any_io_executor executor, TwoStores stores,
                                                           std::vector<BlobId> nodes) {
  const auto blobs = std::make_shared<std::vector<LostBlob>>();  // each its own worker's
  for (const BlobId& id : nodes) blobs->push_back({id, {}, false});
  const Work work = [stores, blobs](std::size_t i) -> asio::awaitable<Answer<void>> {
    LostBlob& blob = (*blobs)[i];
    const Answer<Asked> asked = co_await ask(stores, ContentKind::tree, blob.id);
    if (!asked) co_return asked.error();
    blob.why = asked->why;
    blob.is_restored = asked->plaintext.has_value();
    co_return Answer<void>{};
  };
  const Answer<void> asked = co_await do_at_once(executor, blobs->size(), kReadsAtOnce, work);
  if (!asked) co_return asked.error();
  std::erase_if(*blobs, [](const LostBlob& blob) { return !blob.why; });
  co_return std::move(*blobs);
}

}  // namespace spotfs
