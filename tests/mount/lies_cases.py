"""A relay that is not to be trusted: what it keeps is swapped, cut, changed, dropped, hidden or of another day.

The relay is a real one; while it is down, its database becomes what a relay that lies would show.
"""

import contextlib
import errno
import os
import subprocess
import unittest

import relay_store
from bed import wait_until

BED = None  # set by run.py
CHUNK = 45_056
IDS = {"id": b".spotfs/id", "writers": b".spotfs/writers"}


@contextlib.contextmanager
def lying():
    """The relay ends, and begins again with what is made of its database meanwhile."""
    BED.stop_relay()
    with kept() as store:
        yield store
    BED.start_relay()


def kept():
    return relay_store.opened(BED.work / "relay")


def full_chunks(store):
    """Keys of full chunks."""
    return store.larger(CHUNK, b".spotfs/c/")


def content(letter, chunks=2):
    return letter.encode() * (CHUNK * chunks)


class LiesCase(unittest.TestCase):
    def setUp(self):
        BED.start_relay()
        self.mounts = []

    def tearDown(self):
        for mount in self.mounts:
            mount.kill()
        if BED.relay.poll() is None:
            BED.stop_relay(kill=True)
        subprocess.run(["rm", "-rf", BED.work / "relay"], check=True)

    def mount(self, *options, identity=None):
        mount = BED.relay_mount("timeout=10", "cache=none", *options, start=False, identity=identity)
        mount.start_in_foreground()
        self.mounts.append(mount)
        return mount

    def fails_with(self, numbers, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertIn(raised.exception.errno, numbers, errno.errorcode[raised.exception.errno])

    def logs(self, mount, text):
        wait_until(lambda: text in mount.log(), f"“{text}” in the log:\n{mount.log()}")


def changed(value):
    return value[: len(value) // 2] + bytes([value[len(value) // 2] ^ 1]) + value[len(value) // 2 + 1 :]


class Files(LiesCase):
    """Each lie about one file is an error of that file, and of no other."""

    LIES = {
        "swapped": lambda store, ours, others: store.swap(ours[0], ours[1]),
        "of another file": lambda store, ours, others: store.put(ours[0], store.get(others[0])),
        "changed": lambda store, ours, others: store.put(ours[1], changed(store.get(ours[1]))),
        "cut": lambda store, ours, others: store.put(ours[0], store.get(ours[0])[:-100]),
        "empty": lambda store, ours, others: store.put(ours[0], b""),
        "gone": lambda store, ours, others: store.drop(ours[0]),
    }

    def test_lies_about_chunks(self):
        mount = self.mount()
        chunks = {}
        for name in ("honest", *self.LIES):
            with kept() as store:
                before = full_chunks(store)
            mount.path("files", name).write_bytes(content(name[0]))
            with kept() as store:
                chunks[name] = sorted(full_chunks(store) - before)
        mount.unmount()
        with lying() as store:
            for name, lie in self.LIES.items():
                lie(store, chunks[name], chunks["honest"])
        mount.start_in_foreground()
        for name in self.LIES:
            with self.subTest(name):
                numbers = [errno.EREMOTEIO] if name == "gone" else [errno.EBADMSG]
                self.fails_with(numbers, mount.path("files", name).read_bytes)
                self.assertEqual(mount.path("files", name).stat().st_size, 2 * CHUNK)
        self.assertEqual(mount.path("files/honest").read_bytes(), content("h"))
        for name in self.LIES:  # the name can be had again
            mount.path("files", name).write_bytes(b"new")
            self.assertEqual(mount.path("files", name).read_bytes(), b"new")
        mount.unmount()


class Blobs(LiesCase):
    LIES = {
        b"swapped": lambda store, key, older: store.swap(key, b"counterpart"),
        b"older": lambda store, key, older: store.put(key, older),
        b"changed": lambda store, key, older: store.put(key, changed(store.get(key))),
        b"empty": lambda store, key, older: store.put(key, b""),
    }

    def test_lies_about_values(self):
        mount = self.mount()
        names = [os.fsdecode(key) for key in (*self.LIES, b"counterpart")]
        for name in names:
            mount.path("blobs", name).write_text(name)
        with kept() as store:
            older = {key: store.get(key) for key in self.LIES}
        for name in names:
            mount.path("blobs", name).write_text("newer " + name)
        mount.unmount()
        with lying() as store:
            for key, lie in self.LIES.items():
                lie(store, key, older[key])
        mount.start_in_foreground()
        for name in names:
            with self.subTest(name):
                self.fails_with([errno.EBADMSG], mount.path("blobs", name).read_bytes)
                self.logs(mount, name)
        for name in names:  # the name can be had again
            mount.path("blobs", name).write_text("again")
            self.assertEqual(mount.path("blobs", name).read_text(), "again")
        mount.unmount()


class Writers(LiesCase):
    """What is shown of the other writers, to one that has seen more."""

    def setUp(self):
        super().setUp()
        self.one = self.mount()
        self.two = self.mount(identity=self.one.identity)

    def both_have(self, *names):
        for mount in (self.one, self.two):
            wait_until(lambda: set(names) <= set(os.listdir(mount.path("files"))), f"{names} in {mount.directory}")

    def other_head(self, store, known):
        (key,) = store.keys(b".spotfs/w/") - known
        return key

    def test_an_older_head_is_told_and_what_was_known_stays(self):
        self.one.path("files/first").write_text("first")
        self.both_have("first")
        self.two.path("files/second").write_text("second")
        self.both_have("first", "second")
        self.two.unmount()
        with kept() as store:
            heads = {key: store.get(key) for key in store.keys(b".spotfs/w/")}
        self.two.start_in_foreground()
        self.two.path("files/third").write_text("third")
        self.both_have("first", "second", "third")
        self.two.unmount()
        self.one.unmount()
        with lying() as store:
            for key, value in heads.items():
                store.put(key, value)
        self.one.start_in_foreground()
        self.logs(self.one, "older head")
        self.assertEqual(sorted(os.listdir(self.one.path("files"))), ["first", "second", "third"])
        self.assertEqual(self.one.path("files/third").read_text(), "third")
        self.one.unmount()

    def test_a_hidden_writer_is_told_and_what_it_did_stays(self):
        self.one.path("files/first").write_text("first")
        self.both_have("first")
        with kept() as store:
            writers = store.get(IDS["writers"])
        self.two.path("files/second").write_text("second")
        self.both_have("first", "second")
        self.two.unmount()
        self.one.unmount()
        with lying() as store:
            for key in store.keys(b".spotfs/w/"):
                store.drop(key)
            store.put(IDS["writers"], writers)
        self.one.start_in_foreground()
        self.logs(self.one, "older head")
        self.assertEqual(sorted(os.listdir(self.one.path("files"))), ["first", "second"])
        self.one.unmount()

    def test_an_older_list_of_writers_is_mended(self):
        with kept() as store:
            writers = store.get(IDS["writers"])
        third = self.mount(identity=self.one.identity)
        third.path("files/third").write_text("third")
        self.both_have("third")
        third.unmount()
        self.two.unmount()
        with lying() as store:
            store.put(IDS["writers"], writers)
        self.one.path("files/more").write_text("more")
        fourth = self.mount(identity=self.one.identity)
        wait_until(lambda: sorted(os.listdir(fourth.path("files"))) == ["more", "third"], "all files of all writers")
        fourth.unmount()
        self.one.unmount()

    def test_a_fork_ends_with_all_that_both_did(self):
        self.one.path("files/before").write_text("before")
        self.both_have("before")
        self.two.unmount()
        with lying() as store:
            fork = {key: store.get(key) for key in store.keys()}
        # One goes on; then the other is shown the relay of the time before, and goes on there.
        self.one.path("files/one").write_text("one")
        self.one.unmount()
        with lying() as store:
            shown_to_one = {key: store.get(key) for key in store.keys()}
            for key in store.keys() - set(fork):
                store.drop(key)
            for key, value in fork.items():
                store.put(key, value)
        self.two.start_in_foreground()
        self.two.path("files/two").write_text("two")
        self.two.unmount()
        # Then both get what the other was shown.
        with lying() as store:
            for key in set(shown_to_one) - store.keys():
                store.add(key, shown_to_one[key])
        self.one.start_in_foreground()
        self.two.start_in_foreground()
        self.both_have("before", "one", "two")
        self.one.unmount()
        self.two.unmount()


class Identity(LiesCase):
    def test_another_id_is_another_disk(self):
        mount = self.mount()
        mount.path("files/file").write_text("text")
        mount.unmount()
        with lying() as store:
            value = bytearray(store.get(IDS["id"]))
            value[len(value) // 2] ^= 1
            store.put(IDS["id"], bytes(value))
        with self.assertRaises(Exception) as raised:
            mount.start_in_foreground()
        self.assertIn(".spotfs/id", str(raised.exception))

    def test_an_id_that_is_gone_is_put_back(self):
        mount = self.mount()
        mount.path("files/file").write_text("text")
        mount.unmount()
        with lying() as store:
            store.drop(IDS["id"])
        mount.start_in_foreground()
        self.assertEqual(mount.path("files/file").read_text(), "text")
        mount.unmount()
