// Messages that wait for a listener without a mount, and what ends a listener.
//
// Thread: any. Lifetime: Questions are shared with the taker.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include <poll.h>

#include "client/client.hpp"

namespace spotfs::ctl {

// A signal, or that nobody reads any more what is shown.
class Ends {
 public:
  // signals: a descriptor that is readable once one has come.
  Ends(int signals, bool shows);

  int signals() const noexcept { return all_.front().fd; }
  // To be polled with others; any event is the end.
  const std::array<pollfd, 2>& entries() const noexcept { return all_; }
  bool have_come() const;
  int exit_code() const;  // an error but for a signal, which asks for the end

 private:
  std::array<pollfd, 2> all_;
};

class Questions {
 public:
  using Pointer = std::shared_ptr<spot::Question>;

  spot::Answer<void> put(Pointer question);
  Pointer take(const Ends& ends);  // null: the end has come
  // What comes from now on is refused. Gives what is left.
  std::vector<Pointer> close();

 private:
  static constexpr std::size_t kMost = 1'024;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pointer> waiting_;
  bool is_closed_ = false;
};

}  // namespace spotfs::ctl
