"""What serves and asks endpoints in tests: shell workers, queries that wait, and what a public client and a mount do
with each other. Used by several suites."""

import contextlib
import errno
import os
import signal
import subprocess
import threading

from bed import run, shell, wait_until
from testbed import PATIENCE

# Answers each message with its body in capitals.
WORKER = """
while d=$(cat next); do
    tr a-z A-Z < "$d/body" > "$d/reply"
done
"""


class Query(threading.Thread):
    """Asks an endpoint and waits for the outcome: `reply`, or `errno` and `text`."""

    def __init__(self, endpoint, body):
        super().__init__(daemon=True)
        self.endpoint = endpoint
        self.body = body
        self.reply = None
        self.errno = None
        self.text = ""
        self.start()

    def run(self):
        try:
            (self.endpoint / "request").write_bytes(self.body)
            self.reply = (self.endpoint / "reply").read_bytes()
        except OSError as error:
            self.errno = error.errno
            self.text = (self.endpoint / "error").read_text()

    def outcome(self):
        """The reply, or the name of the errno."""
        self.join(2 * PATIENCE)
        assert not self.is_alive(), "the query does not end"
        return self.reply if self.errno is None else errno.errorcode[self.errno]


def end(process):
    """Ends a process that begin() has begun, with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)


def begin(*command, directory, **options):
    return subprocess.Popen([str(word) for word in command], cwd=directory, start_new_session=True, **options)


@contextlib.contextmanager
def served(mount, name, *shells, script=WORKER):
    """An endpoint of the mount, with a worker in each of these shells."""
    endpoint = mount.path("listen", name)
    endpoint.mkdir()
    workers = [begin(*one, "-c", script, directory=endpoint) for one in shells]
    try:
        yield endpoint
    finally:
        for worker in workers:
            end(worker)
        endpoint.rmdir()


def take(endpoint):
    """Reads `next`, and gives the directory of the message."""
    result = run("cat", endpoint / "next")
    assert result.returncode == 0 and result.stdout.startswith("inbox/"), result
    return endpoint / result.stdout.removesuffix("\n")


def waits_for_nothing(endpoint):
    """Whether no message is there to be taken."""
    next_one = os.open(endpoint / "next", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.read(next_one, 100)
    except BlockingIOError:
        return True
    finally:
        os.close(next_one)
    return False


class WithAClient:
    """A public client and a mount that ask each other. Subclasses have `peer`, and `mount` of another identity."""

    def own(self, name):
        return self.mount.path("self/id").read_text().strip() + "/" + name

    def test_a_shell_worker_answers_it(self):
        with served(self.mount, "work", ["sh"]):
            for body in (b"one", b"two", b"three"):
                self.assertEqual(self.peer.query(self.own("work"), body), body.upper())

    def test_it_gets_the_error_that_a_shell_writes(self):
        script = 'd=$(cat next); echo "no $(cat $d/body) today" > $d/error'
        with served(self.mount, "sold-out", ["sh"], script=script):
            with self.assertRaisesRegex(Exception, "no tea today$"):
                self.peer.query(self.own("sold-out"), b"tea")

    def test_it_is_told_that_nobody_serves_an_endpoint_any_more(self):
        with served(self.mount, "short-lived"):
            pass
        with self.assertRaisesRegex(Exception, "no such endpoint"):
            self.peer.query(self.own("short-lived"), b"x")

    def test_echo_and_cat_are_answered_by_it(self):
        self.peer.call("serve", endpoint="upper", mode="upper")
        endpoint = self.mount.path("endpoints", self.peer.address, "upper")
        result = shell(f"cd {endpoint} && echo -n hi > request && cat reply")
        self.assertEqual((result.returncode, result.stdout), (0, "HI"), result.stderr)

    def test_its_packet_connection_and_ours_answer_each_other(self):
        self.peer.call("listen", endpoint="data")
        with served(self.mount, "packets") as endpoint:
            shell(f"echo -n one > {endpoint}/to/{self.peer.address}/data", check=True)
            got = self.peer.call("receive", endpoint="data")
            self.assertEqual((got["from"], bytes.fromhex(got["body"])), (self.own("packets"), b"one"))
            self.peer.call("send", endpoint="data", address=got["from"], body=b"two")
            message = take(endpoint)
            self.assertEqual((message / "from").read_text(), f"{self.peer.address}/data\n")
            self.assertEqual((message / "body").read_bytes(), b"two")
            result = shell(f"echo -n three > to/$(cat {message}/from)", cwd=endpoint)
            self.assertEqual(result.returncode, 0, result.stderr)
            got = self.peer.call("receive", endpoint="data")
            self.assertEqual(bytes.fromhex(got["body"]), b"three")
            message.rmdir()
            wait_until(lambda: os.listdir(endpoint / "inbox") == [], "the end of the message")
