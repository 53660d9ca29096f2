"""The server of ``test_commands``, for ``twistd -n -y``: one set of commands on every kind of socket.

Listens in its directory, and on TLS if there is a ``server.pem``, whose clients may show a certificate that
``issuer.pem`` has signed. On SIGUSR1 all the commands that wait go on.
"""

import hashlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from twisted.application.service import Application
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sockproto import CommandDatagramProtocol, CommandFactory, ServerService
from sockproto.commands import Caller, CommandSet, command
from sockproto.commands.declaration import Declaration
from sockproto.errors import CommandError
from sockproto.server.descriptions import from_description
from sockproto.server.listeners import Listener, tcp, udp

log = Logger("commands")
reactor: Any = global_reactor


class Office(CommandSet):
    """Commands that wait for a signal, and commands that never end."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[None]] = []
        self.made = self.waits = 0

    async def turn(self, name: str) -> None:
        """Wait for the signal."""
        self.waits += 1
        log.info("{name} waits, number {number}", name=name, number=self.waits)
        waiting: Deferred[None] = Deferred()
        self.waiting.append(waiting)
        try:
            await waiting
        except CancelledError:
            log.info("{name} is cancelled", name=name)
            raise

    def release(self) -> None:
        """Let all go on that wait."""
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            if not each.called:
                each.callback(None)

    def line(self) -> str:
        """Make a line of 1,000 bytes, and count it."""
        self.made += 1
        return f"{self.made:0999}"

    @command
    def add(self, one: int, two: int) -> int:
        """Add two numbers."""
        return one + two

    @command
    async def wait(self, name: str) -> str:
        """Wait for the signal."""
        await self.turn(name)
        return f"{name} is done"

    @command(endless=True)
    async def turns(self, name: str) -> AsyncIterator[str]:
        """Say a line at each signal."""
        while True:
            yield f"{name} goes on"
            await self.turn(name)

    @command(endless=True)
    async def flood(self) -> AsyncIterator[str]:
        """Make lines without ever waiting."""
        try:
            while True:
                yield self.line()
        finally:
            log.info("the lines have ended")

    @command(endless=True)
    async def flow(self) -> AsyncIterator[str]:
        """Make a line each turn of the reactor."""
        try:
            while True:
                await deferLater(reactor, 0)
                yield self.line()
        finally:
            log.info("the lines have ended")

    @command("made")
    def lines_made(self) -> int:
        """Tell how many lines were made."""
        return self.made

    @command
    def who(self, caller: Caller) -> str:
        """Tell who asks, by the digest of his certificate."""
        certificate = caller.peer.certificate
        return "nobody known" if certificate is None else hashlib.sha256(certificate).hexdigest()


class Guarded(Office):
    """The same, for callers that show a certificate."""

    def authorize(self, caller: Caller, declared: Declaration) -> None:
        """Let those in who show one."""
        if caller.peer.certificate is None:
            raise CommandError(f"{declared.name} needs a certificate")


def tls(factory: CommandFactory) -> Listener:
    """Plan a TLS listener that asks its clients for a certificate, and takes them without one too."""
    from twisted.internet.ssl import Certificate, CertificateOptions, PrivateCertificate

    own = PrivateCertificate.loadPEM(Path("server.pem").read_bytes())
    issuer = Certificate.loadPEM(Path("issuer.pem").read_bytes())
    options = CertificateOptions(
        privateKey=own.privateKey.original,
        certificate=own.original,
        verify=True,
        requireCertificate=False,
        caCerts=[issuer.original],
    )

    def listen(reactor: Any, port: int) -> Any:
        return SSL4ServerEndpoint(reactor, 0, options, interface="127.0.0.1").listen(factory)

    return Listener("guarded", "ssl", factory, listen)


office = Office()
factory, datagrams = CommandFactory(office), CommandDatagramProtocol(office)
listeners = [
    tcp("command", factory, "127.0.0.1", 0),
    udp("command", datagrams, "127.0.0.1", 0),
    from_description("command", "unix:command.sock", lambda: factory, lambda: datagrams, reactor),
]
if Path("server.pem").exists():
    listeners.append(tls(CommandFactory(Guarded())))
signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(office.release))

application = Application("commands")
ServerService(listeners).setServiceParent(application)
