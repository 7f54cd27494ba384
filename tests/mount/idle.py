"""Mounts that nobody uses, and what they cost: they wait beside whatever else a suite does meanwhile."""

import os
import pathlib
import time

MINUTE = 60


def processor_time(pid):
    """Seconds that a process has run for, itself and in the kernel."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Idle:
    def __init__(self, **mounts):
        self._mounts = mounts
        self._begin = time.monotonic()
        self._before = {name: processor_time(mount.pid) for name, mount in mounts.items()}

    def minute(self):
        """Waits until a minute is over. Gives seconds of processor time a minute, by name."""
        time.sleep(max(0, self._begin + MINUTE - time.monotonic()))
        passed = time.monotonic() - self._begin
        return {
            name: (processor_time(mount.pid) - self._before[name]) * MINUTE / passed
            for name, mount in self._mounts.items()
        }
