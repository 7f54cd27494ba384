"""spotfsctl, and the `.spotfs/` that it talks to, on real mounts."""

import contextlib
import errno
import json
import os
import pty
import signal
import subprocess
import time

import relay_store
from bed import run, shell, wait_until
from commands import DONE, FAILED, ODD_KEYS, OFFLINE, TIMED_OUT, USAGE, CommandCase, ctl, lines, of_event, program

BED = None  # set by run.py
CHUNK = 45_056


def kept(mount):
    """What an embedded relay has that does not run."""
    return relay_store.opened(mount.home / "store")


def chunks(mount):
    """Keys of full chunks that are stored."""
    with kept(mount) as store:
        return store.larger(CHUNK)


class Disk(CommandCase):
    @classmethod
    def setUpClass(cls):
        cls.mount = BED.mount()
        cls.top = cls.mount.directory

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()

    def test_status_is_json_and_not_listed(self):
        status = json.loads(self.mount.path(".spotfs/status").read_text())
        self.assertEqual(status["identity"] + "\n", self.mount.path("self/id").read_text())
        self.assertEqual(status["source"], self.mount.source)
        self.assertEqual(status["disk"]["writers"], [])
        self.assertTrue(status["connections"][0]["online"])
        self.assertNotIn(".spotfs", os.listdir(self.top))

    def test_a_shell_needs_no_program(self):
        result = shell("exec 3<>.spotfs/ctl && echo flush >&3 && cat <&3 && echo writers >&3 && cat <&3", cwd=self.top)
        self.assert_exit(DONE, result)
        done, writer, done_again = lines(result)
        self.assertEqual((done, done_again), ({"done": True}, {"done": True}))
        self.assertTrue(writer["self"])

    def test_who_only_writes_gets_the_outcome_from_close(self):
        for command, number in (("flush", None), ("nonsense", errno.EINVAL)):
            file = os.open(self.mount.path(".spotfs/ctl"), os.O_WRONLY)
            os.write(file, command.encode())
            if number is None:
                os.close(file)
                continue
            with self.assertRaises(OSError) as raised:
                os.close(file)
            self.assertEqual(raised.exception.errno, number)
        self.assert_exit(DONE, shell("echo flush > .spotfs/ctl", cwd=self.top))

    def test_the_mount_is_found_by_any_path_in_it(self):
        self.mount.path("files/deep/er").mkdir(parents=True)
        self.assert_exit(DONE, ctl("flush", self.mount.path("files/deep/er")))
        self.assert_exit(DONE, ctl("flush", cwd=self.mount.path("files/deep")))
        outside = ctl("flush", BED.work)
        self.assert_exit(FAILED, outside)
        self.assertIn("is not in a mount of spotfs", outside.stderr)
        self.assertEqual(outside.stdout, "")

    def test_wrong_usage(self):
        for words in ([], ["dance"], ["fsck", "--progress", "maybe"], ["blob", "get"], ["writers", "retire", "x", self.top]):
            result = ctl(*words)
            self.assert_exit(USAGE, result)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        result = ctl("--json", "dance")
        self.assert_exit(USAGE, result)
        self.assertEqual(lines(result)[0]["error"], "EINVAL")

    def test_flush_outlives_a_kill(self):
        mount = BED.mount()
        path = mount.path("files/open")
        with path.open("wb", buffering=0) as file:
            file.write(b"not closed")
            result = ctl("flush", mount.directory)
            self.assert_exit(DONE, result)
            self.assertEqual(result.stdout + result.stderr, "")
            mount.kill()
            with contextlib.suppress(OSError):
                file.close()
        mount.start()
        self.assertEqual(path.read_bytes(), b"not closed")
        mount.unmount()

    def test_conflicts(self):
        directory = self.mount.path("files/conflicts")
        directory.mkdir()
        name = "plan\n.conflict-20260102T030405Z-00ff"
        for one in (name, "plan\n", "other"):
            (directory / one).write_text("x")
        result = ctl("--json", "conflicts", directory)
        self.assert_exit(DONE, result)
        (found,) = of_event(result, "conflict")
        self.assertEqual((found["path"], found["of"]), (f"files/conflicts/{name}", "files/conflicts/plan\n"))
        self.assertEqual(ctl("conflicts", directory).stdout, f"files/conflicts/{name}\n".replace("n\n.", "n\\x0a."))
        self.assertEqual(ctl("conflicts", self.mount.path("files/deep-none")).returncode, FAILED)

    def test_writers_shows_this_mount(self):
        result = ctl("--json", "writers", self.top)
        (writer,) = of_event(result, "writer")
        self.assertTrue(writer["self"])
        self.assertIn("this mount", ctl("writers", self.top).stdout)
        self.assert_exit(FAILED, ctl("writers", "retire", writer["id"], self.top))

    def test_another_user_may_not(self):
        mount = BED.mount(None, "allow_other")
        as_other = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
        result = run(*as_other, program(), "flush", mount.directory)
        self.assert_exit(FAILED, result)
        self.assertIn("only the user who mounted it", result.stderr)
        self.assert_exit(DONE, run(*as_other, "cat", mount.path(".spotfs/status")))
        mount.unmount()

    def test_subtree_files(self):
        mount = BED.mount(None, "subtree=files")
        mount.path("a").write_text("x")
        self.assertEqual(os.listdir(mount.directory), ["a"])
        self.assertTrue(json.loads(mount.path(".spotfs/status").read_text()))
        for call in (lambda: mount.path(".spotfs").mkdir(), lambda: os.rename(mount.path("a"), mount.path(".spotfs"))):
            with self.assertRaises(OSError):
                call()
        self.assert_exit(DONE, ctl("fsck", mount.directory))
        self.assert_exit(DONE, ctl("blob", "put", "--mount", mount.directory, "key", input="x"))
        self.assertEqual(ctl("blob", "get", "--mount", mount.directory, "key").stdout, "x")
        mount.unmount()


class Check(CommandCase):
    def setUp(self):
        self.mount = BED.mount()
        self.files = self.mount.path("files")
        self.known = set()

    def tearDown(self):
        if self.mount.is_mounted():
            self.mount.unmount()

    def make(self, name, size):
        """Gives the keys of its chunks."""
        (self.files / name).parent.mkdir(exist_ok=True)
        (self.files / name).write_bytes(os.urandom(size))
        self.mount.unmount()
        made = chunks(self.mount) - self.known
        self.known |= made
        self.mount.start()
        return sorted(made)

    def lose(self, deleted=(), changed=()):
        self.mount.unmount()
        with kept(self.mount) as store:
            for key in deleted:
                store.drop(key)
            for key in changed:
                value = store.get(key)
                store.put(key, value[:-1] + bytes([value[-1] ^ 1]))
        self.mount.start()

    def test_a_whole_disk(self):
        self.make("directory/file", 3 * CHUNK)
        result = ctl("fsck", self.mount.directory)
        self.assert_exit(DONE, result)
        self.assertEqual(result.stdout, f"2 names, {3 * CHUNK} bytes: all is whole\n")
        (summary,) = of_event(ctl("--json", "scrub", self.mount.directory), "summary")
        self.assertEqual((summary["faults"], summary["swept"], summary["trash"]), (0, 0, 0))
        last = lines(ctl("--json", "fsck", self.mount.directory))[-1]
        self.assertEqual(last, {"done": True})

    def test_what_is_lost_is_found_by_path_and_repaired(self):
        missing = self.make("directory/missing chunk", 4 * CHUNK)
        damaged = self.make("damaged", 3 * CHUNK)
        nothing = self.make("nothing", CHUNK)
        self.make("whole", 2 * CHUNK)
        self.lose(deleted=[missing[0], *nothing], changed=[damaged[0]])
        before = {name: (self.files / name).stat().st_size for name in ("damaged", "nothing", "whole")}

        result = ctl("--json", "fsck", self.mount.directory)
        self.assert_exit(FAILED, result)
        faults = {line["path"]: line for line in of_event(result, "fault")}
        self.assertEqual(set(faults), {"files/directory/missing chunk", "files/damaged", "files/nothing"})
        ((offset, size, what, key),) = faults["files/directory/missing chunk"]["lost"]
        self.assertEqual((offset % CHUNK, size, what, key), (0, CHUNK, "missing", missing[0].decode()))
        self.assertEqual(faults["files/damaged"]["lost"][0][2], "damaged")
        self.assertEqual(sum(size for _, size in faults["files/damaged"]["whole"]), 2 * CHUNK)
        self.assertEqual(faults["files/nothing"]["whole"], [])
        self.assertEqual(lines(result)[-1]["error"], "EBADMSG")
        self.assertEqual({name: (self.files / name).stat().st_size for name in before}, before)

        result = ctl("fsck", self.mount.directory)
        self.assert_exit(FAILED, result)
        self.assertIn(f"files/nothing: of {CHUNK} bytes {CHUNK} bytes at 0 missing\n", result.stdout)
        self.assertEqual(result.stderr, "spotfsctl: 3 are not whole, see above\n")

        result = ctl("fsck", "--repair", self.mount.directory)
        self.assert_exit(FAILED, result)
        self.assertIn("files/directory/missing chunk: moved to files/lost+found/missing chunk\n", result.stdout)
        self.assertIn("files/nothing: dropped, as nothing of it can be had\n", result.stdout)
        self.assertEqual(sorted(os.listdir(self.files)), ["directory", "lost+found", "whole"])
        self.assertEqual(sorted(os.listdir(self.files / "lost+found")), ["damaged", "missing chunk"])
        with (self.files / "lost+found/damaged").open("rb") as file:
            for begin, size in faults["files/damaged"]["whole"]:
                self.assertEqual(len(os.pread(file.fileno(), size, begin)), size)
        shell("rm lost+found/*", cwd=self.files)
        self.assert_exit(DONE, ctl("fsck", self.mount.directory))

    def test_a_lost_log_is_stored_again(self):
        self.make("file", 1)
        self.mount.unmount()
        with kept(self.mount) as store:
            for key, size in store.sizes(b".spotfs/c/").items():
                if size < 2_000:
                    store.drop(key)
        # The journal has it: whoever has none would see an empty disk. The first scrub may store it again, too.
        self.mount.options.append("scrub=0")
        self.mount.start()
        result = ctl("--json", "fsck", self.mount.directory)
        self.assert_exit(FAILED, result)  # the content of the file was as small
        self.assertTrue(all(line["restored"] for line in of_event(result, "log_fault")))
        self.assertTrue(of_event(result, "log_fault"))
        self.assertEqual([line["path"] for line in of_event(result, "fault")], ["files/file"])
        self.assertEqual(of_event(ctl("--json", "fsck", self.mount.directory), "log_fault"), [])

    def terminal(self, *words):
        """What a program says on a terminal, which its standard error is."""
        leader, follower = pty.openpty()
        with subprocess.Popen([program(), *words], stdout=subprocess.PIPE, stderr=follower, env=BED.environment) as running:
            os.close(follower)
            out = running.stdout.read()
            shown = b""
            with contextlib.suppress(OSError):  # the end of a terminal
                while part := os.read(leader, 65_536):
                    shown += part
        os.close(leader)
        self.assertEqual(running.returncode, DONE, out)
        return shown.decode(), out.decode()

    def test_a_bar_is_for_terminals(self):
        self.make("file", 3 * CHUNK)
        shown, out = self.terminal("fsck", self.mount.directory)
        self.assertIn("] 100 %  1 of 1 files", shown)
        self.assertIn("[###", shown)
        self.assertNotIn("\x1b", shown)
        self.assertIn("all is whole", out)
        self.assertEqual(self.terminal("fsck", "--progress=never", self.mount.directory)[0], "")
        self.assertEqual(ctl("fsck", self.mount.directory).stderr, "")
        self.assertIn("100 %", ctl("fsck", "--progress=always", self.mount.directory).stderr)


class Relay(CommandCase):
    @classmethod
    def setUpClass(cls):
        BED.start_relay()

    @classmethod
    def tearDownClass(cls):
        if BED.relay.poll() is None:
            BED.stop_relay()

    def test_without_a_mount(self):
        mount = BED.relay_mount("refresh=10ms")
        identity = mount.identity
        direct = ["--source", "wss://relay.spot.test", "-o", f"identity={identity},ca={BED.authority},mount_timeout=10"]
        value = os.urandom(20_000)
        result = run(program(), "blob", "put", *direct, "direct/key", input=value, text=False, errors=None)
        self.assertEqual(result.returncode, DONE, result.stderr)
        mount.path("blobs/direct").mkdir()
        self.assertEqual(mount.path("blobs/direct/key").read_bytes(), value)
        mount.path("blobs/direct/key").write_text("by the mount")
        self.assertEqual(ctl("blob", "get", *direct, "direct/key").stdout, "by the mount")
        self.assert_exit(DONE, ctl("blob", "put", *direct, "direct/key", input="again"))
        wait_until(lambda: mount.path("blobs/direct/key").read_text() == "again", "the newer value")
        self.assert_exit(DONE, ctl("blob", "rm", *direct, "direct/key"))
        self.assert_exit(FAILED, ctl("blob", "get", *direct, "direct/key"))
        self.assert_exit(USAGE, ctl("blob", "ls", *direct))
        for key in ODD_KEYS:
            value = os.urandom(2_000)
            result = run(program(), "blob", "put", *direct, "--", key, input=value, text=False, errors=None)
            self.assertEqual(result.returncode, DONE, result.stderr)
            got = run(program(), "blob", "get", *direct, "--", key, text=False, errors=None)
            self.assertEqual((got.returncode, got.stdout), (DONE, value), key)
            self.assert_exit(DONE, ctl("blob", "rm", *direct, "--", key))
        # More than one blob takes a mount, which says so.
        large = run(program(), "blob", "put", *direct, "large", input=os.urandom(100_000), text=False, errors=None)
        self.assertEqual(large.returncode, FAILED)
        self.assertIn(b"at most", large.stderr)
        value = os.urandom(100_000) + bytes(100_000)
        mount.path("blobs/large").write_bytes(value)
        got = run(program(), "blob", "get", *direct, "large", text=False, errors=None)
        self.assertEqual((got.returncode, got.stdout), (DONE, value))
        nobody = ctl("blob", "get", "--source", "wss://relay.spot.test", "-o", f"identity={BED.work}/nobody", "x")
        self.assert_exit(FAILED, nobody)
        self.assertFalse((BED.work / "nobody").exists())
        mount.unmount()

    def test_a_writer_that_will_not_come_back(self):
        first = BED.relay_mount()
        second = BED.relay_mount(identity=first.identity)
        second_id = json.loads(second.path(".spotfs/status").read_text())["disk"]["writer"]
        second.unmount()
        result = ctl("--json", "writers", first.directory)
        self.assertEqual([line["id"] for line in of_event(result, "writer") if not line["self"]], [second_id])
        self.assert_exit(DONE, ctl("writers", "retire", second_id, first.directory))
        self.assertEqual(len(of_event(ctl("--json", "writers", first.directory), "writer")), 1)
        unknown = ctl("--json", "writers", "retire", "A" * 22, first.directory)
        self.assert_exit(FAILED, unknown)
        self.assertEqual(lines(unknown)[-1]["error"], "ENOENT")
        # It finds itself retired, and goes on as another.
        second.start()
        self.assertNotEqual(json.loads(second.path(".spotfs/status").read_text())["disk"]["writer"], second_id)
        second.unmount()
        first.unmount()

    def test_z_without_an_answer_and_without_a_relay(self):
        mount = BED.relay_mount("timeout=1", "offline_grace=1")
        BED.freeze_relay()
        result = ctl("--json", "fsck", mount.directory)
        self.assert_exit(TIMED_OUT, result)
        self.assertEqual(lines(result)[-1]["error"], "ETIMEDOUT")

        waiting = subprocess.Popen([program(), "fsck", mount.directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: mount.waiting() > 0 or waiting.poll() is not None, "a request that waits")
        begin = time.monotonic()
        self.assertTrue(json.loads(mount.path(".spotfs/status").read_text()))
        self.assertLess(time.monotonic() - begin, 0.5)
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=5)
        self.assertEqual(waiting.returncode, -signal.SIGINT)
        BED.thaw_relay()
        BED.stop_relay()
        wait_until(lambda: not any(c["online"] for c in json.loads(mount.path(".spotfs/status").read_text())["connections"]), "offline")
        result = ctl("fsck", mount.directory)
        self.assert_exit(OFFLINE, result)
        self.assertEqual(result.stderr.count("\n"), 1)
        result = ctl("blob", "get", "--source", "wss://relay.spot.test", "-o",
                     f"identity={mount.identity},ca={BED.authority},mount_timeout=1", "a")  # fmt: skip
        self.assert_exit(OFFLINE, result)
        mount.kill()
