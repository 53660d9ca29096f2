"""Tests of echo, without a socket."""

from echo import Echo, EchoFactory
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase


class EchoTests(SynchronousTestCase):
    """What it decides, and what goes out."""

    def test_conversation(self):
        """A conversation is called like any object."""
        self.assertEqual(Echo().received(b"Hello"), b"Hello")

    def test_protocol(self):
        """The protocol runs it, on a transport in memory."""
        protocol = EchoFactory().buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"Hel")
        protocol.dataReceived(b"lo")
        self.assertEqual(transport.value(), b"Hello")
        protocol.abort()
