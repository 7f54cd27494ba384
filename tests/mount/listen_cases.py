"""listen/: endpoints that a mount serves, asked by another mount."""

import errno
import os
import select
import signal
import subprocess
import time
import unittest

from bed import run, shell, wait_until
from idle import Idle
from listening import WORKER, Query, begin, end, served, take, waits_for_nothing

BED = None  # set by run.py
IDLE = None  # mounts that no test uses


def setUpModule():
    global IDLE
    relay = BED.mount(None, "listen=127.0.0.1:8443")
    ours = BED.mount("wss://localhost:8443", f"ca={relay.home}/store/cert.pem", identity=relay.identity)
    IDLE = Idle(embedded=BED.mount(), serving=relay, relayed=ours)


class ListenCase(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        BED.start_relay()
        cls.mount = BED.relay_mount(*cls.options)
        cls.asker = BED.relay_mount()
        cls.address = cls.mount.path("self/id").read_text().strip()

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()
        cls.asker.unmount()
        BED.stop_relay()

    def asked(self, name):
        return self.asker.path("endpoints", self.address, name)

    def ask(self, name, body=b"question"):
        return Query(self.asked(name), body)

    def fails_with(self, number, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])


class Workers(ListenCase):
    def test_a_worker_in_each_shell(self):
        for number, name in enumerate(("sh", "bash", "dash", "zsh", "ksh93", "mksh", "busybox")):
            if run("sh", "-c", f"command -v {name}").returncode != 0:
                continue
            words = ["busybox", "sh"] if name == "busybox" else [name]
            with self.subTest(name), served(self.mount, f"shell-{number}", words):
                self.assertEqual(self.ask(f"shell-{number}", b"one").outcome(), b"ONE")
                self.assertEqual(self.ask(f"shell-{number}", b"two").outcome(), b"TWO")

    def test_the_loop_that_reads_from_next_itself(self):
        script = 'while read -r d < next; do cat "$d/body" "$d/from" > "$d/reply"; done'
        own = self.asker.path("self/id").read_text().strip()
        with served(self.mount, "read", ["bash"], script=script):
            self.assertRegex(self.ask("read", b"by ").outcome().decode(), rf"^by {own}/[0-9a-f-]{{36}}\n$")

    def test_several_workers_side_by_side(self):
        done = BED.new_directory("done")
        # Each says whose message it is before it answers, and answers none before another worker has one, too.
        script = f"""
        while d=$(cat next); do
            cp "$d/body" {done}/$$-$(cat "$d/body")
            until [ "$(ls {done} | cut -d- -f1 | sort -u | wc -l)" -gt 1 ]; do sleep 0.1; done
            echo done > "$d/reply"
        done"""
        with served(self.mount, "many", *[["sh"]] * 4, script=script) as endpoint:
            queries = [self.ask("many", b"%d" % i) for i in range(16)]
            self.assertEqual({query.outcome() for query in queries}, {b"done\n"})
            self.assertEqual(os.listdir(endpoint / "inbox"), [])
        self.assertEqual(sorted(int(name.split("-")[1]) for name in os.listdir(done)), list(range(16)))

    def test_a_body_and_a_reply_of_any_bytes(self):
        with served(self.mount, "bytes") as endpoint:
            for size in (1, 4_097, 60_000):
                body, reply = os.urandom(size), os.urandom(size)
                query = self.ask("bytes", body)
                message = take(endpoint)
                self.assertEqual((message / "body").stat().st_size, size)
                self.assertEqual((message / "body").read_bytes(), body)
                (message / "reply").write_bytes(reply)
                self.assertEqual(query.outcome(), reply)


class Answers(ListenCase):
    def test_the_directory_of_a_message_is_declined_by_rmdir(self):
        with served(self.mount, "declines") as endpoint:
            query = self.ask("declines")
            take(endpoint).rmdir()
            self.assertEqual(query.outcome(), "EREMOTEIO")
            self.assertIn("declined", query.text)
            self.assertEqual(os.listdir(endpoint / "inbox"), [])

    def test_an_error_is_the_senders(self):
        with served(self.mount, "fails") as endpoint:
            query = self.ask("fails")
            shell(f"echo out of tea > {take(endpoint)}/error", check=True)
            self.assertEqual(query.outcome(), "EREMOTEIO")
            self.assertTrue(query.text.endswith(" out of tea\n"), query.text)

    def test_an_answer_that_can_not_be_sent_is_an_error_to_its_sender_and_in_the_log(self):
        # The first is what a file may hold, but not sealed in a message. A shell's redirect is not told of it.
        sizes = {"dd of=reply conv=fsync": 65_000, "cat > reply": 65_000, "cp /dev/stdin reply": 70_000}
        with served(self.mount, "large") as endpoint:
            for script, size in sizes.items():
                query = self.ask("large")
                message = take(endpoint)
                result = shell(script, cwd=message, input="x" * size)
                self.assertEqual("Message too long" in result.stderr, ">" not in script, result.stderr)
                self.assertEqual(query.outcome(), "EREMOTEIO")
                self.assertTrue(query.text.endswith(" the answer is too large for one message\n"), query.text)
                self.assertEqual(os.listdir(endpoint / "inbox"), [])
        errors = self.mount.path(".spotfs/errors").read_text().splitlines()
        own = self.asker.path("self/id").read_text().strip()
        for line in errors[-len(sizes) :]:
            self.assertRegex(line, rf" listen/large: {own}/\S+ got an error: the answer is too large for one message$")

    def test_nothing_written_answers_nothing(self):
        with served(self.mount, "nothing") as endpoint:
            query = self.ask("nothing")
            message = take(endpoint)
            shell(f"touch {message}/reply; : > {message}/reply; cat /missing > {message}/reply")
            self.assertEqual(os.listdir(endpoint / "inbox"), [message.name])
            run("truncate", "-s", "0", message / "reply")
            self.assertEqual(query.outcome(), b"")

    def test_a_sender_beyond_the_queue_gets_an_error(self):
        with served(self.asker, "flood") as flood:
            with served(self.mount, "full") as endpoint:
                packet = flood / "to" / self.address / "full"
                packet.write_bytes(b"first")
                take(endpoint)
                wait_until(lambda: self.is_full(packet, 256), "the error of a full queue", patience=90)
                query = None
                while query is None:
                    query = self.ask_in_a_place_that_becomes_free(endpoint, packet)
            # It had its place, until the endpoint went.
            self.assertEqual(query.outcome(), "ENOENT")

    def ask_in_a_place_that_becomes_free(self, endpoint, packet):
        """The query; None if a packet that was still on its way was there first."""
        next((endpoint / "inbox").iterdir()).rmdir()
        query = self.ask("full", b"has it a place?")
        wait_until(lambda: self.is_full(packet, 0), "the error of a queue that is full again")
        while not waits_for_nothing(endpoint):
            pass
        if any((message / "body").read_bytes() == query.body for message in (endpoint / "inbox").iterdir()):
            return query
        self.assertEqual(query.outcome(), "EREMOTEIO")
        self.assertIn("too many messages", query.text)
        return None

    def is_full(self, packet, more):
        for _ in range(more):
            packet.write_bytes(b"x")
        # The mount asks itself: the outcome of another query is still to come where the asker asks.
        own = self.mount.path("endpoints", self.address, "full")
        os.setxattr(own, "user.spot.timeout", b"1")
        query = Query(own, b"is it full?")
        query.outcome()
        return "too many messages" in query.text

    def test_what_waits_is_refused_when_the_endpoint_or_the_mount_ends(self):
        with served(self.mount, "ends") as endpoint:
            queries = [self.ask("ends")]
            given = take(endpoint)
            waiting = begin("cat", "next", directory=endpoint, stderr=subprocess.DEVNULL)
        self.assertEqual(queries[0].outcome(), "ENOENT")
        self.assertNotEqual(waiting.wait(30), 0)
        self.assertFalse(given.exists())
        other = BED.relay_mount()
        other.path("listen/ends").mkdir()
        address = other.path("self/id").read_text().strip()
        query = Query(self.asker.path("endpoints", address, "ends"), b"x")
        wait_until(lambda: not waits_for_nothing(other.path("listen/ends")), "the message")
        other.unmount()
        self.assertEqual(query.outcome(), "ENOENT")


class Waiting(ListenCase):
    def test_a_killed_reader_is_gone_at_once_and_leaves_the_message(self):
        with served(self.mount, "killed") as endpoint:
            for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
                os.listdir(endpoint)
                readers = [begin("cat", "next", directory=endpoint) for _ in range(8)]
                wait_until(lambda: self.mount.waiting() >= 8, "readers that wait")
                begun = time.monotonic()
                for reader in readers:
                    reader.send_signal(number)
                for reader in readers:
                    self.assertEqual(reader.wait(30), -number)
                self.assertLess(time.monotonic() - begun, 5)
            query = self.ask("killed")
            (take(endpoint) / "reply").write_bytes(b"still there")
            self.assertEqual(query.outcome(), b"still there")

    def test_a_child_that_ends_does_not_end_the_wait_of_another_thread(self):
        with served(self.mount, "child") as endpoint:
            query = self.ask("child")
            message = take(endpoint)
            # This thread does not take it, so that of the query is woken, which has no handler for it.
            usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            try:
                run("true")
                self.assertTrue(query.is_alive())
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, usual)
            (message / "reply").write_bytes(b"answered")
            self.assertEqual(query.outcome(), b"answered")

    def test_an_open_that_reads_nothing_takes_nothing(self):
        with served(self.mount, "unread") as endpoint:
            query = self.ask("unread")
            wait_until(lambda: self.is_readable(endpoint, 1_000), "the message")
            shell("exec 3< next; exec 3<&-", cwd=endpoint, check=True)
            self.assertEqual(os.listdir(endpoint / "inbox"), [])
            (take(endpoint) / "reply").write_bytes(b"still there")
            self.assertEqual(query.outcome(), b"still there")

    def is_readable(self, endpoint, milliseconds):
        with (endpoint / "next").open("rb", buffering=0) as file:
            poll = select.poll()
            poll.register(file, select.POLLIN)
            return poll.poll(milliseconds) != []

    def test_poll_waits_for_a_message(self):
        with served(self.mount, "polled") as endpoint, (endpoint / "next").open("rb", buffering=0) as file:
            poll = select.poll()
            poll.register(file, select.POLLIN)
            self.assertEqual(poll.poll(200), [])
            query = self.ask("polled")
            self.assertEqual(poll.poll(30_000), [(file.fileno(), select.POLLIN)])
            name = file.read().decode().strip()
            (endpoint / name / "reply").write_bytes(b"polled")
            self.assertEqual(query.outcome(), b"polled")

    def test_tools_that_walk_the_mount_take_no_message(self):
        copy = BED.new_directory("copy")
        with served(self.mount, "walked") as endpoint:
            given, waiting = self.ask("walked", b"given out"), None
            message = take(endpoint)
            with served(self.asker, "sends") as sends:
                (sends / "to" / self.address / "walked").write_bytes(b"waits")
                wait_until(lambda: self.is_readable(endpoint, 1_000), "the second message")
            root = self.mount.directory
            self.assertIn(f"{message}/body", run("grep", "-r", "given out", root, timeout=60).stdout)
            run("cp", "-a", root, copy / "copied", timeout=60)
            self.assertEqual((copy / "copied/listen/walked/inbox" / message.name / "body").read_bytes(), b"given out")
            self.assertFalse((copy / "copied/listen/walked/next").exists())
            shell(f"tar cf - {root} | cat > {copy}/all.tar", timeout=60)
            self.assertIn(f"{message}/body"[1:], run("tar", "tf", copy / "all.tar").stdout)
            run("du", "-a", root, timeout=60)
            run("find", root, "-type", "f", "-size", "+0", timeout=60)
            self.assertEqual(os.listdir(endpoint / "inbox"), [message.name])
            (message / "reply").write_bytes(b"answered")
            self.assertEqual(given.outcome(), b"answered")
            waiting = take(endpoint)
            self.assertEqual((waiting / "body").read_bytes(), b"waits")


class Deadlines(ListenCase):
    options = ("listen_timeout=8",)

    def test_a_worker_killed_between_next_and_reply(self):
        taken = BED.new_directory("taken") / "message"
        with served(self.mount, "dies") as endpoint:
            worker = begin("sh", "-c", f"d=$(cat next); echo $d > {taken}; sleep 600", directory=endpoint)
            query = self.ask("dies")
            wait_until(lambda: taken.exists() and taken.read_text(), "a worker with a message")
            end(worker)
            # `query_timeout` is much longer.
            self.assertEqual(query.outcome(), "EREMOTEIO")
            self.assertIn("not answered within 8 s", query.text)
            self.assertEqual(os.listdir(endpoint / "inbox"), [])
            self.assertTrue(waits_for_nothing(endpoint))

    def test_whoever_is_late_finds_a_stale_file(self):
        with served(self.mount, "late") as endpoint:
            query = self.ask("late")
            message = take(endpoint)
            reply = os.open(message / "reply", os.O_WRONLY)
            with (message / "body").open("rb") as body:
                self.assertEqual(query.outcome(), "EREMOTEIO")
                self.fails_with(errno.ESTALE, os.write, reply, b"late")
                self.fails_with(errno.ESTALE, os.close, reply)
                self.assertEqual(body.read(), b"question")
            self.assertIn("Stale file handle", shell(f"echo late > {message}/reply").stderr)
            self.fails_with(errno.ESTALE, message.stat)
            self.fails_with(errno.ESTALE, message.rmdir)
            self.fails_with(errno.ENOENT, (endpoint / "inbox/999999").stat)

    def test_what_nobody_takes_is_refused(self):
        with served(self.mount, "untaken") as endpoint:
            query = self.ask("untaken")
            self.assertEqual(query.outcome(), "EREMOTEIO")
            self.assertTrue(waits_for_nothing(endpoint))

    def test_a_worker_that_is_in_time_goes_on(self):
        script = WORKER.replace("tr ", "sleep 0.5; tr ")
        with served(self.mount, "slow", ["sh"], script=script):
            for body in (b"one", b"two"):
                self.assertEqual(self.ask("slow", body).outcome(), body.upper())


class Packets(ListenCase):
    def test_two_mounts_exchange_packets(self):
        with served(self.mount, "here") as here, served(self.asker, "there") as there:
            other = self.asker.path("self/id").read_text().strip()
            shell(f"echo -n one > {here}/to/{other}/there", check=True)
            message = take(there)
            self.assertEqual((message / "from").read_text(), f"{self.address}/here\n")
            self.assertEqual((message / "body").read_bytes(), b"one")
            shell(f"echo -n two > to/$(cat {message}/from)", cwd=there, check=True)
            self.assertEqual((take(here) / "body").read_bytes(), b"two")

    def test_names_that_no_peer_has(self):
        with served(self.mount, "to-nobody") as endpoint:
            for name in ("@", "k.short", "x"):
                self.assertFalse((endpoint / "to" / name).exists(), name)


class Owners(ListenCase):
    options = ("allow_other",)

    def test_other_users_get_nothing(self):
        as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        with served(self.mount, "private") as endpoint:
            for command in (["ls", endpoint.parent], ["cat", endpoint / "next"], ["mkdir", endpoint.parent / "x"]):
                self.assertIn("Permission denied", run(*as_other, *command).stderr)

    def test_endpoints_of_the_client_itself_are_busy(self):
        for name in ("ping", "version", "finger"):
            self.fails_with(errno.EBUSY, self.mount.path("listen", name).mkdir)


class Zzz(unittest.TestCase):
    """The last one, so that most of a minute is over already."""

    def test_mounts_that_nobody_uses_need_less_than_a_tenth_of_a_second_each_minute(self):
        for name, seconds in IDLE.minute().items():
            self.assertLess(seconds, 0.1, name)
