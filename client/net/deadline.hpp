// One timer for many deadlines.
//
// Thread: any. Lifetime: shared; entries keep the queue, not the other way round. After close() nothing expires.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "client/base/sync.hpp"

namespace spot {

namespace asio = boost::asio;

class DeadlineQueue : public std::enable_shared_from_this<DeadlineQueue> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  class Expiring {
   public:
    virtual ~Expiring() = default;
    virtual void expire() = 0;
  };

  // Takes its entry out again.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept;
    Entry& operator=(Entry&& other) noexcept;
    ~Entry() { cancel(); }
    void cancel() noexcept;

   private:
    friend class DeadlineQueue;
    std::shared_ptr<DeadlineQueue> queue_;
    std::multimap<TimePoint, std::weak_ptr<Expiring>>::iterator at_{};
  };

  explicit DeadlineQueue(asio::any_io_executor executor);

  // The entry must go before `what` does.
  [[nodiscard]] Entry add(TimePoint when, std::weak_ptr<Expiring> what);
  void close();

 private:
  struct State {
    std::multimap<TimePoint, std::weak_ptr<Expiring>> entries;
    TimePoint armed = TimePoint::max();
    bool closed = false;
  };

  void arm(TimePoint when);
  void expire_due();

  asio::strand<asio::any_io_executor> strand_;
  asio::steady_timer timer_;  // on the strand
  Synchronized<State> state_;
};

}  // namespace spot
