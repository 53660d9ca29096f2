"""The test kit's datagrams, in memory as on real sockets."""

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.interfaces import IReactorUDP
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.protocols.echo import EchoDatagramProtocol
from sockproto.testing import (
    DatagramNetwork,
)

SERVER = ("192.0.2.1", 7007)


class Shouts(DatagramProtocol):
    """Answers everything, an answer too."""

    transport: Any

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.notes.append(datagram)
        self.transport.write(datagram.upper(), addr)

    def connectionRefused(self) -> None:
        self.notes.append("refused")


class Asks(Shouts):
    """Sends one datagram to where it is told, and takes what comes."""

    def __init__(self, question: bytes, to: Any) -> None:
        super().__init__()
        self.question, self.to = question, to
        self.told: Deferred[None] = Deferred()

    def startProtocol(self) -> None:
        self.transport.connect(*self.to)
        self.transport.write(self.question)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.notes.append((datagram, addr == self.to))
        self.told.callback(None)

    def connectionRefused(self) -> None:
        super().connectionRefused()
        if not self.told.called:
            self.told.callback(None)


class AsksTwice(Asks):
    """Hears of a refusal when it writes: before it reads, Twisted's epoll reactor closes the port."""

    def startProtocol(self) -> None:
        super().startProtocol()
        self.transport.write(self.question)


async def meets(reactor: Any, settle: Callable[[], object]) -> list[Any]:
    """Return what a server and clients note: a long datagram, one too long, and a port where nobody is."""
    server = Shouts()
    ports = [reactor.listenUDP(0, server, "127.0.0.1")]
    address = ("127.0.0.1", ports[0].getHost().port)
    notes: list[Any] = []
    for question in b"hello", b"", b"x" * 9_000:
        client = Asks(question, address)
        ports.append(reactor.listenUDP(0, client, "127.0.0.1"))
        settle()
        await client.told
        notes.append(client.notes)
    try:
        server.transport.write(b"x" * 65_508, address)
    except MessageLengthError:
        notes.append("too long")
    for port in ports:
        stopped = port.stopListening()
        settle()
        await stopped
    nobody = AsksTwice(b"x", address)
    last = reactor.listenUDP(0, nobody, "127.0.0.1")
    settle()
    await nobody.told
    stopped = last.stopListening()
    settle()
    await stopped
    return [*notes, *server.notes, *nobody.notes[:1]]


class DatagramFidelityTests(TestCase):
    timeout = 20
    EXPECTED: ClassVar[list[Any]] = [
        [(b"HELLO", True)],
        [(b"", True)],
        [(b"X" * 8_192, True)],
        "too long",
        *(b"hello", b"", b"x" * 8_192),
        "refused",
    ]

    def test_in_memory(self) -> None:
        network = DatagramNetwork()
        met = ensureDeferred(meets(network, network.run))
        self.assertEqual(self.successResultOf(met), self.EXPECTED)

    def test_on_sockets(self) -> "Deferred[Any]":
        from twisted.internet import reactor

        met = ensureDeferred(meets(reactor, lambda: None))
        return met.addCallback(self.assertEqual, self.EXPECTED)


class DatagramTests(TestCase):
    def network(self, **kwargs: Any) -> tuple[DatagramNetwork, Shouts, Any]:
        network, server = DatagramNetwork(**kwargs), Shouts()
        network.listenUDP(SERVER[1], server, SERVER[0])
        return network, server, network.remote()

    def test_any_protocol_answers(self) -> None:
        network, _, remote = self.network()
        verifyObject(IReactorUDP, network)
        remote.send(b"hello", SERVER)
        self.assertEqual((remote.read(), remote.received), ([b"HELLO"], [(b"HELLO", SERVER)]))
        self.assertEqual((remote.read(), remote.refused), ([], False))

    def test_loss_duplication_and_reordering_are_the_same_for_a_seed(self) -> None:
        def run(**kwargs: Any) -> tuple[list[bytes], int]:
            network, server, remote = self.network(**kwargs)
            for number in range(100):
                remote.send(b"%d" % number, SERVER)
            remote.read()
            return server.notes, network.lost

        sent = [b"%d" % number for number in range(100)]
        self.assertEqual(run(), (sent, 0))
        notes, lost = run(seed=1, loss=0.3)
        self.assertTrue(50 < len(notes) < 90 and lost > 10)
        self.assertEqual([note for note in sent if note in notes], notes)
        self.assertEqual(run(seed=1, loss=0.3), (notes, lost))
        self.assertNotEqual(run(seed=2, loss=0.3), (notes, lost))
        self.assertEqual(sorted(set(run(duplication=0.3)[0])), sorted(sent))
        self.assertGreater(len(run(duplication=0.3)[0]), 110)
        mixed = run(reordering=0.3)[0]
        self.assertNotEqual(mixed, sent)
        self.assertEqual(sorted(mixed), sorted(sent))

    def test_the_longest_and_twisteds_own_cut(self) -> None:
        network, server, remote = self.network()
        remote.send(b"x" * 9_000, SERVER)
        self.assertEqual(remote.read(), [b"X" * 8_192])
        port = network.listenUDP(0, EchoDatagramProtocol(clock=Clock()), SERVER[0], maxPacketSize=65_535)
        remote.send(b"x" * 65_507, (SERVER[0], port.getHost().port))
        self.assertEqual(remote.read(), [b"x" * 65_507])
        self.assertRaises(MessageLengthError, server.transport.write, b"x" * 65_508, remote.address)

    def test_where_nobody_listens(self) -> None:
        network, server, remote = self.network()
        remote.send(b"x", ("192.0.2.9", 9))
        self.assertTrue(remote.refused)
        server.transport.connect("192.0.2.9", 9)
        server.transport.write(b"x")
        network.run()
        self.assertEqual(server.notes, ["refused"])
        remote.send(b"from elsewhere", SERVER)
        self.assertEqual((remote.read(), server.notes), ([], ["refused"]))

    def test_a_reply_loop_is_found_and_ended(self) -> None:
        network, _, remote = self.network()
        network.listenUDP(7008, Shouts(), "192.0.2.3")
        remote.send(b"x", SERVER, sender=("192.0.2.3", 7008))
        error = self.assertRaises(AssertionError, network.run)
        self.assertIn("datagrams without end: after 10,000, ('192.0.2.", str(error))

    def test_addresses_are_taken_and_given_back(self) -> None:
        network, server, remote = self.network()
        self.assertNotEqual(network.remote().address, remote.address)
        self.assertRaises(CannotListenError, network.listenUDP, SERVER[1], Shouts(), SERVER[0])
        stopped = server.transport.stopListening()
        network.run()
        self.successResultOf(stopped)
        remote.send(b"x", SERVER)
        self.assertTrue(remote.refused)

    def test_a_port_on_all_addresses_answers_from_the_one_that_was_asked(self) -> None:
        for interface, host in ("", "192.0.2.7"), ("0.0.0.0", "192.0.2.8"), ("::", "2001:db8::7"):
            network = DatagramNetwork()
            network.listenUDP(7, Shouts(), interface)
            remote = network.remote("2001:db8::2" if ":" in host else "192.0.2.2")
            remote.send(b"x", (host, 7))
            self.assertEqual(remote.read(), [b"X"])
            self.assertEqual(remote.received, [(b"X", (host, 7))])
            client = Asks(b"x", (host, 7))
            network.listenUDP(0, client, "::" if ":" in host else "")
            network.run()
            self.assertEqual(client.notes, [(b"X", True)])

    def test_what_nobody_reads_is_bounded(self) -> None:
        _, server, remote = self.network()
        for _ in range(1_500):
            remote.send(b"x", SERVER)
        self.assertEqual(len(remote.read()), 1_000)
        self.assertEqual(len(server.notes), 1_500)
