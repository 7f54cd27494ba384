#include "tests/unit/relay/relay_program.hpp"

#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace spot::relay {
namespace {

constexpr int kPatience = 20'000;  // milliseconds without a word from it
constexpr std::string_view kListens = " listens on ";

}  // namespace

RelayProgram::RelayProgram(std::vector<std::string> arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::system_category(), "pipe"};
  output_ = ends[0];
  std::string program = SPOT_RELAY;
  std::vector<char*> words{program.data()};
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  const int failed = ::posix_spawn(&pid_, SPOT_RELAY, &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) throw std::system_error{failed, std::system_category(), SPOT_RELAY};
}

RelayProgram::~RelayProgram() {
  if (pid_ > 0) end(SIGKILL);
  ::close(output_);
}

bool RelayProgram::read_more() {
  pollfd ready{output_, POLLIN, 0};
  if (::poll(&ready, 1, kPatience) != 1) return false;
  char buffer[4096];
  const auto size = ::read(output_, buffer, sizeof buffer);
  if (size <= 0) return false;
  log_.append(buffer, static_cast<std::size_t>(size));
  return true;
}

std::string RelayProgram::wait_listening() {
  for (;;) {
    const auto at = log_.find(kListens);
    const auto end = at == log_.npos ? log_.npos : log_.find('\n', at);
    if (end != log_.npos) return log_.substr(at + kListens.size(), end - at - kListens.size());
    if (!read_more()) return {};
  }
}

void RelayProgram::signal(int number) {
  if (pid_ > 0) ::kill(pid_, number);
}

void RelayProgram::freeze() {
  signal(SIGSTOP);
  if (pid_ > 0) ::waitpid(pid_, nullptr, WUNTRACED);
}

int RelayProgram::wait() {
  // Its end closes the pipe, as it alone has the other side.
  pollfd ready{output_, POLLIN, 0};
  while (read_more()) {
  }
  if (::poll(&ready, 1, 0) == 0) {  // open still, and silent
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    return -SIGALRM;
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace spot::relay
