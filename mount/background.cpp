#include "mount/background.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount/option_text.hpp"

namespace spotfs::mount {
namespace {

constexpr std::size_t kMaxLine = 2'000;  // less than PIPE_BUF: one write, one read

Outcome system_failure(const char* what) {
  return {Exit::system, std::string{what} + ": " + std::error_code{errno, std::generic_category()}.message()};
}

void let_terminal_go() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
}

// Descriptors that the caller happened to have, a lock or a pipe that someone waits on, are not kept for ever.
void close_all_but(int keep) {
  if (keep > 3) ::close_range(3, static_cast<unsigned>(keep) - 1, 0);
  ::close_range(static_cast<unsigned>(keep) + 1, ~0U, 0);
}

std::string ending(int status) {
  if (WIFSIGNALED(status))
    return std::string{"signal "} + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

// False: the time is over.
bool wait_readable(int fd, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{fd, POLLIN, 0};
    const int result = ::poll(&entry, 1, static_cast<int>(left.count()));
    if (result > 0) return true;
    if (result < 0 && errno != EINTR) return false;
  }
}

// What the child says, or what becomes of it.
Outcome await(pid_t child, int pipe, std::chrono::milliseconds limit) {
  std::array<char, kMaxLine + 1> message{};
  ssize_t got = 0;
  if (wait_readable(pipe, limit)) {
    got = ::read(pipe, message.data(), message.size());
  } else {
    ::kill(child, SIGKILL);
    return {Exit::failed, "the mount did not work within " + duration_text(limit) + ", and was ended"};
  }
  if (got > 0) return {static_cast<Exit>(message[0]), std::string{&message[1], static_cast<std::size_t>(got) - 1}};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return {Exit::system, "the mount ended before it worked, with " + ending(status)};
}

}  // namespace

bool Report::ready() {
  // Not before: an autofs under the mount lets only its daemon's process group through, and whoever mounts for it is in
  // that. Ctrl-C ends a mount that does not work yet.
  ::setsid();
  const bool told = send({Exit::success, {}});
  if (told) let_terminal_go();
  return told;
}

void Report::failed(const Outcome& outcome) { send(outcome); }

bool Report::send(const Outcome& outcome) {
  if (pipe_ < 0) return false;
  std::string message(1, static_cast<char>(outcome.code));
  message.append(outcome.text, 0, kMaxLine);
  const bool sent = ::write(pipe_, message.data(), message.size()) == static_cast<ssize_t>(message.size());
  ::close(pipe_);
  pipe_ = -1;
  return sent;
}

Outcome in_background(std::chrono::milliseconds limit, const std::function<Exit(Report&)>& work) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("pipe");
  const pid_t child = ::fork();
  if (child < 0) return system_failure("fork");
  if (child == 0) {
    close_all_but(ends[1]);
    if (::chdir("/") != 0) ::_exit(static_cast<int>(Exit::system));
    Report report{ends[1]};
    ::_exit(static_cast<int>(work(report)));
  }
  ::close(ends[1]);
  const Outcome outcome = await(child, ends[0], limit);
  ::close(ends[0]);
  return outcome;
}

}  // namespace spotfs::mount
