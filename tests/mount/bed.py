"""Mounts for tests: each in a directory of its own, with identity, state and store beside it."""

import contextlib
import os
import pathlib
import re
import signal
import stat
import subprocess
import time

from testbed import PATIENCE, Testbed, tail

CONNECTIONS = pathlib.Path("/sys/fs/fuse/connections")


class MountFailed(Exception):
    """The command failed: `code`, and `line`, all that it said."""

    def __init__(self, code, line):
        super().__init__(f"exit code {code}: {line}")
        self.code = code
        self.line = line


@contextlib.contextmanager
def noted(what):
    """A failure says also what `what` gives then."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(what())
        raise


def wait_until(condition, what, patience=PATIENCE):
    """Gives what `condition` gives once that is true."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.02)


def is_running(pid):
    """Also ends what is left of a daemon: this process is the first of its namespace, and inherits them all."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return pathlib.Path(f"/proc/{pid}").exists()


def freeze(pid):
    """Stops a process, and returns when none of its threads runs: kill() returns before any of them knows of it."""
    os.kill(pid, signal.SIGSTOP)

    def is_frozen():
        states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        return set(states) == {"T"}

    wait_until(is_frozen, f"the stop of process {pid}")


def run(*command, **options):
    """Runs a command, whatever comes of it: its result has returncode, stdout, stderr (text)."""
    options = {"capture_output": True, "text": True, "timeout": PATIENCE, "errors": "surrogateescape"} | options
    return subprocess.run([word if isinstance(word, bytes) else str(word) for word in command], **options)


def shell(script, **options):
    return run("bash", "-c", script, **options)


class Bed(Testbed):
    def __init__(self, work, programs):
        super().__init__(work, programs)
        # Another user has to get as far as the mount points.
        work.chmod(0o755)
        self._let_anyone_use_fuse()
        self._show_connections()
        self._count = 0
        self.mounts = []

    def freeze_relay(self):
        """It answers nothing until thaw_relay()."""
        freeze(self.relay.pid)

    def thaw_relay(self):
        self.relay.send_signal(signal.SIGCONT)

    def _let_anyone_use_fuse(self):
        """As on a machine with udev; in this namespace alone."""
        device = self.work / "fuse"
        os.mknod(device, 0o666 | stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
        device.chmod(0o666)
        subprocess.run(["mount", "--bind", device, "/dev/fuse"], check=True)

    def _show_connections(self):
        if not os.path.ismount(CONNECTIONS):
            subprocess.run(["mount", "-t", "fusectl", "fusectl", CONNECTIONS], check=True)

    def new_directory(self, name):
        self._count += 1
        directory = self.work / f"{name}-{self._count}"
        directory.mkdir()
        return directory

    def mount(self, source=None, *options, start=True, **details):
        """A mount of `source`; none: of a relay of its own, in process."""
        mount = Mount(self, self.new_directory("mount"), source, options, **details)
        self.mounts.append(mount)
        if start:
            mount.start()
        return mount

    def relay_mount(self, *options, **details):
        return self.mount("wss://relay.spot.test", f"ca={self.authority}", *options, **details)

    def close(self):
        for mount in self.mounts:
            mount.kill()
        if self.relay and self.relay.poll() is None:
            self.stop_relay()


class Mount:
    def __init__(self, bed, home, source, options, identity=None, user=None):
        self.bed = bed
        self.home = home
        self.directory = home / "m"
        self.directory.mkdir()
        self.identity = identity or home / "identity"
        self.source = source or f"embedded:{home}/store"
        cache = [f"cache={home}/cache"] if source else []
        self.options = [f"identity={self.identity}", f"state={home}/state", *cache, *options]
        self.user = user
        self.pid = None
        self.environment = {}  # of the process, beside the bed's
        self.foreground = None  # the process, where it runs there
        if user:
            for path in (home, self.directory):
                os.chown(path, user, user)

    def path(self, *parts):
        return self.directory.joinpath(*parts)

    def command(self, *flags):
        prefix = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"] if self.user else []
        words = [*prefix, self.bed.programs["spotfs"], *flags, "-o", ",".join(self.options), self.source, self.directory]
        return [str(word) for word in words]

    def start(self):
        """In the background: returns when the command has."""
        result = run(*self.command(), env=self.bed.environment | self.environment)
        if result.returncode != 0:
            raise MountFailed(result.returncode, result.stdout + result.stderr)
        assert result.stdout + result.stderr == "", result
        self.pid = self._find()

    def start_in_foreground(self, **environment):
        """Returns when it is mounted."""
        with (self.home / "log").open("ab") as log:
            self.foreground = subprocess.Popen(
                self.command("-f"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.bed.environment | self.environment | environment,
            )
        self.pid = self.foreground.pid
        wait_until(lambda: self.is_mounted() or self.foreground.poll() is not None, "the mount")
        if self.foreground.poll() is not None:
            raise MountFailed(self.foreground.returncode, self.log())

    def log(self):
        return tail(self.home / "log", 100)

    def is_mounted(self):
        return run("findmnt", "--noheadings", "--types", "fuse.spotfs", "--mountpoint", self.directory).returncode == 0

    def is_running(self):
        if self.foreground:
            return self.foreground.poll() is None
        return is_running(self.pid)

    def signal(self, number):
        os.kill(self.pid, number)

    def freeze(self):
        """Until thaw()."""
        freeze(self.pid)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def unmount(self):
        """Ends it, and returns when its process has ended."""
        subprocess.run(["umount", self.directory], check=True)
        self.wait_ended()

    def wait_ended(self):
        wait_until(lambda: not self.is_running(), "the end of the mount's process")
        assert not self.is_mounted()

    def kill(self):
        """As a crash: whatever is left goes."""
        if self.pid and self.is_running():
            self.signal(signal.SIGKILL)
            wait_until(lambda: not self.is_running(), "the end of a killed process")
        while self.is_mounted():
            subprocess.run(["umount", "--lazy", self.directory], check=True)

    def waiting(self):
        """Requests that the kernel waits for an answer to. The mount's root must be known to the kernel."""
        connection = CONNECTIONS / str(os.minor(os.stat(self.directory).st_dev))
        return int((connection / "waiting").read_text())

    def memory(self):
        """Resident bytes of the process."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def _find(self):
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(str(self.directory)) in words and os.fsencode(str(self.bed.programs["spotfs"])) in words:
                return int(entry.name)
        raise AssertionError("the mount has no process")
