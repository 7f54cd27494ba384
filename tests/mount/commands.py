"""spotfsctl as the tests run it, and what they look for in what it says."""

import contextlib
import json
import re
import subprocess
import threading
import unittest

import bed
from bed import PATIENCE, run

DONE, FAILED, USAGE, OFFLINE, TIMED_OUT, REMOTE = range(6)
# Of blobs: none of them is a plain word.
ODD_KEYS = (b" ", b"a b", b" a ", b"a\nb\n", b"tab\t", b'"quoted"', b"back\\slash", b"\\x41", b"\x01\x7f", b"caf\xc3\xa9",
            b"$(x) `y` 'z' *?", b"%41", b"-x", b"--json", b"k" * 255)  # fmt: skip
# A terminal obeys these.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def program():
    return bed.BED.programs["spotfs"].parent / "ctl" / "spotfsctl"


def ctl(*words, **options):
    nothing = {} if "input" in options else {"stdin": subprocess.DEVNULL}
    return run(program(), *words, **({"env": bed.BED.environment} | nothing | options))


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def of_event(result, event):
    return [line for line in lines(result) if line.get("event") == event]


def last_error(result):
    return lines(result)[-1]["error"]


def status_of(mount):
    return json.loads(mount.path(".spotfs/status").read_text())


@contextlib.contextmanager
def started(*words, **options):
    """A command that goes on; it is ended with SIGTERM, and killed where a test waits for it in vain."""
    usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True, "env": bed.BED.environment}
    with subprocess.Popen([program(), *map(str, words)], **(usual | options)) as running:
        killer = threading.Timer(2 * PATIENCE, running.kill)
        killer.start()
        try:
            yield running
        finally:
            if running.poll() is None:
                running.terminate()
            running.wait(PATIENCE)
            killer.cancel()


class CommandCase(unittest.TestCase):
    maxDiff = None

    def assert_exit(self, code, result):
        self.assertEqual(result.returncode, code, f"{result.args}: {result.stdout[-2000:]}{result.stderr[-2000:]}")

    def assert_safe(self, result):
        for text in (result.stdout, result.stderr):
            self.assertIsNone(CONTROL.search(text.replace("\n", "")), repr(text[:300]))
