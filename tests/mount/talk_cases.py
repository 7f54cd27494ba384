"""The commands of spotfsctl that reach peers, through a mount and without one."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time

from bed import PATIENCE, wait_until
from commands import CONTROL, DONE, FAILED, OFFLINE, REMOTE, TIMED_OUT, CommandCase, ctl, last_error, lines, program, started, status_of

BED = None  # set by run.py
HOSTILE = "\x1b[2J\x1b]0;owned\x07\nsecond line\x9b31m" + "x" * 3_000


class Peers(CommandCase):
    """Two identities on one relay: one has a mount, the other is reached, or is none."""

    @classmethod
    def setUpClass(cls):
        BED.start_relay()
        cls.mount = BED.relay_mount("query_timeout=20")
        cls.top = cls.mount.directory
        cls.address = cls.mount.path("self/id").read_text().strip()
        other = BED.relay_mount()  # makes the keys
        other.unmount()
        cls.direct = ("--source", "wss://relay.spot.test", "-o", f"identity={other.identity},ca={BED.authority},mount_timeout=20")

    @classmethod
    def tearDownClass(cls):
        cls.mount.kill()
        if BED.relay.poll() is None:
            BED.stop_relay()

    @contextlib.contextmanager
    def listening(self, *words):
        with started("--json", "listen", *words, *self.direct) as listener:
            begin = json.loads(listener.stdout.readline())
            self.assertEqual(begin["event"], "listening")
            yield begin["address"], listener

    def query(self, address, *words, **options):
        return ctl("query", address, *words, "--mount", self.top, **options)

    def test_without_a_mount(self):
        for words in (("time",), ("ping",), ("ping", self.address), ("card",), ("card", self.address)):
            result = ctl("--json", *words, *self.direct)
            self.assert_exit(DONE, result)
            self.assertEqual(lines(result)[-1], {"done": True})
        self.assertEqual(ctl("query", f"{self.address}/ping", "hi", *self.direct).stdout, "hi")
        unknown = ctl("--json", "query", f"{self.address}/none", *self.direct)
        self.assert_exit(REMOTE, unknown)
        self.assertEqual(last_error(unknown), "EREMOTEIO")
        nobody = ctl("time", "--source", "wss://relay.spot.test", "-o", f"identity={BED.work}/nobody,ca={BED.authority}")
        self.assert_exit(FAILED, nobody)
        self.assertFalse((BED.work / "nobody").exists())

    def test_a_command_answers(self):
        with self.listening("upper", "--exec", 'tr a-z A-Z; printf " %s %s" "$SPOT_SENDER" "$SPOT_VERIFIED"') as (address, listener):
            result = self.query(address, "hello")
            self.assert_exit(DONE, result)
            self.assertRegex(result.stdout, rf"^HELLO {re.escape(self.address)}/\S+ 1$")
            answered = json.loads(listener.stdout.readline())
            self.assertEqual((answered["event"], answered["code"], answered["verified"]), ("answered", 0, True))

    def test_a_command_may_leave_something_behind(self):
        with self.listening("behind", "--exec", "sleep 60 & echo ok") as (address, _):
            result = self.query(address, timeout=50)
            self.assert_exit(DONE, result)
            self.assertEqual(result.stdout, "ok\n")

    def test_a_command_that_fails_is_an_error_with_its_errors(self):
        with self.listening("fail", "--exec", "echo not today >&2; exit 7") as (address, _):
            result = self.query(address)
            self.assert_exit(REMOTE, result)
            self.assertIn("not today", result.stderr)
            self.assertEqual(last_error(ctl("--json", "query", address, "--mount", self.top)), "EREMOTEIO")

    def test_what_a_peer_says_never_reaches_a_terminal_as_it_is(self):
        text = BED.work / "hostile"
        text.write_text(HOSTILE)
        with self.listening("hostile", "--exec", f"cat {text} >&2; exit 1") as (address, _):
            for words in ((), ("--json",)):
                result = ctl(*words, "query", address, "--mount", self.top)
                self.assert_exit(REMOTE, result)
                self.assert_safe(result)
                self.assertEqual((result.stdout + result.stderr).count("\n"), 1)
        errors = self.mount.path(".spotfs/errors").read_text()
        self.assertIn("second line", errors)
        self.assertIsNone(CONTROL.search(errors.replace("\n", "")))
        self.assertTrue(all(len(line) < 1_400 for line in errors.splitlines()))
        self.assert_safe(ctl("status", self.top))
        self.assert_safe(ctl("--json", "status", self.top))

    def test_a_command_answers_by_the_files_of_a_mount(self):
        if not self.mount.path("listen").is_dir():
            self.skipTest("this mount has no listen/")
        command = 'if read -r word && [ "$word" = bad ]; then echo no >&2; exit 1; else printf "%s of %s" "$word" "$SPOT_ENDPOINT"; fi'
        with started("--json", "listen", "shout", "--exec", command, "--mount", self.top) as listener:
            self.assertEqual(json.loads(listener.stdout.readline())["address"], f"{self.address}/shout")
            for _ in range(3):
                result = ctl("query", f"{self.address}/shout", "-", *self.direct, input="word\n")
                self.assertEqual((result.returncode, result.stdout), (DONE, "word of shout"), result.stderr)
            refused = ctl("query", f"{self.address}/shout", "-", *self.direct, input="bad\n")
            self.assert_exit(REMOTE, refused)
            self.assertIn("no", refused.stderr)
        # It takes with it what it has made.
        self.assertEqual(listener.returncode, DONE)
        self.assertEqual(os.listdir(self.mount.path("listen")), [])
        with started("--json", "listen", "silent", "--count", "1", "--mount", self.top) as listener:
            listener.stdout.readline()
            self.assert_exit(DONE, ctl("send", f"{self.address}/silent", "hello", *self.direct))
            self.assertEqual(json.loads(listener.stdout.readline())["text"], "hello")
            listener.wait(PATIENCE)

    def test_messages_are_shown_where_no_command_answers(self):
        with self.listening("inbox", "--count", "2") as (address, listener):
            for body in ("one\n", HOSTILE):
                self.assert_exit(DONE, ctl("send", address, body, "--from", "me", "--mount", self.top))
            first, raw = json.loads(listener.stdout.readline()), listener.stdout.readline()
            self.assertEqual((first["from"], first["text"]), (f"{self.address}/me", "one\n"))
            self.assertIsNone(CONTROL.search(raw.rstrip("\n")))
            self.assertEqual(json.loads(raw)["text"], HOSTILE)
            listener.wait(PATIENCE)
            self.assertEqual(listener.returncode, DONE)

    def test_a_query_that_is_only_shown_is_declined_at_once(self):
        for way, address, peer in self.ways():
            with started("--json", "listen", "shown", *way) as listener:
                listener.stdout.readline()
                result = ctl("query", f"{address}/shown", "hi", "--timeout", "600", *peer)
                self.assert_exit(REMOTE, result)
                self.assertIn("declined", result.stderr)
                self.assertEqual(json.loads(listener.stdout.readline())["text"], "hi")

    def test_what_the_client_answers_itself_is_nobody_elses(self):
        for way, _, _ in self.ways():
            result = ctl("--json", "listen", "ping", *way)
            self.assert_exit(FAILED, result)
            self.assertEqual(last_error(result), "EBUSY")

    def test_listeners_of_a_mount_serve_one_endpoint_side_by_side(self):
        words = ("--json", "listen", "two", "--exec", "cat", "--mount", self.top)
        with started(*words) as first:
            first.stdout.readline()
            with started(*words) as second:
                second.stdout.readline()
                first.terminate()
                first.wait(PATIENCE)
                self.assertEqual(ctl("query", f"{self.address}/two", "hi", *self.direct).stdout, "hi")
        self.assertEqual((first.returncode, second.returncode), (DONE, DONE))
        self.assertEqual(os.listdir(self.mount.path("listen")), [])
        with started(*words) as listener:
            listener.stdout.readline()
            self.mount.path("listen/two").rmdir()
            self.assertIn("two was taken away: nobody listens there any more", listener.stdout.read())
        self.assertEqual(listener.returncode, FAILED)

    def test_a_query_by_a_mount_that_ends_has_an_unknown_outcome(self):
        mount, begun = BED.relay_mount(), BED.work / "begun by that mount"
        with self.listening("ends", "--exec", f"touch '{begun}'; sleep 300") as (address, _):
            with started("--json", "query", address, "--mount", mount.directory) as asking:
                wait_until(begun.exists, "the command to begin")
                mount.signal(signal.SIGTERM)
                self.assertIn("the outcome is unknown", json.loads(asking.stdout.readline())["text"])
                self.assertEqual(asking.wait(PATIENCE), TIMED_OUT)
        wait_until(lambda: not mount.is_running(), "the end")

    def test_the_last_answer_arrives_before_it_ends(self):
        for word in ("one", "two", "three"):
            with self.listening("last", "--count", "1", "--exec", "cat") as (address, listener):
                result = self.query(address, word)
                self.assert_exit(DONE, result)
                self.assertEqual(result.stdout, word)
                listener.wait(PATIENCE)
                self.assertEqual(listener.returncode, DONE)

    def test_who_waits_when_it_ends_is_told(self):
        begun = BED.work / "begun"
        with self.listening("busy", "--exec", f"touch {begun}; sleep 300; sleep 300") as (address, listener):
            words = [program(), "--json", "query", address, "--mount", self.top]
            with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                  env=BED.environment) as asked:  # fmt: skip
                wait_until(begun.exists, "the command to begin")
                listener.terminate()
                self.assertIn("the listener ends", asked.communicate(timeout=PATIENCE)[0])

    def ways(self):
        """A listener's options and identity, and what its peer asks with."""
        other = ctl("card", *self.direct).stdout.split()[0]
        by_mount = ("--mount", self.top)
        return ((by_mount, self.address, self.direct), (self.direct, other, by_mount))

    def test_an_answer_that_is_too_large_is_an_error_at_once(self):
        for way, address, peer in self.ways():
            with started("--json", "listen", "large", "--exec", "head -c $(cat) /dev/zero", *way) as listener:
                listener.stdout.readline()
                result = ctl("query", f"{address}/large", "-", *peer, input="65000")
                self.assert_exit(REMOTE, result)
                self.assertIn("too large for one message", result.stderr)
                self.assertEqual(ctl("query", f"{address}/large", "-", *peer, input="3").stdout, "\0" * 3)
                listener.terminate()
                self.assertIn("EMSGSIZE", listener.stdout.read())
            self.assertEqual(listener.returncode, DONE)

    def test_a_message_that_can_not_be_shown_is_an_error_to_its_sender(self):
        for way, address, peer in self.ways():
            with open("/dev/full", "w") as full, started("listen", "full", *way, stdout=full, stderr=full) as listener:
                said = "can't write it down"
                wait_until(lambda: said in ctl("query", f"{address}/full", "--timeout", "5", *peer).stderr, said)
                listener.wait(PATIENCE)
            self.assertEqual(listener.returncode, FAILED)

    def test_a_listener_ends_when_its_reader_has_gone(self):
        for way, _, _ in self.ways():
            with started("--json", "listen", "head", *way) as listener:
                listener.stdout.readline()
                listener.stdout.close()
                listener.wait(PATIENCE)
            self.assertEqual(listener.returncode, FAILED)

    def test_nobody_answers(self):
        # What hangs does not keep the listener from its end.
        with self.listening("slow", "--exec", "sleep 300; sleep 300") as (address, _):
            begin = time.monotonic()
            result = ctl("--json", "query", address, "--timeout", "1", "--mount", self.top)
            self.assert_exit(TIMED_OUT, result)
            self.assertEqual(last_error(result), "ETIMEDOUT")
            self.assertIn("outcome is unknown", lines(result)[-1]["text"])
            self.assertGreaterEqual(time.monotonic() - begin, 0.9)
            self.assertTrue(status_of(self.mount))

    def test_who_is_not_online(self):
        with self.listening("gone") as (address, _):
            pass
        result = ctl("--json", "query", address, "--mount", self.top)
        self.assert_exit(OFFLINE, result)
        self.assertEqual(last_error(result), "EHOSTUNREACH")

    def test_what_umount_can_not_store_is_said_and_kept(self):
        mount = BED.relay_mount("timeout=2", "drain=3", "commit=1h")
        mount.path("files/late").write_text("kept")
        BED.freeze_relay()
        try:
            result = ctl("--json", "umount", mount.directory, timeout=4 * PATIENCE)
            # It has waited for the drain, which takes its time.
            self.assertFalse(mount.is_running())
        finally:
            BED.thaw_relay()
        self.assert_exit(DONE, result)
        self.assertEqual([line.get("event") for line in lines(result)], ["unstored", None])
        mount.start()
        self.assertEqual(mount.path("files/late").read_text(), "kept")
        mount.unmount()

    def test_where_nothing_was_left_to_store_umount_says_nothing(self):
        mount = BED.relay_mount("timeout=2", "drain=3")
        BED.freeze_relay()
        try:
            result = ctl("umount", mount.directory, timeout=4 * PATIENCE)
        finally:
            BED.thaw_relay()
        self.assert_exit(DONE, result)
        self.assertEqual(result.stdout, "")

    def test_z_without_a_relay(self):
        BED.stop_relay()
        wait_until(lambda: not any(c["online"] for c in status_of(self.mount)["connections"]), "offline")
        for way in (("--mount", self.top), (*self.direct[:-1], self.direct[-1].replace("mount_timeout=20", "mount_timeout=1"))):
            result = ctl("--json", "time", *way)
            self.assert_exit(OFFLINE, result)
            self.assertEqual(last_error(result), "ENETDOWN")
            self.assert_exit(OFFLINE, ctl("query", f"{self.address}/ping", "x", *way))
        wait_until(lambda: status_of(self.mount)["connections"][0]["last_error"] == "connection refused", "the next try")
        self.assertRegex(ctl("status", self.top).stdout, "offline since .*: connection refused\n")
        why = "relay.spot.test: connection refused"
        self.assertIn(f"{self.top}  wss://relay.spot.test  offline: {why}", ctl("list").stdout)
        self.assertIn(why, ctl("time", *way).stderr)
