"""Endpoints of a C++ client on the relay of a mount, for the suites that ask them."""

import errno
import unittest

import bed

LIMIT = 65_000  # bytes of a body


class EndpointsCase(unittest.TestCase):
    options = ()
    count = 0

    @classmethod
    def setUpClass(cls):
        bed.BED.start_relay()
        cls.addClassCleanup(bed.BED.stop_relay)
        cls.peer = bed.BED.peer("cpp", "other")
        cls.addClassCleanup(cls.peer.close)
        cls.mount = bed.BED.relay_mount(*cls.options)
        cls.addClassCleanup(cls.mount.unmount)

    def serve(self, mode="upper", name=None):
        """A new endpoint of the peer: its directory."""
        EndpointsCase.count += 1
        self.name = name or f"{mode}-{self.count}"
        self.peer.call("serve", endpoint=self.name, mode=mode)
        return self.mount.path("endpoints", self.peer.address, self.name)

    def seen(self):
        """What has come to the last new endpoint."""
        return [bytes.fromhex(body) for body in self.peer.call("seen", endpoint=self.name)]

    def assert_errno(self, number, call, *arguments):
        with self.assertRaises(OSError) as raised:
            call(*arguments)
        self.assertEqual(errno.errorcode[raised.exception.errno], errno.errorcode[number])
