#include "fs/fuse/core.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>

#include "fs/fuse/call.hpp"

namespace spotfs::fuse {

void Waiting::add(const std::shared_ptr<Call>& call) {
  int number = 0;
  {
    const std::lock_guard lock{mutex_};
    calls_.insert(call);
    number = cancelled_;
  }
  if (number != 0) call->cancel(number);
}

void Waiting::remove(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock{mutex_};
  calls_.erase(call);
  removed();
}

void Waiting::add_release() {
  const std::lock_guard lock{mutex_};
  ++releases_;
}

void Waiting::remove_release() {
  const std::lock_guard lock{mutex_};
  --releases_;
  removed();
}

// Under the lock, so that the one who waits can't go, and take us along, before we are done.
void Waiting::removed() {
  if (calls_.empty() && releases_ == 0) empty_.notify_all();
}

void Waiting::cancel_all(int number) {
  std::unordered_set<std::shared_ptr<Call>> calls;
  {
    const std::lock_guard lock{mutex_};
    cancelled_ = number;
    calls = calls_;
  }
  for (const auto& call : calls) call->cancel(number);
}

void Waiting::wait_empty() {
  std::unique_lock lock{mutex_};
  empty_.wait(lock, [this] { return calls_.empty() && releases_ == 0; });
}

std::size_t Waiting::size() const {
  const std::lock_guard lock{mutex_};
  return calls_.size() + releases_;
}

void Core::say(std::string_view where, std::string_view what) const noexcept try {
  if (log) log(std::string{where} + ": " + std::string{what});
} catch (const std::exception&) {
  // A line that can't be written is no reason to end the mount.
}

void Core::release(std::shared_ptr<OpenFile> file) {
  waiting.add_release();
  OpenFile& open = *file;
  asio::co_spawn(asio::make_strand(io), open.release(Caller{}),
                 [this, kept = std::move(file)](const std::exception_ptr& failed) mutable {
                   kept.reset();
                   if (failed) say("release", "an exception ended it");
                   waiting.remove_release();
                 });
}

void Core::release_all() {
  for (auto& file : files.take_all()) release(std::move(file));
}

}  // namespace spotfs::fuse
