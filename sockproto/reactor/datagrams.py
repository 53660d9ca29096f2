"""Ports of datagrams that check less.

::

    listen_udp(reactor, 9999, protocol, "127.0.0.1", 65_535)    # as reactor.listenUDP does
"""

from socket import AF_INET6, socket
from typing import Any

from twisted.internet import udp
from twisted.internet.posixbase import PosixReactorBase
from twisted.python import log

from sockproto.reactor.answering import asks_for_answers
from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {udp.Port: ("addressFamily", "maxPacketSize", "maxThroughput", "protocol")}


class DatagramPort(udp.Port):
    """A UDP port that doesn't check again that an address is one, when a datagram has come from it."""

    _sender: Any = None

    def startListening(self) -> None:
        """Open the socket, and have the protocol told."""
        super().startListening()  # type: ignore[no-untyped-call]
        opened: socket = self.getHandle()
        self._receive, self._send = opened.recvfrom, opened.sendto

    def doRead(self) -> None:
        """Have the protocol handle the datagrams that came."""
        receive, send, size, protocol = self._receive, self._send, self.maxPacketSize, self.protocol
        asks = asks_for_answers(protocol, "datagramReceived")
        handle = protocol.answer if asks else protocol.datagramReceived
        long = self.addressFamily == AF_INET6  # with flow and scope, which Twisted leaves out
        read = 0
        while read < self.maxThroughput:
            try:
                data, address = receive(size)
            except BlockingIOError:
                return
            except OSError:
                super().doRead()  # type: ignore[no-untyped-call]  # for its opinion of the next error
                return
            read += len(data)
            self._sender = address = address[:2] if long else address
            try:
                reply = handle(data, address)
                if asks and reply is not None:
                    try:
                        send(reply, address)
                    except OSError:
                        self._try_again(reply, address)
            except BaseException:
                log.err()

    def _try_again(self, reply: bytes, address: Any) -> None:
        """Send an answer as Twisted does, which knows what to make of an error."""
        try:
            super().write(reply, address)
        except Exception:
            self.protocol.unsent(reply)

    def write(self, datagram: bytes, addr: Any = None) -> Any:
        """Send a datagram."""
        if addr is not None and addr is self._sender:
            try:
                return self._send(datagram, addr)
            except OSError:
                pass  # Twisted tries again, and knows what to make of it
        return super().write(datagram, addr)


def listen_udp(reactor: Any, port: int, protocol: Any, interface: str, max_packet_bytes: int) -> Any:
    """Listen for datagrams, as ``reactor.listenUDP`` does.

    Args:
        reactor: A reactor; one that has no descriptors opens a port of its own kind, and so does any where
            Twisted has changed what ours relies on.
        port: The port's number.
        protocol: A ``DatagramProtocol``.
        interface: A numeric address.
        max_packet_bytes: What is longer is cut.

    Returns:
        The port.

    Raises:
        CannotListenError: The port can't be had.
    """
    if isinstance(reactor, PosixReactorBase):
        opened = DatagramPort(port, protocol, interface, max_packet_bytes, reactor)
        if has_all(opened, RELIES_ON[udp.Port]):
            opened.startListening()
            return opened
    return reactor.listenUDP(port, protocol, interface, max_packet_bytes)
