"""A host by its name: which of its addresses a stream is connected to, and what is told of failures."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError, NoRouteError, TCPTimedOutError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from sockproto.client.hosts import HostEndpoint
from sockproto.errors import NameNotFound, Refused, TimedOut, Unreachable

SIX = IPv6Address("TCP", "2001:db8::1", 7)
SEVEN = IPv6Address("TCP", "2001:db8::2", 7)
FOUR = IPv4Address("TCP", "192.0.2.1", 7)
LINK = IPv6Address("TCP", "fe80::1", 7, 0, 1)


class Resolving(MemoryReactorClock):
    """A reactor in memory whose hosts have these addresses.

    Attributes:
        asked: The names that were asked for.
    """

    def __init__(self, *addresses: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._addresses = addresses
        self.asked: list[str] = []
        self.nameResolver: Any = self

    def resolveHostName(self, receiver: Any, host: str, port: int) -> None:
        """Tell the addresses at once."""
        self.asked.append(host)
        receiver.resolutionBegan(None)
        for address in self._addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()

    @property
    def tried(self) -> list[str]:
        """The addresses that were tried."""
        return [str(host) for host, *_ in self.tcpClients]

    def connected(self, number: int) -> Protocol:
        """Have one of them connected; return the protocol."""
        protocol: Any = self.tcpClients[number][2].buildProtocol(None)
        protocol.makeConnection(StringTransport())
        return protocol  # type: ignore[no-any-return]

    def failed(self, number: int, error: Exception) -> None:
        """Have one of them fail."""
        self.tcpClients[number][2].clientConnectionFailed(self.connectors[number], Failure(error))


class HostEndpointTests(TestCase):
    def connect(self, *addresses: Any) -> "tuple[Resolving, Deferred[Any]]":
        reactor = Resolving(*addresses)
        return reactor, HostEndpoint(reactor, "my_host.example", 7).connect(Factory.forProtocol(Protocol))

    def test_a_quarter_of_a_second_later_the_next_of_the_other_family(self) -> None:
        reactor, connecting = self.connect(SIX, SEVEN, FOUR)
        self.assertEqual((reactor.asked, reactor.tried), (["my_host.example"], ["2001:db8::1"]))
        reactor.advance(0.24)
        self.assertEqual(len(reactor.tried), 1)
        reactor.advance(0.01)
        self.assertEqual(reactor.tried[1:], ["192.0.2.1"])
        reactor.advance(0.25)
        self.assertEqual(reactor.tried[2:], ["2001:db8::2"])
        self.assertNoResult(connecting)
        reactor.connected(1)
        self.assertIsInstance(self.successResultOf(connecting), Protocol)
        self.assertEqual([each.stoppedConnecting for each in reactor.connectors], [True, False, True])
        self.assertEqual(reactor.getDelayedCalls(), [])

    def test_at_once_after_a_failure(self) -> None:
        reactor, connecting = self.connect(SIX, FOUR)
        reactor.failed(0, ConnectionRefusedError())
        self.assertEqual(reactor.tried, ["2001:db8::1", "192.0.2.1"])
        reactor.connected(1)
        self.successResultOf(connecting)
        self.assertEqual(reactor.getDelayedCalls(), [])

    def test_the_first_of_those_that_are_tried(self) -> None:
        reactor, connecting = self.connect(SIX, FOUR)
        reactor.advance(0.25)
        reactor.connected(0)
        self.successResultOf(connecting)
        self.assertTrue(reactor.connectors[1].stoppedConnecting)

    def test_all_fail(self) -> None:
        for errors, kind, reason in (
            ([NoRouteError(101), ConnectionRefusedError(111)], Refused, "can't be reached"),
            ([ConnectionRefusedError(111), TCPTimedOutError(110)], TimedOut, "connection refused"),
            ([NoRouteError(101), NoRouteError(101)], Unreachable, "Network is unreachable (at "),
        ):
            reactor, connecting = self.connect(SIX, FOUR)
            for number, error in enumerate(errors):
                reactor.failed(number, error)
            failure = self.failureResultOf(connecting, kind).value
            for told in "[2001:db8::1]:7", "192.0.2.1:7", reason:
                self.assertIn(told, failure.reason)

    def test_the_only_address_fails(self) -> None:
        reactor, connecting = self.connect(FOUR)
        error = ConnectionRefusedError()
        reactor.failed(0, error)
        self.assertIs(self.failureResultOf(connecting).value, error)

    def test_no_address(self) -> None:
        self.failureResultOf(self.connect()[1], NameNotFound)

    def test_a_link_local_address_keeps_its_link(self) -> None:
        reactor, _ = self.connect(LINK)
        self.assertEqual(reactor.tried, ["fe80::1%lo"])

    def test_cancelled(self) -> None:
        reactor, connecting = self.connect(SIX, FOUR)
        reactor.advance(0.1)
        connecting.cancel()
        self.failureResultOf(connecting)
        self.assertTrue(reactor.connectors[0].stoppedConnecting)
        self.assertEqual(reactor.getDelayedCalls(), [])
