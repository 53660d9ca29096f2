"""Ports of datagrams that check less, and answer from the address that was asked.

::

    listen_udp(reactor, 9999, protocol, "127.0.0.1", 65_535)    # as reactor.listenUDP does
    adopt_udp(reactor, bound, protocol, 65_535)                 # at a socket that is bound already
"""

from errno import EMSGSIZE
from socket import AF_INET6, SOCK_DGRAM, socket
from typing import Any

from twisted.internet import udp
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.posixbase import PosixReactorBase
from twisted.python import log

from sockproto.reactor.answering import asks_for_answers
from sockproto.reactor.names import RelyingOn, has_all
from sockproto.reactor.senders import (
    Sender,
    numeric_host,
    packet_exchange,
    scoped_address,
    sender_at,
)

RELIES_ON: RelyingOn = {
    udp.Port: ("_preexistingSocket", "addressFamily", "maxPacketSize", "maxThroughput", "protocol")
}

READS = 1_024
"""So many datagrams are read in a turn of the reactor at most."""

MAX_ERRORS = 100
"""So many errors in one read are of the socket itself, not what ICMP says of earlier answers."""


class DatagramPort(udp.Port):
    """A UDP port that doesn't check again that an address is one, when a datagram has come from it.

    Bound to all addresses, it answers from the one that was asked. It knows the links of link-local ones.
    """

    _sender: Any = None
    _reads = READS

    def startListening(self) -> None:
        """Open the socket, and have the protocol told."""
        super().startListening()  # type: ignore[no-untyped-call]
        opened: socket = self.getHandle()
        exchange = packet_exchange(opened)
        self._receive: Any = exchange.receive if exchange else opened.recvfrom
        self._send: Any = exchange.send if exchange else opened.sendto
        self._cuts = not exchange and self.addressFamily == AF_INET6  # flow and scope, as Twisted does

    def getHost(self) -> Any:
        """Return where it listens; a link-local address has its zone."""
        host = super().getHost()  # type: ignore[no-untyped-call]
        bound = self.getHandle().getsockname()
        if len(bound) == 4 and bound[3]:
            host.host = numeric_host(bound)
        return host

    def doRead(self) -> None:
        """Have the protocol handle the datagrams that came."""
        receive, send, size, protocol = self._receive, self._send, self.maxPacketSize, self.protocol
        asks = asks_for_answers(protocol, "datagramReceived")
        handle = protocol.answer if asks else protocol.datagramReceived
        cuts, left, errors = self._cuts, self.maxThroughput, 0
        for count in range(self._reads):
            try:
                data, way = receive(size)
            except BlockingIOError:
                self._reads = count or 1  # mostly as many come next, and to look for one more costs a call
                return
            except OSError:
                errors += 1
                if errors < MAX_ERRORS and self.connected:
                    continue
                super().doRead()  # type: ignore[no-untyped-call]  # for its opinion of the next error
                return
            left -= len(data)
            address = way
            if cuts:
                address = sender_at(way, []) if way[3] else way[:2]
            self._sender = address
            try:
                reply = handle(data, address)
                if asks and reply is not None:
                    try:
                        send(reply, way)
                    except OSError:
                        self._try_again(reply, address)
            except BaseException:
                log.err()
            if left <= 0:
                return
        self._reads = READS

    def _try_again(self, reply: bytes, address: Any) -> None:
        """Send an answer as Twisted does, which knows what to make of an error."""
        try:
            self._write(reply, address)
        except Exception:
            self.protocol.unsent(reply)

    def write(self, datagram: bytes, addr: Any = None) -> Any:
        """Send a datagram; an answer goes the way that the datagram came."""
        if addr is not None and addr == self._sender and not isinstance(addr, Sender):
            addr = self._sender  # which may know more of the way
            if not isinstance(addr, Sender):
                try:
                    return self._send(datagram, addr)
                except OSError:
                    pass  # Twisted tries again, and knows what to make of it
        return self._write(datagram, addr)

    def _write(self, datagram: bytes, addr: Any) -> Any:
        """Send as Twisted does, but along the way that is known."""
        if not isinstance(addr, Sender):
            if addr is None or self.addressFamily != AF_INET6 or "%" not in str(addr[0]):
                return super().write(datagram, addr)
            addr = sender_at(scoped_address(*addr), [])
        send = self.getHandle().sendmsg
        try:
            return send((datagram,), addr.ancillary, 0, addr.where)
        except OSError:
            pass  # perhaps of an earlier answer, as ICMP says it
        try:
            return send((datagram,), addr.ancillary, 0, addr.where)
        except OSError as error:
            if error.errno == EMSGSIZE:
                raise MessageLengthError("message too long") from error
            raise


def listen_udp(reactor: Any, port: int, protocol: Any, interface: str, max_packet_bytes: int) -> Any:
    """Listen for datagrams, as ``reactor.listenUDP`` does.

    Args:
        reactor: A reactor; one that has no descriptors opens a port of its own kind, and so does any where
            Twisted has changed what ours relies on.
        port: The port's number.
        protocol: A ``DatagramProtocol``.
        interface: A numeric address; a link-local one has its zone, as in ``fe80::1%eth0``.
        max_packet_bytes: What is longer is cut.

    Returns:
        The port.

    Raises:
        CannotListenError: The port can't be had.
    """
    if "%" in interface:  # Twisted binds without the zone
        return adopt_udp(reactor, _bound(interface, port), protocol, max_packet_bytes)
    opened = _port(reactor, port, protocol, interface, max_packet_bytes)
    if opened is None:
        return reactor.listenUDP(port, protocol, interface, max_packet_bytes)
    opened.startListening()
    return opened


def adopt_udp(reactor: Any, bound: socket, protocol: Any, max_packet_bytes: int) -> Any:
    """Listen for datagrams at a socket that is bound, as ``reactor.adoptDatagramPort`` does.

    Args:
        reactor: See ``listen_udp``.
        bound: The socket, which never blocks; it belongs to the port from now on.
        protocol: A ``DatagramProtocol``.
        max_packet_bytes: What is longer is cut.

    Returns:
        The port.
    """
    opened = _port(reactor, None, protocol, bound.getsockname()[0], max_packet_bytes)
    if opened is None:
        with bound:  # the port has a copy
            return reactor.adoptDatagramPort(bound.fileno(), bound.family, protocol, max_packet_bytes)
    opened._preexistingSocket = bound  # type: ignore[assignment]
    opened.startListening()
    return opened


def _port(
    reactor: Any, port: int | None, protocol: Any, interface: str, max_packet_bytes: int
) -> DatagramPort | None:
    """Return a port of ours, not yet open; None where the reactor's own must do."""
    if isinstance(reactor, PosixReactorBase):
        opened = DatagramPort(port, protocol, interface, max_packet_bytes, reactor)
        if has_all(opened, RELIES_ON[udp.Port]):
            return opened
    return None


def _bound(interface: str, port: int) -> socket:
    """Return a socket that is bound to an address with a zone."""
    opened = socket(AF_INET6, SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.bind(scoped_address(interface, port))
    except OSError as error:
        opened.close()
        raise CannotListenError(interface, port, error) from error
    return opened
