"""Limits of endpoints/: sizes, deadlines, other users, a thousand stuck queries, lost connections."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time

from asking import LIMIT, EndpointsCase
from bed import PATIENCE, run, wait_until
from commands import DONE, TIMED_OUT, ctl, program

BED = None  # set by run.py
STUCK = 1_000
SCRIPTS = 64
SOON = 0.1  # seconds: what a killed reader may take, by the best of some tries


class Limits(EndpointsCase):
    def test_what_does_not_fit_is_not_sent(self):
        directory = self.serve("echo")
        # Sealed for a peer it is some hundred bytes more, of the 65,535 that a message may have.
        self.assert_errno(errno.EMSGSIZE, (directory / "request").write_bytes, bytes(LIMIT))
        self.assert_errno(errno.EMSGSIZE, (directory / "request").write_bytes, bytes(LIMIT + 1))
        self.assert_errno(errno.EMSGSIZE, (directory / "reply").read_bytes)
        self.assert_errno(errno.EMSGSIZE, (directory / "send").write_bytes, bytes(LIMIT))
        self.assertIn(" EMSGSIZE ", (directory / "error").read_text())
        self.assertEqual(self.seen(), [])
        body = os.urandom(LIMIT - 500)
        (directory / "request").write_bytes(body)
        self.assertEqual((directory / "reply").read_bytes(), body)

    def test_what_is_not_written_from_start_to_end_is_not_sent(self):
        directory = self.serve("echo")
        for name in ("request", "send"):
            with self.subTest(name):
                file = os.open(directory / name, os.O_WRONLY)
                os.write(file, b"length=?, a body")
                os.lseek(file, 7, os.SEEK_SET)
                self.assert_errno(errno.ESPIPE, os.write, file, b"6")
                self.assert_errno(errno.ESPIPE, os.close, file)
                self.assertIn(" ESPIPE ", (directory / "error").read_text())
        self.assert_errno(errno.ESPIPE, (directory / "reply").read_bytes)
        self.assertEqual(self.seen(), [])

    def test_a_deadline_of_ones_own(self):
        directory = self.serve("silent")
        os.setxattr(directory, "user.spot.timeout", b"1")
        self.assertEqual(os.getxattr(directory, "user.spot.timeout"), b"1")
        self.assert_errno(errno.ETIMEDOUT, (directory / "request").write_bytes, b"x")
        with open(directory / "call", "r+b", buffering=0) as call:
            call.write(b"x")
            self.assert_errno(errno.ETIMEDOUT, call.read)

    def test_the_deadline_is_that_of_spotfsctl_too(self):
        directory = self.serve("silent")
        words = ("query", "--mount", self.mount.directory, f"{self.peer.address}/{self.name}", "x")
        for seconds, own in ((1, ()), (600, ("--timeout", "1"))):
            os.setxattr(directory, "user.spot.timeout", b"%d" % seconds)
            result = ctl(*words, *own, timeout=25)  # less than the usual one
            self.assertEqual(result.returncode, TIMED_OUT, result.stderr)

    def test_names_stay_as_they_are(self):
        directory = self.serve()
        self.assert_errno(errno.EPERM, (directory / "new").write_text, "x")
        self.assert_errno(errno.EPERM, os.rename, directory / "request", directory / "new")
        self.assert_errno(errno.EPERM, os.link, directory / "request", directory / "new")
        self.assert_errno(errno.EPERM, os.unlink, directory / "reply")
        self.assert_errno(errno.EEXIST, os.mkdir, directory / "call")
        self.assert_errno(errno.EACCES, (directory / "request").read_bytes)
        self.assertEqual(sorted(os.listdir(directory)), ["error", "reply", "request"])

    def test_many_scripts_on_one_endpoint_get_their_own_replies(self):
        directory = self.serve()
        scripts = {
            "slot": "mkdir $0 && printf $0 > $0/request && cat $0/reply && rmdir $0",
            "call": "exec 3<>call && printf $0 >&3 && cat <&3",
        }
        for name, script in scripts.items():
            with self.subTest(name):
                started = [
                    subprocess.Popen(["sh", "-c", script, f"n{i}"], cwd=directory, stdout=subprocess.PIPE)
                    for i in range(SCRIPTS)
                ]
                self.assertEqual([one.communicate()[0] for one in started], [b"N%d" % i for i in range(SCRIPTS)])
        self.assertEqual(sorted(os.listdir(directory)), ["error", "reply", "request"])

    def test_remote_text_is_made_printable(self):
        mount = BED.relay_mount(start=False)
        mount.start_in_foreground()
        name = "fails\x1b[31m\n-with"
        self.peer.call("serve", endpoint=name, mode="fail_with")
        directory = mount.path("endpoints", self.peer.address, name)
        for text in (b"\x1b]0;title\x07\x1b[2J\r\n", b"\xff\xfe\0", b"x" * 60_000, "\u202e\u009b31m".encode()):
            self.assert_errno(errno.EREMOTEIO, (directory / "request").write_bytes, text)
            line = (directory / "error").read_text()
            self.assertRegex(line, r"^[ -~]+…?\n$")
            self.assertLess(len(line), 2_048)
        log = (mount.home / "log").read_bytes()
        mount.unmount()
        self.assertNotRegex(log, rb"[^\n -~]")


class Users(EndpointsCase):
    OWN, GROUP = 4_321, 50
    options = ("allow_other", f"peers={GROUP}")

    def as_user(self, script, user, group=GROUP, **options):
        words = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "bash", "-c", script]
        return run(*words, **options)

    def test_the_group_of_peers_may_ask_peers_alone(self):
        directory = self.serve()
        result = self.as_user(f"cd {directory} && printf theirs > request; cat reply", self.OWN)
        self.assertEqual((result.stdout, result.stderr), ("THEIRS", ""))
        result = self.as_user(f"cat {self.mount.path('endpoints/@/time/error')}", self.OWN)
        self.assertIn("Permission denied", result.stderr)
        result = self.as_user(f"cat {directory}/error; echo x > {directory}/request", self.OWN, group=self.OWN)
        self.assertEqual(result.stderr.count("Permission denied"), 2)

    def test_the_group_of_peers_may_ask_them_by_spotfsctl(self):
        self.serve()
        address = f"{self.peer.address}/{self.name}"

        def says(*words, group=self.GROUP):
            line = shlex.join(map(str, (program(), *words, "--mount", self.mount.directory)))
            return self.as_user(line, self.OWN, group=group)

        self.assertEqual(says("query", address, "by spotfsctl").stdout, "BY SPOTFSCTL")
        self.assertEqual(says("send", address, "sent").returncode, DONE)
        wait_until(lambda: b"sent" in self.seen(), "the message")
        self.assertEqual(says("ping", self.peer.address).returncode, DONE)
        self.assertEqual(says("card", self.peer.address).stdout.split()[0], self.peer.address)
        for words in (("query", "@/time", "-"), ("card",), ("blob", "get", "x"), ("group", "x")):
            self.assertIn("only the user who mounted it may control it", says(*words).stderr, words)
        self.assertIn("only the user who mounted it", says("query", address, "x", group=self.OWN).stderr)

    def test_nobody_sees_the_results_of_another(self):
        directory = self.serve()
        (directory / "request").write_text("secret")
        os.mkdir(directory / "mine")
        (directory / "mine/request").write_text("secret, too")
        result = self.as_user("cat reply; cat error; ls; ls mine", self.OWN, cwd=directory)
        self.assertIn("No data available", result.stderr)
        self.assertIn("ls: cannot", result.stderr)
        self.assertEqual(result.stdout, f"no query by user id {self.OWN}; one by user id 0\nerror\nreply\nrequest\n")
        script = "for i in $(seq 30); do printf $0$i > request; cat reply; done"
        words = ["setpriv", f"--reuid={self.OWN}", f"--regid={self.GROUP}", "--clear-groups"]
        both = [
            subprocess.Popen([*prefix, "bash", "-c", script, name], cwd=directory, stdout=subprocess.PIPE, text=True)
            for prefix, name in (([], "a"), (words, "b"))
        ]
        for one, name in zip(both, "AB"):
            self.assertEqual(one.communicate()[0], "".join(f"{name}{i}" for i in range(1, 31)))
        self.assertEqual((directory / "mine/reply").read_text(), "SECRET, TOO")
        os.rmdir(directory / "mine")


def end(program):
    program.kill()
    program.wait()


class Stuck(EndpointsCase):
    """Queries that nobody answers."""

    def setUp(self):
        self.directory = self.serve("silent")
        os.setxattr(self.directory, "user.spot.timeout", b"600")

    def stuck_redirect(self):
        """As a shell leaves it: the query goes out at the release."""
        file = os.open(self.directory / "request", os.O_WRONLY)
        os.close(os.dup(file))
        os.write(file, b"stuck")
        os.close(file)

    def stuck_program(self, script, others=0):
        """Gives the program once it waits, as so many others do."""
        wait_until(lambda: self.mount.waiting() == others, "the end of other requests")
        program = subprocess.Popen(["bash", "-c", script], cwd=self.directory, stderr=subprocess.DEVNULL)
        self.addCleanup(end, program)

        def is_waiting():
            for _ in range(5):
                if self.mount.waiting() <= others:
                    return False
                time.sleep(0.02)
            return True

        wait_until(is_waiting, "a request that waits")
        return program

    def test_a_thousand_of_them_hold_up_nothing_else(self):
        large = self.mount.path("files/large")
        content = os.urandom(8 << 20)
        large.write_bytes(content)
        self.mount.path("files/dir").mkdir()
        for _ in range(STUCK):
            self.stuck_redirect()
        readers = [self.stuck_program("exec cat reply", others=i) for i in range(20)]
        wait_until(lambda: len(self.seen()) == STUCK, "all of them at the peer")
        with large.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.assertEqual(run("cat", large, text=False, errors=None).stdout, content)
        self.assertEqual(run("ls", self.mount.path("files")).stdout, "dir\nlarge\n")
        status = json.loads(self.mount.path(".spotfs/status").read_text())
        self.assertEqual(status["identity"] + "\n", self.mount.path("self/id").read_text())
        other = self.serve("upper")
        (other / "request").write_text("another")
        self.assertEqual((other / "reply").read_text(), "ANOTHER")
        self.assertTrue(all(reader.poll() is None for reader in readers))

    def test_whoever_waits_and_is_killed_is_gone_at_once(self):
        self.stuck_redirect()
        for script in ("exec cat reply", "exec cp /etc/hostname request", "exec 3<>call; echo x >&3; exec cat <&3"):
            with self.subTest(script):
                took = []
                for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT) * 2:
                    program = self.stuck_program(script)
                    begin = time.monotonic()
                    program.send_signal(number)
                    program.wait()
                    took.append(time.monotonic() - begin)
                self.assertLess(min(took), SOON)

    def test_whoever_exits_leaves_its_queries_to_the_mount(self):
        writes = "import os\nfor i in b'012': os.write(os.open('request', os.O_WRONLY), bytes([i]))\n"
        self.assertEqual(run(sys.executable, "-c", writes + "os._exit(0)", cwd=self.directory).returncode, 0)
        script = writes + "print('written', flush=True)\nos.read(0, 1)"
        with subprocess.Popen([sys.executable, "-c", script], cwd=self.directory, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:  # fmt: skip
            program.stdout.readline()
            program.kill()
            program.wait(PATIENCE)
        wait_until(lambda: sorted(self.seen()) == [b"0", b"0", b"1", b"1", b"2", b"2"], "all of them at the peer")

    def test_ps_answers_while_a_flush_waits(self):
        program = self.stuck_program("exec cp /etc/hostname request")
        self.assertIn("cp /etc/hostname request", run("ps", "-ef").stdout)
        self.assertIsNone(program.poll())

    def test_a_reply_that_is_not_there_yet_may_be_asked_for_without_waiting(self):
        self.stuck_redirect()
        self.assert_errno(errno.EAGAIN, os.open, self.directory / "reply", os.O_RDONLY | os.O_NONBLOCK)
        self.assertEqual(os.stat(self.directory / "reply").st_size, 0)


class LostConnection(EndpointsCase):
    def test_a_message_that_waits_for_a_card_is_sent_before_the_mount_ends(self):
        self.serve()
        mount = BED.relay_mount()
        directory = mount.path("endpoints", self.peer.address, self.name)
        BED.freeze_relay()
        try:
            self.assertEqual(run("bash", "-c", "echo last > send", cwd=directory).returncode, 0)
            run("umount", mount.directory)
        finally:
            BED.thaw_relay()
        mount.wait_ended()
        wait_until(lambda: self.seen() == [b"last\n"], "the message at the peer")

    def test_the_outcome_is_unknown_and_the_query_was_made_once(self):
        directory = self.serve("silent")
        failed = []

        def ask():
            try:
                (directory / "request").write_bytes(b"once")
            except OSError as error:
                failed.append(errno.errorcode[error.errno])

        asking = threading.Thread(target=ask)
        asking.start()
        wait_until(self.seen, "the query at the peer")
        BED.stop_relay(kill=True)
        asking.join(30)
        self.assertEqual(failed, ["ETIMEDOUT"])
        self.assertIn("the outcome is unknown", (directory / "error").read_text())
        self.assert_errno(errno.ETIMEDOUT, (directory / "reply").read_bytes)
        BED.start_relay()
        lost, again = self.name, None

        def answers():
            nonlocal again
            again = again or self.serve("echo")
            try:
                (again / "request").write_bytes(b"here again")
            except OSError:
                return False
            return (again / "reply").read_bytes() == b"here again"

        wait_until(answers, "both to be back")
        self.name = lost
        self.assertEqual(self.seen(), [b"once"])
