#include "fs/index/writer_directory.hpp"

#include <boost/asio/this_coro.hpp>

namespace spotfs {

namespace {

constexpr std::chrono::milliseconds kLookAgain{100};

using Taken = std::variant<LockedDirectory, LockedDirectory::Busy>;

bool is_draining(const Taken& taken) {
  const auto* busy = std::get_if<LockedDirectory::Busy>(&taken);
  return busy && *busy == LockedDirectory::Busy::draining;
}

}  // namespace

asio::awaitable<Answer<LockedDirectory>> take_writer_directory(const StateRoot& root, BlobId store,
                                                               const IndexOptions& options) {
  const std::shared_ptr<Alarm> alarm = options.alarm(co_await asio::this_coro::executor);
  const Clock::Steady deadline = options.clock->steady() + options.wait_for_drain;
  for (;;) {
    bool draining = false;
    std::vector<std::filesystem::path> paths = root.writers(store);
    paths.push_back(root.new_writer(store));
    for (const std::filesystem::path& path : paths) {
      if (draining && path == paths.back()) break;
      Answer<Taken> taken = LockedDirectory::take(path);
      if (!taken) co_return taken.error();
      if (LockedDirectory* directory = std::get_if<LockedDirectory>(&*taken)) co_return std::move(*directory);
      draining = draining || is_draining(*taken);
    }
    if (draining && options.clock->steady() >= deadline)
      co_return Failure{Errc::timed_out,
                        "an earlier mount is still sending what was written to it: wait for it to end"};
    co_await alarm->wait(kLookAgain);
  }
}

std::vector<LockedDirectory> take_abandoned(const StateRoot& root, const BlobId& store) {
  std::vector<LockedDirectory> out;
  for (const std::filesystem::path& path : root.writers(store)) {
    Answer<Taken> taken = LockedDirectory::take(path);
    if (!taken) continue;
    if (LockedDirectory* directory = std::get_if<LockedDirectory>(&*taken)) out.push_back(std::move(*directory));
  }
  return out;
}

}  // namespace spotfs
