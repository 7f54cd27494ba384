"""mount(8) and umount(8) as the tests run them, with helpers of this build in an overlay over /usr/sbin."""

import contextlib
import errno
import json
import os
import pathlib
import subprocess
import unittest

import bed
from bed import run

USAGE, SYSTEM, INTERRUPTED, FAILED = 1, 2, 8, 32  # exit codes of mount(8)
NOBODY = 65_534
UTAB = pathlib.Path("/run/mount/utab")


def mounted_here(*words):
    subprocess.run(["mount", *words], check=True)
    unittest.addModuleCleanup(subprocess.run, ["umount", "-i", "--lazy", words[-1]], check=True)


def overlay(directory):
    """Writes to it go nowhere else."""
    layer = bed.BED.new_directory("layer")
    mounted_here("-t", "tmpfs", "none", layer)
    upper, work = layer / "upper", layer / "work"
    upper.mkdir()
    work.mkdir()
    options = f"lowerdir={directory},upperdir={upper},workdir={work}"
    mounted_here("-t", "overlay", "-o", options, "overlay", directory)


def set_up_module():
    """For the module of the cases."""
    hosts = pathlib.Path("/etc/hosts").read_text()  # the bed's
    overlay("/usr/sbin")
    overlay("/etc")
    pathlib.Path("/etc/hosts").write_text(hosts)
    for place in ("/run", "/var/lib/spotfs", "/var/cache/spotfs", "/mnt"):
        if not os.path.isdir(place):
            overlay(os.path.dirname(place))
            os.mkdir(place)
        mounted_here("-t", "tmpfs", "-o", "mode=755", "none", place)
    # The last is what mount.fuse3 starts.
    for name in ("mount.spotfs", "umount.spotfs", "umount.fuse.spotfs", "spotfs"):
        os.symlink(bed.BED.programs["spotfs"], f"/usr/sbin/{name}")


def as_nobody(*command):
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *map(str, command)]


def utab(directory):
    lines = UTAB.read_text().splitlines() if UTAB.exists() else []
    return [line for line in lines if f"TARGET={directory} " in line]


class MountCase(unittest.TestCase):
    def mount(self, mount, *flags, type="spotfs", options=(), code=0):
        """mount(8); the result."""
        words = ",".join([*mount.options, *options])
        result = run("mount", *flags, "-t", type, "-o", words, mount.source, mount.directory, env=bed.BED.environment)
        return self.mounted(mount, result, code)

    def mounted(self, mount, result, code=0):
        self.assertEqual(result.returncode, code, result)
        if code == 0 and mount.is_mounted():
            mount.pid = self.status(mount)["pid"]
        return result

    def status(self, mount):
        return json.loads(mount.path(".spotfs/status").read_text())

    def umount(self, mount, *flags, code=0):
        """umount(8); with 0 the program has ended, too."""
        result = run("umount", *flags, mount.directory, env=bed.BED.environment)
        self.assertEqual(result.returncode, code, result)
        if code == 0:
            self.assertFalse(mount.is_mounted())
            self.assertFalse(mount.is_running(), result)
        return result

    def assert_works(self, mount):
        mount.path("files/file").write_text("text")
        self.assertEqual(mount.path("files/file").read_text(), "text")

    def assert_read_only(self, mount, is_read_only=True):
        with self.assertRaises(OSError) if is_read_only else contextlib.nullcontext() as raised:
            mount.path("files/new").write_text("x")
        if is_read_only:
            self.assertEqual(raised.exception.errno, errno.EROFS)
        self.assertEqual(self.status(mount)["options"]["read_only"], is_read_only)
