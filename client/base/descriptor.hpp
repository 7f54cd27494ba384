// A file descriptor that closes itself, and what is written to one as a whole.
//
// Thread: a value. Lifetime: move-only. Errors: false where errno says why.
#pragma once

#include <utility>

#include <sys/types.h>
#include <unistd.h>

#include "client/base/bytes.hpp"

namespace spot {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_{number} {}
  Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  explicit operator bool() const noexcept { return number_ >= 0; }
  int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

// All of the bytes, whatever interrupts: where the file is, or from byte `at` on.
bool write_all(int file, BytesView bytes) noexcept;
bool write_all(int file, BytesView bytes, off_t at) noexcept;

}  // namespace spot
