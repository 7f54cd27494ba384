"""`.spotfs/` in full, and the commands of spotfsctl that reach a mount."""

import concurrent.futures
import contextlib
import json
import os
import pty
import re
import signal
import stat
import subprocess
import threading
import time

from bed import PATIENCE, run, shell, wait_until
from commands import CONTROL, DONE, FAILED, REMOTE, TIMED_OUT, USAGE, CommandCase, ctl, last_error, lines, program, started, status_of

BED = None  # set by run.py
NOBODY = 65534


class Alone(CommandCase):
    """One mount with a relay of its own, in process."""

    @classmethod
    def setUpClass(cls):
        cls.mount = BED.mount()
        cls.top = cls.mount.directory
        cls.address = cls.mount.path("self/id").read_text().strip()

    @classmethod
    def tearDownClass(cls):
        cls.mount.kill()

    def test_status_has_what_was_chosen(self):
        status = status_of(self.mount)
        self.assertEqual(status["options"]["identity"], str(self.mount.identity))
        self.assertEqual(status["options"]["state"], str(self.mount.home / "state"))
        self.assertEqual(status["directory"], str(self.top))
        self.assertEqual(status["pid"], self.mount.pid)
        self.assertGreater(status["disk"]["journal"], 0)
        self.assertEqual(status["log"], "info")
        for name in ("requests", "queries", "errors", "last_error", "cache"):
            self.assertIn(name, status)
        self.assert_exit(DONE, ctl("flush", self.top))
        shown = ctl("status", self.top)
        self.assert_exit(DONE, shown)
        self.assertIn(self.address, shown.stdout)
        self.assertIn("all is stored", shown.stdout)
        self.assertEqual(lines(ctl("--json", "status", self.top))[0]["identity"], self.address)

    def test_modes_say_who_may_look(self):
        modes = {name: stat.S_IMODE(self.mount.path(".spotfs", name).stat().st_mode)
                 for name in ("status", "metrics", "errors", "pending", "ctl")}  # fmt: skip
        self.assertEqual(modes, {"status": 0o444, "metrics": 0o444, "errors": 0o600, "pending": 0o600, "ctl": 0o600})

    def test_metrics_count_what_is_asked(self):
        def calls(operation):
            text = self.mount.path(".spotfs/metrics").read_text()
            return int(re.search(rf'^spotfs_operation_seconds_count{{operation="{operation}"}} (\d+)$', text, re.M)[1])

        before = calls("mkdir"), calls("lookup")
        for i in range(20):
            self.mount.path(f"files/metric-{i}").mkdir()
        self.assertEqual(calls("mkdir") - before[0], 20)
        self.assertGreaterEqual(calls("lookup") - before[1], 20)
        text = self.mount.path(".spotfs/metrics").read_text()
        # Prometheus reads nothing else: a comment, or a name with labels and a number.
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) spotfs_\w+ .+|spotfs_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-+.\de]+)$')
        buckets = [int(count) for count in re.findall(r'seconds_bucket\{operation="mkdir",le="[^"]+"\} (\d+)', text)]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], calls("mkdir"))

    def test_time_ping_and_card(self):
        time_line, done = lines(ctl("--json", "time", "--mount", self.top))
        self.assertEqual(done, {"done": True})
        self.assertAlmostEqual(time_line["seconds"], time.time(), delta=PATIENCE)
        self.assertRegex(ctl("time", "--mount", self.top).stdout, r"^\d{4}-\d\d-\d\dT")
        for words in ((), (self.address,)):
            result = ctl("ping", *words, "--mount", self.top)
            self.assert_exit(DONE, result)
            self.assertRegex(result.stdout, r" ms\n$")
        card = lines(ctl("--json", "card", "--mount", self.top))[0]
        self.assertEqual(card["address"], self.address)
        self.assertEqual(card["self"], json.loads(self.mount.path("self/card.json").read_text())["self"])
        self.assertIn(self.address, ctl("card", self.address, "--mount", self.top).stdout)

    def test_a_query_gives_the_answer_as_it_is(self):
        body = bytes(range(128))  # ping gives as much back
        result = ctl("query", f"{self.address}/ping", "-", "--mount", self.top, input=body, text=False, errors=None)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (DONE, body, b""))
        self.assertEqual(ctl("query", f"{self.address}/ping", "hi", "--mount", self.top).stdout, "hi")
        self.assertEqual(ctl("query", f"{self.address}/ping", "--mount", self.top).stdout, "")
        reply, done = lines(ctl("--json", "query", f"{self.address}/ping", "hi", "--mount", self.top))
        self.assertEqual((reply["event"], reply["text"], reply["base64"]), ("reply", "hi", "aGk="))
        self.assertEqual(done, {"done": True})
        for words in (("query", f"{self.address}/ping", "hi"), ("time",)):
            self.assert_exit(DONE, ctl(*words, cwd=self.top))

    def test_a_query_without_a_program(self):
        script = f"exec 3<>.spotfs/ctl; printf 'query {self.address}/ping 2\\nhi' >&3; cat <&3"
        reply, done = lines(shell(script, cwd=self.top))
        self.assertEqual((reply["text"], done), ("hi", {"done": True}))

    def test_wrong_usage_and_what_is_refused(self):
        for code, error, words in ((USAGE, "EINVAL", ("query", "nobody/x")),
                                   (USAGE, "EINVAL", ("ping", "k.short")),
                                   (USAGE, "EINVAL", ("card", "@")),
                                   (FAILED, "EPERM", ("query", "@/store_blob", "x")),
                                   (FAILED, "EMSGSIZE", ("query", "@/time", "x" * 65_001)),
                                   (REMOTE, "EREMOTEIO", ("query", f"{self.address}/none"))):  # fmt: skip
            result = ctl("--json", *words, "--mount", self.top)
            self.assert_exit(code, result)
            self.assertEqual(last_error(result), error, words[0])
            self.assertEqual(result.stderr, "")
            plain = ctl(*words, "--mount", self.top)
            self.assert_exit(code, plain)
            self.assertRegex(plain.stderr, r"^spotfsctl: .+\n$")
            self.assertEqual(plain.stdout, "")
        dance = ctl("dance")
        self.assert_exit(USAGE, dance)
        self.assertIn('"dance" is no command', dance.stderr)
        self.assert_exit(USAGE, ctl("query", "@/time", "--timeout", "0"))
        self.assertEqual(last_error(ctl("--json", "status", "/")), "ENOENT")

    def test_a_failed_query_is_among_the_errors(self):
        before = status_of(self.mount)["errors"]
        ctl("query", f"{self.address}/no-such-\x07", "--mount", self.top)
        shell(f"echo x > endpoints/{self.address}/missing/request", cwd=self.top)
        wait_until(lambda: status_of(self.mount)["errors"] >= before + 2, "two errors")
        errors = self.mount.path(".spotfs/errors").read_text()
        self.assertIn(f"query to {self.address}/missing: ", errors)
        self.assertIsNone(CONTROL.search(errors.replace("\n", "")))
        self.assertIn("query to", status_of(self.mount)["last_error"]["text"])

    def test_log_and_its_level(self):
        for text in (f"mounts {self.mount.source}", f"mounted {self.mount.directory}"):
            self.assertIn(text, ctl("log", self.top).stdout)
        self.assert_exit(DONE, ctl("log", "--level", "warning", self.top))
        self.assertEqual(status_of(self.mount)["log"], "warning")
        self.assert_exit(DONE, ctl("log", "--level", "info", self.top))
        for line in lines(ctl("--json", "log", self.top))[:-1]:
            self.assertEqual(sorted(line), ["event", "level", "text", "time"])
        with started("log", "--follow", self.top) as following:
            self.assertIn("mounts", following.stdout.readline())
            following.terminate()
            following.stdout.read()
        self.assertEqual(following.returncode, -signal.SIGTERM)

    def test_what_goes_on_ends_where_it_can_not_be_written(self):
        for words in ("top", "--interval", "0.1"), ("top", "--interval", "0.1", "--count", "2"), ("log", "--follow"):
            with open("/dev/full", "w") as full, started(*words, self.top, stdout=full) as running:
                self.assertEqual(running.wait(PATIENCE), FAILED, words)

    def test_of_endless_input_no_more_is_read_than_goes(self):
        with open("/dev/zero") as zero:
            result = ctl("query", "@/time", "-", "--mount", self.top, stdin=zero,
                         env=BED.environment | {"TMPDIR": "/nowhere"})  # fmt: skip
        self.assert_exit(FAILED, result)
        self.assertIn("standard input: more than 65000 bytes", result.stderr)

    def test_list(self):
        mounts = {line["directory"]: line for line in lines(ctl("--json", "list")) if "directory" in line}
        self.assertEqual(mounts[str(self.top)]["identity"], self.address)
        self.assertTrue(mounts[str(self.top)]["online"])
        self.assertIn(f"{self.top}  {self.mount.source}  online", ctl("list").stdout)

    def test_top(self):
        def busy():
            while not over.wait(0.01):
                os.listdir(self.mount.path("files"))

        over = threading.Event()
        caller = threading.Thread(target=busy)
        caller.start()
        try:
            seen = lines(ctl("--json", "top", "--count", "2", "--interval", "0.5", self.top))
            plain = ctl("top", "--count", "1", "--interval", "0.5", self.top)
        finally:
            over.set()
            caller.join()
        self.assertEqual([line["event"] for line in seen], ["top", "top"])
        self.assertTrue(any(name.startswith("readdir") for name in seen[1]["operations"]), seen[1])
        self.assertGreater(seen[1]["operations"]["opendir"]["per_second"], 0)
        self.assertIn("opendir", plain.stdout)
        self.assertNotIn("\x1b", plain.stdout)

    def test_forget_and_reconnect(self):
        path = self.mount.path("files/forgotten")
        path.write_text("x")
        self.assert_exit(DONE, ctl("forget", path))
        self.assertEqual(path.read_text(), "x")
        self.assert_exit(DONE, ctl("forget", self.mount.path("files/never")))
        self.assert_exit(USAGE, ctl("forget", self.mount.path("self/id")))
        self.assert_exit(DONE, ctl("reconnect", self.top))
        wait_until(lambda: any(c["online"] for c in status_of(self.mount)["connections"]), "the connection")
        wait_until(lambda: ctl("time", "--mount", self.top).returncode == DONE, "an answer")

    def test_a_directory_that_is_forgotten_keeps_its_place(self):
        below = self.mount.path("files/dir/below")
        below.mkdir(parents=True)
        forget = f"{program()} forget"
        script = f"""
            mount -t tmpfs none below && touch below/there
            {forget} . && {forget} below && {forget} x; readlink /proc/$$/cwd; ls below; umount below
        """
        result = run("bash", "-c", script, cwd=below.parent, env=BED.environment)
        self.assertEqual((result.stdout, result.stderr), (f"{below.parent}\nthere\n", ""))

    def test_a_command_that_is_ended_leaves_nothing(self):
        with started("log", "--follow", self.top):
            wait_until(lambda: status_of(self.mount)["requests"] > 0, "a request that waits")
        wait_until(lambda: status_of(self.mount)["requests"] == 0, "nothing that waits")

    def test_an_answer_on_a_terminal_is_printable(self):
        leader, follower = pty.openpty()
        body = "a\x1b[2Jb\nsecond\n"
        words = [program(), "query", f"{self.address}/ping", body, "--mount", str(self.top)]
        with subprocess.Popen(words, stdout=follower, stdin=subprocess.DEVNULL, env=BED.environment) as running:
            os.close(follower)
            shown = b""
            with contextlib.suppress(OSError):  # the end of a terminal
                while part := os.read(leader, 65_536):
                    shown += part
        os.close(leader)
        self.assertEqual(running.returncode, DONE)
        self.assertEqual(shown, b"a\\x1b[2Jb\r\nsecond\r\n")


class Umount(CommandCase):
    def test_ends_the_mount_with_its_program(self):
        mount = BED.mount()
        mount.path("files/a").write_text("kept")
        shown = ctl("umount", mount.directory)
        self.assert_exit(DONE, shown)
        self.assertEqual(shown.stdout + shown.stderr, "")
        self.assertFalse(mount.is_running())
        self.assertFalse(mount.is_mounted())
        mount.start()
        self.assertEqual(mount.path("files/a").read_text(), "kept")
        self.assertEqual(lines(ctl("--json", "umount", mount.directory)), [{"done": True}])

    def test_is_the_last_line_of_the_log(self):
        mount = BED.mount()
        with started("log", "--follow", mount.directory) as following:
            self.assertIn("mounts", following.stdout.readline())
            mount.signal(signal.SIGTERM)
            self.assertIn(f" info unmounted {mount.directory}\n", following.stdout.read())
        self.assertEqual(following.returncode, DONE)
        wait_until(lambda: not mount.is_running(), "the end")

    def test_says_what_stands_in_the_way(self):
        mount = BED.mount()
        with mount.path("files/open").open("w"):
            result = ctl("--json", "umount", mount.directory)
            self.assert_exit(FAILED, result)
            self.assertEqual(last_error(result), "EBUSY")
            self.assertIn("in use", lines(result)[-1]["text"])
        self.assert_exit(USAGE, ctl("umount", mount.path("files")))
        self.assertTrue(mount.is_mounted())
        self.assert_exit(DONE, ctl("umount", mount.directory))
        self.assert_exit(FAILED, ctl("umount", mount.directory))

    def test_takes_away_a_mount_whose_program_has_ended(self):
        mount = BED.mount()
        mount.signal(signal.SIGKILL)
        wait_until(lambda: not mount.is_running(), "the end")
        listed = [line for line in lines(ctl("--json", "list")) if line.get("directory") == str(mount.directory)]
        self.assertIn("has ended", listed[0]["why"])
        self.assert_exit(FAILED, ctl("status", mount.directory))
        self.assert_exit(DONE, ctl("umount", mount.directory))
        self.assertFalse(mount.is_mounted())

    def test_does_not_wait_for_a_program_that_serves_another_place(self):
        mount = BED.mount()
        copy = BED.new_directory("copy")
        subprocess.run(["mount", "--bind", mount.directory, copy], check=True)
        mount.path("files/a").write_text("kept")
        result = ctl("umount", mount.directory, timeout=4 * PATIENCE)
        self.assert_exit(DONE, result)
        self.assertEqual(result.stdout, f"{mount.directory} is unmounted; the same mount is still in use elsewhere\n")
        self.assertEqual((copy / "files/a").read_text(), "kept")
        result = ctl("umount", copy)
        self.assert_exit(DONE, result)
        self.assertEqual(result.stdout, "")
        self.assertFalse(mount.is_running())

    def test_of_a_read_only_mount_and_what_that_can_not_do(self):
        mount = BED.mount(None, "ro")
        for words, advice in ((("time", "--mount"), "--source"), (("writers",), "remount,rw")):
            result = ctl(*words, mount.directory)
            self.assert_exit(FAILED, result)
            self.assertRegex(result.stderr, f"^spotfsctl: {mount.directory} is read-only, .*{advice}.*\n$")
        result = ctl("umount", mount.directory)
        self.assert_exit(DONE, result)
        self.assertEqual(result.stdout + result.stderr, "")

    def test_by_a_user(self):
        mount = BED.mount(user=NOBODY)
        by_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        by_other = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"]
        result = run(*by_other, program(), "umount", mount.directory, env=BED.environment)
        self.assert_exit(FAILED, result)
        listed = run(*by_other, program(), "list", env=BED.environment).stdout.splitlines()
        self.assertIn(f"{mount.directory}  it is another user's", listed)
        self.assertEqual(result.stderr, f"spotfsctl: {mount.directory}: nobody mounted it, and only nobody or root can umount it\n")
        result = run(*by_user, program(), "umount", mount.directory, env=BED.environment)
        self.assert_exit(DONE, result)
        self.assertFalse(mount.is_mounted())

    def test_of_one_whose_program_is_stopped_does_not_wait_without_an_end(self):
        stopped, works = BED.mount(), BED.mount()
        stopped.freeze()
        self.addCleanup(stopped.kill)
        others = ("status", "umount", "log", "top")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            told = [pool.submit(ctl, word, stopped.directory, timeout=4 * PATIENCE) for word in others]
            result = ctl("--json", "list", timeout=4 * PATIENCE)
        self.assert_exit(DONE, result)
        listed = {line["directory"]: line for line in lines(result) if "directory" in line}
        self.assertIn("its program does not answer", listed[str(stopped.directory)]["why"])
        self.assertTrue(listed[str(works.directory)]["online"])
        for one in told:
            self.assert_exit(TIMED_OUT, one.result())
            self.assertIn(f"{stopped.directory}: its program does not answer", one.result().stderr)
        self.assertTrue(stopped.is_mounted())
        stopped.thaw()
        for mount in (stopped, works):
            mount.unmount()

    def test_a_bar_is_for_terminals(self):
        mount = BED.mount()
        mount.path("files/a").write_bytes(os.urandom(1_000_000))
        result = ctl("umount", "--progress=always", mount.directory)
        self.assert_exit(DONE, result)
        self.assertIn("left to store", result.stderr)
        self.assertNotIn("\x1b", result.stderr)
