"""Tests of the phonebook protocol: what it says, on both carriers, and its option."""

from pathlib import Path

from twisted.internet.testing import FakeDatagramTransport, StringTransport
from twisted.plugins.phonebook_plugin import DEFINITION, read_book
from twisted.trial.unittest import SynchronousTestCase

from sockproto import OptionError

BOOK = {b"Michael": b"5550123"}


class PhonebookTests(SynchronousTestCase):
    """All of it in memory."""

    def test_stream(self):
        """However the lines were split."""
        protocol, transport = DEFINITION.factory(BOOK).buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        for piece in b"Mich", b"ael\r\nSar", b"ah\r\n":
            protocol.dataReceived(piece)
        self.assertEqual(transport.value(), b"5550123\r\nunknown\r\n")
        protocol.abort()

    def test_datagrams(self):
        """A name is answered, an answer is not."""
        protocol, transport = DEFINITION.datagram_protocol(BOOK), FakeDatagramTransport()
        protocol.makeConnection(transport)
        for datagram in b"Michael\n", b"5550123\n":
            protocol.datagramReceived(datagram, ("127.0.0.1", 40000))
        self.assertEqual(transport.written, [(b"5550123\n", ("127.0.0.1", 40000))])

    def test_book(self):
        """What is no book is said to be none."""
        path = self.mktemp()
        self.assertRaises(OptionError, read_book, path)
        Path(path).write_text("Michael 5550123\n")
        self.assertEqual(read_book(path), BOOK)
