// Standard input, output and error, as a program may count on them.
//
// Thread: the main thread, before there is any other.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace spot {

// Opens /dev/null where one of them is closed: a socket or a file would get its number, and with it what is written
// there, or be lost when the terminal is let go. A read of standard input and a write to standard output fail, as if it
// were closed: nobody meant an empty input, and the output is what was asked for.
inline void open_standard_streams() noexcept {
  for (;;) {
    int lowest = ::open("/dev/null", O_WRONLY);
    if (lowest == STDOUT_FILENO) {
      ::close(lowest);
      lowest = ::open("/dev/null", O_RDONLY);
    }
    if (lowest >= 0 && lowest <= STDERR_FILENO) continue;
    if (lowest > STDERR_FILENO) ::close(lowest);
    return;
  }
}

}  // namespace spot
