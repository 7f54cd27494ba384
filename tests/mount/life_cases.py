"""How a mount begins and ends: the command line, background and foreground, signals, umount, what is in the way."""

import errno
import os
import resource
import signal
import socket
import subprocess
import unittest

from bed import MountFailed, run, wait_until

BED = None  # set by run.py
USAGE, FAILED = 1, 32  # exit codes of mount(8)
NOBODY = 65_534


class LifeCase(unittest.TestCase):
    def assert_fails(self, code, text, mount):
        """The command fails with this exit code and one line that has the text."""
        with self.assertRaises(MountFailed) as raised:
            mount.start()
        self.assertEqual(raised.exception.code, code, raised.exception)
        self.assertEqual(raised.exception.line.count("\n"), 1, raised.exception.line)
        self.assertTrue(raised.exception.line.startswith("spotfs: "), raised.exception.line)
        self.assertIn(text, raised.exception.line)

    def assert_works(self, mount):
        mount.path("blobs/file").write_text("text")
        self.assertEqual(mount.path("blobs/file").read_text(), "text")


class Ends(LifeCase):
    def setUp(self):
        self.mount = BED.mount()
        self.assert_works(self.mount)

    def test_umount(self):
        self.mount.unmount()

    def test_fusermount3(self):
        self.assertEqual(run("fusermount3", "-u", self.mount.directory).returncode, 0)
        self.mount.wait_ended()

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number.name):
                self.mount.signal(number)
                self.mount.wait_ended()
                self.mount.start()
                self.assertEqual(self.mount.path("blobs/file").read_text(), "text")
        self.mount.unmount()

    def test_not_by_a_limit_on_the_size_of_its_files(self):
        limit, most = resource.RLIMIT_FSIZE, resource.prlimit(self.mount.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.mount.pid, limit, (4_096, most))
        with self.assertRaises(OSError):
            self.mount.path("blobs/large").write_bytes(bytes(40_000))
        resource.prlimit(self.mount.pid, limit, (most, most))
        self.assertEqual(self.mount.path("blobs/file").read_text(), "text")
        self.mount.path("blobs/large").write_bytes(bytes(40_000))
        self.mount.unmount()

    def test_sigterm_while_a_program_is_in_it(self):
        file = os.open(self.mount.path("blobs/open"), os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(file, b"kept")
        with subprocess.Popen(["sleep", "600"], cwd=self.mount.path("blobs")) as inside:
            self.mount.signal(signal.SIGTERM)
            self.mount.wait_ended()
            inside.kill()
        with self.assertRaises(OSError):
            os.close(file)
        self.mount.start()
        self.assertEqual(self.mount.path("blobs/open").read_text(), "kept")
        self.mount.unmount()

    def test_a_kill_and_a_mount_over_what_is_left(self):
        for i in range(20):
            self.mount.path(f"blobs/{i}").write_text(f"closed {i}")
        self.mount.signal(signal.SIGKILL)
        wait_until(lambda: not self.mount.is_running(), "the end of a killed process")
        self.assertTrue(self.mount.is_mounted())
        with self.assertRaises(OSError) as raised:
            os.stat(self.mount.directory)
        self.assertEqual(raised.exception.errno, errno.ENOTCONN)
        self.mount.start()
        self.assertEqual([self.mount.path(f"blobs/{i}").read_text() for i in range(20)], [f"closed {i}" for i in range(20)])
        self.assertEqual(len(os.listdir(self.mount.path("blobs"))), 21)
        self.mount.unmount()


class Begins(LifeCase):
    def test_in_the_background_without_holding_on_to_the_caller(self):
        mount = BED.mount(start=False)
        # A pipe to a daemon that kept it would never end; and a lock on a descriptor would be held for ever.
        script = f'exec 9>{mount.home}/lock; flock 9; "$@" | cat'
        result = run("bash", "-c", script, "-", *mount.command())
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))
        self.assertEqual(run("flock", "--nonblock", f"{mount.home}/lock", "true").returncode, 0)
        mount.pid = mount._find()
        self.assertEqual(os.readlink(f"/proc/{mount.pid}/cwd"), "/")
        self.assertEqual({os.readlink(f"/proc/{mount.pid}/fd/{fd}") for fd in (0, 1, 2)}, {"/dev/null"})
        self.assert_works(mount)
        mount.unmount()

    def test_in_the_foreground_with_a_log(self):
        mount = BED.mount(start=False)
        mount.start_in_foreground()
        self.assert_works(mount)
        mount.signal(signal.SIGINT)
        self.assertEqual(mount.foreground.wait(30), 0)
        self.assertFalse(mount.is_mounted())
        for text in ("mounts embedded:", f"identity={mount.identity}", f": mounted {mount.directory}", "unmounted"):
            self.assertIn(text, mount.log())

    def test_tells_the_service_manager(self):
        mount = BED.mount(start=False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(30)
            manager.bind(str(mount.home / "notify"))
            mount.start_in_foreground(NOTIFY_SOCKET=str(mount.home / "notify"))
            self.assertEqual([manager.recv(100) for _ in range(2)], [b"STATUS=online", b"READY=1"])
            mount.signal(signal.SIGTERM)
            self.assertEqual(manager.recv(100), b"STOPPING=1")
        self.assertEqual(mount.foreground.wait(30), 0)

    def test_without_core_files_and_unreadable_for_others(self):
        mount = BED.mount()
        with open(f"/proc/{mount.pid}/limits", encoding="ascii") as limits:
            self.assertRegex(limits.read(), r"Max core file size +0 +0 ")
        with open(f"/proc/{mount.pid}/cmdline", encoding="utf-8") as words:
            self.assertNotIn("PRIVATE", words.read())
        mount.unmount()

    def test_shows_its_source_and_type(self):
        mount = BED.mount()
        result = run("findmnt", "--noheadings", "--output", "SOURCE,FSTYPE,OPTIONS", mount.directory)
        self.assertRegex(result.stdout, f"^{mount.source} fuse.spotfs rw,nosuid,nodev,")
        self.assertRegex(run("stat", "-f", "-c", "%T", mount.directory).stdout, "fuse")
        mount.unmount()

    def test_with_the_options_that_mount_passes_along(self):
        mount = BED.mount(None, "rw,dev,suid,noatime,_netdev,nofail,x-systemd.automount,user_id=0")
        self.assertIn("nosuid,nodev,noatime", run("findmnt", "-no", "OPTIONS", mount.directory).stdout)
        mount.unmount()

    def test_through_mount(self):
        mount = BED.mount(start=False)
        source = f"{BED.programs['spotfs']}#{mount.source}"
        result = run("mount", "-t", "fuse", "-o", "noatime," + ",".join(mount.options), source, mount.directory)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_works(mount)
        subprocess.run(["umount", mount.directory], check=True)

    def test_a_second_mount_of_the_same_disk(self):
        first = BED.mount(None, "listen=127.0.0.1:8443")
        first.path("blobs/first").write_text("1")
        second = BED.mount("wss://localhost:8443", f"ca={first.home}/store/cert.pem", start=False)
        second.options[0:2] = first.options[0:2]
        second.start()
        self.assertEqual(second.path("blobs/first").read_text(), "1")
        second.path("blobs/second").write_text("2")
        wait_until(lambda: first.path("blobs/second").exists(), "the other mount's file")
        self.assertEqual(first.path("blobs/second").read_text(), "2")
        second.unmount()
        first.unmount()

    def test_as_an_ordinary_user(self):
        mount = BED.mount(user=NOBODY)
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        result = run(*as_user, "bash", "-c", 'echo mine > "$1/blobs/f" && cat "$1/blobs/f"', "-", mount.directory)
        self.assertEqual((result.returncode, result.stdout), (0, "mine\n"), result.stderr)
        # Not even root is let in without allow_other.
        with self.assertRaises(PermissionError):
            os.listdir(mount.directory)
        result = run(*as_user, "fusermount3", "-u", mount.directory)
        self.assertEqual(result.returncode, 0, result.stderr)
        mount.wait_ended()

    def test_as_an_ordinary_user_with_flags_that_fusermount3_does_not_know(self):
        mount = BED.mount(None, "relatime", "strictatime", "nodiratime", "noexec", "sync", user=NOBODY)
        options = run("findmnt", "-no", "OPTIONS", mount.directory).stdout.split(",")
        self.assertLessEqual({"noexec", "sync", "nosuid", "nodev"}, set(options))
        self.assertEqual(run("umount", mount.directory).returncode, 0)
        mount.wait_ended()

    def test_as_an_ordinary_user_who_sends_sigterm(self):
        mount = BED.mount(user=NOBODY)
        mount.signal(signal.SIGTERM)
        mount.wait_ended()

    def test_for_others_too(self):
        mount = BED.mount(None, "allow_other")
        mount.path("blobs/all").write_text("for all")
        mount.path("blobs/mine").write_text("for root")
        mount.path("blobs/mine").chmod(0o600)
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "cat"]
        self.assertEqual(run(*as_user, mount.path("blobs/all")).stdout, "for all")
        self.assertIn("Permission denied", run(*as_user, mount.path("blobs/mine")).stderr)
        self.assertIn("Permission denied", run(*as_user, mount.path("endpoints/@/time/error")).stderr)
        mount.unmount()


class Refuses(LifeCase):
    def refuses(self, code, text, source=None, *options):
        self.assert_fails(code, text, BED.mount(source, *options, start=False))

    def test_wrong_usage(self):
        self.refuses(USAGE, "option timout: unknown", None, "timout=3")
        self.refuses(USAGE, "option timeout: \"0\" is not a time from 1s to 1h", None, "timeout=0")
        self.refuses(USAGE, "is not a whole digest", None, "expect=x")
        self.refuses(USAGE, "give embedded:DIR, wss://HOST[:PORT][,…] or spot:", "/dev/sda1")
        result = run(BED.programs["spotfs"])
        self.assertEqual((result.returncode, result.stderr.count("\n")), (USAGE, 1))

    def test_help_and_version(self):
        result = run(BED.programs["spotfs"], "--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("SOURCE DIR", result.stdout)
        self.assertRegex(run(BED.programs["spotfs"], "--version").stdout, r"^spotfs \d+\.\d+\.\d+\n$")

    def test_what_is_no_directory(self):
        mount = BED.mount(start=False)
        mount.directory.rmdir()
        self.assert_fails(FAILED, "give an existing directory to mount on", mount)
        mount.directory.write_text("x")
        self.assert_fails(FAILED, "give a directory to mount on", mount)

    def test_a_directory_that_has_a_mount_already(self):
        mount = BED.mount()
        again = BED.mount(start=False)
        again.directory = mount.directory
        self.assert_fails(FAILED, "is mounted here already: umount it first", again)
        self.assert_works(mount)
        mount.unmount()

    def test_several_at_the_same_time_on_one_directory(self):
        mounts = [BED.mount(start=False) for _ in range(4)]
        for mount in mounts[1:]:
            mount.directory = mounts[0].directory
        starts = [
            subprocess.Popen(mount.command(), stderr=subprocess.PIPE, text=True, env=BED.environment) for mount in mounts
        ]
        lines = [start.communicate(timeout=60)[1] for start in starts]
        self.assertEqual(sorted(start.returncode for start in starts), [0, FAILED, FAILED, FAILED], lines)
        self.assertEqual(sum("is mounted here already: umount it first" in line for line in lines), 3, lines)
        mounts[0].pid = mounts[0]._find()
        self.assert_works(mounts[0])
        mounts[0].unmount()

    def test_a_store_that_another_mount_has_open(self):
        mount = BED.mount()
        self.assert_fails(FAILED, "", BED.mount(mount.source, start=False))
        self.assert_works(mount)
        mount.unmount()

    def test_keys_that_others_can_read(self):
        mount = BED.mount()
        mount.unmount()
        key = next(mount.identity.iterdir())
        key.chmod(0o644)
        self.assert_fails(USAGE, f"{mount.identity}: the permissions of a secret file are too open", mount)
        key.chmod(0o600)
        mount.start()
        mount.unmount()

    def test_a_key_that_can_not_be_used_is_no_new_identity(self):
        mount = BED.mount()
        mount.unmount()
        key = next(mount.identity.iterdir())
        content = key.read_bytes()
        key.write_bytes(content[:100])
        self.assert_fails(FAILED, f"{key}: not used as a key: not a valid public or private key: put back a copy", mount)
        self.assertEqual(os.listdir(mount.identity), [key.name])
        key.write_bytes(content)
        mount.start()
        mount.unmount()

    def test_an_address_to_listen_on_that_is_taken(self):
        mount = BED.mount(None, "listen=127.0.0.1:8444")
        self.refuses(FAILED, "option listen: ", None, "listen=127.0.0.1:8444")
        mount.unmount()

    def test_a_file_of_certificates_that_is_none(self):
        self.refuses(FAILED, "option ca: /nowhere/ca.pem: no certificates (PEM) can be read from it", "wss://localhost", "ca=/nowhere/ca.pem")

    def test_leaves_nothing_behind(self):
        mount = BED.mount("wss://127.0.0.1:9", "mount_timeout=1", start=False)
        self.assert_fails(FAILED, "no connection within 1s: 127.0.0.1:9: ", mount)
        self.assertFalse(mount.is_mounted())
        self.assertRaises(AssertionError, mount._find)
