"""A mount and the public Rust client on one relay: each asks what the other serves."""

import unittest

from listening import WithAClient

BED = None  # set by run.py


class Listening(WithAClient, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        BED.start_relay()
        cls.peer = BED.peer("rust", "rust")
        cls.mount = BED.relay_mount()

    @classmethod
    def tearDownClass(cls):
        cls.mount.unmount()
        cls.peer.close()
        BED.stop_relay()
