// The kernel's end of a FUSE connection, over a socket pair: one message is one request or one answer.
//
// Thread: one. Waiting ends with a failed test after ten seconds.
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <unistd.h>

namespace spotfs::test {

class FakeKernel {
 public:
  struct Answer {
    std::uint64_t unique = 0;  // 0: a notification, `error` is its code
    int error = 0;             // negative errno
    std::string body;

    template <class T>
    T as() const {
      T value{};
      EXPECT_GE(body.size(), sizeof(T));
      std::memcpy(&value, body.data(), std::min(sizeof(T), body.size()));
      return value;
    }
  };

  FakeKernel() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_.data()), 0);
    const timeval limit{10, 0};
    setsockopt(ends_[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~FakeKernel() { unmount(); }
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  int device() const { return ends_[1]; }  // the session's end; it takes it over
  void unmount() {
    if (ends_[0] >= 0) close(std::exchange(ends_[0], -1));
  }

  template <class T>
  static std::string raw(const T& value) {
    return copy(&value, sizeof value);
  }
  static std::string name(const std::string& text) { return copy(text.c_str(), text.size() + 1); }

  // Returns the request's number.
  std::uint64_t send(std::uint32_t opcode, std::uint64_t node, const std::string& body = {}) {
    const std::uint64_t unique = (next_ += 2);
    send_as(unique, opcode, node, body);
    return unique;
  }
  void send_as(std::uint64_t unique, std::uint32_t opcode, std::uint64_t node, const std::string& body = {}) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = unique;
    header.nodeid = node;
    header.uid = 1000;
    header.gid = 1000;
    header.pid = 42;
    const std::string message = raw(header) + body;
    EXPECT_EQ(::send(ends_[0], message.data(), message.size(), MSG_NOSIGNAL), static_cast<ssize_t>(message.size()));
  }
  void interrupt(std::uint64_t unique) { send_as(unique | 1, FUSE_INTERRUPT, 0, raw(fuse_interrupt_in{unique})); }

  Answer receive() {
    if (!early_.empty()) {
      Answer first = std::move(early_.front());
      early_.pop_front();
      return first;
    }
    return read();
  }
  Answer answer_to(std::uint64_t unique) {
    for (auto one = early_.begin(); one != early_.end(); ++one) {
      if (one->unique != unique) continue;
      Answer found = std::move(*one);
      early_.erase(one);
      return found;
    }
    while (true) {
      Answer next = read();
      if (next.unique == unique || ::testing::Test::HasFatalFailure() || next.error == -ETIME) return next;
      early_.push_back(std::move(next));
    }
  }
  Answer ask(std::uint32_t opcode, std::uint64_t node, const std::string& body = {}) {
    return answer_to(send(opcode, node, body));
  }

  Answer init() {
    fuse_init_in in{};
    in.major = FUSE_KERNEL_VERSION;
    in.minor = FUSE_KERNEL_MINOR_VERSION;
    in.max_readahead = 131072;
    in.flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_MAX_PAGES | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
               FUSE_HANDLE_KILLPRIV | FUSE_WRITEBACK_CACHE | FUSE_PARALLEL_DIROPS | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
    return ask(FUSE_INIT, 0, raw(in));
  }
  Answer lookup(std::uint64_t parent, const std::string& child) { return ask(FUSE_LOOKUP, parent, name(child)); }
  std::uint64_t id_of(std::uint64_t parent, const std::string& child) {
    return lookup(parent, child).as<fuse_entry_out>().nodeid;
  }
  std::uint64_t open(std::uint64_t node, std::uint32_t flags = 0, std::uint32_t opcode = FUSE_OPEN) {
    fuse_open_in in{};
    in.flags = flags;
    const Answer answer = ask(opcode, node, raw(in));
    EXPECT_EQ(answer.error, 0);
    return answer.as<fuse_open_out>().fh;
  }
  Answer read(std::uint64_t node, std::uint64_t handle, std::uint64_t offset, std::uint32_t size,
              std::uint32_t opcode = FUSE_READ) {
    fuse_read_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = size;
    return ask(opcode, node, raw(in));
  }
  void forget(std::uint64_t node, std::uint64_t count) { send(FUSE_FORGET, node, raw(fuse_forget_in{count})); }

 private:
  // Not inline: g++ 12 sees writes out of bounds where the sizes of concatenated strings are known.
  [[gnu::noinline]] static std::string copy(const void* data, std::size_t size) {
    return {static_cast<const char*>(data), size};
  }

  Answer read() {
    std::vector<char> buffer(1 << 20);
    const ssize_t got = recv(ends_[0], buffer.data(), buffer.size(), 0);
    Answer answer;
    answer.error = -ETIME;
    EXPECT_GE(got, static_cast<ssize_t>(sizeof(fuse_out_header))) << "no answer";
    if (got < static_cast<ssize_t>(sizeof(fuse_out_header))) return answer;
    fuse_out_header header{};
    std::memcpy(&header, buffer.data(), sizeof header);
    answer.unique = header.unique;
    answer.error = header.error;
    answer.body.assign(buffer.data() + sizeof header, static_cast<std::size_t>(got) - sizeof header);
    return answer;
  }

  std::array<int, 2> ends_{-1, -1};
  std::uint64_t next_ = 0;
  std::deque<Answer> early_;  // read while another was waited for
};

}  // namespace spotfs::test
