"""files/ as a disk: what ordinary tools do there is the same after an unmount and a mount that has nothing in memory."""

import contextlib
import errno
import hashlib
import mmap
import os
import signal
import sqlite3
import subprocess
import time
import unittest

from bed import run, shell, wait_until

BED = None  # set by run.py
LONG = 300  # seconds that a step of many files may take


def walk(directory):
    """All that can be seen of a tree, contents as digests."""
    found = {}
    root = os.fsencode(directory)
    for above, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(above, name)
            info = os.lstat(path)
            content = None
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
            found[os.path.relpath(path, root)] = (
                oct(info.st_mode), info.st_uid, info.st_gid, info.st_nlink, info.st_mtime_ns, info.st_rdev, content
            )  # fmt: skip
    return found


class FilesCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.mount = BED.mount(None, "subtree=files")

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()

    def setUp(self):
        self.files = self.mount.path(self.id().rpartition(".")[2])
        self.files.mkdir()
        self.local = BED.new_directory("local")

    def shell(self, script, **options):
        result = shell(f"set -e; {script}", cwd=self.files, **({"timeout": LONG} | options))
        self.assertEqual(result.returncode, 0, result.stdout[-2000:] + result.stderr[-2000:])
        return result.stdout

    def assert_same_after_a_remount(self):
        before = walk(self.files)
        self.assertTrue(before)
        self.mount.unmount()
        self.mount.start()
        after = walk(self.files)
        self.assertEqual(before, after)
        return after

    def assert_errno(self, number, call, *arguments, **options):
        with self.assertRaises(OSError) as raised:
            call(*arguments, **options)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])


class Tools(FilesCase):
    def make_tree(self, directory):
        """Of all kinds of entries, with odd names."""
        directory.mkdir()
        for i in range(40):
            sub = directory / f"d{i % 7}"
            sub.mkdir(exist_ok=True)
            (sub / f"{i}").write_bytes(os.urandom(i * i * 97))
        (directory / "name with\nnewline and 'quotes'").write_text("x")
        with open(os.path.join(os.fsencode(directory), b"\xff\xfe no text"), "wb") as file:
            file.write(b"y")
        (directory / ("n" * 255)).write_text("long")
        os.symlink("d0/0", directory / "link")
        os.symlink("nowhere", directory / "dangling")
        os.link(directory / "d1/1", directory / "d2/second name")
        os.mkfifo(directory / "fifo", 0o640)
        os.chmod(directory / "d4/4", 0o4751)
        os.chown(directory / "d5/5", 1234, 5678)
        os.chmod(directory / "d6", 0o2770)
        # rsync takes times of one second for the same.
        for above, directories, files in os.walk(os.fsencode(directory), topdown=False):
            for name in directories + files:
                path = os.path.join(above, name)
                os.utime(path, ns=(1_234_567_890_123_456_789, 1_500_000_000_987_654_321), follow_symlinks=False)

    def test_cp_rsync_and_tar_keep_everything(self):
        self.make_tree(self.local / "tree")
        self.shell(f"cp -a {self.local}/tree cp")
        self.shell(f"rsync -aH {self.local}/tree/ rsync")
        self.shell(f"tar -C {self.local} --format=posix -cf - tree | tar -xpf -")
        expected = walk(self.local / "tree")
        self.assert_same_after_a_remount()
        for name in ("cp", "rsync", "tree"):
            found = walk(self.files / name)
            different = {path: (found.get(path), value) for path, value in expected.items() if found.get(path) != value}
            self.assertEqual((different, len(found)), ({}, len(expected)), name)
        self.assertEqual(self.shell(f"rsync -aHi {self.local}/tree/ rsync"), "")
        self.shell(f"tar --format=posix -cf {self.local}/back.tar tree; mkdir {self.local}/back; tar -C {self.local}/back -xpf {self.local}/back.tar")
        self.assertEqual(walk(self.local / "back/tree"), expected)

    def test_xattrs(self):
        (self.files / "a").write_text("x")
        os.setxattr(self.files / "a", "user.one", b"\0value")
        self.assert_errno(errno.ENOSPC, os.setxattr, self.files / "a", "user.large", bytes(2000))
        self.mount.unmount()
        self.mount.start()
        self.assertEqual(os.getxattr(self.files / "a", "user.one"), b"\0value")
        self.assertEqual(os.listxattr(self.files / "a"), ["user.one"])
        os.removexattr(self.files / "a", "user.one")
        self.assert_errno(errno.ENODATA, os.getxattr, self.files / "a", "user.one")

    def test_git_works_in_it(self):
        git = "git -c user.name=x -c user.email=x@example.org -c gc.auto=0"
        self.shell(f"{git} init -q -b main repo; cd repo; for i in $(seq 200); do echo $i > f$i; done;"
                   f" {git} add .; {git} commit -q -m one; for i in 1 2 3; do echo $i >> f1; {git} commit -q -a -m $i; done")  # fmt: skip
        self.shell(f"{git} clone -q repo clone; cd clone; {git} gc -q; {git} fsck --strict; {git} log --oneline | wc -l")
        self.assert_same_after_a_remount()
        self.assertEqual(self.shell(f"cd clone; {git} fsck --strict; {git} status --short"), "")

    def test_a_c_project_is_built_in_it(self):
        source = "int f%d(void) { return %d; }\n"
        for i in range(20):
            (self.files / f"f{i}.c").write_text(source % (i, i))
        calls = " + ".join(f"f{i}()" for i in range(20))
        declarations = "".join(f"int f{i}(void);\n" for i in range(20))
        (self.files / "main.c").write_text(f"{declarations}int main(void) {{ return ({calls}) == 190 ? 0 : 1; }}\n")
        objects = " ".join(f"f{i}.o" for i in range(20))
        (self.files / "Makefile").write_text(f"program: main.o {objects}\n\tcc -o $@ $^\n")
        self.shell("make -s -j2 && ./program")
        self.assert_same_after_a_remount()
        self.assertEqual(self.shell("./program && make -q program && echo made"), "made\n")

    def test_sqlite_keeps_a_database_in_it(self):
        def work(path):
            for i in range(20):
                with contextlib.closing(sqlite3.connect(path)) as database, database:
                    database.execute("create table if not exists t (id integer primary key, text text)")
                    database.executemany("insert into t (text) values (?)", [(f"{i} {j}" * 20,) for j in range(200)])
                    database.execute("delete from t where id % 7 = ?", (i % 7,))

        def ask(path, question):
            with contextlib.closing(sqlite3.connect(path)) as database:
                return database.execute(question).fetchall()

        work(self.files / "db")
        work(self.local / "db")
        self.assert_same_after_a_remount()
        self.assertEqual(ask(self.files / "db", "pragma integrity_check"), [("ok",)])
        everything = "select * from t order by id"
        self.assertEqual(ask(self.files / "db", everything), ask(self.local / "db", everything))

    def test_editors_save_in_it(self):
        self.shell("printf 'one\\ntwo\\n' > a; sed -i s/one/three/ a; cp a b; mv b a.new; mv a.new a")
        self.assertEqual(self.shell("cat a; ls"), "three\ntwo\na\n")
        self.shell("printf 'x' >> a; truncate -s -1 a; cp -p a a~; printf 'four\\n' > a")
        self.assert_same_after_a_remount()
        self.assertEqual(self.shell("cat a a~"), "four\nthree\ntwo\n")

    def test_flock_and_renames_by_many_processes(self):
        self.shell("for p in $(seq 16); do (for i in $(seq 20); do echo $p-$i > t$p; mv t$p r$((i % 5)); mkdir -p d/$i;"
                   " ln -f r$((i % 5)) l$p 2>/dev/null || true; cat r* > /dev/null 2>&1 || true; done) & done; wait")  # fmt: skip
        self.assert_same_after_a_remount()
        names = os.listdir(self.files)
        self.assertEqual(len([name for name in names if name.startswith("r")]), 5)
        self.assertEqual(len(os.listdir(self.files / "d")), 20)


class Contents(FilesCase):
    def test_a_large_file_is_copied_and_moved_in_no_time(self):
        with (self.files / "a").open("wb") as file:
            for i in range(256):
                file.write(hashlib.sha256(bytes([i])).digest() * 32_768)
        size = 256 << 20
        begin = time.monotonic()
        with (self.files / "a").open("rb") as one, (self.files / "b").open("wb") as other:
            copied = 0
            while copied < size:
                copied += os.copy_file_range(one.fileno(), other.fileno(), size - copied)
        self.shell("mv b c")
        self.assertLess(time.monotonic() - begin, 1)
        found = self.assert_same_after_a_remount()
        self.assertEqual(found[b"a"][-1], found[b"c"][-1])

    def test_random_writes_are_where_they_were_written(self):
        expected = bytearray(3_000_000)
        with (self.files / "a").open("wb") as file:
            file.truncate(len(expected))
        with (self.files / "a").open("r+b") as file:
            for i in range(600):
                at = int.from_bytes(hashlib.sha256(b"%d" % i).digest()[:4], "big") % (len(expected) - 5000)
                piece = hashlib.sha256(b"piece %d" % i).digest() * (1 + i % 150)
                file.seek(at)
                file.write(piece)
                expected[at : at + len(piece)] = piece
                if i % 100 == 99:
                    file.flush()
                    os.fsync(file.fileno())
        self.assertEqual((self.files / "a").read_bytes(), expected)
        self.assert_same_after_a_remount()
        self.assertEqual((self.files / "a").read_bytes(), expected)

    def test_a_mapped_file_is_written(self):
        size = 1_000_000
        with (self.files / "a").open("w+b") as file:
            file.truncate(size)
            with mmap.mmap(file.fileno(), size) as mapped:
                for at in range(0, size, 9_973):
                    mapped[at : at + 1] = b"x"
        expected = bytearray(size)
        for at in range(0, size, 9_973):
            expected[at] = ord("x")
        self.assert_same_after_a_remount()
        self.assertEqual((self.files / "a").read_bytes(), expected)

    def test_holes_stay_holes(self):
        with (self.files / "a").open("wb") as file:
            file.seek(100_000_000_000)
            file.write(b"end")
        self.shell("fallocate -p -o 0 -l 4096 a; cp a b")
        self.assertLess((self.files / "b").stat().st_blocks * 512, 1_000_000)
        self.assert_errno(errno.EINVAL, os.truncate, self.files / "a", -1)
        self.mount.unmount()
        self.mount.start()
        with (self.files / "b").open("rb") as file:
            self.assertGreater(os.lseek(file.fileno(), 0, os.SEEK_DATA), 99_999_000_000)
            file.seek(-3, os.SEEK_END)
            self.assertEqual(file.read(), b"end")
        self.assertEqual((self.files / "b").stat().st_size, 100_000_000_003)

    def test_data_is_found_before_its_writer_closes(self):
        with (self.files / "a").open("w+b", buffering=0) as file:
            file.truncate(1_000_000)
            file.seek(500_000)
            file.write(b"data")
            at = os.lseek(file.fileno(), 0, os.SEEK_DATA)
            self.assertTrue(0 < at <= 500_000, at)
            self.assertGreaterEqual(os.lseek(file.fileno(), at, os.SEEK_HOLE), 500_004)

    def test_what_is_open_goes_on_without_a_name(self):
        with (self.files / "a").open("w+b") as file:
            file.write(b"x" * 200_000)
            (self.files / "a").unlink()
            file.seek(100_000)
            file.write(b"y")
            file.flush()
            self.assertEqual(os.fstat(file.fileno()).st_nlink, 0)
            file.seek(99_999)
            self.assertEqual(file.read(3), b"xyx")
        self.assertEqual(os.listdir(self.files), [])
        (self.files / "kept").touch()
        self.assert_same_after_a_remount()


class FullDisk(unittest.TestCase):
    def test_what_can_not_be_stored_leaves_the_old_content(self):
        disk = BED.new_directory("disk")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        mount = BED.mount(f"embedded:{disk}/store", "subtree=files")
        self.addCleanup(mount.kill)
        path = mount.path("a")
        path.write_bytes(b"old")
        with path.open("rb") as reader:
            with self.assertRaises(OSError) as raised:
                path.write_bytes(os.urandom(20_000_000))
            self.assertIn(raised.exception.errno, (errno.ENOSPC, errno.EDQUOT))
            wait_until(lambda: os.fstat(reader.fileno()).st_size == 3, "the release of who wrote it")
            self.assertEqual(path.read_bytes(), b"old")


class Directories(FilesCase):
    def test_a_directory_of_many_names(self):
        for i in range(5_000):
            os.close(os.open(self.files / f"name {i}", os.O_CREAT | os.O_WRONLY))
        os.rename(self.files, self.mount.path("moved"))
        self.files = self.mount.path("moved")
        self.assertEqual(len(os.listdir(self.files)), 5_000)
        self.assertEqual(len(self.assert_same_after_a_remount()), 5_000)
        # A listing in which names come and go has each of the others once.
        seen = []
        with os.scandir(self.files) as names:
            for i, entry in enumerate(names):
                seen.append(entry.name)
                if i % 10 == 0 and entry.name.startswith("name"):
                    (self.files / f"new {i}").touch()
                    (self.files / entry.name).unlink()
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(len([name for name in seen if name.startswith("name")]), 5_000)
        self.shell("find . -delete 2>/dev/null; ls -A | wc -l")

    def test_renames(self):
        self.shell("mkdir -p a/b/c x; echo 1 > a/b/c/f; mv a/b x/moved; cat x/moved/c/f; rmdir a")
        self.assert_errno(errno.EINVAL, os.rename, self.files / "x", self.files / "x/moved/below")
        self.assert_errno(errno.ENOTEMPTY, os.rename, self.files / "x/moved/c", self.files / "x")
        self.shell("echo old > old; echo new > new; mv --no-clobber new old; cat old; exec 3< old; mv -f new old; cat <&3")
        self.assertEqual(self.shell("cat old"), "new\n")
        self.assert_same_after_a_remount()

    def test_nobody_else_comes_in(self):
        (self.files / "a").write_text("x")
        result = run("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", "cat", self.files / "a")
        self.assertIn("Permission denied", result.stderr)


class Killed(unittest.TestCase):
    def test_what_close_confirmed_is_there_after_kills(self):
        mount = BED.mount(None, "subtree=files")
        self.write_and_kill(mount, mount.directory)

    def test_what_close_confirmed_is_there_in_blobs_too(self):
        mount = BED.mount()
        self.write_and_kill(mount, mount.path("blobs"))

    def write_and_kill(self, mount, directory):
        script = 'for i in $(seq 1000); do head -c $((i * 997 % 150000)) /dev/zero | tr "\\0" x > "$1/$2-$i" && echo $2-$i; done'
        confirmed = []
        for turn in range(5):
            writers = [
                subprocess.Popen(
                    ["bash", "-c", script, "-", directory, f"{turn}-{n}"],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
                for n in range(3)
            ]
            wait_until(lambda: len(os.listdir(directory)) > len(confirmed) + 60, "files")
            mount.signal(signal.SIGKILL)
            wait_until(lambda: not mount.is_running(), "the end of a killed process")
            for writer in writers:
                writer.kill()
                confirmed += writer.communicate()[0].split()
            mount.start()
            for name in confirmed:
                size = int(name.rpartition("-")[2]) * 997 % 150_000
                self.assertEqual((directory / name).read_bytes(), b"x" * size, name)
        self.assertGreater(len(confirmed), 200)
        mount.unmount()


class OverARelay(unittest.TestCase):
    """Two mounts of one identity, each with a state directory of its own."""

    def setUp(self):
        BED.start_relay()
        self.one = BED.relay_mount("subtree=files")
        self.other = BED.mount(self.one.source, *self.one.options[2:], start=False, identity=self.one.identity)
        self.other.start()

    def tearDown(self):
        for mount in (self.one, self.other):
            mount.unmount()
        BED.stop_relay()

    def test_what_one_closes_the_other_sees(self):
        content = os.urandom(300_000)
        self.one.path("d").mkdir()
        self.one.path("d/a").write_bytes(content)
        wait_until(lambda: self.other.path("d/a").exists(), "the file at the other mount")
        wait_until(lambda: self.other.path("d/a").stat().st_size == len(content), "its content")
        self.assertEqual(self.other.path("d/a").read_bytes(), content)
        self.other.path("d/a").write_bytes(b"short")
        wait_until(lambda: self.one.path("d/a").stat().st_size == 5, "the change at the first mount")
        self.assertEqual(self.one.path("d/a").read_bytes(), b"short")
        os.rename(self.one.path("d"), self.one.path("e"))
        wait_until(lambda: self.other.path("e/a").exists(), "the renamed directory")
        self.assertFalse(self.other.path("d").exists())

    def test_who_reads_gets_all_of_what_was_opened(self):
        content = os.urandom(3 << 20)
        self.one.path("a").write_bytes(content)
        wait_until(lambda: self.other.path("a").exists(), "the file at the other mount")
        wait_until(lambda: self.other.path("a").read_bytes() == content, "its content")
        with self.other.path("a").open("rb", buffering=0) as reader:
            begin = reader.read(1000)
            self.one.path("a").write_bytes(b"short")
            wait_until(lambda: self.other.path("a").read_bytes() == b"short", "the new content at the other mount")
            self.other.path("a").stat()
            self.assertEqual(begin + reader.readall(), content)
        wait_until(lambda: self.other.path("a").stat().st_size == 5, "the new size")

    def test_what_both_write_at_once_is_kept(self):
        self.one.path("a").write_text("first")
        wait_until(lambda: self.other.path("a").exists(), "the file at the other mount")
        wait_until(lambda: self.other.path("a").read_text() == "first", "its content")
        with self.one.path("a").open("w") as one, self.other.path("a").open("w") as other:
            one.write("by one")
            other.write("by the other")
        names = lambda mount: sorted(os.listdir(mount.directory))
        wait_until(lambda: len(names(self.one)) == 2 and names(self.one) == names(self.other), "both versions at both")
        for mount in (self.one, self.other):
            self.assertIn(".conflict-", names(mount)[1])
            wait_until(
                lambda: {mount.path(name).read_text() for name in names(mount)} == {"by one", "by the other"},
                "both contents",
            )
