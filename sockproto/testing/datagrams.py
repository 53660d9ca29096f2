"""Datagrams in memory, for any Twisted ``DatagramProtocol``: a lossy network without sockets.

Below the protocol is Twisted's own UDP port; below that, a network in memory::

    network = DatagramNetwork(seed=1, loss=0.1)
    network.listenUDP(7, EchoDatagramProtocol(), "192.0.2.1")
    remote = network.remote()
    remote.send(b"hello", ("192.0.2.1", 7))
    assert remote.read() in ([b"hello"], [])
"""

import errno
from collections import deque
from functools import partial
from random import Random
from typing import Any, Final

from twisted.internet.interfaces import IReactorUDP
from twisted.internet.protocol import DatagramProtocol
from zope.interface import implementer

from sockproto.reactor.memory import Loop, MemoryPort
from sockproto.testing.arguments import require_bytes
from sockproto.testing.faults import FaultNotes

Address = tuple[str, int]

MAX_DATAGRAM_BYTES: Final = 65_507
"""The longest datagram of UDP over IPv4 (RFC 768, RFC 791)."""

WILDCARDS: Final = ("0.0.0.0", "::")
"""The wildcard address. A socket bound to it answers from the address that was asked."""

MAX_DELIVERIES: Final = 10_000
"""After this many datagrams in one run, two ports are assumed to answer each other for ever."""

MAX_WAITING: Final = 1_000
"""How many unread datagrams a socket holds; more are lost, as in a kernel."""


class DatagramSocket:
    """A socket of the network, as Twisted's UDP port uses one."""

    def __init__(self, network: "DatagramNetwork") -> None:
        self._network = network
        self.address: Address = ("0.0.0.0", 0)
        self.connected: Address | None = None
        self.refused = self.hears_refusals = False
        self.inbox: deque[tuple[bytes, Address]] = deque()
        self.asked: dict[Address, Address] = {}  # which of our addresses each sender has asked last

    @property
    def readable(self) -> bool:
        """Whether a datagram waits, or the error of a refused one."""
        return bool(self.inbox or self.refused)

    def setblocking(self, blocking: bool) -> None:
        """Nothing here blocks."""

    def fileno(self) -> int:
        """Nothing here is a file."""
        return -1

    def bind(self, address: Address) -> None:
        """Take an address."""
        self.address = self._network._bind(self, address)

    def getsockname(self) -> Address:
        """Return the address."""
        return self.address

    def connect(self, address: Address) -> None:
        """Send to this address, and receive from it only."""
        self.connected = address

    def send(self, data: bytes) -> int:
        """Send to where it is connected."""
        if self.connected is None:
            raise OSError(errno.EDESTADDRREQ, "not connected")
        return self.sendto(data, self.connected)

    def sendto(self, data: bytes, address: Address) -> int:
        """Send a datagram."""
        if self.refused:
            self.refused = False
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        own = self.asked.get(address, self.address) if self.address[0] in WILDCARDS else self.address
        self._network._send(bytes(data), self, own, address)
        return len(data)

    def recvfrom(self, count: int) -> tuple[bytes, Address]:
        """Read a datagram, cut to *count* bytes."""
        if self.refused:
            self.refused = False
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        if not self.inbox:
            raise BlockingIOError(errno.EWOULDBLOCK, "nothing to read")
        data, sender = self.inbox.popleft()
        return data[:count], sender

    def close(self) -> None:
        """Free the address."""
        self._network._sockets.pop(self.address, None)


class DatagramRemote:
    """Somebody on the network who sends and reads when a test says so. Made by ``DatagramNetwork.remote``.

    Attributes:
        received: All datagrams that it has read, with their senders' addresses.
    """

    def __init__(self, network: "DatagramNetwork", socket: DatagramSocket) -> None:
        self._network, self._socket = network, socket
        socket.hears_refusals = True  # as with Linux's IP_RECVERR
        self.received: list[tuple[bytes, Address]] = []

    @property
    def address(self) -> Address:
        """Its address."""
        return self._socket.address

    @property
    def faults(self) -> list[str]:
        """What the network's protocols did wrong: see ``DatagramNetwork``."""
        self._network.run()
        return self._network.faults

    @property
    def refused(self) -> bool:
        """Whether, since its last read, it was told that nobody listens at an address it has sent to."""
        self._network.run()
        return self._socket.refused

    def send(self, data: bytes, to: Address, sender: Address | None = None) -> None:
        """Send a datagram; it is delivered when somebody reads, or when the network runs.

        Args:
            data: The datagram.
            to: Its destination.
            sender: A forged source address; None: its own.
        """
        require_bytes(data, "send")
        self._socket.refused = False
        self._network._send(data, self._socket, sender or self.address, to)

    def read(self) -> list[bytes]:
        """Return the datagrams that have come since the last call."""
        self._network.run()
        came, self._socket.refused = list(self._socket.inbox), False
        self._socket.inbox.clear()
        self.received += came
        return [data for data, _ in came]


@implementer(IReactorUDP)
class DatagramNetwork:
    """Carries datagrams, and loses, duplicates and reorders them.

    Can be used in place of a reactor by code that only calls ``listenUDP``.

    Args:
        seed: The seed of the random faults: the same seed gives the same faults.
        loss: The probability, from 0 to 1, that a datagram is lost.
        duplication: The probability that it comes twice.
        reordering: The probability that a datagram sent later overtakes it.
        max_bytes: The longest datagram in bytes; sending a longer one fails with ``MessageLengthError``.

    Attributes:
        lost: How many datagrams were lost, including those that nobody read in time.
    """

    def __init__(
        self,
        seed: int = 0,
        loss: float = 0.0,
        duplication: float = 0.0,
        reordering: float = 0.0,
        max_bytes: int = MAX_DATAGRAM_BYTES,
    ) -> None:
        self._random = Random(seed)
        self._loss, self._duplication, self._reordering = loss, duplication, reordering
        self._max_bytes = max_bytes
        self._loop = Loop()
        self._sockets: dict[Address, DatagramSocket] = {}
        self._under_way: list[tuple[bytes, DatagramSocket, Address, Address]] = []
        self._protocols: list[DatagramProtocol] = []
        self._next_port = 49_152
        self.lost = 0
        self._noted = FaultNotes(self._has, lambda: self._loop.running)

    @property
    def faults(self) -> list[str]:
        """The exceptions of its protocols, even if they were caught and logged, a sentence each."""
        return self._noted.said()

    # What protocols call.

    def listenUDP(
        self,
        port: int,
        protocol: DatagramProtocol,
        interface: str = "",
        maxPacketSize: int = 8192,  # noqa: N803  # as the interface calls it
    ) -> Any:
        """Let *protocol* listen on a port, like ``listenUDP`` of Twisted's reactors; 0: any free port."""
        made = MemoryPort(partial(DatagramSocket, self), port, protocol, interface, maxPacketSize, self._loop)
        self._protocols.append(protocol)
        made.startListening()
        return made

    # What tests call.

    def remote(self, host: str = "192.0.2.2", port: int = 0) -> DatagramRemote:
        """Return somebody on the network, at *host* and *port*, who does what the test says; 0: any port."""
        socket = DatagramSocket(self)
        socket.bind((host, port))
        return DatagramRemote(self, socket)

    def run(self) -> None:
        """Deliver all datagrams, and those sent in answer, until there are no more.

        Raises:
            AssertionError: It does not end.
        """
        for _ in range(MAX_DELIVERIES):
            self._loop.run()
            if not self._under_way:
                return
            self._deliver()
        self._loop.run()
        if not self._under_way:
            return
        _, _, sender, to = self._under_way[0]
        raise AssertionError(f"datagrams without end: after {MAX_DELIVERIES:,}, {sender} still sends to {to}")

    def _deliver(self) -> None:
        draw, waiting = self._random.random, self._under_way
        late = len(waiting) > 1 and draw() < self._reordering
        data, socket, sender, to = waiting.pop(self._random.randrange(1, len(waiting)) if late else 0)
        copies = 0 if draw() < self._loss else 2 if draw() < self._duplication else 1
        if not copies:
            self.lost += 1
        sockets = self._sockets
        receiver = sockets.get(to) or sockets.get((WILDCARDS[":" in to[0]], to[1]))
        if receiver is None:
            socket.refused = bool(copies) and (socket.hears_refusals or socket.connected == to)
            return
        for _ in range(copies):
            if receiver.connected not in (None, sender):
                self.lost += 1
            elif len(receiver.inbox) < MAX_WAITING:
                receiver.inbox.append((data, sender))
                receiver.asked[sender] = to
            else:
                self.lost += 1

    def _send(self, data: bytes, socket: DatagramSocket, sender: Address, to: Address) -> None:
        if len(data) > self._max_bytes:
            raise OSError(errno.EMSGSIZE, "message too long")
        self._under_way.append((data, socket, sender, to))

    def _has(self, carrier: Any) -> bool:
        """Tell whether a carrier of ours listens here."""
        return any(carrier is protocol for protocol in self._protocols)

    def _bind(self, socket: DatagramSocket, address: Address) -> Address:
        host, port = address
        if not port:
            port, self._next_port = self._next_port, self._next_port + 1
        bound = (host or "0.0.0.0", port)
        if bound in self._sockets:
            raise OSError(errno.EADDRINUSE, "address already in use")
        self._sockets[bound] = socket
        return bound
