// An alarm that never rings: no time passes by itself, and what is due is done when someone asks for something.
//
// Thread: as Alarm.
#pragma once

#include <memory>

#include "fs/store/alarm.hpp"

namespace spotfs {

class OnlyWoken final : public Alarm {
 public:
  explicit OnlyWoken(const asio::any_io_executor& executor) : alarm_{make_alarm(executor)} {}
  asio::awaitable<void> wait(std::chrono::nanoseconds) override { return alarm_->wait(std::chrono::hours{24}); }
  void wake() override { alarm_->wake(); }

 private:
  std::shared_ptr<Alarm> alarm_;
};

}  // namespace spotfs
