"""Two mounts of one identity on one relay, both changing the same tree: in the end both have the same, and no content
that a close confirmed is gone but by someone who knew it.

SPOTFS_SEED=… repeats what a failure names."""

import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import threading
import time
import unittest

import random_operations
from bed import noted, wait_until
from files_cases import walk
from shifted_clock import ShiftedClock, has_compiler

BED = None  # set by run.py
SEED = int(os.environ.get("SPOTFS_SEED") or random.randrange(1 << 32))
HOUR = 3600
QUIET = 60  # seconds until both have the same
# What names that the other mount changes at the same time may answer.
EXPECTED = {
    "ENOENT", "EEXIST", "ENOTDIR", "EISDIR", "ENOTEMPTY", "EINVAL", "ELOOP", "EPERM", "EACCES", "ESTALE", "EBUSY"
}  # fmt: skip


def digest(content):
    return hashlib.sha256(content).hexdigest()


def contents(directory):
    """Digest of each content that is not empty."""
    return {entry[-1] for entry in walk(directory).values() if entry[0].startswith("0o100")} - {digest(b"")}


def inodes(directory):
    """Inode number to digest and link count, of all files that are not empty."""
    found = {}
    for above, _, names in os.walk(os.fsencode(directory)):
        for name in names:
            path = os.path.join(above, name)
            info = os.lstat(path)
            if os.path.isfile(path) and not os.path.islink(path) and info.st_size:
                with open(path, "rb") as file:
                    found[info.st_ino] = (digest(file.read()), info.st_nlink)
    return found


class WritersCase(unittest.TestCase):
    maxDiff = 4000
    OPTIONS = ("subtree=files",)

    def setUp(self):
        BED.start_relay()
        self.one = BED.relay_mount(*self.OPTIONS, start=False)
        self.other = BED.mount(self.one.source, *self.one.options[2:], start=False, identity=self.one.identity)
        self.mounts = (self.one, self.other)

    def tearDown(self):
        for mount in self.mounts:
            with contextlib.suppress(ProcessLookupError, TypeError):
                mount.thaw()
            mount.kill()
        BED.stop_relay(kill=True)

    def both(self, what):
        for mount in self.mounts:
            getattr(mount, what)()

    def wait_for_the_same(self):
        def is_the_same():
            try:
                return walk(self.one.directory) == walk(self.other.directory)
            except OSError:  # it changed under the walk
                return False

        wait_until(is_the_same, "the same tree at both", QUIET)

    def assert_same_everywhere(self):
        """At both mounts, after they have started again, and at one that knows nothing."""
        self.wait_for_the_same()
        tree = walk(self.one.directory)
        self.both("unmount")
        self.both("start")
        self.assertEqual(walk(self.one.directory), tree)
        self.assertEqual(walk(self.other.directory), tree)
        fresh = BED.mount(self.one.source, *self.one.options[2:], start=False, identity=self.one.identity)
        fresh.start()
        self.assertEqual(walk(fresh.directory), tree)
        fresh.unmount()
        self.both("unmount")
        return tree


class View:
    """What one mount has while it hears nothing of the other, and beside it a local directory that has the same."""

    def __init__(self, mount, chance):
        self.mount = mount
        self.chance = chance
        self.mirror = mount.home / "mirror"
        shutil.rmtree(self.mirror, ignore_errors=True)
        subprocess.run(["cp", "-a", f"{mount.directory}/.", self.mirror], check=True)
        self.before = inodes(self.mirror)
        self.linked = {inode for inode, (_, links) in self.before.items() if links > 1}

    def step(self):
        """Gives both answers."""
        chosen = random_operations.choose(self.chance)
        answers = [random_operations.do(os.fsencode(root), *chosen) for root in (self.mount.directory, self.mirror)]
        if chosen[0] is random_operations.link and answers[1] is None:
            self.linked.add(os.lstat(os.path.join(os.fsencode(self.mirror), chosen[1][1])).st_ino)
        return answers, chosen

    def ends(self):
        self.after = inodes(self.mirror)

    def written(self):
        """Contents that are new here, in files of which nobody can have removed another name."""
        old = {content for content, _ in self.before.values()}
        return {content for inode, (content, _) in self.after.items() if inode not in self.linked} - old

    def kept(self):
        """Contents of before that are still in their file; where two files had the same, neither counts."""
        old = [content for content, _ in self.before.values()]
        return {
            content
            for inode, (content, _) in self.after.items()
            if inode not in self.linked and self.before.get(inode, ("",))[0] == content and old.count(content) == 1
        }


class Apart(WritersCase):
    """Each round, both begin with the same tree, hear nothing of each other, and then meet. So it is known exactly what
    each of them knew."""

    ROUNDS = 10
    STEPS = 250  # of each mount in a round

    def test_what_nobody_removed_who_knew_it_is_there_when_they_meet(self):
        for mount in self.mounts:
            mount.options.append("refresh=1h")
        chance = random.Random(SEED)
        self.both("start")
        counted = 0
        for turn in range(self.ROUNDS):
            with noted(lambda: f"seed {SEED}, turn {turn}"):
                counted += self.round(chance)
        self.assertGreater(counted, 10 * self.ROUNDS)
        self.both("unmount")
        for mount in self.mounts:
            mount.options.remove("refresh=1h")
        self.both("start")
        with noted(lambda: f"seed {SEED}"):
            self.assert_same_everywhere()

    def round(self, chance):
        """Gives the number of contents that had to be there."""
        views = [View(mount, random.Random(chance.getrandbits(64))) for mount in self.mounts]
        for _ in range(2 * self.STEPS):
            answers, chosen = chance.choice(views).step()
            self.assertEqual(*answers, chosen)
        for view in views:
            view.ends()
        self.both("unmount")
        self.both("start")
        tree = walk(self.one.directory)
        self.assertEqual(walk(self.other.directory), tree)
        found = contents(self.one.directory)
        needed = views[0].written() | views[1].written() | views[0].kept() & views[1].kept()
        self.assertEqual(needed - found, set())
        return len(needed)


class Worker(threading.Thread):
    """Works at one mount while the other works at its own: `steps` operations, in three places.

    `by-NAME` is its own: there it has the same as a local directory. In `kept` nobody removes anything, and who writes
    reads first, with the same descriptor, so that it is known what its maker knew. In `wild` everything is done."""

    NAMES = [b"%d" % i for i in range(20)]

    def __init__(self, name, mount, seed, steps):
        super().__init__(name=name)
        self.mount = mount
        self.chance = random.Random(seed)
        self.steps = steps
        self.own = os.fsencode(mount.path(f"by-{name}"))
        self.mirror = mount.home / "mirror"
        self.kept = os.fsencode(mount.path("kept"))
        self.wild = os.fsencode(mount.path("wild"))
        self.done = 0
        self.closed = set()  # contents in `kept`
        self.replaced = set()  # of those, by someone who had read them
        self.failure = None

    def run(self):
        try:
            for _ in range(self.steps):
                self.chance.choice((self.step_own, self.step_kept, self.step_kept, self.step_wild))()
                self.done += 1
        except BaseException as failure:
            self.failure = failure

    def check(self, answer, chosen):
        if isinstance(answer, str) and answer not in EXPECTED:
            raise AssertionError(f"{answer}: {chosen}")

    def step_own(self):
        chosen = random_operations.choose(self.chance)
        answers = [random_operations.do(root, *chosen) for root in (self.own, os.fsencode(self.mirror))]
        if answers[0] != answers[1]:
            raise AssertionError(f"{answers}: {chosen}")

    def step_wild(self):
        chosen = random_operations.choose(self.chance)
        self.check(random_operations.do(self.wild, *chosen), chosen)

    def step_kept(self):
        operations = (self.make, self.make, self.replace, self.replace, self.replace, self.move, self.move,
                      random_operations.exchange, random_operations.link, random_operations.symlink,
                      random_operations.mkdir, random_operations.rmdir, random_operations.chmod)  # fmt: skip
        chosen = random_operations.choose(self.chance, operations, self.NAMES)
        self.check(random_operations.do(self.kept, *chosen), chosen)

    def move(self, one, other, _):
        random_operations.rename_with(random_operations.RENAME_NOREPLACE, one, other)

    def make(self, one, _, number):
        content = b"%s %d " % (self.name.encode(), number) * (1 + number % 9_000)
        with open(one, "xb") as file:
            file.write(content)
        self.closed.add(digest(content))

    def replace(self, one, _, number):
        content = b"%s %d " % (self.name.encode(), number) * (1 + number % 9_000)
        with open(os.open(one, os.O_RDWR | os.O_NOFOLLOW), "r+b", buffering=0) as file:
            known = file.read()
            file.seek(0)
            file.write(content)
            file.truncate()
        self.closed.add(digest(content))
        self.replaced.add(digest(known))


class Together(WritersCase):
    STEPS = 2500  # of each mount

    def work(self, during=lambda workers: None):
        """Both at once. `during` is called with the workers while they work."""
        self.both("start")
        for name in ("by-one", "by-other", "kept", "wild"):
            self.one.path(name).mkdir()
        self.wait_for_the_same()
        workers = [
            Worker(name, mount, f"{SEED} {name}", self.STEPS)
            for name, mount in (("one", self.one), ("other", self.other))
        ]
        for worker in workers:
            worker.mirror.mkdir()
            worker.start()
        during(workers)
        for worker in workers:
            worker.join(120)
            self.assertEqual((worker.failure, worker.done), (None, self.STEPS), worker.name)
        tree = self.assert_same_everywhere()
        self.assertGreater(len([path for path in tree if path.startswith(b"kept/") and b".conflict-" in path]), 10)
        self.both("start")
        for worker in workers:
            seen = lambda root: {path: entry[:4] + entry[5:] for path, entry in walk(root).items()}
            for mount in self.mounts:
                self.assertEqual(seen(mount.path(f"by-{worker.name}")), seen(worker.mirror))
        needed = workers[0].closed | workers[1].closed
        needed -= workers[0].replaced | workers[1].replaced
        self.assertGreater(len(needed), 20)
        self.assertEqual(needed - contents(self.one.directory), set())
        self.both("unmount")

    def test_what_both_change_at_once(self):
        with noted(lambda: f"seed {SEED}"):
            self.work()

    @unittest.skipUnless(has_compiler(), "no C compiler (cc): the clock of one mount can't be made wrong")
    def test_one_that_stops_for_an_hour_with_its_clock_an_hour_wrong(self):
        clock = ShiftedClock(BED.new_directory("clock"))
        self.other.environment = clock.environment

        def during(workers):
            for turn, wall in enumerate((HOUR, -HOUR, 0)):
                there = workers[0].done
                wait_until(lambda: workers[0].done >= there + self.STEPS // 12 or not workers[0].is_alive(), "work")
                self.other.freeze()
                clock.set(wall, (turn + 1) * HOUR)
                there = workers[0].done
                wait_until(lambda: workers[0].done >= there + self.STEPS // 12 or not workers[0].is_alive(), "work")
                self.other.thaw()
                if wall == HOUR:
                    self.other.path("late").touch()
                    self.assertGreater(self.other.path("late").stat().st_ctime, time.time() + HOUR / 2)

        with noted(lambda: f"seed {SEED}"):
            self.work(during)


class Keys(WritersCase):
    """Both at the same keys of blobs/, before they have read of each other."""

    OPTIONS = ()
    ROUNDS = 8

    def setUp(self):
        super().setUp()
        self.both("start")

    def meet(self, turn):
        """Returns when each has read what the other did before."""
        names = {f"{turn} of {mount.home.name}" for mount in self.mounts}
        for mount in self.mounts:
            mount.path("blobs", f"{turn} of {mount.home.name}").touch()
        for mount in self.mounts:
            wait_until(lambda: names <= set(os.listdir(mount.path("blobs"))), "the other's log", QUIET)

    def at_once(self, *calls):
        def quietly(call, *args):
            with contextlib.suppress(FileNotFoundError):
                call(*args)

        threads = [threading.Thread(target=quietly, args=call) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def read(self, mount, name):
        try:
            return mount.path("blobs", name).read_bytes()
        except FileNotFoundError:
            return None

    def test_what_both_rename_and_store_at_once_can_be_read(self):
        one, other = (mount.path("blobs") for mount in self.mounts)
        text = [f"{i}".encode() * (1 if i % 2 else 90_000) for i in range(self.ROUNDS)]
        for i in range(self.ROUNDS):
            for name in "abst":
                (one / f"{name}{i}").write_bytes(text[i])
        self.meet("before")
        for i in range(self.ROUNDS):
            self.at_once((os.rename, one / f"s{i}", one / f"x{i}"), (os.rename, other / f"s{i}", other / f"y{i}"))
            self.at_once((os.rename, one / f"a{i}", one / f"A{i}"), ((other / f"a{i}").write_bytes, b"new"))
            self.at_once(((one / f"t{i}").write_bytes, b"new"), (os.rename, other / f"b{i}", other / f"t{i}"))
            self.at_once(((one / f"w{i}").write_bytes, b"one"), ((other / f"w{i}").write_bytes, b"other"))
        self.meet("after")
        for mount in self.mounts:
            for i in range(self.ROUNDS):
                found = {name: self.read(mount, f"{name}{i}") for name in "xyaAtw"}
                self.assertIn(text[i], (found["x"], found["y"]), (i, found))
                self.assertTrue({found["x"], found["y"]} <= {text[i], None}, (i, found))
                self.assertIn(found["A"], (text[i], b"new"), (i, found))
                self.assertIn(found["t"], (text[i], b"new"), (i, found))
                self.assertIn(found["w"], (b"one", b"other"), (i, found))

    def test_file_that_the_other_looks_at_keeps_its_mode_and_owner(self):
        for i in range(self.ROUNDS):
            path = self.one.path("blobs", f"k{i}")
            path.write_bytes(b"x" * 200)
            path.chmod(0o640)
            os.chown(path, 1000, 1000)
            os.setxattr(path, "user.a", b"1")
            self.other.path("blobs", f"k{i}").stat()
            path.write_bytes(b"y" * 90_000)
        self.meet("after")
        for mount in self.mounts:
            for i in range(self.ROUNDS):
                path = mount.path("blobs", f"k{i}")
                info = path.stat()
                self.assertEqual((oct(info.st_mode), info.st_uid, info.st_gid), ("0o100640", 1000, 1000))
                self.assertEqual(info.st_size, 90_000)
                self.assertEqual(os.listxattr(path), ["user.a"])
                self.assertEqual(path.read_bytes(), b"y" * 90_000)


class Space(WritersCase):
    """What removed files took, on a relay."""

    SIZE = 4 << 20

    def space(self):
        """Bytes on the disk of the relay's large values."""
        return sum(path.stat().st_blocks * 512 for path in (BED.work / "relay").glob("*-values-*"))

    @unittest.skipUnless(has_compiler(), "no C compiler (cc): no mount can be told that an hour has passed")
    def test_what_the_only_writer_removed_is_given_back_after_an_hour(self):
        clock = ShiftedClock(BED.new_directory("clock"))
        self.one.environment = clock.environment
        self.one.start()
        before = self.space()
        self.one.path("removed").write_bytes(os.urandom(self.SIZE))
        self.one.path("kept").write_bytes(os.urandom(self.SIZE))
        self.one.path("removed").unlink()
        subprocess.run(["sync", self.one.directory], check=True)
        clock.set(HOUR // 2, HOUR // 2)
        self.one.path("later").touch()
        subprocess.run(["sync", self.one.directory], check=True)
        self.assertGreater(self.space(), before + 2 * self.SIZE)
        clock.set(HOUR + 60, HOUR + 60)
        self.one.path("later").touch()

        def is_given_back():
            # What the relay has deleted it gives back with the next sync, at the latest.
            subprocess.run(["sync", self.one.directory], check=True)
            return self.space() < before + 1.5 * self.SIZE

        wait_until(is_given_back, "the space of what was removed")
        self.assertGreater(self.space(), before + self.SIZE)
        self.one.unmount()
        self.one.start()
        self.assertEqual(len(self.one.path("kept").read_bytes()), self.SIZE)
        self.one.unmount()
