"""Serves one phone book over TCP, UDP and a UNIX socket."""

from phonebook import PhoneBook
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import react

from sockproto import CommandDatagramProtocol, CommandFactory


async def main(reactor):
    """Serve until Ctrl-C."""
    book = PhoneBook()
    await serverFromString(reactor, "tcp:7010:interface=127.0.0.1").listen(CommandFactory(book))
    await serverFromString(reactor, "unix:phonebook.sock:mode=600").listen(CommandFactory(book))
    reactor.listenUDP(7010, CommandDatagramProtocol(book), "127.0.0.1")
    print("phone book on port 7010 and phonebook.sock", flush=True)
    print("ready: 127.0.0.1:7010")
    await Deferred()


react(main)
