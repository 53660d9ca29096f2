"""The servers that ``benchmarks.stock`` measures and that no command starts, for ``twistd -n -y``.

``STOCK_KIND`` says which: stock Twisted's own classes, as its documentation puts them together, or
``restart-ours``, our service under the same restart. ``STOCK_PORT`` is the port, 0 if not given. On
SIGUSR1 the service is stopped and started again, in the same process::

    STOCK_KIND=echo twistd -n --pidfile= -y benchmarks/stock_server.py
"""

import os
import signal
from collections.abc import Callable, Generator
from typing import Any

from twisted.application import internet, service
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.logger import Logger
from twisted.protocols import policies
from twisted.protocols.basic import LineReceiver
from twisted.protocols.wire import Echo

from sockproto import EchoFactory, ServerService
from sockproto.server.listeners import tcp

log = Logger("stock")
kind = os.environ.get("STOCK_KIND", "echo")
port = int(os.environ.get("STOCK_PORT", "0"))


class Lines(LineReceiver):
    """Answers each line; its longest is ``LineReceiver``'s own."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        """Say that it came."""
        send: Any = self.sendLine
        send(b"a line")


class EchoDatagrams(DatagramProtocol):
    """The echo server of Twisted's documentation."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Send it back."""
        transport: Any = self.transport
        transport.write(datagram, addr)


def limited(factory: Any) -> Any:
    """Return the factory with every limit that stock Twisted has and that works."""
    return policies.ThrottlingFactory(policies.TimeoutFactory(factory, 300), maxConnectionCount=4096)


def by_peer(factory: Any) -> Any:
    """Return the factory with a limit of two connections of a peer."""
    wrapper: Any = policies.LimitConnectionsByPeer(factory)
    wrapper.maxConnectionsPerHost = 2
    return wrapper


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "limited": limited,
    "proxied-limited": limited,
    "per-peer": by_peer,
}


def made() -> Any:
    """Make the service that is asked for."""
    if kind == "restart-ours":
        return ServerService([tcp("echo", EchoFactory(), "127.0.0.1", port)])
    if kind == "udp":
        udp_server: Any = internet.UDPServer
        return udp_server(port, EchoDatagrams(), "127.0.0.1")
    factory: Any = Factory.forProtocol(Lines if kind == "lines" else Echo)
    proxied = "haproxy:" if kind.startswith("proxied") else ""
    endpoint = serverFromString(reactor, f"{proxied}tcp:{port}:interface=127.0.0.1")
    stream_server: Any = internet.StreamServerEndpointService
    return stream_server(endpoint, WRAPPERS[kind](factory) if kind in WRAPPERS else factory)


@inlineCallbacks
def restart(running: Any) -> Generator[Any, Any, None]:
    """Stop the service and start it again."""
    yield maybeDeferred(running.stopService)
    log.info("the service is stopped")
    running.startService()
    log.info("the service is started again")


application = service.Application("stock")
running = made()
running.setServiceParent(application)
from_thread: Any = getattr(reactor, "callFromThread")  # noqa: B009  (the global reactor has no type)
signal.signal(signal.SIGUSR1, lambda *_: from_thread(restart, running))
