// How the parts of the index do what may need nodes that are not in memory.
#pragma once

#include "fs/index/disk_index.hpp"

namespace spotfs {

// What a lost node had may still be told by the base of the snapshot and the logs: who waits for it, waits for that.
template <class Work>
asio::awaitable<typename AfterReading<std::invoke_result_t<const Work&>>::Type> DiskIndex::read_for(const Work& work,
                                                                                                    By by) {
  using After = AfterReading<std::invoke_result_t<const Work&>>;
  for (;;) {
    auto tried = attempt(work);
    if (tried.done) co_return std::move(*tried.done);
    if (tried.unread.empty()) {
      if (by == By::loop || !has_lost_nodes()) co_return After::error(Failure{tried.why});
      const Answer<void> fallen = co_await fall_back();
      if (!fallen) co_return After::error(Failure{tried.why});
      continue;
    }
    const GapFiller gaps = filler();
    const Answer<void> read = co_await snapshots_.read_leaves(std::move(tried.unread), gaps);
    if (!read) co_return After::error(read.error());
  }
}

template <class Read>
asio::awaitable<std::invoke_result_t<const Read&, const State&>> DiskIndex::ask(const Read& read) {
  const auto work = [&] { return ledger_->read(read); };
  co_return co_await read_for(work, By::caller);
}

}  // namespace spotfs
