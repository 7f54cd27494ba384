"""kill -9 of the mount, of the relay, and of both, while files are written: what a close confirmed is there, whole.

SPOTFS_CRASHES=… sets how many, SPOTFS_SEED=… repeats the choices that a failure names."""

import errno
import multiprocessing
import os
import random
import signal
import threading
import time
import unittest

from bed import noted, wait_until
from commands import ctl, of_event

BED = None  # set by run.py
SEED = int(os.environ.get("SPOTFS_SEED") or random.randrange(1 << 32))
CRASHES = int(os.environ.get("SPOTFS_CRASHES") or 24)
NAMES = [f"{i}" for i in range(12)]
LARGEST = 300_000  # bytes: several chunks
PATIENCE = 60


class Writer(threading.Thread):
    """Changes files of its own until it is stopped, or the mount is gone. `allowed` has for each name what may be found
    there: one content (None: no file) between two changes, the old one and the new while it changes."""

    def __init__(self, directory, seed, allowed, team):
        super().__init__(daemon=True)
        self.directory = directory
        self.chance = random.Random(seed)
        self.allowed = allowed
        self.team = team
        self.failure = None

    def run(self):
        try:
            while not self.team.stopped.is_set():
                self.chance.choice((self.write, self.write, self.save, self.save, self.change, self.append, self.remove))()
                with self.team.changes:
                    self.team.changes.value += 1
        except OSError as failure:
            self.failure = failure
            self.team.failed.set()

    def content(self):
        size = self.chance.choice((100, 5_000, 60_000, LARGEST))
        return self.chance.randbytes(self.chance.randrange(1, size))

    def becomes(self, name, content, change):
        """Does a change, of which a kill may leave either side."""
        old = self.allowed[name][0]
        self.allowed[name] = [old, content]
        # A file that was made but never closed is empty.
        if old is None and content is not None:
            self.allowed[name].append(b"")
        change(self.directory / name)
        self.allowed[name] = [content]

    def write(self, name=None):
        name = name or self.chance.choice(NAMES)
        content = self.content()

        def change(path):
            with path.open("wb", buffering=0) as file:
                for at in range(0, len(content), 50_000):
                    file.write(content[at : at + 50_000])

        self.becomes(name, content, change)
        return content

    def save(self):
        """As an editor does."""
        name = self.chance.choice(NAMES)
        content = self.write("new")
        old = self.allowed[name][0]
        self.allowed[name] = [old, content]
        self.allowed["new"] = [content, None]
        os.rename(self.directory / "new", self.directory / name)
        self.allowed[name] = [content]
        self.allowed["new"] = [None]

    def change(self):
        """Some bytes of it."""
        name = self.chance.choice(NAMES)
        old = self.allowed[name][0]
        if not old:
            return
        content = bytearray(old)
        pieces = []
        for _ in range(self.chance.randrange(1, 5)):
            at = self.chance.randrange(len(content))
            piece = self.chance.randbytes(min(self.chance.randrange(1, 70_000), len(content) - at))
            content[at : at + len(piece)] = piece
            pieces.append((at, piece))

        def change(path):
            with path.open("r+b", buffering=0) as file:
                for at, piece in pieces:
                    os.pwrite(file.fileno(), piece, at)

        self.becomes(name, bytes(content), change)

    def append(self):
        name = self.chance.choice(NAMES)
        old = self.allowed[name][0] or b""
        if len(old) > 2 * LARGEST:
            return
        more = self.content()

        def change(path):
            with path.open("ab", buffering=0) as file:
                file.write(more)

        self.becomes(name, old + more, change)

    def remove(self):
        name = self.chance.choice(NAMES)
        if self.allowed[name][0] is not None:
            self.becomes(name, None, lambda path: path.unlink())


class Team:
    """The writers of one turn, in a process of their own: what this one starts must not have their files open, as its
    first act would be to close them, which waits for the relay."""

    def __init__(self, mount, chance, allowed):
        context = multiprocessing.get_context("fork")
        self.stopped = context.Event()
        self.failed = context.Event()
        self.changes = context.Value("Q", 0)
        self._result, sender = context.Pipe(duplex=False)
        seeds = [chance.getrandbits(64) for _ in allowed]
        self._process = context.Process(target=self._work, args=(mount.directory, seeds, allowed, sender), daemon=True)
        self._process.start()

    def _work(self, directory, seeds, allowed, sender):
        writers = [Writer(directory / f"{i}", seeds[i], allowed[i], self) for i in range(len(seeds))]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        sender.send((allowed, [writer.failure for writer in writers]))

    def wait_for(self, changes):
        enough = self.changes.value + changes
        wait_until(lambda: self.changes.value >= enough or self.failed.is_set(), "changes", PATIENCE)

    def result(self):
        """What may be found, and why each writer ended: None, or an OSError."""
        if not self._result.poll(PATIENCE):
            raise AssertionError("a writer hangs")
        result = self._result.recv()
        self._process.join()
        return result


class Crashes(unittest.TestCase):
    WRITERS = 3

    def test_what_close_confirmed_is_there_whole_after_kills(self):
        BED.start_relay()
        # Nobody gives up while the relay is away.
        self.mount = BED.relay_mount("subtree=files", "offline_grace=1h", start=False)
        self.mount.start_in_foreground()
        self.addCleanup(lambda: BED.relay.poll() is None and BED.stop_relay(kill=True))
        self.addCleanup(self.mount.kill)
        chance = random.Random(SEED)
        self.allowed = []
        for i in range(self.WRITERS):
            self.mount.path(f"{i}").mkdir()
            self.allowed.append({name: [None] for name in (*NAMES, "new")})
        changes = 0
        for turn in range(CRASHES):
            victim = ("mount", "relay", "both")[turn % 3]
            with noted(lambda: f"seed {SEED}, turn {turn}, killed: {victim}\n{self.mount.log()}\n{BED.relay_log()}\n{BED.relay.poll()}"):
                changes += self.crash(chance, victim)
                self.check(self.mount)
                self.check_store(self.mount)
        print(f"{CRASHES} kills, {changes} changes, seed {SEED}", flush=True)
        self.mount.unmount()
        fresh = BED.mount(self.mount.source, *self.mount.options[2:], start=False, identity=self.mount.identity)
        fresh.start()
        with noted(lambda: f"seed {SEED}, a fresh mount"):
            self.check(fresh)
        fresh.unmount()

    def crash(self, chance, victim):
        """Gives the number of changes that were made."""
        team = Team(self.mount, chance, self.allowed)
        team.wait_for(chance.randrange(1, 60))
        time.sleep(chance.random() / 50)  # so that any part of a change may be hit
        if victim != "mount":
            BED.relay.kill()
        if victim != "relay":
            self.mount.signal(signal.SIGKILL)
        if victim != "mount":
            BED.stop_relay(kill=True)
            BED.start_relay()
        if victim == "relay":
            team.wait_for(10)
            team.stopped.set()
        self.allowed, failures = team.result()
        if victim == "relay":
            self.assertEqual(failures, [None] * self.WRITERS)
            self.mount.unmount()
        else:
            gone = {errno.ENOTCONN, errno.ECONNABORTED}
            self.assertEqual([failure for failure in failures if failure is None or failure.errno not in gone], [])
            self.mount.kill()  # what is left of it
        self.mount.start_in_foreground()
        return team.changes.value

    def check_store(self, mount):
        """Nothing that the disk names is lost or damaged."""
        result = ctl("--json", "fsck", mount.directory, timeout=PATIENCE)
        self.assertEqual(result.returncode, 0, result.stdout[-2000:] + result.stderr[-2000:])
        (summary,) = of_event(result, "summary")
        self.assertEqual(summary["faults"], 0)
        self.assertGreaterEqual(summary["files"], self.WRITERS)

    def check(self, mount):
        self.assertEqual(sorted(os.listdir(mount.directory)), [f"{i}" for i in range(self.WRITERS)])
        for i, allowed in enumerate(self.allowed):
            found = {}
            for name in os.listdir(mount.path(f"{i}")):
                found[name] = mount.path(f"{i}", name).read_bytes()
            self.assertEqual(found.keys() - allowed.keys(), set())
            for name, contents in allowed.items():
                content = found.get(name)
                if content not in contents:
                    told = lambda one: "no file" if one is None else f"{len(one)} bytes"
                    self.fail(f"{i}/{name}: {told(content)}, not one of {[told(one) for one in contents]}")
                allowed[name] = [content]
