#include "fs/fuse/readers.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <pthread.h>

#include "fs/fuse/libfuse.hpp"

namespace spotfs::fuse {
namespace {

// Ends a read that waits. By default it is ignored, so that one which comes late does no harm.
constexpr int wake_signal = SIGURG;

void install_wake_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigemptyset(&action.sa_mask);
  sigaction(wake_signal, &action, nullptr);  // without SA_RESTART
}

// A reader runs no handlers but that one: a program's signals are for its other threads.
void mask_other_signals() {
  sigset_t others;
  sigfillset(&others);
  sigdelset(&others, wake_signal);
  pthread_sigmask(SIG_SETMASK, &others, nullptr);
}

}  // namespace

Readers::Readers(fuse_session* session, std::function<void()> served, std::function<void(std::string)> ended)
    : session_{session}, served_{std::move(served)}, ended_{std::move(ended)} {}

Readers::~Readers() { stop(); }

void Readers::start(unsigned count) {
  install_wake_signal();
  for (unsigned i = 0; i < count; ++i) {
    {
      const std::lock_guard lock{mutex_};
      ++running_;
    }
    threads_.emplace_back([this] {
      mask_other_signals();
      read_requests();
      const std::lock_guard lock{mutex_};
      --running_;
      gone_.notify_all();
    });
  }
}

void Readers::stop() {
  stopping_ = true;
  {
    // A signal that comes between the look at stopping_ and the read is lost: hence again until all are gone.
    std::unique_lock lock{mutex_};
    while (running_ != 0) {
      for (std::thread& thread : threads_) pthread_kill(thread.native_handle(), wake_signal);
      gone_.wait_for(lock, std::chrono::milliseconds{10}, [this] { return running_ == 0; });
    }
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Readers::read_requests() {
  fuse_buf buffer{};
  std::string wrong;
  while (!stopping_) {
    const int got = fuse_session_receive_buf(session_, &buffer);
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got < 0) wrong = std::error_code{-got, std::generic_category()}.message();
    if (got <= 0) break;
    fuse_session_process_buf(session_, &buffer);
    served_();
  }
  std::free(buffer.mem);
  if (!stopping_) ended_(std::move(wrong));
}

}  // namespace spotfs::fuse
