#include "fs/fuse/request.hpp"

#include <cerrno>
#include <utility>

#include "fs/fuse/convert.hpp"

namespace spotfs::fuse {

Request::Request(fuse_req_t request, Counter& counter) noexcept : request_{request}, counter_{&counter} {
  counter.calls.fetch_add(1, std::memory_order_relaxed);
}

Request::Request(Request&& other) noexcept
    : request_{std::exchange(other.request_, nullptr)},
      counter_{other.counter_},
      begun_{other.begun_},
      watched_{std::exchange(other.watched_, false)} {}

Request::~Request() {
  if (request_ != nullptr) fail(EIO);
}

Caller Request::caller() const noexcept {
  const fuse_ctx* context = fuse_req_ctx(request_);
  return {context->uid, context->gid, context->pid, context->umask};
}

void Request::watch(fuse_interrupt_func_t interrupted, void* data) noexcept {
  watched_ = true;
  fuse_req_interrupt_func(request_, interrupted, data);
}

// Waits for an interrupt that is being told at this moment, so that none comes later.
fuse_req_t Request::take() noexcept {
  if (watched_) fuse_req_interrupt_func(request_, nullptr, nullptr);
  counter_->took.add(std::chrono::steady_clock::now() - begun_);
  return std::exchange(request_, nullptr);
}

void Request::fail(int number) noexcept {
  counter_->failures.fetch_add(1, std::memory_order_relaxed);
  fuse_reply_err(take(), answerable(number));
}

bool Request::done() noexcept { return fuse_reply_err(take(), 0) == 0; }
void Request::none() noexcept { fuse_reply_none(take()); }
bool Request::attributes(const struct stat& stat, double timeout) noexcept {
  return fuse_reply_attr(take(), &stat, timeout) == 0;
}
bool Request::entry(const fuse_entry_param& entry) noexcept { return fuse_reply_entry(take(), &entry) == 0; }
bool Request::created(const fuse_entry_param& entry, const fuse_file_info& info) noexcept {
  return fuse_reply_create(take(), &entry, &info) == 0;
}
bool Request::opened(const fuse_file_info& info) noexcept { return fuse_reply_open(take(), &info) == 0; }
bool Request::bytes(BytesView bytes) noexcept {
  return fuse_reply_buf(take(), reinterpret_cast<const char*>(bytes.data()), bytes.size()) == 0;
}
bool Request::link_target(const std::string& target) noexcept {
  return fuse_reply_readlink(take(), target.c_str()) == 0;
}
bool Request::written(std::size_t size) noexcept { return fuse_reply_write(take(), size) == 0; }
bool Request::space(const struct statvfs& space) noexcept { return fuse_reply_statfs(take(), &space) == 0; }
bool Request::xattr_size(std::size_t size) noexcept { return fuse_reply_xattr(take(), size) == 0; }
bool Request::position(std::uint64_t position) noexcept {
  return fuse_reply_lseek(take(), static_cast<off_t>(position)) == 0;
}
bool Request::events(unsigned events) noexcept { return fuse_reply_poll(take(), events) == 0; }

}  // namespace spotfs::fuse
