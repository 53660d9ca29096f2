"""Tests of waiting; none of them waits."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from waiting import PatientFactory


class WaitingTests(SynchronousTestCase):
    """The test holds the clock and the directory."""

    def setUp(self):
        """Connect a client in memory."""
        self.clock = Clock()
        self.asked = []
        self.protocol = PatientFactory(self.find_title, clock=self.clock).buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)
        self.addCleanup(self.protocol.abort)

    def find_title(self, name):
        """Remember who asked, and answer when the test does."""
        self.asked.append(Deferred())
        return self.asked[-1]

    def test_order(self):
        """The second name waits until the first one has its answer."""
        self.protocol.dataReceived(b"Michael\nTracy\n")
        self.clock.advance(0.1)
        self.assertEqual(len(self.asked), 1)
        self.asked[0].callback(b"Doctor")
        self.assertEqual(self.transport.value(), b"Hello, Doctor Michael!\n")
        self.clock.advance(0.1)
        self.asked[1].errback(LookupError())
        self.assertEqual(self.transport.value(), b"Hello, Doctor Michael!\nHello, dear Tracy!\n")
