"""files/, and blobs/ where it can, under the public suites for filesystems, and beside a local directory under random operations."""

import os
import random
import subprocess
import unittest

import random_operations
from bed import run
from files_cases import walk

BED = None  # set by run.py

PJDFSTEST = """
[features]
posix_fallocate = {}
rename_ctime = {}
stat_st_birthtime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.001
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
"""

FSX = """
flen = 400000
[opsize]
max = 65536
[weights]
close_open = 1
invalidate = 1
mapread = 5
mapwrite = 5
read = 10
write = 10
truncate = 5
fsync = 0.2
fdatasync = 0.2
posix_fallocate = 2
punch_hole = 3
sendfile = 1
posix_fadvise = 1
copy_file_range = 3
"""


class SuitesCase(unittest.TestCase):
    def mounted(self, *options):
        mount = BED.mount(None, "subtree=files", *options)
        self.addCleanup(mount.kill)
        return mount


class Pjdfstest(SuitesCase):
    def test_no_case_fails(self):
        mount = self.mounted("allow_other", "default_permissions", "allow_suid", "allow_dev")
        mount.home.chmod(0o755)
        configuration = mount.home / "pjdfstest.toml"
        configuration.write_text(PJDFSTEST)
        directory = mount.path("pjdfstest")
        directory.mkdir()
        directory.chmod(0o755)
        command = [BED.programs["pjdfstest"], "-c", configuration, "-p", directory]
        result = run(*command, timeout=300)
        failed = self.failed_of(result)
        # FUSE truncates with the open, and only then does the kernel look whether the file is being executed: a program
        # that has not begun yet is gone by then. The case does not wait until it has begun.
        for _ in range(5):
            if failed == ["open::etxtbsy"]:
                failed = self.failed_of(run(*command, "open::etxtbsy", timeout=60))
        self.assertEqual(failed, [], result.stdout[-2000:] + result.stderr[-2000:])
        self.assertIn("398 total", result.stdout)
        mount.unmount()

    def failed_of(self, result):
        self.assertIn("Summary: ", result.stdout, result)
        return [line.split()[0] for line in result.stdout.splitlines() if line.endswith("FAILED")]


class Fsx(SuitesCase):
    def test_every_byte_is_right_through_100_000_operations(self):
        mount = self.mounted()
        self.compare(mount, mount.directory, {1: 100_000, 2: 20_000, 3: 20_000})

    def test_every_byte_is_right_in_blobs(self):
        mount = BED.mount()
        self.addCleanup(mount.kill)
        self.compare(mount, mount.path("blobs"), {4: 30_000, 5: 30_000})

    def compare(self, mount, directory, operations_by_seed):
        configuration = mount.home / "fsx.toml"
        configuration.write_text(FSX)
        command = [BED.programs["fsx"], "-f", configuration, "-P", mount.home, "-N"]
        runs = [
            subprocess.Popen(
                [str(word) for word in (*command, operations, "-S", seed, directory / f"fsx-{seed}")],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for seed, operations in operations_by_seed.items()
        ]
        for process in runs:
            self.addCleanup(process.kill)
        for process in runs:
            said, _ = process.communicate(timeout=700)
            self.assertEqual(process.returncode, 0, said[-3000:])
            self.assertIn("All operations completed A-OK!", said)
        mount.unmount()


class TreeFuzzer(SuitesCase):
    """The same random operations in files/ and in a directory of this machine: the same answers and the same tree."""

    def test_is_the_same_as_a_local_directory(self):
        for seed in range(4):
            with self.subTest(seed=seed):
                self.compare(random.Random(seed))

    def compare(self, chance):
        mount = self.mounted()
        roots = [os.fsencode(mount.directory), os.fsencode(BED.new_directory("local"))]
        for step in range(1500):
            operation, paths, number = random_operations.choose(chance)
            answers = [random_operations.do(root, operation, paths, number) for root in roots]
            self.assertEqual(answers[0], answers[1], (step, operation.__name__, paths, number))
            if step % 300 == 299:
                self.assertEqual(*map(self.seen, roots))
            if step % 700 == 699:
                mount.unmount()
                mount.start()
        self.assertEqual(*map(self.seen, roots))
        mount.unmount()

    def seen(self, root):
        """All but the times, which two filesystems do not have in common."""
        return {path: entry[:4] + entry[5:] for path, entry in walk(root).items()}
