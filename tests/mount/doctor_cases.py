"""spotfsctl doctor and fstab; and what a mount does when the machine has slept."""

import json
import os
import signal
import subprocess

import shifted_clock
from bed import run, wait_until
from commands import DONE, FAILED, OFFLINE, USAGE, CommandCase, ctl, program

BED = None  # set by run.py
RELAY = "wss://relay.spot.test"
NOBODY = 65_534


class Doctor(CommandCase):
    @classmethod
    def setUpClass(cls):
        BED.start_relay()
        cls.mount = BED.relay_mount()

    @classmethod
    def tearDownClass(cls):
        cls.mount.kill()
        if BED.relay.poll() is None:
            BED.stop_relay()

    def doctor(self, *words, **options):
        given = () if "--ca" in words or not words else ("--ca", BED.authority)
        return ctl("doctor", "--identity", self.mount.identity, "--state", self.mount.home / "state", *given, *words, **options)

    def assert_finds(self, code, text, result):
        self.assert_exit(code, result)
        self.assertIn(text, result.stdout)

    def test_all_is_well(self):
        address = self.mount.path("self/id").read_text().strip()
        result = self.doctor(RELAY)
        self.assert_exit(DONE, result)
        self.assertEqual(result.stderr, "")
        for text in ("ok fuse: ", f"ok mounts: {self.mount.directory} works", f"has those of {address}", "ok state: ",
                     "ok host relay.spot.test: ", f"ok handshake: a relay takes {address}", " of the relay's"):  # fmt: skip
            self.assertIn(text, result.stdout)
        for line in result.stdout.splitlines():
            self.assertRegex(line, r"^(ok|warn) [a-z_0-9 .]+: ")
            self.assertNotIn("\x1b", line)

    def test_without_a_source_nobody_is_asked(self):
        result = self.doctor()
        self.assert_exit(DONE, result)
        self.assertNotIn(" host ", result.stdout)
        self.assertRegex(result.stdout, r"(?m)^ok clock: 20\d\d-")

    def test_by_discovery(self):
        result = self.doctor("spot:")
        self.assert_exit(DONE, result)
        self.assertRegex(result.stdout, r"(?m)^ok host www.atonline.com: names \d relays?$")
        self.assertIn("ok handshake: ", result.stdout)

    def test_json(self):
        result = self.doctor(RELAY, "--json")
        self.assert_exit(DONE, result)
        *checks, last = (json.loads(line) for line in result.stdout.splitlines())
        self.assertEqual((last["done"], last["failed"]), (True, 0))
        self.assertEqual(last["warned"], sum(check["result"] == "warn" for check in checks))
        found = {check["name"]: check for check in checks}
        self.assertEqual(found["host relay.spot.test"]["result"], "ok")
        for check in checks:
            self.assertEqual(check["event"], "check")
            self.assertEqual("todo" in check, check["result"] != "ok", check)

    def test_each_step_to_a_relay_is_named(self):
        for code, source, text in (
            (OFFLINE, "wss://relay.spot.test:444", "FAIL host relay.spot.test:444: TCP: connection refused; "),
            (OFFLINE, "wss://nowhere.invalid", "FAIL host nowhere.invalid: name resolution: "),
            (FAILED, "wss://localhost", "FAIL host localhost: TLS: "),
        ):
            with self.subTest(source):
                self.assert_finds(code, text, self.doctor(source))
        several = self.doctor("wss://relay.spot.test,relay.spot.test:444")
        self.assert_finds(OFFLINE, "ok host relay.spot.test: ", several)
        self.assertIn("ok handshake: ", several.stdout)
        stranger = self.doctor(RELAY, "--ca", "/dev/null")
        self.assert_finds(FAILED, "certificates: none (PEM) can be read from /dev/null", stranger)

    def test_a_certificate_that_is_not_trusted(self):
        other = BED.mount(None, "listen=127.0.0.1:8443")
        result = self.doctor("wss://localhost:8443")
        self.assert_finds(FAILED, "trust the one who issued its certificate", result)
        self.assertNotIn("handshake", result.stdout)
        trusted = ctl("doctor", "wss://localhost:8443", "--ca", other.home / "store/cert.pem", "--identity", other.identity,
                      "--state", other.home / "state")  # fmt: skip
        self.assert_exit(DONE, trusted)
        self.assertIn("ok handshake: ", trusted.stdout)
        other.unmount()

    def test_a_mount_whose_program_is_gone(self):
        dead = BED.mount()
        dead.signal(signal.SIGKILL)
        wait_until(lambda: not dead.is_running(), "the end of a killed process")
        self.assert_finds(FAILED, f"FAIL mounts: {dead.directory}: its program is gone; umount it", self.doctor())
        dead.kill()
        self.assert_exit(DONE, self.doctor())

    def test_keys_that_others_can_read(self):
        directory = BED.new_directory("keys")
        directory.chmod(0o755)
        (directory / "id_ecdsa.key").write_text("SECRET")
        result = ctl("doctor", "--identity", directory)
        self.assert_finds(FAILED, f"FAIL keys: {directory} is open to others (mode 0755); chmod 700 {directory}", result)
        self.assertIn(f"chmod 600 {directory}/id_ecdsa.key", result.stdout)
        self.assertNotIn("SECRET", result.stdout + result.stderr)

    def test_nothing_is_made(self):
        directory = BED.new_directory("nothing")
        result = ctl("doctor", f"embedded:{directory}/store", "--identity", directory / "keys", "--state", directory / "state")
        self.assert_exit(DONE, result)
        self.assertIn(f"warn keys: there is no key in {directory}/keys; ", result.stdout)
        self.assertIn(f"ok store: {directory}/store is made by the first mount", result.stdout)
        self.assertEqual(os.listdir(directory), [])

    def test_as_an_ordinary_user(self):
        directory = BED.new_directory("user")
        os.chown(directory, NOBODY, NOBODY)
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        result = run(*as_user, program(), "doctor", "--identity", directory, "--state", directory, env=BED.environment)
        self.assertIn("ok fusermount3: ", result.stdout)
        self.assertIn("user_allow_other: ", result.stdout)
        self.assertIn(f"FAIL keys: {directory} is open to others", result.stdout)
        self.assert_exit(FAILED, result)

    def test_a_clock_that_is_wrong(self):
        if not shifted_clock.has_compiler():
            self.skipTest("no C compiler")
        clock = shifted_clock.ShiftedClock(BED.new_directory("clock"))
        clock.set(3_600)
        result = self.doctor(RELAY, env=BED.environment | clock.environment)
        self.assert_exit(FAILED, result)
        self.assertRegex(result.stdout, r"(?m)^FAIL clock: 3[56]\d\d s ahead of the relay's; set the clock")

    def test_colours_are_for_terminals_that_want_them(self):
        for more, has in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            result = run("script", "-qec", f"{BED.programs['spotfs'].parent}/ctl/spotfsctl doctor --identity /nonexistent", "/dev/null",
                         env=BED.environment | {"TERM": "xterm"} | more, stdin=subprocess.DEVNULL)  # fmt: skip
            self.assertIn("fuse: ", result.stdout)
            self.assertEqual("\x1b[" in result.stdout, has, result.stdout)


class Fstab(CommandCase):
    def test_the_line(self):
        self.assertEqual(
            ctl("fstab", RELAY, "/mnt/a b/").stdout,
            f"{RELAY} /mnt/a\\040b spotfs _netdev,nofail,x-systemd.automount,delay_connect,uhelper=spotfs 0 0\n",
        )

    def test_mount_reads_what_was_meant(self):
        directory = BED.new_directory("fs tab")
        made = ctl("fstab", f"embedded:{directory}/s", directory, "-o", f"identity={directory}/k")
        (directory / "fstab").write_text(made.stdout)
        read = run("findmnt", "--fstab", "--tab-file", directory / "fstab", "--json", "--output", "SOURCE,TARGET,FSTYPE,OPTIONS")
        (line,) = json.loads(read.stdout)["filesystems"]
        self.assertEqual((line["source"], line["target"], line["fstype"]), (f"embedded:{directory}/s", str(directory), "spotfs"))
        self.assertTrue(line["options"].endswith(f",identity={directory}/k"), line)

    def test_json(self):
        result = ctl("--json", "fstab", "spot:", "/mnt/spot", "-o", "noauto", "-o", "ro")
        line, done = (json.loads(text) for text in result.stdout.splitlines())
        self.assertEqual((line["event"], line["options"]), ("fstab", "_netdev,uhelper=spotfs,noauto,ro"))
        self.assertEqual(line["line"], "spot: /mnt/spot spotfs _netdev,uhelper=spotfs,noauto,ro 0 0")
        self.assertEqual(done, {"done": True})

    def test_what_no_mount_would_take(self):
        for words in (("ftp://x", "/mnt"), ("spot:",), ("spot:", "/mnt", "-o", "dance"), ("spot:", ""),
                      ("spot:", "/mnt", "-o", "listen=127.0.0.1:1")):  # fmt: skip
            result = ctl("fstab", *words)
            self.assert_exit(USAGE, result)
            self.assertEqual((result.stdout, result.stderr.count("\n")), ("", 1), result.stderr)


class Sleep(CommandCase):
    def test_a_connection_is_pinged_when_the_machine_has_slept(self):
        if not shifted_clock.has_compiler():
            self.skipTest("no C compiler")
        clock = shifted_clock.ShiftedClock(BED.new_directory("clock"))
        mount = BED.mount(None, "keepalive=1h", start=False)
        mount.start()
        status = lambda: json.loads(mount.path(".spotfs/status").read_text())["connections"][0]
        self.assertNotIn("round_trip_ms", status())
        mount.unmount()
        # Only a machine can sleep: the kernel is made to tell of it.
        mount.environment = clock.environment | {"CLOCK_JUMPS": "1"}
        mount.start()
        wait_until(lambda: "round_trip_ms" in status(), "a ping")
        mount.unmount()
