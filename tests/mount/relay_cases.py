"""Mounts whose relay, a process of its own, is killed, frozen and restarted, or is not to be trusted."""

import base64
import errno
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import unittest

from bed import MountFailed, run, shell, wait_until

BED = None  # set by run.py
FAILED = 32


class RelayCase(unittest.TestCase):
    def setUp(self):
        BED.start_relay()

    def tearDown(self):
        if BED.relay.poll() is None:
            BED.stop_relay(kill=True)

    def assert_errno(self, number, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])

    def works_again(self, mount):
        def tries():
            try:
                mount.path("blobs/again").write_text("again")
                return mount.path("blobs/again").read_text() == "again"
            except OSError:
                return False

        wait_until(tries, "the mount to work again")


class Restart(RelayCase):
    def test_a_store_waits_for_a_relay_that_comes_back_soon(self):
        mount = BED.relay_mount("offline_grace=30")
        mount.path("blobs/before").write_text("before")
        BED.stop_relay(kill=True)
        with subprocess.Popen(["sh", "-c", f"echo during > {mount.path('blobs/during')}"]) as writer:
            with self.assertRaises(subprocess.TimeoutExpired):
                writer.wait(1)
            BED.start_relay()
            self.assertEqual(writer.wait(30), 0)
        self.assertEqual(mount.path("blobs/during").read_text(), "during\n")
        self.assertEqual(mount.path("blobs/before").read_text(), "before")
        mount.unmount()
        mount.start()
        self.assertEqual(sorted(os.listdir(mount.path("blobs"))), ["before", "during"])
        mount.unmount()

    def test_without_a_relay_operations_end_after_the_grace_and_go_on_when_it_is_back(self):
        mount = BED.relay_mount("offline_grace=1")
        mount.path("blobs/known").write_text("known")
        BED.stop_relay(kill=True)
        begin = time.monotonic()
        result = shell(f"echo x > {mount.path('blobs/new')}")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("Network is down", result.stderr)
        self.assertLess(time.monotonic() - begin, 10)
        # What needs no network does not wait for it.
        begin = time.monotonic()
        self.assertIn("known", os.listdir(mount.path("blobs")))
        self.assertEqual(mount.path("blobs/known").stat().st_size, 5)
        os.statvfs(mount.directory)
        self.assertTrue(mount.path("self/id").read_text())
        self.assertLess(time.monotonic() - begin, 1)
        BED.start_relay()
        self.works_again(mount)
        self.assertEqual(mount.path("blobs/known").read_text(), "known")
        mount.unmount()

    def test_queries_without_a_relay(self):
        mount = BED.relay_mount("offline_grace=1")
        time_of_server = mount.path("endpoints/@/time")
        BED.stop_relay(kill=True)
        # A query that still went out on the dying connection ends as one whose outcome nobody knows.
        wait_until(
            lambda: "Network is down" in run("truncate", "-s", "0", time_of_server / "request").stderr,
            "the mount to see that the relay is gone",
        )
        self.assert_errno(errno.ENETDOWN, (time_of_server / "reply").read_bytes)
        self.assertIn("ENETDOWN", (time_of_server / "error").read_text())
        BED.start_relay()
        wait_until(lambda: run("truncate", "-s", "0", time_of_server / "request").returncode == 0, "an answer")
        self.assertEqual(len((time_of_server / "reply").read_bytes()), 12)
        mount.unmount()

    def test_many_writers_through_restarts_lose_nothing_that_close_confirmed(self):
        mount = BED.relay_mount("offline_grace=30")
        script = 'for i in $(seq 60); do echo $i > "$1/blobs/$2-$i" && echo $2-$i; done'
        writers = [
            subprocess.Popen(["bash", "-c", script, "-", mount.directory, str(n)], stdout=subprocess.PIPE, text=True)
            for n in range(4)
        ]
        for _ in range(3):
            wait_until(lambda: len(os.listdir(mount.path("blobs"))) > 3, "files")
            BED.stop_relay(kill=True)
            BED.start_relay()
        confirmed = [name for writer in writers for name in writer.communicate(timeout=120)[0].split()]
        self.assertEqual(len(confirmed), 240)
        mount.signal(signal.SIGKILL)
        wait_until(lambda: not mount.is_running(), "the end of a killed process")
        BED.stop_relay(kill=True)
        BED.start_relay()
        mount.start()
        for name in confirmed:
            self.assertEqual(mount.path("blobs", name).read_text(), name.split("-")[1] + "\n")
        mount.unmount()

    def test_a_mount_that_is_killed_before_it_commits(self):
        mount = BED.relay_mount("commit=1h")
        for i in range(10):
            mount.path(f"blobs/{i}").write_text(f"{i}")
        mount.signal(signal.SIGKILL)
        wait_until(lambda: not mount.is_running(), "the end of a killed process")
        mount.start()
        self.assertEqual(sorted(os.listdir(mount.path("blobs"))), [str(i) for i in range(10)])
        self.assertEqual([mount.path(f"blobs/{i}").read_text() for i in range(10)], [str(i) for i in range(10)])
        mount.unmount()

    def test_the_end_of_a_mount_without_a_relay_keeps_what_is_not_stored(self):
        mount = BED.relay_mount("commit=1h", "offline_grace=1", "drain=3")
        mount.path("blobs/kept").write_text("kept")
        BED.stop_relay(kill=True)
        mount.unmount()
        BED.start_relay()
        mount.start()
        self.assertEqual(mount.path("blobs/kept").read_text(), "kept")
        mount.unmount()


class PowerCut(RelayCase):
    """The relay's machine fails, and comes back with what its disk had: less than it has acknowledged."""

    def keep(self):
        """That is all that its disk will have."""
        BED.stop_relay()
        self.on_disk = BED.new_directory("on-disk") / "relay"
        shutil.copytree(BED.work / "relay", self.on_disk)
        BED.start_relay()

    def cut(self):
        BED.stop_relay(kill=True)
        shutil.rmtree(BED.work / "relay")
        shutil.copytree(self.on_disk, BED.work / "relay")
        BED.start_relay()

    def fsync(self, path):
        file = os.open(path, os.O_WRONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def test_an_fsync_stores_again_what_was_lost_before_it(self):
        mount = BED.relay_mount("cache=none", "offline_grace=30")
        mount.path("files/before").write_text("before")
        self.fsync(mount.path("files/before"))
        self.keep()
        contents = {f"files/d/{n}": secrets.token_bytes(1 << (2 * n)) for n in range(12)}
        contents["blobs/value"] = b"value"
        mount.path("files/d").mkdir()
        for path, content in contents.items():
            mount.path(path).write_bytes(content)
        self.cut()
        self.fsync(mount.path("files/d/3"))
        mount.unmount()
        other = BED.relay_mount("cache=none", identity=mount.identity)
        self.assertEqual(other.path("files/before").read_text(), "before")
        for path, content in contents.items():
            self.assertEqual(other.path(path).read_bytes(), content, path)
        other.unmount()


class DelayedConnection(RelayCase):
    def setUp(self):
        super().setUp()
        BED.stop_relay()
        self.mount = BED.relay_mount("delay_connect", "offline_grace=1")

    def test_blobs_come_with_the_relay(self):
        self.assertEqual(sorted(os.listdir(self.mount.directory)), ["cards", "endpoints", "groups", "listen", "self"])
        self.assertTrue(self.mount.path("self/id").read_text())
        self.assert_errno(errno.ENETDOWN, os.listdir, self.mount.path("blobs"))
        BED.start_relay()
        self.works_again(self.mount)
        self.assertEqual(sorted(os.listdir(self.mount.directory)), ["blobs", "cards", "endpoints", "files", "groups", "listen", "self"])
        self.mount.unmount()

    def test_one_that_never_connects_ends_at_once(self):
        begin = time.monotonic()
        self.mount.unmount()
        self.assertLess(time.monotonic() - begin, 10)


class Size(RelayCase):
    def test_is_one_that_df_lists_and_programs_take_for_enough(self):
        mount = BED.relay_mount()
        shown = run("df", "--output=size,avail", "--block-size=1T", mount.directory).stdout.split()
        self.assertEqual(shown[-2:], ["1024", "1024"])
        mount.unmount()


class Curious(RelayCase):
    """A relay that reads all that it keeps."""

    def test_nothing_of_a_tree_in_files_is_there_to_be_read(self):
        tree = BED.new_directory("tree")
        needles = {}

        def secret(what):
            text = secrets.token_hex(10)
            needles[text.encode()] = what
            return text

        for _ in range(10):
            directory = tree / secret("name of a directory")
            directory.mkdir()
            for size in (1, 30, 3_000, 400_000):
                file = directory / secret("name of a file")
                text = secret("text").encode()
                binary = os.urandom(size)
                file.write_bytes(text + binary + text[::-1] + bytes(5_000) + text)
                for at in range(0, size - 12, 90_000):
                    needles[binary[at : at + 12]] = f"content of a file of {size} bytes, at {at}"
                os.setxattr(file, f"user.{secret('name of an xattr')}", secret("value of an xattr").encode())
            os.symlink(secret("target of a link"), directory / secret("name of a link"))
            os.link(file, directory / secret("second name"))
        mount = BED.relay_mount("subtree=files")
        self.assertEqual(shell(f"cp -a {tree}/. {mount.directory}/ && sync {mount.directory}/*").returncode, 0)
        mount.path(next(iter(os.listdir(tree)))).rename(mount.path(secret("new name of a directory")))
        database = BED.work / "relay"
        self.search(database, needles)
        # A relay that is killed leaves its log beside the database.
        BED.stop_relay(kill=True)
        self.search(database, needles)
        BED.start_relay()
        mount.unmount()
        BED.stop_relay()
        self.search(database, needles)

    def search(self, database, needles):
        kept = b"".join(file.read_bytes() for file in sorted(database.iterdir()))
        self.assertGreater(len(kept), 4_000_000)
        self.assertIn(b".spotfs/c/", kept)
        self.assertIn(b".spotfs/w/", kept)
        for needle, what in needles.items():
            for form in (needle, needle.hex().encode(), base64.b64encode(needle), base64.urlsafe_b64encode(needle)):
                self.assertNotIn(form, kept, what)


class Frozen(RelayCase):
    def tearDown(self):
        BED.thaw_relay()
        super().tearDown()

    def test_a_relay_that_does_not_answer(self):
        mount = BED.relay_mount("timeout=2", "query_timeout=2")
        mount.path("blobs/known").write_text("known")
        BED.freeze_relay()
        self.assertIn("Connection timed out", shell(f"echo x > {mount.path('blobs/new')}").stderr)
        self.assertIn("Connection timed out", run("truncate", "-s", "0", mount.path("endpoints/@/time/request")).stderr)
        BED.thaw_relay()
        self.works_again(mount)
        mount.unmount()

    def test_a_wait_ends_on_a_signal(self):
        mount = BED.relay_mount("timeout=1h")
        BED.freeze_relay()
        with subprocess.Popen(["cat", mount.path("blobs/unknown")], stderr=subprocess.PIPE) as reader:
            with self.assertRaises(subprocess.TimeoutExpired):
                self.fail(reader.communicate(timeout=1))
            begin = time.monotonic()
            os.statvfs(mount.directory)
            self.assertEqual(os.listdir(mount.path("blobs")), [])
            self.assertLess(time.monotonic() - begin, 1)
            reader.send_signal(signal.SIGINT)
            self.assertEqual(reader.wait(5), -signal.SIGINT)
        mount.kill()

    def test_the_end_of_a_mount_while_operations_wait(self):
        mount = BED.relay_mount("timeout=1h", "drain=1")
        BED.freeze_relay()
        readers = [subprocess.Popen(["cat", mount.path(f"blobs/{i}")], stderr=subprocess.PIPE) for i in range(50)]
        wait_until(lambda: mount.waiting() >= len(readers), "all readers to wait for the mount")
        mount.signal(signal.SIGTERM)
        for reader in readers:
            self.assertIn(b"Network is down", reader.communicate(timeout=30)[1])
        mount.wait_ended()


class Trust(RelayCase):
    def fails(self, text, source, *options):
        with self.assertRaises(MountFailed) as raised:
            BED.mount(source, *options)
        self.assertEqual(raised.exception.code, FAILED, raised.exception)
        self.assertEqual(raised.exception.line.count("\n"), 1, raised.exception.line)
        self.assertIn(text, raised.exception.line)

    def test_a_certificate_that_nobody_vouches_for(self):
        environment = BED.environment
        BED.environment = {name: value for name, value in environment.items() if name != "SSL_CERT_FILE"}
        try:
            self.fails("relay.spot.test: the relay's certificate is not trusted", "wss://relay.spot.test")
        finally:
            BED.environment = environment

    def test_a_certificate_for_another_name(self):
        ca = f"ca={BED.authority}"
        self.fails("localhost: the relay's certificate is for another host", "wss://localhost", ca)

    def test_a_relay_that_is_not_there(self):
        BED.stop_relay()
        begin = time.monotonic()
        self.fails("no connection within 2s: relay.spot.test: connection refused", "wss://relay.spot.test", f"ca={BED.authority}", "mount_timeout=2")
        self.assertLess(time.monotonic() - begin, 6)

    def test_a_store_that_is_another_one_than_before(self):
        mount = BED.relay_mount()
        mount.path("blobs/file").write_text("text")
        mount.unmount()
        BED.stop_relay()
        data = BED.work / "relay"
        data.rename(BED.work / "relay-before")
        BED.start_relay()
        with self.assertRaises(MountFailed) as raised:
            mount.start()
        self.assertIn("accept_store", raised.exception.line)
        BED.stop_relay()
        shell(f"rm -r {data}; mv {data}-before {data}")
        BED.start_relay()
        mount.start()
        self.assertEqual(mount.path("blobs/file").read_text(), "text")
        mount.unmount()

    def test_a_store_that_shows_less_to_a_new_machine_than_its_digest_says(self):
        mount = BED.relay_mount()
        mount.path("files/file").write_text("text")
        before = self.digest(mount)
        mount.path("files/other").write_text("text")
        digest = wait_until(lambda: self.digest(mount) != before and self.digest(mount), "a commit")
        mount.unmount()
        fresh = BED.relay_mount(f"expect={digest}", identity=mount.identity)
        self.assertEqual(fresh.path("files/other").read_text(), "text")
        fresh.unmount()
        self.fails("has no disk, though the digest", "wss://relay.spot.test", f"ca={BED.authority}", f"expect={digest}")

    def digest(self, mount):
        return json.loads(mount.path(".spotfs/status").read_text())["disk"]["digest"]

    def test_by_discovery(self):
        mount = BED.mount("spot:")
        mount.path("blobs/found").write_text("found")
        self.assertEqual(mount.path("blobs/found").read_text(), "found")
        mount.unmount()

    def test_several_relays_of_which_one_is_down(self):
        mount = BED.mount("wss://127.0.0.1:9,relay.spot.test", f"ca={BED.authority}")
        mount.path("blobs/file").write_text("text")
        mount.unmount()
