// One request of the kernel, which is answered exactly once, whatever happens to the one who has it.
//
// Each answer ends it; one that is dropped without an answer gets EIO. Answers say whether the kernel took them: if not
// (the caller is gone, the mount is), what was handed out with the answer has to be taken back.
//
// Thread: one at a time; interrupts come on any. Lifetime: moves with its owner.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "client/base/histogram.hpp"
#include "fs/fuse/libfuse.hpp"
#include "fs/tree/file.hpp"

namespace spotfs::fuse {

using namespace tree;

struct alignas(64) Counter {  // a line of the cache is shared with no other operation
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> failures{0};
  spot::Histogram took;  // from the request to its answer
};

class Request {
 public:
  Request(fuse_req_t request, Counter& counter) noexcept;
  Request(Request&& other) noexcept;
  Request& operator=(Request&&) = delete;
  ~Request();

  Caller caller() const noexcept;
  fuse_req_t raw() const noexcept { return request_; }
  bool answered() const noexcept { return request_ == nullptr; }

  // `interrupted(request, data)` is called on another thread when the caller gives up, or at once if it has; never
  // after the answer.
  void watch(fuse_interrupt_func_t interrupted, void* data) noexcept;

  void fail(int number) noexcept;  // see answerable()
  bool done() noexcept;            // success, with nothing to tell
  void none() noexcept;            // of those that take no answer (FORGET)
  bool attributes(const struct stat& stat, double timeout) noexcept;
  bool entry(const fuse_entry_param& entry) noexcept;
  bool created(const fuse_entry_param& entry, const fuse_file_info& info) noexcept;
  bool opened(const fuse_file_info& info) noexcept;
  bool bytes(BytesView bytes) noexcept;
  bool link_target(const std::string& target) noexcept;
  bool written(std::size_t size) noexcept;
  bool space(const struct statvfs& space) noexcept;
  bool xattr_size(std::size_t size) noexcept;
  bool position(std::uint64_t position) noexcept;
  bool events(unsigned events) noexcept;

 private:
  fuse_req_t take() noexcept;

  fuse_req_t request_;
  Counter* counter_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool watched_ = false;
};

}  // namespace spotfs::fuse
