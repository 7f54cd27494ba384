// What must be left of a schedule in the end, and nothing else: in the states of its writers, in their journals, and in
// their store. And how a state that has come about by undoing and applying again is computed afresh.
#include <algorithm>
#include <limits>

#include "client/base/encoding.hpp"
#include "fs/index/keys.hpp"
#include "fs/index/state_keys.hpp"
#include "tests/unit/index/schedule_world.hpp"

namespace spotfs {

// --- States ----------------------------------------------------------------------------------------------------------

// Empty: it is the same, as far as it is in memory. Where the snapshot can't be read, nothing is compared: the line may
// be bad, or a newer one be there of which this writer has not heard.
asio::awaitable<std::string> World::compare_afresh(DiskIndex& index, std::uint64_t& compared) {
  Gaps unread;
  State::Contents now = index.ledger().read([&](const State& state) {
    unread = state.gaps();
    return state.contents();
  });
  std::vector<Operation> operations;
  bool is_young = false;
  index.ledger().read_history([&](const History& history) {
    is_young = history.included().runs().empty();
    for (std::size_t i = 0; i < history.size(); ++i) operations.push_back(history.operation(i));
  });
  Answer<LoadedSnapshot> snapshot = co_await index.read_snapshot_again();
  if (!snapshot && !is_young) co_return std::string{};
  State state = snapshot ? std::move(snapshot->state) : State{{}};
  for (const Operation& operation : operations) apply(state, operation);
  State::Contents afresh = state.contents();
  std::erase_if(afresh.names,
                [&](const auto& name) { return unread.at(name_key(name.first.directory, name.first.name)); });
  const auto is_unread = [&](const auto& inode) { return unread.at(inode_key(inode.first)) != nullptr; };
  std::erase_if(afresh.inodes, is_unread);
  std::erase_if(now.inodes, is_unread);  // the fixed directories are there before they are read
  ++compared;
  if (afresh.names != now.names) co_return "other names than one that is computed afresh";
  const auto is_same = [](const auto& one, const auto& other) {
    return one.first == other.first && *one.second == *other.second;
  };
  if (!std::ranges::equal(afresh.inodes, now.inodes, is_same))
    co_return "other inodes than one that is computed afresh";
  co_return std::string{};
}
void World::compute_afresh(Writer& writer) {
  const std::string difference = run(writer, compare_afresh(disk(writer), counts_.afresh));
  if (!difference.empty() && broken_.empty()) broken_ = "a state has " + difference;
}

// --- The store -------------------------------------------------------------------------------------------------------

// Of the writer's head, its log, and the snapshot that it knows with its base.
std::set<std::string> World::keys_of(Writer& writer) {
  const std::shared_ptr<Journal>& journal = disk(writer).ledger().shared_journal();
  std::set<std::string> out{head_key(journal->writer())};
  std::vector<std::int64_t> places{0};
  for (const LogListBlob& list : journal->lists().value()) {
    out.insert(content_key(list.id));
    places.push_back(list.number);
  }
  for (const std::int64_t place : places) {
    for (const LogPiece& piece : journal->pieces(place).value()) out.insert(content_key(piece.ref.id));
  }
  const Answer<LoadedSnapshot> snapshot = run(writer, disk(writer).read_snapshot_again());
  if (!snapshot) return out;
  for (const auto& shape : {snapshot->shape, snapshot->base_shape}) {
    for (const BlobId& node : shape->ids()) out.insert(content_key(node));
  }
  return out;
}

std::string World::kind_of(const std::string& key, BytesView blob) const {
  for (const ContentKind kind : {ContentKind::data, ContentKind::log, ContentKind::tree}) {
    const Result<Bytes> decoded = spot::from_base64url(key.substr(key.rfind('/') + 1));
    const Bytes raw = decoded ? *decoded : Bytes{};
    BlobId id{};
    std::copy_n(raw.begin(), std::min(raw.size(), id.size()), id.begin());
    if (writers_[0].index->cipher().open(kind, id, blob)) return std::string{" "} + static_cast<char>(kind);
  }
  return {};
}

std::string World::what_is_left() {
  std::set<std::string> named = tree_of(writers_[0]).keys;
  named.insert({kStoreKey, kWritersKey});
  for (Writer& writer : writers_) {
    std::size_t removed = 0;
    disk(writer).ledger().read([&](const State& state) {
      state.each_inode([&](const InodeId&, const InodePtr& inode) {
        if (inode->kind == Kind::removed || inode->kind == Kind::alias) ++removed;
      });
    });
    if (removed != 0) return std::to_string(removed) + " removed inodes are kept";
    const std::set<std::string> keys = keys_of(writer);
    if (std::string trash = trash_of(writer, keys); !trash.empty()) return trash;
    named.insert(keys.begin(), keys.end());
  }
  std::string out;
  for (const auto& [key, blob] : store_->blobs()) {
    // The heads of retired writers stay.
    bool is_known = key.starts_with(".spotfs/w/");
    for (const Writer& writer : writers_) is_known = is_known || writer.line->is_stray(key);
    if (named.contains(key) || is_known) continue;
    const std::string kind = kind_of(key, blob);
    // What is committed a day late may let another's removal take effect whose sweep has let its content go.
    if (!had_long_pause_ || kind != " d") out += " " + key + kind;
  }
  return out.empty() ? out : "nobody names" + out;
}

// What the base alone has is trash by now, and is kept as long as the newest snapshot counts.
std::string World::trash_of(Writer& writer, const std::set<std::string>& named) {
  constexpr std::int64_t any_time = std::numeric_limits<std::int64_t>::max();
  const std::shared_ptr<Journal>& journal = disk(writer).ledger().shared_journal();
  std::uint64_t kept = 0;
  for (const BlobId& id : journal->trash(any_time).value()) kept += named.contains(content_key(id)) ? 1U : 0U;
  const std::uint64_t trash = journal->trash_count() - kept;
  return trash == 0 ? std::string{} : std::to_string(trash) + " contents and blobs are trash";
}

}  // namespace spotfs
