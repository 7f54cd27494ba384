#include "mount/relay/checkpointer.hpp"

namespace spot::relay {

void checkpoint(sqlite::Connection& connection) noexcept {
  sqlite3_wal_checkpoint_v2(connection.native(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

Checkpointer::Checkpointer(sqlite::Connection connection)
    : connection_{std::move(connection)}, thread_{[this] { run(); }} {}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Checkpointer::wake() {
  {
    const std::lock_guard lock{mutex_};
    wanted_ = true;
  }
  changed_.notify_one();
}

void Checkpointer::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    checkpoint(connection_);
    lock.lock();
  }
}

}  // namespace spot::relay
