// How what is not in memory of the newest snapshot comes there, and what is done where it can't be had.
#include "fs/index/read_for.hpp"

namespace spotfs {

GapFiller DiskIndex::filler() {
  GapFiller out;
  out.fill = [this](const BlobId& node, const spot::Sha256& hash, State::Contents contents) {
    return ledger_->fill(node, hash, std::move(contents));
  };
  out.lose = [this](const BlobId& node, std::error_code why) {
    ledger_->lose(node, why);
    const bool is_news = lost_nodes_.with([&](std::set<BlobId>& lost) { return lost.insert(node).second; });
    if (is_news && options_.notice) options_.notice(describe_lost(node));
  };
  return out;
}

// The whole of it, for a snapshot.
asio::awaitable<Answer<void>> DiskIndex::read_all() {
  constexpr std::size_t kAtOnce = 256;
  const auto unread = [this] {
    return ledger_->read([](const State& state) { return state.gaps().ahead({}, {}, kAtOnce); });
  };
  const GapFiller gaps = filler();
  for (std::set<BlobId> nodes = unread(); !nodes.empty(); nodes = unread()) {
    if (ends()) co_return Failure{Errc::stopping};
    const Answer<void> read = co_await snapshots_.read_leaves(std::move(nodes), gaps);
    if (!read) co_return read.error();
  }
  const std::error_code lost = ledger_->read([](const State& state) { return state.gaps().lost(); });
  if (lost) co_return Failure{lost, "the newest snapshot"};
  co_return Answer<void>{};
}

}  // namespace spotfs
