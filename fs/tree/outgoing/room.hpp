// Memory for what others make us keep: bounded for all of them together.
//
// Thread: any. Lifetime: shares keep their room.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace spotfs::tree {

class Room {
 public:
  explicit Room(std::size_t limit) : limit_{limit} {}  // bytes
  std::size_t taken() const noexcept { return taken_; }

 private:
  friend class Share;
  bool take(std::size_t bytes) noexcept {
    std::size_t before = taken_;
    do {
      if (bytes > limit_ - before) return false;
    } while (!taken_.compare_exchange_weak(before, before + bytes));
    return true;
  }
  void give_back(std::size_t bytes) noexcept { taken_ -= bytes; }

  const std::size_t limit_;
  std::atomic<std::size_t> taken_{0};
};

// What one has taken of it. Thread: one at a time.
class Share {
 public:
  Share() = default;                                                      // of a room without a limit
  explicit Share(std::shared_ptr<Room> room) : room_{std::move(room)} {}  // null: without a limit
  Share(Share&& other) noexcept : room_{std::move(other.room_)}, bytes_{std::exchange(other.bytes_, 0)} {}
  Share& operator=(Share&&) = delete;
  ~Share() { clear(); }

  // False: there is no room for that much more.
  bool take(std::size_t bytes) noexcept {
    if (room_ && !room_->take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }
  void clear() noexcept {
    if (room_) room_->give_back(bytes_);
    bytes_ = 0;
  }

 private:
  std::shared_ptr<Room> room_;
  std::size_t bytes_ = 0;
};

}  // namespace spotfs::tree
