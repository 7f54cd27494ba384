"""The option writeback: what is written while no relay is there, and what becomes of it."""

import errno
import json
import os
import shutil
import unittest

from bed import shell, wait_until
from commands import ctl
from files_cases import walk

BED = None  # set by run.py
OFFLINE = ("offline_grace=1", "mount_timeout=5")


def setUpModule():
    BED.start_relay()


def tearDownModule():
    if BED.relay.poll() is None:
        BED.stop_relay()


def pending(mount):
    return [json.loads(line) for line in mount.path(".spotfs/pending").read_text().splitlines()]


def contents(directory):
    """As walk(), but for what copying does not keep: link counts of directories."""
    return {name: (*seen[:3], *seen[4:]) for name, seen in walk(directory).items()}


class Writeback(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.tree = BED.new_directory("tree")
        (cls.tree / "sub" / "deep").mkdir(parents=True)
        (cls.tree / "large").write_bytes(os.urandom(3_000_000))
        (cls.tree / "sub" / "empty").touch()
        (cls.tree / "sub" / "link").symlink_to("deep")
        for number in range(40):
            (cls.tree / "sub" / "deep" / f"file {number}").write_bytes(os.urandom(number * 1_000))

    def setUp(self):
        self.mount = BED.relay_mount("writeback", "drain=1", *OFFLINE)
        self.mount.path("files/before").write_text("before")
        self.mount.path("blobs/key").write_text("before")
        self.assertEqual(ctl("flush", self.mount.directory).returncode, 0)
        BED.stop_relay(kill=True)

    def tearDown(self):
        for mount in BED.mounts:
            mount.kill()
        if BED.relay.poll() is not None:
            BED.start_relay()

    def copy(self, name):
        done = shell(f"cp -a {self.tree} {self.mount.path('files', name)} && sync -d {self.mount.path('files', name)}/large")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.mount.path("blobs/key").write_text("newer")

    def assert_whole(self, mount, *names):
        for name in names:
            self.assertEqual(contents(mount.path("files", name)), contents(self.tree))
        self.assertEqual(mount.path("files/before").read_text(), "before")
        self.assertEqual(mount.path("blobs/key").read_text(), "newer")

    def elsewhere(self):
        """Another machine: with a state directory and a cache of its own."""
        return BED.relay_mount(identity=self.mount.identity)

    def test_what_is_written_without_a_relay_is_there_for_all_when_it_is_back(self):
        self.copy("one")
        self.assertEqual(self.mount.path("files/one/large").read_bytes(), (self.tree / "large").read_bytes())
        waiting = pending(self.mount)
        self.assertGreater(waiting[0]["count"], 70)
        self.assertGreater(waiting[0]["bytes"], 3_000_000)
        self.assertEqual([line["key"] for line in waiting[1:]], ["key"])
        self.assertEqual(self.mount.path(".spotfs/pending").stat().st_mode & 0o777, 0o600)
        status = json.loads(self.mount.path(".spotfs/status").read_text())
        self.assertEqual(status["pending"]["count"], waiting[0]["count"])
        self.assertNotEqual(ctl("flush", self.mount.directory).returncode, 0)

        # A mount that begins without a relay too.
        self.mount.unmount()
        self.mount.start()
        self.assert_whole(self.mount, "one")
        self.copy("two")
        self.mount.unmount()
        self.mount.start()
        self.assert_whole(self.mount, "one", "two")

        BED.start_relay()
        wait_until(lambda: ctl("flush", self.mount.directory).returncode == 0, "the flush")
        self.assertEqual(pending(self.mount), [])
        other = self.elsewhere()
        self.assert_whole(other, "one", "two")
        self.assertEqual(ctl("fsck", other.directory).returncode, 0)

    def test_a_kill_loses_nothing_and_a_mount_without_the_option_uploads_what_is_left(self):
        self.copy("one")
        self.mount.kill()
        BED.start_relay()
        self.mount.options.remove("writeback")
        self.mount.start()
        self.assert_whole(self.mount, "one")
        wait_until(lambda: pending(self.mount) == [], "all to be uploaded")
        self.assertEqual(ctl("flush", self.mount.directory).returncode, 0)
        self.mount.kill()
        self.assert_whole(self.elsewhere(), "one")

    def test_neither_needs_a_cache(self):
        self.mount.unmount()
        shutil.rmtree(self.mount.home / "cache")
        self.mount.options = [option for option in self.mount.options if not option.startswith("cache=")] + ["cache=none"]
        BED.start_relay()
        self.mount.start()
        BED.stop_relay(kill=True)
        self.copy("one")
        self.assertEqual(contents(self.mount.path("files/one")), contents(self.tree))
        BED.start_relay()
        wait_until(lambda: ctl("flush", self.mount.directory).returncode == 0, "the flush")
        self.assert_whole(self.elsewhere(), "one")

    def test_no_more_waits_than_the_limit_allows(self):
        self.mount.unmount()
        self.mount.options += ["cache_size=16M", "timeout=1"]
        self.mount.start()
        with self.assertRaises(OSError) as raised:
            self.mount.path("files/large").write_bytes(bytes(range(256)) * 80_000)
        self.assertEqual(errno.errorcode[raised.exception.errno], "ENOSPC")
        self.assertLessEqual(pending(self.mount)[0]["bytes"], 16 << 20)
        BED.start_relay()
        content = os.urandom(20_000_000)
        self.mount.path("files/large").write_bytes(content)
        wait_until(lambda: ctl("flush", self.mount.directory).returncode == 0, "the flush")
        self.assertEqual(self.elsewhere().path("files/large").read_bytes(), content)
