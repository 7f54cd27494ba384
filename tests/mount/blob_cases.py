"""spotfsctl blob, on a mount and beside its files."""

import os
import pathlib

from bed import shell
from commands import DONE, FAILED, ODD_KEYS, USAGE, CommandCase, ctl, of_event, program

BED = None  # set by run.py
CHUNK = 45_056


class Blobs(CommandCase):
    @classmethod
    def setUpClass(cls):
        cls.mount = BED.mount()
        cls.blobs = cls.mount.path("blobs")

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()

    def blob(self, what, *words, **options):
        return ctl("blob", what, "--mount", self.mount.directory, "--", *words, **options)

    def put(self, key, value):
        self.assert_exit(DONE, self.blob("put", key, input=value, text=False, errors=None))

    def get(self, key):
        result = self.blob("get", key, text=False, errors=None)
        self.assertEqual(result.returncode, DONE, result.stderr)
        return result.stdout

    def test_what_is_put_is_a_file(self):
        path = self.blobs / "new/deep/key"
        self.assertFalse(path.exists())  # the kernel remembers that
        for value in (b"first", os.urandom(40_000), b"", b"last"):
            self.put("new/deep/key", value)
            self.assertTrue(path.exists())
            self.assertEqual(path.read_bytes(), value)
            self.assertEqual(path.stat().st_size, len(value))
            self.assertEqual(self.get("new/deep/key"), value)
        self.assert_exit(DONE, self.blob("rm", "new/deep/key"))
        self.assertFalse(path.exists())
        self.assert_exit(FAILED, self.blob("rm", "new/deep/key"))

    def test_who_has_the_file_open_sees_how_large_it_is_now(self):
        self.put("growing", b"one")
        path = self.blobs / "growing"
        with path.open("rb"):
            self.put("growing", b"and two")
            self.assertEqual(path.stat().st_size, 7)
            self.assertEqual(path.read_bytes(), b"and two")

    def test_a_file_is_had_by_its_key(self):
        value = os.urandom(12_345)
        (self.blobs / "a b\n").write_bytes(value)
        self.assertEqual(self.get("a b\n"), value)
        data = of_event(ctl("--json", "blob", "get", "a b\n", "--mount", self.mount.directory), "data")
        self.assertTrue(data)
        (self.blobs / "a b\n").unlink()
        result = self.blob("get", "a b\n")
        self.assert_exit(FAILED, result)
        self.assertIn("there is no such key", result.stderr)

    def test_keys_that_can_be_no_path(self):
        (self.blobs / "directory").mkdir()
        (self.blobs / "directory/file").write_text("file")
        for key in ("directory", "a//b", "/", "./x", "p/" + "n" * 300):
            value = os.urandom(1_000)
            self.put(key, value)
            self.assertEqual(self.get(key), value, key)
            self.assert_exit(DONE, self.blob("rm", key))
            self.assert_exit(FAILED, self.blob("get", key))
        self.assertEqual((self.blobs / "directory/file").read_text(), "file")
        self.assert_exit(USAGE, self.blob("put", ".spotfs/id", input="x"))

    def test_values_over_one_blob(self):
        for size in (49_000, CHUNK, CHUNK + 1, 3 * CHUNK, 1_000_003):
            value = os.urandom(size)
            self.put("large value", value)
            self.assertEqual((self.blobs / "large value").read_bytes(), value)
            self.assertEqual(self.get("large value"), value)
        (self.blobs / "large value").write_bytes(value * 2)
        self.assertEqual(self.get("large value"), value * 2)
        self.assert_exit(DONE, self.blob("rm", "large value"))
        self.assertFalse((self.blobs / "large value").exists())

    def test_keys_of_odd_bytes(self):
        for key in ODD_KEYS:
            value = os.urandom(2_000)
            self.put(key, value)
            self.assertEqual(pathlib.Path(os.fsdecode(os.fsencode(self.blobs) + b"/" + key)).read_bytes(), value, key)
            self.assertEqual(self.get(key), value, key)
            listed = of_event(ctl("--json", "blob", "ls", "--mount", self.mount.directory, "--", key), "blob")
            self.assertEqual([line["size"] for line in listed], [len(value)], key)
            self.assert_exit(DONE, self.blob("rm", key))
            self.assert_exit(FAILED, self.blob("get", key))

    def test_a_key_that_is_no_utf_8_is_refused(self):
        for what in ("put", "get", "rm"):
            result = self.blob(what, b"\xff\xfe", input="x")
            self.assert_exit(USAGE, result)
            self.assertIn("\\xff\\xfe can be no key", result.stderr)

    def test_ls(self):
        (self.blobs / "list").mkdir()
        for name in ("one", "two"):
            (self.blobs / "list" / name).write_text(name)
        self.assertEqual(self.blob("ls", "list/").stdout, "list/one\nlist/two\n")
        (found,) = of_event(ctl("--json", "blob", "ls", "--mount", self.mount.directory, "list/o"), "blob")
        self.assertEqual((found["key"], found["size"]), ("list/one", 3))

    def test_from_a_file_and_from_a_pipe(self):
        local = BED.work / "value"
        local.write_bytes(os.urandom(30_000))
        self.assert_exit(DONE, self.blob("put", "from-file", local))
        self.assertEqual((self.blobs / "from-file").read_bytes(), local.read_bytes())
        self.assert_exit(FAILED, self.blob("put", "from-none", BED.work / "none"))
        result = shell(f"cat {local} | {program()} blob put from-pipe --mount {self.mount.directory}")
        self.assert_exit(DONE, result)
        self.assertEqual(self.get("from-pipe"), local.read_bytes())
