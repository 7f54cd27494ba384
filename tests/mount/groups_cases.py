"""ID cards of others, and groups: a relay that gives memberships out, and mounts that take them."""

import base64
import contextlib
import errno
import hashlib
import json
import os
import secrets
import signal
import subprocess
import unittest

from bed import run, shell, wait_until
from commands import ctl

BED = None  # set by run.py


def nobody():
    """A valid address of no one."""
    return "k." + base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


@contextlib.contextmanager
def frozen_relay():
    """A relay that answers nothing."""
    BED.freeze_relay()
    try:
        yield
    finally:
        BED.thaw_relay()


def address(mount):
    return mount.path("self/id").read_text().strip()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.memberships = BED.new_directory("memberships")
        BED.start_relay("--groups", cls.memberships)

    @classmethod
    def tearDownClass(cls):
        for mount in BED.mounts:
            if mount.is_mounted():
                mount.unmount()
        BED.stop_relay()

    def assert_errno(self, number, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])


class Group:
    """The owner of a group: its key, and the command."""

    def __init__(self, memberships):
        self.memberships = memberships
        self.secret = BED.new_directory("group") / "key"
        self.key = self._command("key")
        pkix = base64.urlsafe_b64decode(self.key + "=" * (-len(self.key) % 4))
        self.address = "g." + base64.urlsafe_b64encode(hashlib.sha256(pkix).digest()).rstrip(b"=").decode()

    def add(self, *members):
        self._command("add", "--groups", self.memberships, *members)

    def remove(self, *members):
        self._command("rm", "--groups", self.memberships, *members)

    def _command(self, what, *words):
        result = run(BED.programs["relay"], "group", what, "--key", self.secret, *words)
        assert result.returncode == 0 and result.stderr == "", result
        return result.stdout.strip()


class Groups(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.asker = BED.relay_mount()

    def setUp(self):
        self.group = Group(self.memberships)

    def member(self, *options, **details):
        return BED.relay_mount(f"groups={self.group.key}", *options, **details)

    def listed(self):
        return sorted(os.listdir(self.asker.path("groups", self.group.key)))

    def wait_listed(self, *mounts):
        expected = sorted(map(address, mounts))
        wait_until(lambda: self.listed() == expected, f"the members {expected}")

    def groups_of(self, mount):
        return [entry["group"] for entry in json.loads(mount.path("self/card.json").read_text())["groups"]]

    def finger(self):
        """The card of whoever of the group answers."""
        endpoint = self.asker.path("endpoints", self.group.address, "finger")
        run("truncate", "-s", "0", endpoint / "request")
        return (endpoint / "reply").read_bytes()

    def test_members_come_and_go_while_all_is_mounted(self):
        a, b = self.member(), self.member()
        self.assertEqual(self.listed(), [])
        self.group.add(a.path("self/public.pem"), self.asker.path("cards", address(b)))
        self.wait_listed(a, b)
        for mount in (a, b):
            wait_until(lambda mount=mount: self.groups_of(mount) == [self.group.key], "the membership in the card")

        directory = self.asker.path("groups", self.group.key)
        result = ctl("group", self.group.key, "--mount", self.asker.directory)
        self.assertEqual((result.stdout.splitlines(), result.stderr), (sorted(map(address, (a, b))), ""))
        for mount in (a, b):
            link = directory / address(mount)
            self.assertEqual(os.readlink(link), f"../../endpoints/{address(mount)}")
            result = shell(f"cd {link}/version && truncate -s 0 request && cat reply")
            self.assertIn("spotfs/", result.stdout, result.stderr)

        # One of them answers what is asked of the group, and the other one where the first is gone.
        cards = [mount.path("self/card").read_bytes() for mount in (a, b)]
        self.assertIn(self.finger(), cards)
        b.unmount()
        for _ in range(8):
            self.assertEqual(self.finger(), cards[0])

        self.group.remove(a.path("self/card"))
        wait_until(lambda: self.groups_of(a) == [], "the membership to be gone from the card")
        self.assertNotIn(address(a), self.listed())
        self.assert_errno(errno.EHOSTUNREACH, self.finger)
        a.unmount()

    def test_a_card_carries_a_membership_from_the_start(self):
        a = self.member()
        self.group.add(a.path("self/public.pem"))
        self.wait_listed(a)
        a.unmount()
        a.start()
        self.assertEqual(self.groups_of(a), [self.group.key])
        self.assertIn(self.group.key, self.asker.path("cards", address(a) + ".json").read_text())
        a.unmount()

    def test_a_relay_that_starts_again_knows_them(self):
        a = self.member()
        self.group.add(a.path("self/public.pem"))
        self.wait_listed(a)
        BED.stop_relay()
        BED.start_relay("--groups", self.memberships)
        wait_until(lambda: self.groups_of(a) == [self.group.key], "the membership in the card")
        self.wait_listed(a)
        a.unmount()

    def test_a_membership_that_nobody_asked_for_is_not_taken(self):
        mount = BED.relay_mount(start=False)
        mount.start_in_foreground()
        self.group.add(mount.path("self/public.pem"))
        line = f"did not take a membership of {self.group.address}: this group was not asked for"
        wait_until(lambda: line in mount.log(), "the line in the log")
        self.assertEqual(self.groups_of(mount), [])
        self.assertTrue(address(mount))
        mount.unmount()

    def test_a_bad_membership_is_refused_with_a_line_in_the_log(self):
        a = self.member()
        self.group.add(a.path("self/public.pem"))
        self.wait_listed(a)
        (good,) = self.memberships.glob(f"{self.group.address[2:]}.*.membership")
        content = bytearray(good.read_bytes())
        content[-1] ^= 1
        (self.memberships / "changed.membership").write_bytes(content)
        (self.memberships / "nonsense\x1b[2J.membership").write_bytes(b"nonsense")
        for line in ("changed.membership: a signature does not verify", "nonsense\\x1b[2J.membership: not the membership"):
            wait_until(lambda line=line: line in BED.relay_log(), line)
        self.assertNotIn("\x1b", BED.relay_log())
        self.wait_listed(a)
        a.unmount()

    def test_the_command_refuses_a_key_that_others_can_read(self):
        (self.group.secret / "id_ecdsa.key").chmod(0o644)
        member = self.asker.path("self/public.pem")
        words = ("group", "add", "--key", self.group.secret, "--groups", self.memberships, member)
        result = run(BED.programs["relay"], *words)
        self.assertEqual(result.returncode, 1)
        self.assertIn("must belong to you alone", result.stderr)

    def test_names_that_are_no_groups(self):
        self.assertEqual(os.listdir(self.asker.path("groups")), [])
        self.assertEqual(os.listdir(self.asker.path("groups", Group(self.memberships).key)), [])
        with frozen_relay():
            for name in ("x", "k.short", self.group.key + "=", self.group.key[:-1]):
                self.assert_errno(errno.ENOENT, os.listdir, self.asker.path("groups", name))
            self.assert_errno(errno.ENOENT, os.stat, self.asker.path("groups", self.group.key, "no-address"))


class Cards(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = BED.relay_mount()

    def test_a_card_is_that_of_its_owner_and_listed_from_then_on(self):
        a, b = BED.relay_mount(), self.peer
        own, other = address(a), address(b)
        self.assertEqual(sorted(os.listdir(a.path("cards"))), [own, own + ".json"])
        self.assertEqual(a.path("cards", other).read_bytes(), b.path("self/card").read_bytes())
        self.assertEqual(a.path("cards", other + ".json").read_text(), b.path("self/card.json").read_text())
        self.assertEqual(json.loads(a.path("cards", other + ".json").read_text())["address"], other)
        self.assertEqual(sorted(os.listdir(a.path("cards"))), sorted([own, own + ".json", other, other + ".json"]))
        a.unmount()

    def test_a_peer_that_was_asked_is_listed(self):
        a, b = BED.relay_mount(), self.peer
        a.path("endpoints", address(b), "ping/request").write_text("x")
        self.assertIn(address(b), os.listdir(a.path("cards")))
        a.unmount()

    def test_each_tool_reads_all_of_a_card_that_is_not_known_yet(self):
        card = self.peer.path("self/card").read_bytes()
        local = BED.new_directory("copies") / "card"
        commands = {
            "cp -a": "cp -a {card} {local}",
            "dd": "dd if={card} of={local} bs=100",
            "tar": "tar -C {directory} -cf - {name} | tar -xOf - > {local}",
            "rsync": "rsync {card} {local}",
            "sendfile": "python3 -c 'import os; f = open(\"{card}\"); os.sendfile(1, f.fileno(), 0, 1 << 20)' | cat > {local}",
        }
        for name, command in commands.items():
            with self.subTest(name):
                mount = BED.relay_mount()  # it knows nobody
                path = mount.path("cards", address(self.peer))
                local.unlink(missing_ok=True)
                result = shell(command.format(card=path, local=local, directory=path.parent, name=path.name))
                self.assertEqual(local.read_bytes(), card, result.stderr)
                mount.unmount()

    def test_who_walks_over_it_asks_nobody(self):
        a, b = BED.relay_mount(), self.peer
        a.path("cards", address(b)).read_bytes()
        copy = BED.new_directory("walk") / "copy"
        with frozen_relay():
            for command in (
                "ls -lR cards groups self",
                "du -a cards groups self",
                "grep -r nothing cards groups self",
                f"cp -a cards groups self {copy}",
                "tar -cf - cards groups self | cat > /dev/null",
                f"stat cards/{nobody()}",
                f"ls -l cards/{nobody()}.json",
            ):
                copy.mkdir(exist_ok=True)
                result = shell(f"cd {a.directory} && timeout 20 {command}")
                self.assertEqual(result.stderr, "", command)
        self.assertEqual((copy / "cards" / address(b)).read_bytes(), b.path("self/card").read_bytes())
        a.unmount()

    def test_names_that_are_no_addresses(self):
        mount = BED.relay_mount()
        with frozen_relay():
            for name in ("k.short", "x", "@", nobody() + ".txt", "g" + nobody()[1:], "k.relay" + nobody()[1:]):
                self.assert_errno(errno.ENOENT, os.stat, mount.path("cards", name))
        self.assert_errno(errno.EHOSTUNREACH, mount.path("cards", nobody()).read_bytes)
        mount.unmount()

    def test_a_signal_ends_a_reader(self):
        mount = self.peer
        with frozen_relay():
            with subprocess.Popen(["cat", mount.path("cards", nobody())], stderr=subprocess.DEVNULL) as reader:
                wait_until(lambda: mount.waiting() > 0, "the reader to wait")
                reader.terminate()
                self.assertEqual(reader.wait(15), -signal.SIGTERM)  # long before the deadline of 30 s

    def test_the_deadline_ends_a_reader(self):
        mount = BED.relay_mount("timeout=2")
        with frozen_relay():
            self.assert_errno(errno.ETIMEDOUT, mount.path("cards", nobody()).read_bytes)
        mount.unmount()

    def test_other_users_see_none(self):
        mount = BED.relay_mount("allow_other")
        as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for words in (("ls", "cards"), ("cat", f"cards/{address(mount)}"), ("ls", "groups")):
            result = run(*as_other, words[0], mount.path(words[1]))
            self.assertIn("Permission denied", result.stderr, words)
        mount.unmount()
