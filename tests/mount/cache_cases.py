"""The disk cache: what is read without a relay, how much it holds, and what it tells whoever gets hold of it."""

import contextlib
import errno
import json
import os
import signal
import time
import unittest

import relay_store
from bed import MountFailed, wait_until
from files_cases import walk

BED = None  # set by run.py
FIRST = None  # a mount whose identity, state and cache the others take
FAILED, USAGE = 32, 1
MARK = b"what nobody but us may read "
NAME = "a-name-that-tells-a-lot"


def setUpModule():
    global FIRST
    BED.start_relay()
    FIRST = BED.relay_mount()
    files = FIRST.path("files")
    (files / NAME / "sub").mkdir(parents=True)
    (files / NAME / "large").write_bytes(MARK * 100_000)
    (files / NAME / "sub" / NAME).write_bytes(MARK)
    (files / NAME / "link").symlink_to(NAME)
    (files / "other").write_bytes(os.urandom(200_000))
    os.link(files / "other", files / NAME / "hard link")
    FIRST.path("blobs", NAME).write_bytes(MARK)
    FIRST.path("blobs/empty").touch()
    FIRST.unmount()


def tearDownModule():
    if BED.relay.poll() is None:
        BED.stop_relay()


class CacheCase(unittest.TestCase):
    """One store, and one machine that mounts it again and again."""

    maxDiff = None

    def setUp(self):
        self.first = FIRST
        self.cache = FIRST.home / "cache"

    def tearDown(self):
        for mount in BED.mounts:
            mount.kill()
        if BED.relay.poll() is not None:
            BED.start_relay()

    def mount(self, *options, start=True):
        """Of that machine; `options` come after what its mounts have."""
        mount = BED.relay_mount(start=False)
        mount.options = [*self.first.options, *options]
        if start:
            mount.start()
        return mount

    def seen(self, mount):
        return {name: walk(mount.path(name)) for name in ("files", "blobs")}

    def copies(self, cache=None):
        return [path for path in (cache or self.cache).rglob("*") if path.is_file()]

    def space(self, cache):
        """Bytes on the disk; a copy that makes room while it is looked at takes none."""
        size = 0
        for copy in self.copies(cache):
            with contextlib.suppress(FileNotFoundError):
                size += copy.stat().st_blocks * 512
        return size

    def assert_errno(self, number, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])


class WithoutARelay(CacheCase):
    def test_all_that_is_cached_can_be_read(self):
        mount = self.mount("offline_grace=2")
        expected = self.seen(mount)
        self.assertEqual(mount.path("files", NAME, "large").read_bytes(), MARK * 100_000)
        mount.unmount()

        mount.start()  # with nothing in memory
        BED.stop_relay(kill=True)
        begin = time.monotonic()
        self.assertEqual(walk(mount.path("files")), expected["files"])
        self.assertEqual(sorted(os.listdir(mount.path("blobs"))), sorted([NAME, "empty"]))
        self.assertLess(time.monotonic() - begin, 2)
        # A value is asked for, and then is what it was last.
        self.assertEqual(mount.path("blobs", NAME).read_bytes(), MARK)
        begin = time.monotonic()
        self.assertEqual(walk(mount.path("blobs")), expected["blobs"])
        self.assert_errno(errno.ENETDOWN, mount.path("blobs/unknown").read_bytes)
        self.assertLess(time.monotonic() - begin, 2)

        BED.start_relay()
        wait_until(lambda: self.is_written(mount.path("blobs/empty")), "the mount to work again")
        self.assertEqual(self.seen(mount)["files"], expected["files"])
        mount.unmount()

    @staticmethod
    def is_online(mount):
        return any(one["online"] for one in json.loads(mount.path(".spotfs/status").read_text())["connections"])

    @staticmethod
    def is_written(path):
        try:
            path.write_bytes(b"")
            return True
        except OSError:
            return False

    def test_what_is_not_cached_is_an_error_within_the_grace(self):
        mount = self.mount("offline_grace=1")
        for copy in self.copies():
            copy.unlink()
        BED.stop_relay(kill=True)
        begin = time.monotonic()
        self.assert_errno(errno.ENETDOWN, mount.path("files/other").read_bytes)
        self.assertLess(time.monotonic() - begin, 3)
        self.assertEqual(os.listdir(mount.path("files", NAME, "sub")), [NAME])

    def test_a_mount_begins_with_what_was_seen_last(self):
        mount = self.mount("offline_grace=1")
        expected = self.seen(mount)
        mount.signal(signal.SIGKILL)
        wait_until(lambda: not mount.is_running(), "the end of a killed process")
        BED.stop_relay(kill=True)
        begin = time.monotonic()
        mount.start()
        self.assertEqual(self.seen(mount), expected)
        self.assertLess(time.monotonic() - begin, 5)
        mount.path("files/made-offline").mkdir()
        mount.kill()

        late = self.mount("offline_grace=1", "delay_connect")
        wait_until(lambda: "files" in os.listdir(late.directory), "the subtrees")
        self.assertIn("made-offline", os.listdir(late.path("files")))
        BED.start_relay()
        late.path("files/made-offline").rmdir()
        late.unmount()
        mount.start()
        self.assertEqual(self.seen(mount)["files"].keys(), expected["files"].keys())
        mount.unmount()

    def test_nothing_of_it_is_shown_where_it_is_to_fail(self):
        mount = self.mount("offline_grace=1", "offline=fail")
        BED.stop_relay(kill=True)
        wait_until(lambda: not self.is_online(mount), "the mount to see that the relay is gone")
        self.assert_errno(errno.ENETDOWN, mount.path("files", NAME, "sub", NAME).read_bytes)
        mount.kill()
        with self.assertRaises(MountFailed) as raised:
            self.mount("offline=fail", "mount_timeout=1")
        self.assertEqual(raised.exception.code, FAILED)
        self.assertIn("no connection within 1s", raised.exception.line)


class Scrub(CacheCase):
    @contextlib.contextmanager
    def stopped_relay(self):
        BED.stop_relay()
        with relay_store.opened(BED.work / "relay") as store:
            yield store
        BED.start_relay()

    def test_what_the_relay_has_lost_is_stored_again_from_the_cache_unasked(self):
        with self.stopped_relay() as store:
            before = store.keys()
        mount = BED.relay_mount("scrub=2s", "offline_grace=30")
        mount.path("files/scrubbed").write_bytes(os.urandom(100_000))
        mount.unmount()
        with self.stopped_relay() as store:
            lost = store.larger(45_056) - before
            for key in lost:
                store.drop(key)
        self.assertGreater(len(lost), 1)
        mount.start()

        def restored():
            status = json.loads(mount.path(".spotfs/status").read_text())
            self.assertEqual(status["scrub"]["period"], 2)
            return status["scrub"]["restored"] >= len(lost)

        wait_until(restored, "what was lost to be stored again")
        cache = json.loads(mount.path(".spotfs/status").read_text())["cache"]
        self.assertGreater(cache["bytes"], 0)
        self.assertGreater(cache["hits"], 0)
        self.assertEqual(cache["limit"], 1 << 30)
        mount.unmount()
        with self.stopped_relay() as store:
            self.assertEqual(lost - store.keys(), set())

    def test_it_is_switched_off_with_0(self):
        mount = self.mount("scrub=0")
        self.assertIsNone(json.loads(mount.path(".spotfs/status").read_text())["scrub"])
        mount.unmount()


class Directory(CacheCase):
    def test_it_tells_neither_names_nor_contents(self):
        mount = self.mount()
        self.seen(mount)
        mount.unmount()
        copies = self.copies()
        self.assertGreater(len(copies), 60)
        for copy in copies:
            self.assertNotIn(NAME, copy.name)
            content = copy.read_bytes()
            self.assertNotIn(MARK[:12], content)
            self.assertNotIn(NAME[:12].encode(), content)
            self.assertEqual(copy.stat().st_mode & 0o7777, 0o600)
        for directory in (self.cache, *(path for path in self.cache.rglob("*") if path.is_dir())):
            self.assertEqual(directory.stat().st_mode & 0o7777, 0o700)

    def test_damaged_copies_are_fetched_again(self):
        mount = self.mount()
        expected = self.seen(mount)
        mount.unmount()
        for number, copy in enumerate(self.copies()):
            content = bytearray(copy.read_bytes())
            content[number % len(content)] ^= 1
            copy.write_bytes(content if number % 3 else content[: len(content) // 2])
        mount.start()
        self.assertEqual(self.seen(mount), expected)
        mount.unmount()
        mount.start()
        BED.stop_relay(kill=True)
        self.assertEqual(walk(mount.path("files")), expected["files"])

    def test_it_holds_as_much_as_it_may(self):
        cache = BED.new_directory("cache")
        mount = self.mount(f"cache={cache}", "cache_size=16M", "memory=8M")
        content = os.urandom(40_000_000)
        mount.path("files/more").write_bytes(content)
        size = self.space(cache)
        self.assertLessEqual(size, 16 << 20)
        taken = {}
        for memory in ("8M", "64M"):
            mount.unmount()
            mount.options[-1] = f"memory={memory}"
            mount.start()
            self.assertEqual(mount.path("files/more").read_bytes(), content)
            taken[memory] = mount.memory()
        mount.path("files/more").unlink()
        mount.unmount()
        # 32 MB more of it, and up to 16 MB fewer that wait for the disk or were not given back.
        self.assertGreater(taken["64M"] - taken["8M"], 12_000_000)
        size = self.space(cache)
        self.assertLessEqual(size, 16 << 20)
        self.assertGreater(size, 10 << 20)

    def test_a_bad_one_is_refused_in_one_line(self):
        open_to_all = BED.new_directory("open")
        inside = next(self.cache.iterdir()).name
        (open_to_all / inside).mkdir()
        (open_to_all / inside).chmod(0o755)
        for code, option, text in (
            (FAILED, "cache=/proc/nowhere", "option cache: /proc/nowhere"),
            (USAGE, f"cache={open_to_all}", "belongs to the user who mounts alone (chmod 700)"),
            (USAGE, "cache_size=1M", 'option cache_size: "1M" is not a size from 16M'),
            (USAGE, "memory=lots", 'option memory: "lots" is not a size'),
            (USAGE, "offline=maybe", 'option offline: "maybe" is none of stale, fail'),
        ):
            with self.assertRaises(MountFailed, msg=option) as raised:
                self.mount(option)
            self.assertEqual(raised.exception.code, code, raised.exception)
            self.assertEqual(raised.exception.line.count("\n"), 1, raised.exception)
            self.assertIn(text, raised.exception.line)

    def test_a_store_on_this_machine_needs_none(self):
        mount = BED.mount(None)
        mount.path("files/file").write_text("text")
        mount.unmount()
        self.assertEqual(sorted(path.name for path in mount.home.iterdir()), ["identity", "m", "state", "store"])
