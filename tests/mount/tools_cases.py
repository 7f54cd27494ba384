"""What ordinary tools do in blobs/, self/ and endpoints/@/, on a relay of the mount's own."""

import errno
import mmap
import os
import pathlib
import random
import shutil
import struct
import time
import unittest

from bed import run, shell

BED = None  # set by run.py
LIMIT = 45_056  # bytes of a value's content: what is larger is kept in chunks
LARGE = 20 << 20


class ToolsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mount = BED.mount()
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()

    def setUp(self):
        type(self).count += 1
        self.blobs = self.mount.path("blobs", f"test-{self.count}")
        self.blobs.mkdir()
        self.local = BED.new_directory("local")

    def shell(self, script):
        """Runs it in the directory of this test; gives what it prints."""
        result = shell(f"set -e; {script}", cwd=self.blobs)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def assert_errno(self, number, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])


class Tools(ToolsCase):
    def test_shell_redirections(self):
        self.assertEqual(self.shell("echo one > f; echo two >> f; cat f"), "one\ntwo\n")
        self.assertEqual(self.shell("echo three > f; cat < f"), "three\n")
        self.assertEqual(self.shell(": > f; wc -c < f"), "0\n")

    def test_cp_and_cmp(self):
        (self.local / "a").write_bytes(os.urandom(LIMIT))
        self.shell(f"cp {self.local}/a a; cmp a {self.local}/a; cp a b; cmp a b; cp b {self.local}/c")
        self.assertEqual((self.local / "c").read_bytes(), (self.local / "a").read_bytes())

    def test_cp_keeps_mode_and_times(self):
        file = self.local / "a"
        file.write_text("text")
        file.chmod(0o640)
        os.utime(file, ns=(1_234_567_890_123_456_789, 1_500_000_000_987_654_321))
        self.shell(f"cp -a {file} a")
        info = (self.blobs / "a").stat()
        self.assertEqual(info.st_mode & 0o7777, 0o640)
        self.assertEqual(info.st_mtime_ns, 1_500_000_000_987_654_321)

    def test_mv_within_a_directory_and_over_a_file(self):
        self.shell("echo a > a; echo b > b; mv a b")
        self.assertEqual(self.shell("ls; cat b"), "b\na\n")

    def test_mv_between_directories(self):
        self.shell("mkdir x y; echo a > x/a; mv x/a y/b")
        self.assertEqual(self.shell("ls x y; cat y/b"), "x:\n\ny:\nb\na\n")

    def test_mv_of_a_directory_copies(self):
        self.shell("mkdir -p x/in; echo a > x/in/a; mv x y; test ! -e x")
        self.assertEqual(self.shell("cat y/in/a"), "a\n")
        self.assert_errno(errno.EXDEV, os.rename, self.blobs / "y", self.blobs / "z")

    def test_mkdir_rmdir_and_rm(self):
        self.shell("mkdir -p a/b/c; echo x > a/b/c/file")
        self.assert_errno(errno.ENOTEMPTY, os.rmdir, self.blobs / "a")
        self.assert_errno(errno.EEXIST, os.mkdir, self.blobs / "a")
        self.assert_errno(errno.ENOENT, os.rmdir, self.blobs / "none")
        self.assertEqual(self.shell("rm -r a; ls"), "")

    def test_dd_in_pieces(self):
        content = os.urandom(40_000)
        (self.local / "a").write_bytes(content)
        self.shell(f"dd if={self.local}/a of=a bs=777 status=none; dd if=a of={self.local}/b bs=1000 status=none")
        self.assertEqual((self.local / "b").read_bytes(), content)
        self.shell("printf XYZ | dd of=a bs=1 seek=10000 conv=notrunc status=none")
        self.assertEqual((self.blobs / "a").read_bytes(), content[:10_000] + b"XYZ" + content[10_003:])

    def test_truncate(self):
        self.shell("echo 12345 > a; truncate -s 3 a")
        self.assertEqual(self.shell("cat a"), "123")
        self.shell("truncate -s 5 a")
        self.assertEqual((self.blobs / "a").read_bytes(), b"123\0\0")
        self.shell("truncate -s 0 a; truncate -s 7 new")
        self.assertEqual([os.stat(self.blobs / name).st_size for name in ("a", "new")], [0, 7])

    def test_tee_and_a_pipe(self):
        self.assertEqual(self.shell("seq 1 1000 | tee a | tail -n1; wc -l < a"), "1000\n1000\n")

    def test_tar_there_and_back(self):
        self.make_some_files(self.local / "tree")
        self.shell(f"tar -C {self.local} -cf - tree | tar -xf -; diff -r {self.local}/tree tree")
        self.shell(f"tar -cf {self.local}/back.tar tree; mkdir {self.local}/back; tar -C {self.local}/back -xf {self.local}/back.tar")
        self.shell(f"diff -r {self.local}/tree {self.local}/back/tree")

    def test_rsync_and_again(self):
        self.make_some_files(self.local / "tree")
        self.shell(f"rsync -a {self.local}/tree/ tree; diff -r {self.local}/tree tree")
        self.assertEqual(self.shell(f"rsync -ai {self.local}/tree/ tree"), "")
        (self.local / "tree" / "7").write_text("another")
        self.assertIn("7", self.shell(f"rsync -ai --delete {self.local}/tree/ tree"))
        self.shell(f"diff -r {self.local}/tree tree")

    def make_some_files(self, directory):
        directory.mkdir()
        for i in range(20):
            (directory / f"{i}").write_bytes(os.urandom(i * 1000))
        (directory / "sub" / "sub").mkdir(parents=True)
        (directory / "sub" / "sub" / "ü ö\n'\"").write_text("a name")

    def test_find_and_grep(self):
        self.shell("mkdir -p a/b; echo needle > a/b/x; echo hay > a/y")
        self.assertEqual(self.shell("grep -rl needle ."), "./a/b/x\n")
        self.assertEqual(self.shell("find . -type f | sort"), "./a/b/x\n./a/y\n")

    def test_python_reads_and_writes_anywhere(self):
        with (self.blobs / "a").open("w+b") as file:
            file.write(b"0123456789")
            file.seek(3)
            file.write(b"abc")
            file.seek(0)
            self.assertEqual(file.read(), b"012abc6789")
            os.fsync(file.fileno())
        with (self.blobs / "a").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            self.assertEqual(mapped[:], b"012abc6789")

    def test_a_file_that_is_unlinked_is_still_there_for_who_has_it_open(self):
        with (self.blobs / "a").open("w+b") as file:
            file.write(b"kept")
            file.flush()
            (self.blobs / "a").unlink()
            file.seek(0)
            self.assertEqual(file.read(), b"kept")
        self.assertFalse((self.blobs / "a").exists())

    def test_two_who_append(self):
        self.shell("(for i in $(seq 50); do echo a >> f; done) & for i in $(seq 50); do echo b >> f; done; wait")
        self.assertEqual(sorted(self.shell("cat f").split()), ["a"] * 50 + ["b"] * 50)

    def test_chmod_and_touch(self):
        self.shell("echo a > a; chmod 600 a; touch -d 2001-02-03T04:05:06Z a")
        self.assertEqual(self.shell("stat -c '%a %Y' a"), "600 981173106\n")

    def test_an_empty_blob_is_no_deleted_one(self):
        self.shell("touch empty")
        self.assertEqual(self.shell("ls; cat empty"), "empty\n")


class Large(ToolsCase):
    """Contents beyond what a value holds; each is compared once more by a mount that has nothing in memory."""

    def assert_same(self, *names):
        for name in names:
            self.assertEqual((self.blobs / name).stat().st_size, (self.local / name).stat().st_size)
            self.shell(f"cmp {name} {self.local}/{name}")

    def assert_same_after_a_remount(self, *names):
        self.assert_same(*names)
        self.mount.unmount()
        shutil.rmtree(self.mount.home / "state")
        self.mount.start()
        self.assert_same(*names)

    def make(self, name, size):
        (self.local / name).write_bytes(os.urandom(size))
        self.shell(f"cp {self.local}/{name} {name}")

    def test_sizes_at_the_limit_and_beyond(self):
        sizes = (LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT, 2 * LIMIT + 1, LARGE)
        for size in sizes:
            self.make(str(size), size)
        self.assert_same_after_a_remount(*map(str, sizes))

    def test_growing_and_shrinking_across_the_limit(self):
        self.make("a", LIMIT)
        for script in ("head -c 1 /dev/zero >> a", f"truncate -s {LIMIT} a", "seq 1 20000 >> a", "truncate -s 7 a", "seq 1 9000 >> a"):
            for directory in (self.blobs, self.local):
                self.assertEqual(shell(script, cwd=directory).returncode, 0)
            self.assert_same("a")
        self.assert_same_after_a_remount("a")

    def test_dd_into_the_middle(self):
        self.make("a", LARGE)
        for directory in (self.blobs, self.local):
            script = f"dd if={self.local}/piece of=a bs=1000 seek=7777 conv=notrunc status=none"
            (self.local / "piece").write_bytes(bytes(range(250)) * 400)
            self.assertEqual(shell(script, cwd=directory).returncode, 0)
        self.assert_same_after_a_remount("a")

    def test_random_writes_and_reads(self):
        self.make("a", LARGE)
        chance = random.Random(5)
        for _ in range(4):
            with (self.blobs / "a").open("r+b") as there, (self.local / "a").open("r+b") as here:
                for _ in range(250):
                    offset, size = chance.randrange(LARGE), chance.choice((1, 100, 4096, 70_000))
                    data = chance.randbytes(size)
                    for file in (there, here):
                        self.assertEqual(os.pwrite(file.fileno(), data, offset), size)
                    offset = chance.randrange(LARGE)
                    self.assertEqual(os.pread(there.fileno(), 100_000, offset), os.pread(here.fileno(), 100_000, offset))
        self.assert_same_after_a_remount("a")

    def test_many_who_write_at_once(self):
        self.make("a", LARGE)
        (self.local / "piece").write_bytes(os.urandom(LARGE))
        writers = " & ".join(
            f"dd if={self.local}/piece of=$d/a bs=8191 skip={i * 300} seek={i * 300} count=300 conv=notrunc status=none" for i in range(8)
        )
        for directory in (self.blobs, self.local):
            self.assertEqual(shell(f"d={directory}; {writers} & wait").returncode, 0)
        self.assert_same_after_a_remount("a")

    def test_a_mapped_file_is_written(self):
        self.make("a", LARGE)
        for directory in (self.blobs, self.local):
            with (directory / "a").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
                for at in range(0, LARGE, 300_001):
                    mapped[at] = 7
                mapped.flush()
                mapped[LARGE - 1] = 9
        self.assert_same_after_a_remount("a")

    def test_holes(self):
        script = "truncate -s 300M a; echo end | dd of=a bs=1 seek=250000000 conv=notrunc status=none; fallocate -p -o 249999000 -l 1001 a"
        for directory in (self.blobs, self.local):
            self.assertEqual(shell(script, cwd=directory).returncode, 0)
        with (self.blobs / "a").open("rb") as file:
            self.assertLessEqual(os.lseek(file.fileno(), 0, os.SEEK_DATA), 250_000_000)
            self.assertGreater(os.lseek(file.fileno(), 0, os.SEEK_DATA), 249_000_000)
        self.assert_same_after_a_remount("a")

    def test_renames_and_removals(self):
        self.make("a", LARGE)
        (self.local / "b").write_bytes((self.local / "a").read_bytes())
        self.shell("mkdir d; mv a d/a; cp d/a c; mv d/a b; mv c d/c; rm d/c; rmdir d")
        self.assertEqual(self.shell("ls"), "b\n")
        self.assert_same_after_a_remount("b")

    def test_memory_is_bounded(self):
        self.shell("head -c 300M /dev/zero | tr '\\0' x > a; cat a | wc -c")
        self.assertLess(self.mount.memory(), 250 << 20)
        self.shell("rm a")


class Limits(ToolsCase):
    def test_names_that_can_be_no_key(self):
        self.assert_errno(errno.EILSEQ, pathlib.Path(os.fsdecode(bytes(self.blobs) + b"/\xff")).write_text, "x")
        self.assert_errno(errno.ENAMETOOLONG, (self.blobs / ("n" * 256)).write_text, "x")
        deep = self.blobs.joinpath(*["d" * 200] * 4)
        deep.mkdir(parents=True)
        self.assert_errno(errno.ENAMETOOLONG, (deep / ("n" * 200)).write_text, "x")
        self.assert_errno(errno.EPERM, os.mkdir, self.mount.path("blobs/.spotfs"))
        self.assertFalse(self.mount.path("blobs/.spotfs/id").exists())

    def test_what_blobs_are_not(self):
        self.shell("echo a > a; mkdir d")
        self.assert_errno(errno.EPERM, os.link, self.blobs / "a", self.blobs / "b")
        self.assert_errno(errno.EXDEV, os.rename, self.blobs / "a", self.mount.path("a"))
        file = self.mount.path("files/file")
        file.write_text("x")
        self.assert_errno(errno.EXDEV, os.rename, file, self.blobs / "b")
        self.assert_errno(errno.EXDEV, os.rename, self.blobs / "a", file)
        self.assert_errno(errno.EISDIR, (self.blobs / "d").read_bytes)
        self.assert_errno(errno.ENOTDIR, (self.blobs / "a/b").read_bytes)
        self.assert_errno(errno.EPERM, self.mount.path("new").write_text, "x")
        self.assert_errno(errno.EPERM, os.mkdir, self.mount.path("new"))

    def test_a_mount_that_is_read_only(self):
        mount = BED.mount(None, "ro")
        self.assert_errno(errno.EROFS, mount.path("blobs/a").write_text, "x")
        self.assertEqual(os.listdir(mount.path("blobs")), [])
        mount.unmount()


class Identity(ToolsCase):
    def test_id_and_card(self):
        name = self.mount.path("self/id").read_text().strip()
        self.assertRegex(name, r"^k\.[\w-]{43}$")
        self.assertIn(name, self.mount.path("self/card.json").read_text())
        self.assertEqual(
            run("openssl", "pkey", "-pubin", "-in", self.mount.path("self/public.pem"), "-noout").returncode, 0
        )
        self.assertEqual(sorted(os.listdir(self.mount.path("self"))), ["card", "card.json", "id", "public.pem"])

    def test_keys_are_for_nobody_else(self):
        files = list(self.mount.identity.iterdir())
        self.assertEqual([file.stat().st_mode & 0o777 for file in files], [0o600])


class ServerEndpoints(ToolsCase):
    def ask(self, endpoint):
        request = self.mount.path("endpoints/@", endpoint, "request")
        return run("bash", "-c", 'truncate -s 0 "$1" && cat "${1%request}reply"', "-", request, text=False, errors=None)

    def test_the_servers_time(self):
        result = self.ask("time")
        self.assertEqual(result.returncode, 0, result.stderr)
        seconds, nanoseconds = struct.unpack(">qi", result.stdout)
        self.assertAlmostEqual(seconds, time.time(), delta=5)
        self.assertLess(nanoseconds, 1_000_000_000)

    def test_the_servers_version(self):
        self.assertIn(b"spot", self.ask("version").stdout)

    def test_an_endpoint_that_is_not_there(self):
        result = self.ask("no-such-endpoint")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(b"No such file or directory", result.stderr)
        self.assertIn("ENOENT", self.mount.path("endpoints/@/no-such-endpoint/error").read_text())

    def test_the_stores_endpoints_are_not_for_asking(self):
        for name in ("store_blob", "fetch_blob", "blob_sync"):
            with self.subTest(name):
                self.assertIn(b"Operation not permitted", self.ask(name).stderr)

    def test_names_that_are_no_address(self):
        self.assert_errno(errno.ENOENT, os.stat, self.mount.path("endpoints/k.short"))
        self.assertIn("@", os.listdir(self.mount.path("endpoints")))


class Remount(unittest.TestCase):
    def test_all_is_the_same_after_it(self):
        mount = BED.mount()
        blobs = mount.path("blobs")
        result = shell(
            "mkdir -p a/b; echo 1 > a/one; echo 2 > a/b/two; touch empty; chmod 600 a/one; touch -d 2001-01-01 a/b/two;"
            " mv a/one a/three; echo x > gone; sync gone; rm gone; chmod 700 a/b",
            cwd=blobs,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        before = self.listing(blobs)
        identity = mount.path("self/id").read_text()
        mount.unmount()
        self.assertEqual(os.listdir(mount.directory), [])
        mount.start()
        self.assertEqual(self.listing(blobs), before)
        self.assertEqual(mount.path("self/id").read_text(), identity)
        self.assertEqual((blobs / "a/b/two").read_text(), "2\n")
        mount.unmount()

    def listing(self, directory):
        result = shell("find . -printf '%p %y %m %s %T@ %U %G\\n' | sort", cwd=directory)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("./a/three f 600 2 ", result.stdout)
        return result.stdout
