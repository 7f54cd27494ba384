"""What a public client and ours do with each other through spot-relay. run.py picks the classes."""

import base64
import hashlib
import re
import time
import unittest

from testbed import PATIENCE, PeerError

LARGE = bytes(range(256)) * 176  # 45,056 bytes
BED = None  # the Testbed, set by run.py


def hash_of(address):
    encoded = address.removeprefix("k.")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


class Pair(unittest.TestCase):
    """One public client and one of ours, each online with its own keys. Subclasses name the public one."""

    kind = None

    @classmethod
    def setUpClass(cls):
        cls.theirs = cls.start(cls.kind, f"{cls.kind}-keys")
        cls.ours = cls.start("cpp", "our-keys")
        for peer in (cls.theirs, cls.ours):
            for mode in ("echo", "upper", "fail"):
                peer.call("serve", endpoint=mode, mode=mode)

    @classmethod
    def start(cls, kind, keys):
        peer = BED.peer(kind, keys)
        cls.addClassCleanup(peer.close)
        return peer

    def assert_answers(self, asker, answerer):
        address = answerer.address
        self.assertEqual(asker.query(f"{address}/upper", b"hello"), b"HELLO")
        self.assertEqual(asker.query(f"{address}/echo", b""), b"")
        self.assertEqual(asker.query(f"{address}/echo", LARGE), LARGE)

    def assert_error_text(self, asker, answerer):
        with self.assertRaisesRegex(PeerError, "deliberate failure"):
            asker.query(f"{answerer.address}/fail", b"x")

    def assert_packets(self, here, there):
        there_address = there.call("listen", endpoint="there")
        here_address = here.call("listen", endpoint="here")
        self.assertEqual(there_address, f"{there.address}/there")
        for body in (b"one", b"", LARGE):
            here.call("send", endpoint="here", address=there_address, body=body)
            packet = there.call("receive", endpoint="there")
            self.assertEqual(packet, {"from": here_address, "body": body.hex()})
            there.call("send", endpoint="there", address=packet["from"], body=b"back")
            self.assertEqual(here.call("receive", endpoint="here")["body"], b"back".hex())


class Session:
    """Discovery, handshake and the relay's own endpoints."""

    def test_is_online_through_both_names_of_the_relay(self):
        for peer in (self.theirs, self.ours):
            deadline = time.monotonic() + PATIENCE
            while peer.call("online") < 2:
                self.assertLess(time.monotonic(), deadline, "not online twice")
                time.sleep(0.1)

    def test_reads_the_time_of_the_relay(self):
        for peer in (self.theirs, self.ours):
            self.assertAlmostEqual(peer.call("time"), time.time(), delta=5)

    def test_finds_the_id_card_of_the_other(self):
        for asker, other in ((self.theirs, self.ours), (self.ours, self.theirs)):
            self_key = bytes.fromhex(asker.call("card", address=other.address))
            self.assertEqual(hashlib.sha256(self_key).digest(), hash_of(other.address))

    def test_gets_the_same_bytes_of_a_card(self):
        cards = {peer.call("raw_card", address=self.theirs.address) for peer in (self.theirs, self.ours)}
        self.assertEqual(len(cards), 1)

    def test_is_told_that_a_card_is_unknown(self):
        nobody = "k." + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
        for peer in (self.theirs, self.ours):
            with self.assertRaises(PeerError):
                peer.query(f"{nobody}/echo", b"x")

    def test_is_told_that_the_relay_has_no_such_endpoint(self):
        for peer in (self.theirs, self.ours):
            with self.assertRaisesRegex(PeerError, "no such endpoint"):
                peer.query("@/nothing", b"x")


class Messages:
    """Queries, errors and packets, in both directions."""

    def test_is_answered_by_our_client(self):
        self.assert_answers(self.theirs, self.ours)

    def test_answers_our_client(self):
        self.assert_answers(self.ours, self.theirs)

    def test_gets_the_error_of_our_handler(self):
        self.assert_error_text(self.theirs, self.ours)

    def test_gives_its_error_to_our_client(self):
        self.assert_error_text(self.ours, self.theirs)

    def test_is_told_that_our_client_has_no_such_endpoint(self):
        with self.assertRaisesRegex(PeerError, "no such endpoint"):
            self.theirs.query(f"{self.ours.address}/nothing", b"x")

    def test_built_in_endpoints_answer_each_other(self):
        for asker, other in ((self.theirs, self.ours), (self.ours, self.theirs)):
            self.assertEqual(asker.query(f"{other.address}/ping", bytes(200)), bytes(128))
            self.assertRegex(asker.query(f"{other.address}/version", b"").decode(), r"\d\.\d")
            card = asker.query(f"{other.address}/finger", b"")
            self.assertEqual(card.hex(), asker.call("raw_card", address=other.address))

    def test_exchanges_packets_with_our_client(self):
        self.assert_packets(self.theirs, self.ours)

    def test_exchanges_packets_when_ours_begins(self):
        self.assert_packets(self.ours, self.theirs)

    def test_both_ask_at_once(self):
        asked = [(peer, peer.ask("query", address=f"{other.address}/echo", body=LARGE))
                 for peer, other in ((self.theirs, self.ours), (self.ours, self.theirs))]
        for peer, what in asked:
            self.assertEqual(bytes.fromhex(peer.answer(what)), LARGE)

    def test_query_to_someone_offline_ends_at_once(self):
        leaver = BED.peer(self.kind, "leaver-keys")
        self.ours.call("card", address=leaver.address)
        self.theirs.call("card", address=leaver.address)
        leaver.close()
        # The relay's text; the Rust client has one of its own for an error that its peer did not seal.
        at_once = re.compile("offline|not online|encrypted response")
        for peer in (self.theirs, self.ours):
            for _ in range(5):  # the first ones may reach the relay before it sees that the connection is gone
                with self.assertRaises(PeerError) as ended:
                    peer.query(f"{leaver.address}/echo", b"x", timeout=2)
                if at_once.search(str(ended.exception)):
                    break
            self.assertRegex(str(ended.exception), at_once)


class Blobs:
    """Two programs that share one key directory, and so one identity."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.same = cls.start("cpp", f"{cls.kind}-keys")

    def test_share_their_identity(self):
        self.assertEqual(self.same.address, self.theirs.address)

    def test_ours_fetches_what_it_stored(self):
        for key, value in (("theirs/one", b"value"), ("theirs/großes", LARGE)):
            self.theirs.call("store", key=key, value=value)
            self.assertEqual(self.same.fetch(key), value)

    def test_fetches_what_ours_stored(self):
        for key, value in (("ours/one", b"value"), ("ours/großes", LARGE)):
            self.same.call("store", key=key, value=value)
            self.assertEqual(self.theirs.fetch(key), value)

    def test_sees_what_ours_wrote_over_its_own(self):
        self.theirs.call("store", key="again", value=b"old")
        self.same.call("store", key="again", value=b"new")
        self.assertEqual(self.theirs.fetch("again"), b"new")

    def test_deletes_each_others_blobs(self):
        for deleter, other in ((self.theirs, self.same), (self.same, self.theirs)):
            other.call("store", key="gone", value=b"x")
            self.assertEqual(deleter.fetch("gone"), b"x")
            deleter.call("store", key="gone", value=b"")
            for peer in (self.theirs, self.same):
                with self.assertRaisesRegex(PeerError, "not found"):
                    peer.fetch("gone")

    def test_does_not_see_blobs_of_another_identity(self):
        self.theirs.call("store", key="mine", value=b"x")
        with self.assertRaisesRegex(PeerError, "not found"):
            self.ours.fetch("mine")

    def test_each_gets_the_answer_to_its_own_question(self):
        for _ in range(8):
            asked = [(peer, body, peer.ask("query", address=f"{self.ours.address}/echo", body=body))
                     for peer, body in ((self.theirs, b"theirs"), (self.same, b"same"))]
            for peer, body, what in asked:
                self.assertEqual(bytes.fromhex(peer.answer(what)), body)


class PythonSession(Session, Pair):
    kind = "python"


class PythonMessages(Messages, Pair):
    kind = "python"


class PythonBlobs(Blobs, Pair):
    kind = "python"


class RustSession(Session, Pair):
    kind = "rust"


class RustMessages(Messages, Pair):
    kind = "rust"


class RustBlobs(Blobs, Pair):
    kind = "rust"


CLASSES = {
    "python": (PythonSession, PythonMessages, PythonBlobs),
    "rust": (RustSession, RustMessages, RustBlobs),
}
