#include "mount/ctl/questions.hpp"

#include <unistd.h>

#include "mount/ctl/output.hpp"

namespace spotfs::ctl {

using spot::Failure;
using namespace std::chrono_literals;

namespace {

constexpr auto kLook = 200ms;  // at whether the end has come

bool has_event(pollfd entry) { return ::poll(&entry, 1, 0) > 0; }

}  // namespace

// That a reader has gone is told without being asked for; poll(2) passes over what is no descriptor.
Ends::Ends(int signals, bool shows) : all_{{{signals, POLLIN, 0}, {shows ? STDOUT_FILENO : -1, 0, 0}}} {}

bool Ends::have_come() const { return has_event(all_[0]) || has_event(all_[1]); }

int Ends::exit_code() const { return !has_event(all_[0]) && has_event(all_[1]) ? kFailed : kDone; }

spot::Answer<void> Questions::put(Pointer question) {
  const std::lock_guard lock{mutex_};
  if (is_closed_) return Failure{spot::Errc::stopping, "the listener ends"};
  if (waiting_.size() >= kMost) return Failure{spot::Errc::rate_exceeded, "too many messages wait for an answer"};
  waiting_.push_back(std::move(question));
  changed_.notify_one();
  return {};
}

Questions::Pointer Questions::take(const Ends& ends) {
  std::unique_lock lock{mutex_};
  while (waiting_.empty() && !ends.have_come()) changed_.wait_for(lock, kLook);
  if (waiting_.empty() || ends.have_come()) return nullptr;
  Pointer question = std::move(waiting_.front());
  waiting_.pop_front();
  return question;
}

std::vector<Questions::Pointer> Questions::close() {
  const std::lock_guard lock{mutex_};
  is_closed_ = true;
  std::vector<Pointer> left{waiting_.begin(), waiting_.end()};
  waiting_.clear();
  return left;
}

}  // namespace spotfs::ctl
