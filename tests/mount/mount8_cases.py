"""mount(8), umount(8), fstab, findmnt and df with mounts of spotfs, as an administrator has them."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import mount8
from bed import run, wait_until
from mount8 import FAILED, INTERRUPTED, NOBODY, SYSTEM, USAGE, MountCase, as_nobody, mounted_here, utab

BED = None  # set by run.py
MAN = pathlib.Path(__file__).resolve().parents[2] / "packaging/man"

setUpModule = mount8.set_up_module


class Mounts(MountCase):
    def test_mount_findmnt_df_and_umount(self):
        mount = BED.mount(start=False)
        result = self.mount(mount, options=["size=5G", "_netdev", "x-systemd.automount", "nofail", "relatime"])
        self.assertEqual(result.stdout + result.stderr, "")
        self.assert_works(mount)
        found = run("findmnt", "-no", "SOURCE,FSTYPE,OPTIONS", "-t", "fuse.spotfs", mount.directory).stdout
        self.assertRegex(found, f"^{mount.source} fuse.spotfs rw,nosuid,nodev,relatime")
        self.assertEqual(run("df", "--output=size", "--block-size=1G", mount.directory).stdout.split()[-1], "5")
        self.assertIn("uhelper=spotfs", utab(mount.directory)[0])
        self.assertIn("_netdev", utab(mount.directory)[0])
        self.umount(mount)
        self.assertEqual(utab(mount.directory), [])

    def test_through_mount_fuse(self):
        mount = BED.mount(start=False)
        self.mount(mount, type="fuse.spotfs", options=["uhelper=spotfs", "nofail", "dev", "suid"])
        self.assert_works(mount)
        self.assertIn("nosuid,nodev", run("findmnt", "-no", "OPTIONS", mount.directory).stdout)
        self.umount(mount)

    def test_fake_verbose_and_without_a_note(self):
        mount = BED.mount(start=False)
        self.mount(mount, "-f")
        self.assertFalse(mount.is_mounted())
        result = self.mount(mount, "-n", "-v")
        self.assertIn(f"{mount.source} mounted on {mount.directory}", result.stdout)
        self.assertEqual(utab(mount.directory), [])
        mount.unmount()

    def test_a_value_in_quotes(self):
        mount = BED.mount(start=False)
        mount.options[1] = f'state="{mount.home}/with,comma"'
        self.mount(mount)
        self.assertTrue((mount.home / "with,comma").is_dir())
        # What was given is understood by a remount, too.
        self.assertEqual(run("mount", "-o", f"remount,ro,{mount.options[1]}", mount.directory).returncode, 0)
        self.umount(mount)

    def test_in_another_mount_namespace(self):
        mount = BED.mount(start=False)
        with subprocess.Popen(["unshare", "--mount", "sleep", "600"]) as inside:
            own = os.readlink("/proc/self/ns/mnt")
            wait_until(lambda: os.readlink(f"/proc/{inside.pid}/ns/mnt") != own, "the namespace")
            enter = ["nsenter", "-t", inside.pid, "-m"]
            self.mount(mount, "-N", str(inside.pid))
            self.assertFalse(mount.is_mounted())
            status = run(*enter, "cat", mount.path(".spotfs/status"))
            self.assertEqual(status.returncode, 0, status)
            mount.pid = json.loads(status.stdout)["pid"]
            self.umount(mount, "-N", str(inside.pid))
            inside.kill()

    def test_owners_masks_and_who_is_let_in(self):
        mount = BED.mount(start=False)
        self.mount(mount, options=[f"uid={NOBODY},gid={NOBODY},umask=027,dmask=007,allow_other"])
        def shown(path):
            info = os.stat(mount.path(path))
            return (info.st_uid, info.st_gid, oct(info.st_mode & 0o7777))
        self.assertEqual(shown("."), (NOBODY, NOBODY, "0o750"))
        self.assertEqual(shown("files"), (NOBODY, NOBODY, "0o750"))
        self.assertEqual(shown("endpoints"), (NOBODY, NOBODY, "0o700"))
        self.assertEqual(shown("self/id"), (NOBODY, NOBODY, "0o440"))
        script = 'umask 0; echo x > "$1/files/f" && mkdir "$1/files/d" && ls "$1/endpoints" && cat "$1/self/id"'
        result = run(*as_nobody("bash", "-c", script, "-", mount.directory))
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(shown("files/f"), (NOBODY, NOBODY, "0o640"))
        self.assertEqual(shown("files/d"), (NOBODY, NOBODY, "0o770"))
        os.chmod(mount.path("files/f"), 0o666)
        self.assertEqual(shown("files/f")[2], "0o640")
        self.umount(mount)


class Fstab(MountCase):
    def fstab(self, *lines):
        path = BED.new_directory("fstab") / "fstab"
        path.write_text("".join(line + "\n" for line in lines))
        return path

    def line(self, mount, type="spotfs", *options):
        return f"{mount.source} {mount.directory} {type} {','.join([*mount.options, *options])} 0 0"

    def test_all_of_it_and_all_of_it_again(self):
        first, second, third = (BED.mount(start=False) for _ in range(3))
        file = self.fstab(
            self.line(first, "spotfs", "nofail"),
            self.line(second, "fuse.spotfs", "_netdev,nofail"),
            self.line(third, "spotfs", "noauto"),
        )
        for _ in range(2):
            result = run("mount", "-a", "-T", file, env=BED.environment)
            self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        for mount in (first, second):
            self.mounted(mount, result)
            self.assert_works(mount)
        self.assertFalse(third.is_mounted())
        self.mounted(third, run("mount", "-T", file, third.directory, env=BED.environment))
        for mount in (first, second, third):
            self.umount(mount)

    def test_lines_of_the_man_page_as_they_stand(self):
        text = (MAN / "spotfs.8").read_text()
        lines = re.findall(r"^\S+ /mnt/\S+ spotfs .*$", text, re.M)
        self.assertGreaterEqual(len(lines), 2)
        os.makedirs("/etc/spotfs", exist_ok=True)
        for line in lines:
            os.makedirs(line.split()[1], exist_ok=True)
        # As at boot: without an environment.
        result = run("mount", "-a", "-T", self.fstab(*lines), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        for line in lines:
            place = line.split()[1]
            self.assertEqual(run("findmnt", "-no", "FSTYPE", place).stdout, "fuse.spotfs\n")
            status = json.loads(pathlib.Path(place, ".spotfs/status").read_text())
            self.assertEqual(status["options"]["identity"], "/etc/spotfs/identity")
            self.assertEqual(run("umount", place).returncode, 0)

    def test_of_an_ordinary_user(self):
        mount = BED.mount(start=False, user=NOBODY)
        line = self.line(mount, "spotfs", "noauto", "user", "uhelper=spotfs")
        with open("/etc/fstab", "a", encoding="utf-8") as fstab:
            fstab.write(f"{line}\n")
        result = run(*as_nobody("mount", mount.directory), env=BED.environment)
        self.assertEqual(result.returncode, 0, result)
        status = run(*as_nobody("cat", mount.path(".spotfs/status")))
        mount.pid = json.loads(status.stdout)["pid"]
        self.assertIn(f"Uid:\t{NOBODY}\t", pathlib.Path(f"/proc/{mount.pid}/status").read_text())
        self.assertIn("noexec", run("findmnt", "-no", "OPTIONS", mount.directory).stdout)
        result = run(*as_nobody("umount", mount.directory), env=BED.environment)
        self.assertEqual(result.returncode, 0, result)
        self.assertFalse(mount.is_running())


class Remount(MountCase):
    def setUp(self):
        self.one = BED.mount(start=False)
        self.mount(self.one, options=["timeout=40"])

    def remount(self, *words, code=0):
        result = run("mount", *words, self.one.directory, env=BED.environment)
        self.assertEqual(result.returncode, code, result)
        return result.stderr

    def test_by_directory(self):
        self.remount("-o", "remount,ro")
        self.assert_read_only(self.one)
        self.remount("-o", "remount,rw,noexec,noatime")
        self.assert_read_only(self.one, False)
        found = run("findmnt", "-no", "OPTIONS", self.one.directory).stdout
        self.assertRegex(found, "^rw,nosuid,nodev,noexec,noatime,")
        # mount(8) has no words for these: it leaves out what they take back.
        self.remount("-o", "remount,exec")
        found = run("findmnt", "-no", "OPTIONS", self.one.directory).stdout
        self.assertRegex(found, "^rw,nosuid,nodev,noatime,")
        self.remount("-o", "remount,atime,noexec")
        found = run("findmnt", "-no", "OPTIONS", self.one.directory).stdout
        self.assertRegex(found, "^rw,nosuid,nodev,noexec,relatime,")
        self.assertEqual(self.status(self.one)["pid"], self.one.pid)
        self.umount(self.one)

    def test_by_fstab(self):
        def file(*options):
            path = self.one.home / "fstab"
            words = ",".join([*self.one.options, *options])
            path.write_text(f"{self.one.source} {self.one.directory} spotfs {words},_netdev,x-y 0 0\n")
            return path
        self.remount("-T", file("timeout=40"), "-o", "remount,ro")
        self.assert_read_only(self.one)
        self.remount("-T", file("timeout=40", "commit=1"), "-o", "remount")
        self.assert_read_only(self.one, False)
        said = self.remount("-T", file("timeout=41"), "-o", "remount,ro", code=USAGE)
        self.assertIn("timeout needs umount and mount\n", said)
        self.assert_read_only(self.one, False)
        self.assertEqual(self.status(self.one)["pid"], self.one.pid)
        self.umount(self.one)

    def test_of_what_is_open_for_writing_or_not_there_or_not_allowed(self):
        with open(self.one.path("files/open"), "w", encoding="utf-8"):
            self.assertIn("is in use", self.remount("-o", "remount,ro", code=FAILED))
        self.umount(self.one)
        program = BED.programs["spotfs"]
        result = run(program, self.one.source, self.one.directory, "-o", "remount,ro")
        self.assertEqual(result.returncode, FAILED, result)
        self.assertIn("has no mount of spotfs", result.stderr)
        users = BED.mount(user=NOBODY)
        result = run(*as_nobody(program, users.source, users.directory, "-o", "remount,ro"))
        self.assertEqual(result.returncode, USAGE, result)
        self.assertIn("only root may remount", result.stderr)
        users.unmount()


class Umount(MountCase):
    def setUp(self):
        BED.start_relay()
        self.addCleanup(BED.stop_relay)

    def slow(self, drain):
        """A mount that has something left which it can't store."""
        mount = BED.relay_mount(f"commit=1h,timeout=1h,drain={drain}", start=False)
        self.mount(mount)
        mount.path("files/directory").mkdir()
        BED.freeze_relay()
        self.addCleanup(BED.thaw_relay)
        return mount

    def test_waits_for_the_drain(self):
        mount = self.slow(4)
        begun = time.monotonic()
        result = self.umount(mount)
        took = time.monotonic() - begun
        self.assertGreaterEqual(took, 4)
        self.assertLess(took, 10)
        self.assertIn("its program stores what is left (1 change), for at most 4 s", result.stderr)

    def test_is_not_for_what_another_filesystem_has_mounted(self):
        directory = BED.new_directory("other")
        mounted_here("-t", "tmpfs", "none", directory)
        result = run("umount.spotfs", directory)
        self.assertEqual(result.returncode, USAGE, result)
        self.assertIn(f"{directory}: tmpfs is mounted there, not spotfs: use umount", result.stderr)
        self.assertTrue(os.path.ismount(directory))

    def test_can_be_interrupted(self):
        mount = self.slow(600)
        with subprocess.Popen(["umount", mount.directory], stderr=subprocess.PIPE, text=True) as umount:
            line = umount.stderr.readline()
            self.assertIn("stores what is left", line)
            helper = run("pgrep", "-P", umount.pid).stdout.strip()
            os.kill(int(helper), signal.SIGINT)
            self.assertEqual(umount.wait(30), INTERRUPTED)
            self.assertIn("its program still stores what is left", umount.stderr.read())
        self.assertFalse(mount.is_mounted())
        self.assertTrue(mount.is_running())
        mount.kill()

    def test_does_not_wait_while_the_mount_is_in_another_namespace_too(self):
        # drain=600: who waits for the program waits for ever.
        mount = BED.relay_mount("drain=600", start=False)
        self.mount(mount)
        with subprocess.Popen(["unshare", "--mount", "sleep", "600"]) as inside:
            try:
                own = os.readlink("/proc/self/ns/mnt")
                wait_until(lambda: os.readlink(f"/proc/{inside.pid}/ns/mnt") != own, "the namespace")
                result = run("umount", mount.directory, env=BED.environment, timeout=60)
                self.assertEqual(result.returncode, 0, result)
                said = f"{mount.directory} is unmounted; the same mount is still in use elsewhere\n"
                self.assertTrue(result.stderr.endswith(said), result)
                self.assertTrue(mount.is_running())
            finally:
                inside.kill()
        mount.wait_ended()

    def test_lazily_waits_for_nothing(self):
        mount = self.slow(600)
        self.assertEqual(run("umount", "-l", mount.directory).returncode, 0)
        self.assertFalse(mount.is_mounted())
        mount.kill()


class InTheWay(MountCase):
    def test_a_dead_mount(self):
        mount = BED.mount(start=False)
        self.mount(mount)
        self.assert_works(mount)
        mount.signal(signal.SIGKILL)
        wait_until(lambda: not mount.is_running(), "the end of a killed process")
        self.mount(mount)
        self.assertEqual(mount.path("files/file").read_text(), "text")
        self.umount(mount)
        # And one is taken away by umount(8).
        self.mount(mount)
        mount.signal(signal.SIGKILL)
        wait_until(lambda: not mount.is_running(), "the end of a killed process")
        self.umount(mount)

    def test_a_mount_of_the_same_directory_is_not_covered(self):
        mount, other = BED.mount(start=False), BED.mount(start=False)
        self.mount(mount)
        other.directory = mount.directory
        self.assertIn("is mounted here already", self.mount(other, code=FAILED).stderr)
        self.assert_works(mount)
        self.umount(mount)

    def test_files_in_the_directory_are_covered(self):
        mount = BED.mount(start=False)
        mount.path("below").write_text("x")
        self.mount(mount)
        self.assertFalse(mount.path("below").exists())
        self.umount(mount)
        self.assertEqual(mount.path("below").read_text(), "x")

    def test_an_autofs(self):
        if "autofs" not in pathlib.Path("/proc/filesystems").read_text():
            self.skipTest("the kernel has no autofs")
        mount = BED.mount(start=False)
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        # Only its daemon's process group passes through it: here, this shell's.
        script = """
            mount -i -t autofs -o fd=$1,pgrp=$$,minproto=5,maxproto=5,direct map "$4" &&
            exec mount -t spotfs -o "$2" "$3" "$4"
        """
        words = [write, ",".join(mount.options), mount.source, mount.directory]
        result = run("setsid", "bash", "-c", script, "-", *words, pass_fds=[write], env=BED.environment)
        os.close(write)
        self.mounted(mount, result)
        self.assert_works(mount)
        result = run("umount", mount.directory, env=BED.environment)
        self.assertEqual(result.returncode, 0, result)
        left = [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if f" {mount.directory} " in line]
        self.assertEqual(len(left), 1, left)
        self.assertIn(" - autofs ", left[0])
        subprocess.run(["umount", "-i", "-c", "--lazy", mount.directory], check=True)


class Refuses(MountCase):
    def refuses(self, code, text, options=(), prepare=lambda mount: None):
        mount = BED.mount(start=False)
        prepare(mount)
        result = self.mount(mount, options=options, code=code)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("mount.spotfs: "), result.stderr)
        self.assertFalse(mount.is_mounted())

    def test_wrong_usage(self):
        self.refuses(USAGE, "option timout: unknown", ["timout=3"])
        self.refuses(USAGE, "option umask: \"9\" is no mask", ["umask=9"])
        self.refuses(USAGE, "option uid: \"no-such-user\" is no user", ["uid=no-such-user"])
        mount = BED.mount(start=False)
        self.mount(mount, "-s", options=["timout=3"])
        self.umount(mount)

    def test_what_is_no_directory(self):
        self.refuses(FAILED, "give an existing directory to mount on", prepare=lambda mount: mount.directory.rmdir())

    def test_a_key_that_others_can_read(self):
        def prepare(mount):
            self.mount(mount)
            self.umount(mount)
            next(mount.identity.iterdir()).chmod(0o644)
        self.refuses(USAGE, "the permissions of a secret file are too open", prepare=prepare)

    def test_where_the_system_fails(self):
        mount = BED.mount(start=False)
        result = run("bash", "-c", 'ulimit -n 4; exec "$@"', "-", *mount.command())
        self.assertEqual(result.returncode, SYSTEM, result)
        self.assertIn("Too many open files", result.stderr)

    def test_a_machine_without_fuse(self):
        mount = BED.mount(start=False)
        hide = 'mount -t tmpfs none /dev && exec "$@"'
        result = run("unshare", "--mount", "bash", "-c", hide, "-", *mount.command())
        self.assertEqual(result.returncode, FAILED, result)
        self.assertIn("/dev/fuse (try modprobe fuse): No such file or directory", result.stderr)

    def test_a_user_without_a_home_and_without_an_environment(self):
        mount = BED.mount(start=False, user=NOBODY)
        command = as_nobody(BED.programs["spotfs"], "spot:", mount.directory)
        result = run(*command, env={"PATH": os.environ["PATH"]})
        self.assertIn("/nonexistent", result.stderr)
        self.assertNotEqual(result.returncode, 0)
