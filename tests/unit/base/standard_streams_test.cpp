#include "client/base/standard_streams.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace spot {
namespace {

// In a process of its own; the exit code says what is wrong.
int look(bool close_them) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (close_them) {
      for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(number);
    }
    open_standard_streams();
    struct stat null {};
    struct stat info {};
    ::stat("/dev/null", &null);
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (::fstat(number, &info) != 0) ::_exit(1);
      if (close_them && info.st_rdev != null.st_rdev) ::_exit(2);
    }
    char byte = 0;
    if (close_them && (::write(STDOUT_FILENO, "x", 1) >= 0 || ::read(STDIN_FILENO, &byte, 1) >= 0)) ::_exit(4);
    const int first = ::dup(STDIN_FILENO);
    open_standard_streams();
    const int second = ::dup(STDIN_FILENO);
    ::_exit(first > STDERR_FILENO && second == first + 1 ? 0 : 3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST(StandardStreams, AreThereWhereTheCallerHasClosedThem) { EXPECT_EQ(look(true), 0); }

TEST(StandardStreams, StayAsTheyAreAndCostNoDescriptor) { EXPECT_EQ(look(false), 0); }

}  // namespace
}  // namespace spot
