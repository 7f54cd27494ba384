"""endpoints/ as scripts use it: queries by every shell and by ordinary tools."""

import errno
import http.server
import os
import select
import subprocess
import tempfile
import threading

from asking import EndpointsCase
from bed import run, wait_until

BED = None  # set by run.py
SHELLS = {
    "bash": ["bash", "-c"],
    "dash": ["dash", "-c"],
    "busybox": ["busybox", "sh", "-c"],
    "zsh": ["zsh", "-fc"],
    "mksh": ["mksh", "-c"],
    "ksh93": ["ksh93", "-c"],
}


class Shells(EndpointsCase):
    def in_each(self, script, mode="upper", timeout=30):
        """Runs it in each shell, in the directory of an endpoint that is new to it; gives shell and result."""
        for name, words in SHELLS.items():
            directory = self.serve(mode)
            os.setxattr(directory, "user.spot.timeout", b"%d" % timeout)
            yield name, run(*words, script, cwd=directory, stdin=subprocess.DEVNULL)

    def test_a_query_and_its_reply(self):
        for name, result in self.in_each("printf hi > request; cat reply"):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("HI", ""))
                self.assertEqual(self.seen(), [b"hi"])

    def test_a_group_is_one_query(self):
        for name, result in self.in_each("{ echo a; echo log >&2; echo b; } > request; cat reply"):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("A\nB\n", "log\n"))
                self.assertEqual(self.seen(), [b"a\nb\n"])

    def test_a_subshell_a_loop_a_pipe_and_a_here_document_are_one_query_each(self):
        script = """
            (echo a; echo b) > request; cat reply
            for i in 1 2 3; do echo $i; done > request; cat reply
            echo piped | cat > request; cat reply
            cat > request <<END; cat reply
here
END
            if true; then /bin/echo c; echo d; fi > request; cat reply
        """
        bodies = ["a\nb\n", "1\n2\n3\n", "piped\n", "here\n", "c\nd\n"]
        for name, result in self.in_each(script):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("".join(bodies).upper(), ""))
                self.assertEqual(self.seen(), [body.encode() for body in bodies])

    def test_a_descriptor_that_is_held_never_sends_a_cut_message_without_an_error(self):
        whole = []
        for name, result in self.in_each("exec 3>request; echo a >&3; echo b >&3; exec 3>&-; cat reply"):
            with self.subTest(name):
                if result.stderr == "":
                    whole.append(name)
                    self.assertEqual((result.stdout, self.seen()), ("A\nB\n", [b"a\nb\n"]))
                else:
                    # It flushes after a builtin what it has not flushed before: that looks like the end.
                    self.assertEqual((result.stdout, self.seen()), ("A\n", [b"a\n"]))
        self.assertEqual(whole, ["zsh", "ksh93"])

    def test_a_write_after_the_query_went_out_is_an_error(self):
        # Whoever opens the reply gets it, so the query goes out: what comes then is another one.
        script = "exec 3>request; echo a >&3; cat reply; echo b >&3 || echo failed; exec 3>&-; cat error"
        for name, result in self.in_each(script, timeout=3):
            with self.subTest(name):
                if name == "ksh93":  # it writes after its flush, so that nothing says that it is done
                    self.assertIn("timed out", result.stderr)
                    wait_until(lambda: self.seen() == [b"a\nb\n"], "the query as a whole")
                    continue
                self.assertRegex(result.stdout, r"(?s)^A\nfailed\n.* EPIPE .*already sent; use call\n$")
                self.assertEqual(self.seen(), [b"a\n"])

    def test_a_reply_is_never_that_of_the_query_before(self):
        script = "i=0; while [ $i -lt $N ]; do printf q$i > request; cat reply; i=$((i+1)); done"
        for mode, count in ("upper", 30), ("slow", 3):
            for name, result in self.in_each(script.replace("$N", str(count)), mode):
                with self.subTest(name, mode=mode):
                    self.assertEqual(result.stdout, "".join(f"Q{i}" for i in range(count)))

    def test_a_copy_of_the_reply_and_of_the_error(self):
        # cp compares the number that it was shown before the open with that of what it opened.
        with tempfile.TemporaryDirectory() as directory:
            script = f"""
                for i in 1 2 3; do echo $i > request; cp reply {directory}/reply; cat {directory}/reply; done
                echo x > request; cp error {directory}/error; cat {directory}/error
            """
            for mode in "upper", "slow":
                for name, result in self.in_each(script, mode):
                    with self.subTest(name, mode=mode):
                        self.assertEqual((result.stdout, result.stderr), ("1\n2\n3\n", ""))

    def test_nothing_written_sends_nothing(self):
        script = "cat missing > request; : > request; > request; touch request; wget -qO request http://127.0.0.1:1/; true"
        for name, result in self.in_each(script):
            with self.subTest(name):
                self.assertIn("missing", result.stderr)
                self.assertEqual(self.seen(), [])
        self.assert_errno(errno.ENODATA, self.mount.path("endpoints", self.peer.address, self.name, "reply").read_bytes)

    def test_the_empty_query(self):
        for name, result in self.in_each("truncate -s 0 request && cat reply"):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("", ""))
                self.assertEqual(self.seen(), [b""])

    def test_a_failed_query_fails_the_reply(self):
        for name, result in self.in_each("echo x > request && cat reply; echo $?; cat error", mode="fail"):
            with self.subTest(name):
                self.assertNotEqual(result.stdout.splitlines()[0], "0")
                self.assertIn("Remote I/O error", result.stderr)
                self.assertRegex(result.stdout, r" EREMOTEIO k\.\S+ deliberate failure\n$")

    def test_a_call(self):
        for name, result in self.in_each("exec 3<>call; printf hi >&3; cat <&3; printf again >&3; cat <&3"):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("HIAGAIN", ""))
                self.assertEqual(self.seen(), [b"hi", b"again"])

    def test_a_slot(self):
        for name, result in self.in_each("mkdir mine && printf x > mine/request && cat mine/reply && rmdir mine && ls"):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("Xerror\nreply\nrequest\n", ""))

    def test_a_message_without_a_reply(self):
        for name, result in self.in_each("{ echo a; echo b; } > send; cat error"):
            with self.subTest(name):
                self.assertEqual((result.stdout, result.stderr), ("", ""))
                wait_until(lambda: self.seen() == [b"a\nb\n"], "the message")


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a page")

    def log_message(self, *_):
        pass


class Tools(EndpointsCase):
    def asks(self, body, *command, **options):
        """The command asks one query."""
        with self.subTest(command[0]):
            directory = self.serve()
            words = [str(word).replace("REQUEST", str(directory / "request")) for word in command]
            result = run(*words, **options)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual((directory / "reply").read_bytes(), body.upper())
            self.assertEqual(self.seen(), [body])

    def test_tools_that_write(self):
        local = BED.new_directory("local")
        (local / "request").write_text("a file")
        run("tar", "-cf", local / "a.tar", "-C", local, "request")
        self.asks(b"a file", "cp", local / "request", "REQUEST")
        self.asks(b"a file", "rsync", "--inplace", local / "request", "REQUEST")
        self.asks(b"a file", "socat", "-u", f"FILE:{local}/request", "OPEN:REQUEST")
        self.asks(b"a file", "curl", "-s", "-o", "REQUEST", f"file://{local}/request")
        self.asks(b"a file", "tar", "-xf", local / "a.tar", "--to-command=cat > REQUEST")
        self.asks(b"some text", "tee", "REQUEST", input="some text")
        self.asks(b"in pieces", "dd", "of=REQUEST", "bs=2", "status=none", input="in pieces")
        self.asks(b"in pieces", "dd", "of=REQUEST", "bs=2", "status=none", "conv=fsync", input="in pieces")
        self.asks(b"python", "python3", "-c", "import sys; open(sys.argv[1], 'w').write('python')", "REQUEST")
        self.asks(b"perl", "perl", "-e", "open F, '>', shift or die; print F 'perl'; close F or die", "REQUEST")

    def test_tools_that_download(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = f"http://127.0.0.1:{server.server_port}/"
        self.asks(b"a page", "wget", "-qO", "REQUEST", page, env=BED.environment)
        self.asks(b"a page", "curl", "-so", "REQUEST", page, env=BED.environment)
        server.shutdown()
        server.server_close()

    def test_tools_that_read_the_reply(self):
        directory = self.serve("echo")
        body = os.urandom(40_000)
        (directory / "request").write_bytes(body)
        local = BED.new_directory("local")
        for script in ("cp reply $0", "cat reply > $0", "dd if=reply of=$0 status=none", "tar -cf - reply | tar -xOf - > $0",
                       "rsync reply $0", "socat -u FILE:reply CREATE:$0", "curl -s file://$PWD/reply > $0"):  # fmt: skip
            with self.subTest(script):
                result = run("bash", "-c", script, local / "copy", cwd=directory)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertEqual((local / "copy").read_bytes(), body)
                (local / "copy").unlink()
        self.assertEqual(self.seen(), [body])

    def test_socat_calls(self):
        directory = self.serve()
        result = run("socat", "-t", "20", "-", f"OPEN:{directory}/call", input="hi")
        self.assertEqual((result.stdout, result.stderr), ("HI", ""))

    def test_a_walk_over_the_whole_mount_talks_to_nobody(self):
        directory = self.serve()
        (directory / "request").write_bytes(b"once")
        os.mkdir(directory / "slot")
        local = BED.new_directory("local")
        for command in (["grep", "-r", "once", "."], ["cp", "-a", ".", local / "copy"], ["du", "-a", "."],
                        ["tar", "-cf", local / "a.tar", "."], ["find", ".", "-type", "f", "-size", "+0"]):  # fmt: skip
            result = run(*command, cwd=self.mount.directory)
            self.assertNotIn("timed out", result.stderr)
        self.assertEqual((local / "copy/endpoints" / self.peer.address / self.name / "reply").read_bytes(), b"ONCE")
        self.assertEqual(self.seen(), [b"once"])
        os.rmdir(directory / "slot")

    def test_poll_says_when_the_reply_is_there(self):
        directory = self.serve()
        call = os.open(directory / "call", os.O_RDWR | os.O_NONBLOCK)
        poller = select.poll()
        poller.register(call, select.POLLIN)
        self.assertEqual(poller.poll(0), [])
        os.write(call, b"hi")
        self.assertEqual(poller.poll(30_000), [(call, select.POLLIN)])
        self.assertEqual(os.read(call, 100), b"HI")
        self.assertEqual(os.read(call, 100), b"")
        os.close(call)
