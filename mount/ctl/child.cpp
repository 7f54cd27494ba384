#include "mount/ctl/child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"

extern char** environ;  // NOLINT: POSIX's own

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Descriptor;
using spot::Failure;

constexpr std::size_t kMostErrors = 1'024;
constexpr int kGrace = 2'000;  // milliseconds to end by itself

struct Pipe {
  Descriptor read, write;
};

Failure failure(const std::string& what, int number) { return tree::about(what, {number, std::generic_category()}); }

Answer<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failure("a pipe", errno);
  return Pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

std::vector<std::string> environment_of(const Program& program) {
  std::vector<std::string> out;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view one = *at;
    const bool is_ours = std::ranges::any_of(
        program.environment, [&](const auto& pair) { return one.substr(0, one.find('=')) == pair.first; });
    if (!is_ours) out.emplace_back(one);
  }
  for (const auto& [name, value] : program.environment) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

Answer<pid_t> start(const Program& program, int in, int out, int errors) {
  std::vector<std::string> words = program.words, environment = environment_of(program);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&how);
  ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
  // Sockets of a client would stay open with what it leaves in the background, and the relay would send to them.
  ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  sigset_t usual, blocked;
  ::sigemptyset(&usual);
  ::sigemptyset(&blocked);
  ::sigaddset(&usual, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&how, &usual);
  ::posix_spawnattr_setsigmask(&how, &blocked);
  ::posix_spawnattr_setpgroup(&how, 0);
  int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  if (!program.is_in_our_group) flags |= POSIX_SPAWN_SETPGROUP;
  ::posix_spawnattr_setflags(&how, static_cast<short>(flags));
  pid_t child = 0;
  const int number =
      ::posix_spawnp(&child, words.front().c_str(), &files, &how, pointers(words).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&how);
  if (number != 0) return failure(program.words.front(), number);
  return child;
}

// Reads some of it; false: the end.
bool take(int from, std::string& to) {
  std::array<char, 16'384> part{};
  const ssize_t size = ::read(from, part.data(), part.size());
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  to.append(part.data(), static_cast<std::size_t>(size));
  return size != 0;
}

// What is there by now, and no more: others may hold the other end still.
void take_rest(const Descriptor& from, std::string& to) {
  int left = 0;
  if (!from || ::ioctl(from.get(), FIONREAD, &left) != 0) return;
  const std::size_t end = to.size() + static_cast<std::size_t>(left);
  while (to.size() < end && take(from.get(), to)) continue;
}

enum class Talk { whole, too_much, stopped };

// Moves bytes until the program has ended, or both of its outputs.
Talk converse(const Program& program, const Descriptor& process, Descriptor in, Descriptor out, Descriptor errors,
              Ended& ended) {
  ::fcntl(in.get(), F_SETFL, O_NONBLOCK);
  std::string_view rest = program.input;
  bool is_over = false;
  while (!is_over && (out || errors)) {
    if (rest.empty()) in = Descriptor{};
    // poll(2) passes over what is closed.
    std::array<pollfd, 5> all{{{in.get(), POLLOUT, 0},
                               {out.get(), POLLIN, 0},
                               {errors.get(), POLLIN, 0},
                               {process.get(), POLLIN, 0},
                               {program.stop, POLLIN, 0}}};
    if (::poll(all.data(), all.size(), -1) < 0) continue;
    if (all[4].revents != 0) return Talk::stopped;
    is_over = all[3].revents != 0;
    if (all[0].revents != 0) {
      const ssize_t size = ::write(in.get(), rest.data(), rest.size());
      if (size > 0) rest.remove_prefix(static_cast<std::size_t>(size));
      if (size < 0 && errno != EAGAIN && errno != EINTR) rest = {};  // it does not want the rest
    }
    if (is_over) {
      take_rest(out, ended.out);
      take_rest(errors, ended.errors);
    } else {
      if (all[1].revents != 0 && !take(out.get(), ended.out)) out = Descriptor{};
      if (all[2].revents != 0 && !take(errors.get(), ended.errors)) errors = Descriptor{};
    }
    if (ended.out.size() > program.most) return Talk::too_much;
    if (ended.errors.size() > kMostErrors) ended.errors.resize(kMostErrors);
  }
  return Talk::whole;
}

// One that has closed its outputs may go on for long.
bool wait_end(const Descriptor& process, int stop) {
  for (;;) {
    std::array<pollfd, 2> all{{{process.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    if (!process) return true;
    if (::poll(all.data(), all.size(), -1) < 0) continue;
    return all[0].revents != 0;
  }
}

// Asks them to end, and does not wait for long. `who` as for kill(2).
void stop(pid_t who, const Descriptor& process) {
  ::kill(who, SIGTERM);
  pollfd entry{process.get(), POLLIN, 0};
  if (process) ::poll(&entry, 1, kGrace);
  ::kill(who, SIGKILL);
}

}  // namespace

Answer<Ended> run_program(const Program& program) {
  Answer<Pipe> in = make_pipe(), out = make_pipe(), errors = make_pipe();
  for (const Answer<Pipe>* const one : {&in, &out, &errors}) {
    if (!*one) return one->error();
  }
  const Answer<pid_t> child = start(program, in->read.get(), out->write.get(), errors->write.get());
  if (!child) return child.error();
  in->read = Descriptor{};
  out->write = Descriptor{};
  errors->write = Descriptor{};
  const Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, *child, 0))};
  Ended ended;
  Talk talk = converse(program, process, std::move(in->write), std::move(out->read), std::move(errors->read), ended);
  if (talk == Talk::whole && !wait_end(process, program.stop)) talk = Talk::stopped;
  const pid_t who = program.is_in_our_group ? *child : -*child;
  if (talk == Talk::too_much) ::kill(who, SIGKILL);
  if (talk == Talk::stopped) stop(who, process);
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) continue;
  const std::string name = spot::printable(program.words.front());
  if (talk == Talk::stopped) return Failure{spot::Errc::stopping, name + " was ended with spotfsctl"};
  if (talk == Talk::too_much)
    return Failure{spot::Errc::too_large, name + " says more than " + std::to_string(program.most) + " bytes"};
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

}  // namespace spotfs::ctl
