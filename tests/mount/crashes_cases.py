"""kill -9 of the mount, of the relay, and of both, while files are written: what a close confirmed is there, whole.

SPOTFS_CRASHES=… sets how many, SPOTFS_SEED=… repeats the choices that a failure names."""

import contextlib
import os
import random
import signal
import threading
import time
import unittest

from bed import wait_until

BED = None  # set by run.py
SEED = int(os.environ.get("SPOTFS_SEED") or random.randrange(1 << 32))
CRASHES = int(os.environ.get("SPOTFS_CRASHES") or 24)
NAMES = [f"{i}" for i in range(12)]
LARGEST = 300_000  # bytes: several chunks
PATIENCE = 60


@contextlib.contextmanager
def noted(what):
    """A failure says what was being done."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(what)
        raise


class Writer(threading.Thread):
    """Changes files of its own until it is stopped, or the mount is gone. `allowed` has for each name what may be found
    there: one content (None: no file) between two changes, the old one and the new while it changes."""

    def __init__(self, directory, chance, allowed):
        super().__init__(daemon=True)
        self.directory = directory
        self.chance = chance
        self.allowed = allowed
        self.stopped = threading.Event()
        self.changes = 0
        self.failure = None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.chance.choice((self.write, self.write, self.save, self.save, self.change, self.append, self.remove))()
                self.changes += 1
        except BaseException as failure:
            self.failure = failure

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


class Crashes(unittest.TestCase):
    WRITERS = 3

    def test_what_close_confirmed_is_there_whole_after_kills(self):
        BED.start_relay()
        # Nobody gives up while the relay is away.
        self.mount = BED.relay_mount("subtree=files", "offline_grace=1h", start=False)
        self.mount.start()
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
            with noted(f"seed {SEED}, turn {turn}, killed: {victim}"):
                changes += self.crash(chance, victim)
                self.check(self.mount)
        print(f"{CRASHES} kills, {changes} changes, seed {SEED}", flush=True)
        self.mount.unmount()
        fresh = BED.mount(self.mount.source, *self.mount.options[2:], start=False, identity=self.mount.identity)
        fresh.start()
        with noted(f"seed {SEED}, a fresh mount"):
            self.check(fresh)
        fresh.unmount()

    def crash(self, chance, victim):
        """Gives the number of changes that were made."""
        writers = [
            Writer(self.mount.path(f"{i}"), random.Random(chance.getrandbits(64)), allowed)
            for i, allowed in enumerate(self.allowed)
        ]
        for writer in writers:
            writer.start()
        enough = chance.randrange(1, 60)
        wait_until(lambda: self.has_changed(writers, enough), "changes", PATIENCE)
        time.sleep(chance.random() / 50)  # so that any part of a change may be hit
        if victim != "mount":
            BED.relay.kill()
        if victim != "relay":
            self.mount.signal(signal.SIGKILL)
        if victim != "mount":
            BED.stop_relay(kill=True)
            BED.start_relay()
        if victim == "relay":
            there = sum(writer.changes for writer in writers)
            wait_until(lambda: self.has_changed(writers, there + 10), "changes after the relay is back", PATIENCE)
            for writer in writers:
                writer.stopped.set()
        for writer in writers:
            writer.join(PATIENCE)
            self.assertFalse(writer.is_alive(), "a writer hangs")
            if victim == "relay":
                self.assertIsNone(writer.failure)
            else:
                self.assertIsInstance(writer.failure, OSError)
        if victim == "relay":
            self.mount.unmount()
        else:
            wait_until(lambda: not self.mount.is_running(), "the end of a killed process")
        self.mount.start()
        return sum(writer.changes for writer in writers)

    def has_changed(self, writers, count):
        for writer in writers:
            if writer.failure:
                raise writer.failure
        return sum(writer.changes for writer in writers) >= count

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
