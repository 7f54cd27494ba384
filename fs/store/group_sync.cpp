#include "fs/store/group_sync.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "fs/store/directories.hpp"

namespace spotfs {

using spot::Answer;
using spot::Descriptor;
using spot::Errc;
using spot::Failure;

Answer<std::unique_ptr<GroupSync>> GroupSync::open(const std::filesystem::path& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return system_failure(path);
  if (Answer<void> synced = sync_directory(path.parent_path()); !synced) return synced.error();
  return std::unique_ptr<GroupSync>{new GroupSync{path, std::move(file)}};
}

GroupSync::GroupSync(std::filesystem::path path, Descriptor file)
    : path_{std::move(path)}, file_{std::move(file)}, thread_{[this] { run(); }} {}

GroupSync::~GroupSync() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void GroupSync::run() {
  for (;;) {
    std::vector<Done::Pointer> answered;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      answered.swap(waiting_);
    }
    Answer<void> done;
    if (::fdatasync(file_.get()) != 0) done = system_failure(path_);
    for (const Done::Pointer& one : answered) one->give(done);
  }
}

boost::asio::awaitable<Answer<void>> GroupSync::sync() {
  const auto done = std::make_shared<Done>();
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) co_return Failure{Errc::stopping};
    waiting_.push_back(done);
  }
  changed_.notify_one();
  co_return co_await Done::wait(done);
}

}  // namespace spotfs
