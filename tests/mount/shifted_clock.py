"""A clock that is wrong for one program: a library to be loaded before libc, and the file that says by how much."""

import mmap
import shutil
import struct
import subprocess

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile long long* shift; /* seconds: of the wall clock, of the time since boot */

__attribute__((constructor)) static void start(void) {
  const char* path = getenv("CLOCK_SHIFT");
  if (!path) return;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) abort();
  void* mapped = mmap(NULL, 16, PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) abort();
  close(file);
  shift = mapped;
}

int clock_gettime(clockid_t id, struct timespec* result) {
  const long failed = syscall(SYS_clock_gettime, id, result);
  if (failed || !shift) return (int)failed;
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) result->tv_sec += shift[0];
  if (id == CLOCK_BOOTTIME) result->tv_sec += shift[1];
  return 0;
}

/* With CLOCK_JUMPS in the environment: who waits for a jump of the clock is told of one a second later. */
int timerfd_settime(int timer, int flags, const struct itimerspec* value, struct itimerspec* old) {
  const struct itimerspec soon = {.it_value = {.tv_sec = 1}};
  const int waits = (flags & TFD_TIMER_CANCEL_ON_SET) && getenv("CLOCK_JUMPS");
  return (int)syscall(SYS_timerfd_settime, timer, waits ? 0 : flags, waits ? &soon : value, old);
}

int gettimeofday(struct timeval* restrict result, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  result->tv_sec = now.tv_sec;
  result->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
"""


def has_compiler():
    return shutil.which("cc") is not None


class ShiftedClock:
    def __init__(self, directory):
        self._file = directory / "shift"
        library = directory / "clock.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", library], input=SOURCE, text=True, check=True
        )
        self._file.write_bytes(bytes(16))
        with self._file.open("r+b") as file:
            self._shift = mmap.mmap(file.fileno(), 16)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._file)}

    def set(self, wall, since_boot=None):
        """Seconds that the program's clocks are ahead."""
        struct.pack_into("@q", self._shift, 0, wall)
        if since_boot is not None:
            struct.pack_into("@q", self._shift, 8, since_boot)
