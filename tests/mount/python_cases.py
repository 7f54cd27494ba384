"""A mount and the public Python client on one relay: each reads what the other stored, and asks what the other serves."""

import errno
import os
import subprocess
import unittest

from bed import run, shell, wait_until
from listening import WithAClient, served, take

BED = None  # set by run.py
LIMIT = 45_056  # bytes of a blob's content


class PythonCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        BED.start_relay()

    @classmethod
    def tearDownClass(cls):
        BED.stop_relay()


class SharedKeys(PythonCase):
    """Both have one identity: the same keys."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The client makes the key; the mount takes it.
        cls.peer = BED.peer("python", "shared")
        BED.key_directory("shared").chmod(0o700)
        cls.mount = BED.relay_mount(identity=BED.key_directory("shared"))

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()
        cls.peer.close()
        super().tearDownClass()

    def test_one_identity(self):
        self.assertEqual(self.mount.path("self/id").read_text(), self.peer.address + "\n")

    def test_a_file_that_is_copied_in_is_fetched_by_its_key(self):
        for size in (0, 1, 4_096, LIMIT):
            local = BED.work / "local"
            local.write_bytes(os.urandom(size))
            self.mount.path("blobs/notes/deep").mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", local, self.mount.path(f"blobs/notes/deep/{size}")], check=True)
            self.assertEqual(self.peer.fetch(f"notes/deep/{size}"), local.read_bytes())

    def test_many_values_are_fetched_by_their_keys(self):
        directory = self.mount.path("blobs/many")
        directory.mkdir()
        values = {f"{i}": os.urandom(i * i % LIMIT) for i in range(1, 100)}
        for name, value in values.items():
            (directory / name).write_bytes(value)
        for name, value in values.items():
            self.assertEqual(self.peer.fetch(f"many/{name}"), value, name)

    def test_many_stored_values_show_up(self):
        directory = self.mount.path("blobs/from-python-many")
        directory.mkdir()
        values = {f"{i}": os.urandom(i * i % LIMIT) for i in range(1, 60)} | {"limit": os.urandom(LIMIT)}
        for name, value in values.items():
            self.peer.call("store", key=f"from-python-many/{name}", value=value)
        for name, value in values.items():
            self.assertEqual((directory / name).read_bytes(), value, name)
        self.assertEqual(sorted(os.listdir(directory)), sorted(values))

    def test_what_no_value_holds_is_an_empty_blob_to_others(self):
        for size in (LIMIT + 1, 10 << 20):
            path = self.mount.path(f"blobs/large-{size}")
            content = os.urandom(size)
            path.write_bytes(content)
            self.assertEqual(self.peer.fetch(path.name), b"")
            self.assertEqual(path.read_bytes(), content)
            self.assertEqual(path.stat().st_size, size)
            # It takes the place of it all the same, and the other way round.
            self.peer.call("store", key=path.name, value=b"theirs")
            wait_until(lambda path=path: path.read_bytes() == b"theirs", "the other client's value")
            path.write_bytes(content)
            self.assertEqual(self.peer.fetch(path.name), b"")
            os.truncate(path, 5)
            self.assertEqual(self.peer.fetch(path.name), content[:5])

    def test_a_stored_blob_opens_by_its_name_and_is_listed_then(self):
        value = os.urandom(10_000)
        self.peer.call("store", key="from-python", value=value)
        path = self.mount.path("blobs/from-python")
        self.assertEqual(path.read_bytes(), value)
        self.assertEqual(path.stat().st_size, len(value))
        self.assertIn("from-python", os.listdir(self.mount.path("blobs")))

    def test_a_stored_blob_below_a_directory(self):
        self.peer.call("store", key="python/deep/key", value=b"value")
        self.mount.path("blobs/python/deep").mkdir(parents=True)
        self.assertEqual(self.mount.path("blobs/python/deep/key").read_bytes(), b"value")

    def test_each_sees_the_others_change(self):
        path = self.mount.path("blobs/back-and-forth")
        path.write_bytes(b"one")
        self.assertEqual(self.peer.fetch("back-and-forth"), b"one")
        self.peer.call("store", key="back-and-forth", value=b"two, longer")
        wait_until(lambda: path.read_bytes() == b"two, longer", "the other client's value")
        with path.open("ab") as file:
            file.write(b" and more")
        self.assertEqual(self.peer.fetch("back-and-forth"), b"two, longer and more")

    def test_what_is_removed_is_gone(self):
        path = self.mount.path("blobs/removed")
        path.write_bytes(b"x")
        self.assertEqual(self.peer.fetch("removed"), b"x")
        path.unlink()
        with self.assertRaises(Exception):
            self.peer.fetch("removed")
        self.assertFalse(path.exists())

    def test_what_is_renamed_has_another_key(self):
        self.mount.path("blobs/old-name").write_bytes(b"renamed")
        self.mount.path("blobs/old-name").rename(self.mount.path("blobs/new-name"))
        self.assertEqual(self.peer.fetch("new-name"), b"renamed")
        with self.assertRaises(Exception):
            self.peer.fetch("old-name")

    def test_plain_values_can_be_refused(self):
        self.peer.call("store", key="plain", value=b"unbound")
        mount = BED.relay_mount("plain=none", identity=self.mount.identity)
        with self.assertRaises(OSError) as raised:
            mount.path("blobs/plain").read_bytes()
        self.assertEqual(raised.exception.errno, errno.EBADMSG)
        mount.path("blobs/ours").write_bytes(b"bound")
        self.assertEqual(mount.path("blobs/ours").read_bytes(), b"bound")
        mount.unmount()


class Endpoints(PythonCase):
    """Two identities that ask each other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = BED.peer("python", "other")
        cls.mount = BED.relay_mount()
        for name, mode in (("test", "upper"), ("echo", "echo"), ("fails", "fail"), ("silent", "silent")):
            cls.peer.call("serve", endpoint=name, mode=mode)

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()
        cls.peer.close()
        super().tearDownClass()

    def endpoint(self, name):
        return self.mount.path("endpoints", self.peer.address, name)

    def test_a_query_by_echo_and_cat(self):
        result = shell(f"cd {self.endpoint('test')} && echo -n hi > request; cat reply")
        self.assertEqual((result.returncode, result.stdout), (0, "HI"), result.stderr)
        self.assertEqual((self.endpoint("test") / "error").read_text(), "")

    def test_a_query_by_every_shell_there_is(self):
        for name in ("sh", "bash", "dash", "zsh", "ksh", "mksh", "busybox"):
            if run("sh", "-c", f"command -v {name}").returncode != 0:
                continue
            with self.subTest(name):
                words = ["busybox", "sh"] if name == "busybox" else [name]
                script = f"cd {self.endpoint('test')} && printf %s {name} > request; cat reply"
                self.assertEqual(run(*words, "-c", script).stdout, name.upper())

    def test_a_query_by_cp_tee_dd_and_python(self):
        request, reply = self.endpoint("test") / "request", self.endpoint("test") / "reply"
        local = BED.work / "query"
        local.write_text("by cp")
        subprocess.run(["cp", local, request], check=True)
        self.assertEqual(reply.read_text(), "BY CP")
        run("tee", request, input="by tee", stdout=subprocess.DEVNULL, capture_output=False)
        self.assertEqual(reply.read_text(), "BY TEE")
        run("dd", f"of={request}", "bs=3", input="by dd in pieces")
        self.assertEqual(reply.read_text(), "BY DD IN PIECES")
        request.write_text("by python")
        self.assertEqual(reply.read_text(), "BY PYTHON")

    def test_a_body_of_any_bytes(self):
        body = os.urandom(40_000)
        (self.endpoint("echo") / "request").write_bytes(body)
        self.assertEqual((self.endpoint("echo") / "reply").read_bytes(), body)

    def test_ping_and_finger(self):
        (self.endpoint("ping") / "request").write_bytes(b"ping")
        self.assertEqual((self.endpoint("ping") / "reply").read_bytes(), b"ping")
        run("truncate", "-s", "0", self.endpoint("version") / "request")
        self.assertIn(b"spotlib", (self.endpoint("version") / "reply").read_bytes())

    def test_an_error_of_its_handler(self):
        with self.assertRaises(OSError) as raised:
            (self.endpoint("fails") / "request").write_text("x")
        self.assertEqual(raised.exception.errno, errno.EREMOTEIO)
        self.assertIn("deliberate failure", (self.endpoint("fails") / "error").read_text())

    def test_no_answer_within_the_deadline(self):
        os.setxattr(self.endpoint("silent"), "user.spot.timeout", b"1")
        result = shell(f"cd {self.endpoint('silent')} && echo x > request; cat reply")
        self.assertIn("timed out", result.stderr)

    def test_someone_who_is_not_online(self):
        nobody = BED.peer("python", "gone")
        address = nobody.address
        nobody.close()
        request = self.mount.path("endpoints", address, "test/request")

        def is_offline():
            try:
                request.write_text("x")
            except OSError as error:
                return error.errno == errno.EHOSTUNREACH
            return False

        wait_until(is_offline, "the answer that nobody is there")
        self.assertIn("not online", request.with_name("error").read_text())

    def test_it_can_ask_us(self):
        own = self.mount.path("self/id").read_text().strip()
        self.assertEqual(self.peer.query(f"{own}/ping", b"from python"), b"from python")
        self.assertIn(b"spotfs/", self.peer.query(f"{own}/version", b""))

    def test_other_users_get_nothing(self):
        # Root is the one who mounted; allow_other does not open what signs in its name.
        as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat"]
        mount = BED.relay_mount("allow_other")
        self.assertIn("Permission denied", run(*as_other, mount.path("endpoints/@/time/error")).stderr)
        mount.unmount()


class Listening(WithAClient, PythonCase):
    """Two identities that ask each other, by what the mount serves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = BED.peer("python", "caller")
        cls.mount = BED.relay_mount()

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()
        cls.peer.close()
        super().tearDownClass()

    def test_unsealed_messages_are_taken_where_the_attribute_says_so(self):
        with served(self.mount, "open") as endpoint:
            with self.assertRaises(Exception):
                self.peer.call("query_unsealed", address=self.own("open"), body=b"x", timeout=2)
            os.setxattr(endpoint, "user.spot.unverified", b"1")
            self.assertIn("user.spot.unverified", os.listxattr(endpoint))
            asked = self.peer.ask("query_unsealed", address=self.own("open"), body=b"from anyone")
            message = take(endpoint)
            self.assertRegex((message / "from").read_text(), f"^unverified {self.peer.address}/[0-9a-f-]+\n$")
            self.assertEqual((message / "body").read_bytes(), b"from anyone")
            (message / "reply").write_bytes(b"to anyone")
            self.assertEqual(bytes.fromhex(self.peer.answer(asked)), b"to anyone")
            # What is sealed is verified all the same.
            asked = self.peer.ask("query", address=self.own("open"), body=b"sealed")
            message = take(endpoint)
            self.assertRegex((message / "from").read_text(), f"^{self.peer.address}/[0-9a-f-]+\n$")
            message.rmdir()
            with self.assertRaisesRegex(Exception, "declined"):
                self.peer.answer(asked)
