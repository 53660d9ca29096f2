"""Twisted's servers: a bare ``Protocol`` or the whole of sockproto, on stock Twisted's transport or on ours.

::

    python -m benchmarks.speed.servers.twisted_server echo --what bare --transport stock
    python -m benchmarks.speed.servers.twisted_server lines --what whole --transport ours --reactor epoll

All log as under twistd, to nowhere. Of sockproto every limit is on, its value above the load; where it is
``operated``, the admin site and all that goes with it too.
"""

import argparse
import os
from typing import Any

from twisted.application.reactors import installReactor
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineReceiver

from benchmarks.commands_scpi import DeclaredSupply
from benchmarks.speed.servers.answers import WELCOMES, answer, settle_memory
from sockproto import Limits
from sockproto.carriers.datagram import MAX_PACKET_BYTES
from sockproto.core.framing.lines import Lines
from sockproto.protocols.command import CommandFactory
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.scpi import InstrumentFactory
from sockproto.server.listeners import BACKLOG, Listener, tcp, udp
from sockproto.server.logs import json_lines
from sockproto.server.service import ServerService

HOST = "127.0.0.1"
LIMITS = Limits(
    max_connections=15_000,
    max_connections_per_peer=15_000,
    lifetime_seconds=86_400,
    udp_rate=1_000_000_000,
)
"""The others have defaults above the load."""

OPERATED: dict[str, Any] = {"admin": "0", "log_connections": "failed", "lame_duck_seconds": 5.0}
"""What whoever runs a server in earnest turns on; the log is JSON then."""


class BareEcho(Protocol):
    """Sends back what comes."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)  # type: ignore[union-attr]  # it is connected


class BareLines(LineReceiver):
    """Answers each line."""

    delimiter = b"\n"
    kind = "lines"

    def connectionMade(self) -> None:
        """Say welcome."""
        if welcome := WELCOMES.get(self.kind):
            self.transport.write(welcome)  # type: ignore[union-attr]  # it is connected

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        self.sendLine(b"Hello, %b!" % line)


class BareCommand(BareLines):
    """Does what each line says."""

    kind = "command"

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        self.sendLine(answer(line))


class BareDatagrams(DatagramProtocol):
    """Sends back each datagram."""

    name = ""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Send it back."""
        self.transport.write(datagram, addr)  # type: ignore[union-attr]  # it listens


BARE: dict[str, type[Protocol]] = {"echo": BareEcho, "lines": BareLines, "command": BareCommand}


def made(kind: str, what: str) -> Any:
    """Make what answers."""
    if kind == "udp":
        return BareDatagrams() if what == "bare" else EchoDatagramProtocol(limits=LIMITS)
    if what == "bare":
        return Factory.forProtocol(BARE[kind])
    if kind == "query":
        return InstrumentFactory(DeclaredSupply(), limits=LIMITS)
    if kind == "lines":
        return GreetingFactory(WELCOMES[kind].strip(), framing=Lines, limits=LIMITS)
    return {"echo": EchoFactory, "command": CommandFactory}[kind](limits=LIMITS)


def listened(reactor: Any, kind: str, what: str, transport: str) -> Any:
    """Listen; return the port."""
    server = made(kind, what)
    if transport == "stock":
        if kind == "udp":
            return reactor.listenUDP(0, server, HOST, MAX_PACKET_BYTES)
        return reactor.listenTCP(0, server, BACKLOG, HOST)
    listener: Listener = (udp if kind == "udp" else tcp)(kind, server, HOST, 0)
    if what != "bare":
        more = OPERATED if what == "operated" else {}
        service = ServerService([listener], reactor, owns_process=True, **more)
        service.startService()
        return service.ports[0]
    ports: list[Any] = []
    listener.listen(reactor, 0).addCallback(ports.append)
    return ports[0]


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=[*BARE, "udp", "query"])
    parser.add_argument("--what", choices=["bare", "whole", "operated"], default="whole")
    parser.add_argument("--transport", choices=["stock", "ours"], default="ours")
    parser.add_argument("--reactor", default="epoll", help="as twistd's --reactor")
    arguments = parser.parse_args()
    settle_memory()
    nowhere = open(os.devnull, "w")  # noqa: SIM115  (as long as the process lasts)
    observer = (json_lines if arguments.what == "operated" else textFileLogObserver)(nowhere)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    installReactor(arguments.reactor)
    from twisted.internet import reactor

    running: Any = reactor  # the global reactor has no type
    port = listened(running, arguments.kind, arguments.what, arguments.transport)
    print(port.getHost().port, flush=True)
    running.run()


if __name__ == "__main__":
    main()
