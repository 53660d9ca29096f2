"""Tests of the phone book: as an object, and as a server in memory."""

from phonebook import PhoneBook
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from sockproto import CommandError, CommandFactory


class PhoneBookTests(SynchronousTestCase):
    """A command is a method."""

    def test_methods(self):
        """They can be called without any protocol."""
        book = PhoneBook()
        book.add("Michael", 5550123)
        self.assertEqual(book.find("Michael"), 5550123)
        self.assertRaises(CommandError, book.find, "Tracy")

    def test_lines(self):
        """Two clients share a book."""
        factory = CommandFactory(PhoneBook())
        answers = []
        for line in b"/add Michael 5550123\n", b"/find Michael\n":
            protocol, transport = factory.buildProtocol(None), StringTransport()
            protocol.makeConnection(transport)
            protocol.dataReceived(line)
            answers.append(transport.value())
            protocol.abort()
        self.assertEqual(answers, [b"ok\n", b"5550123\n"])
