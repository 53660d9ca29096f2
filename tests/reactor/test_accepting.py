"""Ports that accept by a loop of their own: a few in a turn, read at once, as Twisted's in all else."""

import contextlib
import errno
import gc
import os
import resource
import select
import socket
import struct
import tracemalloc
import weakref
from functools import partial
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.python import context, log
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase
from zope.interface import implementer

from sockproto.core.limits import Limits
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.echo import EchoFactory, EchoProtocol
from sockproto.protocols.welcome import WelcomeFactory
from sockproto.reactor.connections import TCPConnection
from sockproto.reactor.ports import ACCEPTS, flush_after_reads

LOOPBACK = "127.0.0.1"
TURNS = 50


@implementer(IHalfCloseableProtocol)
class Noting(Protocol):
    """Echoes, and notes what happens."""

    def __init__(self, notes: list[Any]) -> None:
        self.notes = notes

    def note(self, what: Any) -> None:
        self.notes.append((what, context.get(log.ILogContext)["system"]))

    def connectionMade(self) -> None:
        self.note("made")

    def dataReceived(self, data: bytes) -> None:
        self.note(data)
        self.transport.write(data)  # type: ignore[union-attr]

    def readConnectionLost(self) -> None:
        self.note("end")
        self.transport.loseConnection()  # type: ignore[union-attr]

    def writeConnectionLost(self) -> None:
        self.note("half")

    def connectionLost(self, reason: Any = None) -> None:
        self.note(reason.type)


class NotingFactory(Factory):
    def __init__(self) -> None:
        self.notes: list[Any] = []
        self.addresses: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        self.addresses.append(addr)
        return Noting(self.notes)


class AcceptingTests(TestCase):
    """Under a reactor of Twisted's."""

    def make_reactor(self) -> Any:
        from twisted.internet.selectreactor import SelectReactor

        return SelectReactor()

    def setUp(self) -> None:
        self.reactor = self.make_reactor()
        self.addCleanup(self.close)

    def close(self) -> None:
        for selectable in self.reactor.removeAll():
            selectable.connectionLost(Failure(ConnectionDone()))

    def listen(self, factory: Any, interface: str = LOOPBACK) -> Any:
        port = flush_after_reads(self.reactor.listenTCP(0, factory, interface=interface))
        self.assertIn("doRead", vars(port))
        return port

    def client(self, port: Any, host: str = LOOPBACK) -> socket.socket:
        client = socket.create_connection((host, port.getHost().port))
        self.addCleanup(client.close)
        client.setblocking(False)
        return client

    def turn(self) -> None:
        self.reactor.runUntilCurrent()
        self.reactor.doIteration(0.05)

    def read(self, client: socket.socket) -> bytes:
        """Take turns until something has come, or the end."""
        for _ in range(TURNS):
            self.turn()
            try:
                return client.recv(1 << 20)
            except BlockingIOError:
                pass
        raise AssertionError("nothing came")

    def test_what_came_with_a_connection_is_read_in_the_same_turn(self) -> None:
        factory = NotingFactory()
        port = self.listen(factory)
        client = self.client(port)
        client.send(b"hello")
        port.doRead()
        self.assertEqual(client.recv(100), b"hello")
        name = f"Noting,0,{LOOPBACK}"
        self.assertEqual([note for note, _ in factory.notes], ["made", b"hello"])
        self.assertEqual(factory.notes[1][1], name)
        client.close()
        while len(factory.notes) < 4:
            self.turn()
        self.assertEqual(factory.notes[2:], [("end", name), (ConnectionDone, name)])

    def test_an_end_that_came_with_a_connection(self) -> None:
        factory = NotingFactory()
        port = self.listen(factory)
        client = self.client(port)
        client.shutdown(socket.SHUT_WR)
        port.doRead()
        self.assertEqual([note for note, _ in factory.notes], ["made", "end", ConnectionDone])
        self.assertEqual(client.recv(100), b"")

    def test_a_few_in_a_turn_so_that_others_have_theirs(self) -> None:
        port = self.listen(EchoFactory(clock=self.reactor))
        before = self.client(port)
        before.send(b"x")
        self.assertEqual(self.read(before), b"x")
        crowd = [self.client(port) for _ in range(3 * ACCEPTS)]
        for client in crowd:
            client.send(b"y")
        accepted: list[int] = []
        while sum(accepted) < len(crowd):
            known = len(self.reactor.getReaders())
            before.send(b"x")
            self.turn()
            self.assertEqual(before.recv(2), b"x")  # in each of these turns
            accepted.append(len(self.reactor.getReaders()) - known)
        self.assertLessEqual(max(accepted), ACCEPTS)
        for client in crowd:
            self.assertEqual(client.recv(2), b"y")

    def test_a_welcome_and_the_first_answer_are_one_segment(self) -> None:
        class Greeting(Noting):
            def connectionMade(self) -> None:
                self.transport.write(b"welcome ")  # type: ignore[union-attr]

        port = self.listen(Factory.forProtocol(lambda: Greeting([])))
        client = self.client(port)
        client.send(b"hello")
        port.doRead()
        self.assertEqual(client.recv(100), b"welcome hello")

    def test_what_is_said_first_leaves_though_nothing_is_read(self) -> None:
        for factory in WelcomeFactory(clock=self.reactor), ChargenFactory(clock=self.reactor):
            self.assertTrue(self.read(self.client(self.listen(factory))))

    def test_a_protocol_that_does_not_read_is_not_read_for(self) -> None:
        class Pausing(Noting):
            def connectionMade(self) -> None:
                transport: Any = self.transport
                transport.pauseProducing()
                made.append(transport)

        made: list[Any] = []
        notes: list[Any] = []
        port = self.listen(Factory.forProtocol(lambda: Pausing(notes)))
        self.client(port).send(b"hello")
        for _ in range(3):
            self.turn()
        self.assertEqual(notes, [])
        made[0].connectionLost(Failure(ConnectionDone()))

    def test_a_factory_may_refuse(self) -> None:
        class Refusing(NotingFactory):
            def buildProtocol(self, addr: Any) -> Any:
                return None

        self.assertEqual(self.read(self.client(self.listen(Refusing()))), b"")

    def test_a_factory_may_fail_and_others_are_served(self) -> None:
        class Failing(NotingFactory):
            def buildProtocol(self, addr: Any) -> Any:
                super().buildProtocol(addr)
                if len(self.addresses) == 1:
                    raise ZeroDivisionError
                return Noting(self.notes)

        port = self.listen(Failing())
        self.client(port)
        second = self.client(port)
        second.send(b"x")
        self.assertEqual(self.read(second), b"x")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_error_in_the_first_read_ends_the_connection(self) -> None:
        class Failing(Noting):
            def dataReceived(self, data: bytes) -> None:
                raise ZeroDivisionError

        notes: list[Any] = []
        client = self.client(self.listen(Factory.forProtocol(lambda: Failing(notes))))
        client.send(b"x")
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(self.read(client), b"")
        self.assertEqual(notes[-1][0], ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_addresses_of_both_ends(self) -> None:
        for interface, host in [(LOOPBACK, LOOPBACK), ("", "127.0.0.2"), ("::1", "::1"), ("::", "::1")]:
            factory = NotingFactory()
            port = self.listen(factory, interface)
            client = self.client(port, host)
            client.send(b"x")
            self.assertEqual(self.read(client), b"x")
            [transport] = [each for each in self.reactor.getReaders() if isinstance(each, TCPConnection)]
            kind = IPv6Address if ":" in host else IPv4Address
            self.assertEqual(transport.getHost(), kind("TCP", *client.getpeername()))
            self.assertEqual(transport.getPeer(), kind("TCP", *client.getsockname()))
            self.assertEqual(factory.addresses, [transport.getPeer()])
            self.assertEqual(transport.hostname, host if host != "127.0.0.2" else LOOPBACK)
            self.assertIn("Noting", repr(transport))
            self.assertTrue(transport.getTcpNoDelay())
            client.close()
            for _ in range(3):
                self.turn()

    def test_who_overrides_buildprotocol_is_given_the_address(self) -> None:
        addresses: list[Any] = []

        class Own(EchoFactory):
            def buildProtocol(self, addr: Any) -> Any:
                addresses.append(addr)
                return super().buildProtocol(addr)

        client = self.client(self.listen(Own(clock=self.reactor)))
        client.send(b"x")
        self.assertEqual(self.read(client), b"x")
        self.assertEqual(addresses, [IPv4Address("TCP", *client.getsockname())])

    def test_who_overrides_what_everybody_may_is_told(self) -> None:
        class Shouting(EchoProtocol):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data.upper())

        class Initialized(EchoProtocol):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.dataReceived = self.shout  # type: ignore[method-assign]

            def shout(self, data: bytes) -> None:
                super().dataReceived(data.upper())

        for kind in Shouting, Initialized:
            factory = EchoFactory(clock=self.reactor)
            factory.protocol = kind
            client = self.client(self.listen(factory))
            client.send(b"hello")
            self.assertEqual(self.read(client), b"HELLO", kind)

    def test_out_of_descriptors_as_twisted(self) -> None:
        port = self.listen(EchoFactory(clock=self.reactor))
        clients = [self.client(port) for _ in range(2)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            port.doRead()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        served = self.client(port)
        served.send(b"x")
        self.assertEqual(self.read(served), b"x")
        del clients

    def test_limits_count_who_came_this_way(self) -> None:
        factory = EchoFactory(limits=Limits(max_connections_per_peer=1), clock=self.reactor)
        port = self.listen(factory)
        first, second = self.client(port), self.client(port)
        self.assertEqual(self.read(second), b"")
        first.close()
        while factory.statistics.open:
            self.turn()
        third = self.client(port)
        third.send(b"x")
        self.assertEqual(self.read(third), b"x")

    def test_a_welcome_leaves_though_the_peer_has_ended_its_half(self) -> None:
        class Lasting(Noting):
            def connectionMade(self) -> None:
                self.transport.write(b"welcome")  # type: ignore[union-attr]

            def readConnectionLost(self) -> None:
                made.append(self.transport)

        made: list[Any] = []
        client = self.client(port := self.listen(Factory.forProtocol(lambda: Lasting([]))))
        client.shutdown(socket.SHUT_WR)
        port.doRead()
        self.assertEqual(client.recv(100), b"welcome")
        made[0].loseConnection()
        self.assertEqual(self.read(client), b"")

    def test_what_was_said_before_an_error_leaves(self) -> None:
        class Failing(Noting):
            def connectionMade(self) -> None:
                transport: Any = self.transport
                transport.write(b"bye")
                transport.loseConnection()
                raise ZeroDivisionError

        client = self.client(self.listen(Factory.forProtocol(lambda: Failing([]))))
        self.assertEqual((self.read(client), self.read(client)), (b"bye", b""))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_one_that_can_not_be_told_to_send_at_once_is_served(self) -> None:
        def refuse(*_: Any) -> None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as on macOS, once the peer has reset

        for name in "setTcpNoDelay", "getTcpNoDelay":
            self.patch(TCPConnection, name, refuse)
            factory = NotingFactory()
            port = self.listen(factory)
            for said in b"x", b"y":
                client = self.client(port)
                client.send(said)
                self.assertEqual(self.read(client), said)
            self.assertEqual([note for note, _ in factory.notes], ["made", b"x", "made", b"y"])

    def test_a_port_that_listens_again(self) -> None:
        factory = NotingFactory()
        port = self.listen(factory)
        stopped = port.stopListening()
        self.turn()
        self.successResultOf(stopped)
        port.startListening()
        client = self.client(port)
        client.send(b"x")
        self.assertEqual(self.read(client), b"x")
        [transport] = [each for each in self.reactor.getReaders() if isinstance(each, TCPConnection)]
        self.assertEqual(transport.getHost(), port.getHost())
        self.assertTrue(transport.getTcpNoDelay())

    def test_what_is_no_socket_of_tcp_is_left_to_twisted(self) -> None:
        path = self.mktemp()[-60:].replace("/", "-")
        self.addCleanup(os.unlink, path)
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path)
            unix.listen()
            unix.setblocking(False)
            port = self.reactor.adoptStreamPort(unix.fileno(), socket.AF_INET, NotingFactory())
        self.assertNotIn("doRead", vars(flush_after_reads(port)))

    def test_a_factory_that_is_changed_or_hooked(self) -> None:
        port = self.listen(NotingFactory())
        addresses: list[Any] = []
        hooked = EchoFactory(clock=self.reactor)
        build = hooked.buildProtocol

        def note(addr: Any) -> Any:
            addresses.append(addr)
            return build(addr)

        hooked.buildProtocol = note  # type: ignore[method-assign]
        port.factory = hooked
        client = self.client(port)
        client.send(b"x")
        self.assertEqual(self.read(client), b"x")
        self.assertEqual(addresses, [IPv4Address("TCP", *client.getsockname())])

    def test_a_factory_that_is_changed_while_connections_are_accepted(self) -> None:
        class Changing(NotingFactory):
            def buildProtocol(self, addr: Any) -> Any:
                port.factory = EchoFactory(clock=reactor)
                return super().buildProtocol(addr)

        reactor, factory = self.reactor, Changing()
        port = self.listen(factory)
        clients = [self.client(port) for _ in range(3)]
        for client in clients:
            client.send(b"x")
        port.doRead()
        self.assertEqual(len(factory.addresses), 1)
        for client in clients:
            self.assertEqual(client.recv(2), b"x")

    def test_a_factory_that_fails_when_it_is_asked_does_not_end_the_port(self) -> None:
        class Failing(EchoFactory):
            @property
            def ignores_address(self) -> bool:  # type: ignore[override]
                raise ZeroDivisionError

        port = self.listen(Failing(clock=self.reactor))
        for _ in range(2):
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(self.read(self.client(port)), b"")
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_error_when_the_first_read_loses_it_is_the_connections(self) -> None:
        class Failing(Noting):
            def connectionLost(self, reason: Any = None) -> None:
                raise ZeroDivisionError

        systems: list[Any] = []
        port = self.listen(Factory.forProtocol(lambda: Failing([])))
        client = self.client(port)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # by a reset
        log.addObserver(note := lambda event: systems.append(event["system"]))
        self.addCleanup(log.removeObserver, note)
        around = context.get(log.ILogContext)
        port.doRead()
        self.assertEqual(systems, [f"Failing,0,{LOOPBACK}"])
        self.assertIs(context.get(log.ILogContext), around)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_the_first_read_sees_what_is_around(self) -> None:
        class Seeing(Noting):
            def note(self, what: Any) -> None:
                seen.append(context.get(log.ILogContext))

        seen: list[Any] = []
        port = self.listen(Factory.forProtocol(lambda: Seeing([])))
        self.client(port).send(b"x")
        context.call({log.ILogContext: {"system": "-", "own": 1}}, port.doRead)
        self.assertEqual(seen, [{"system": name, "own": 1} for name in ("-", f"Seeing,0,{LOOPBACK}")])

    def test_a_prefix_that_cannot_be_told(self) -> None:
        class Failing(Noting):
            def logPrefix(self) -> str:
                raise ZeroDivisionError

        notes: list[Any] = []
        client = self.client(self.listen(Factory.forProtocol(lambda: Failing(notes))))
        client.send(b"x")
        self.assertEqual(self.read(client), b"x")
        self.assertEqual(notes[1], (b"x", f"Failing,0,{LOOPBACK}"))

    def test_as_many_are_accepted_as_came_before(self) -> None:
        port = self.listen(NotingFactory())
        clients = [self.client(port)]
        accepted = []
        for more in 0, 4, 0:
            clients += [self.client(port) for _ in range(more)]
            known = len(self.reactor.getReaders())
            port.doRead()
            accepted.append(len(self.reactor.getReaders()) - known)
        self.assertEqual(accepted, [1, 1, 3])

    def test_behind_one_that_said_nothing_none_is_read_at_once(self) -> None:
        factory = NotingFactory()
        port = self.listen(factory)
        clients = [self.client(port) for _ in range(3)]
        clients[0].send(b"x")
        clients[2].send(b"y")
        port.doRead()
        self.assertEqual([note for note, _ in factory.notes], ["made", b"x", "made", "made"])
        self.assertEqual(self.read(clients[2]), b"y")

    def test_what_is_said_first_cannot_be_sent(self) -> None:
        class Failing(Noting):
            def connectionMade(self) -> None:
                transport: Any = self.transport
                transport.write(b"welcome")
                transport.socket.shutdown(socket.SHUT_RDWR)

        class HalfClosing(Failing):
            def connectionMade(self) -> None:
                super().connectionMade()
                self.transport.loseWriteConnection()  # type: ignore[union-attr]

        for kind in Failing, HalfClosing:
            notes: list[Any] = []
            port = self.listen(Factory.forProtocol(partial(kind, notes)))
            self.client(port)
            port.doRead()
            self.assertEqual(notes, [(ConnectionLost, f"{kind.__name__},0,{LOOPBACK}")])

    def test_who_has_reset_is_lost_however_long_the_welcome(self) -> None:
        class Welcoming(Noting):
            size = 0

            def connectionMade(self) -> None:
                self.transport.write(b"w" * self.size)  # type: ignore[union-attr]

        for Welcoming.size in 10, 100_000, 3_000_000:
            notes: list[Any] = []
            port = self.listen(Factory.forProtocol(partial(Welcoming, notes)))
            client = self.client(port)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            self.turn()
            self.turn()
            self.assertEqual([note for note, _ in notes], [ConnectionLost])

    def test_no_more_is_kept_for_who_has_reset(self) -> None:
        class Writing(Noting):
            def connectionMade(self) -> None:
                tracemalloc.start()
                try:
                    for _ in range(100):
                        self.transport.write(bytes(70_000))  # type: ignore[union-attr]  # it is connected
                    held.append(tracemalloc.get_traced_memory()[0])
                finally:
                    tracemalloc.stop()

        held: list[int] = []
        notes: list[Any] = []
        port = self.listen(Factory.forProtocol(partial(Writing, notes)))
        client = self.client(port)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.turn()
        self.assertLess(held[0], 2 * 70_000)
        self.assertEqual([note for note, _ in notes], [ConnectionLost])

    def test_the_scope_of_an_address_has_a_name(self) -> None:
        class Scoped:
            def __init__(self, listening: Any) -> None:
                self._listening = listening

            def __getattr__(self, name: str) -> Any:
                return getattr(self._listening, name)

            def _accept(self) -> Any:
                number, client = self._listening._accept()
                return number, ("fe80::1", client[1], 0, 1)

        factory = NotingFactory()
        port = self.listen(factory, "::1")
        self.client(port, "::1")
        port.socket = Scoped(port.socket)
        port.doRead()
        [address] = factory.addresses
        self.assertEqual(address.host, f"fe80::1%{socket.if_indextoname(1)}")

    def test_no_timer_keeps_one_that_has_ended(self) -> None:
        port = self.listen(factory := EchoFactory(clock=self.reactor))
        stays, leaves = self.client(port), self.client(port)
        for client in stays, leaves:
            client.send(b"x")
            self.assertEqual(self.read(client), b"x")
        kept = [weakref.ref(connection) for connection in factory.registry.connections]
        leaves.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read(leaves), b"")
        gc.collect()
        self.assertEqual([connection() is None for connection in kept], [False, True])

    def test_functions_as_hooks(self) -> None:
        came: list[bytes] = []

        class Hooked(EchoFactory):
            def buildProtocol(self, addr: Any) -> Any:
                protocol = super().buildProtocol(addr)
                protocol.dataReceived = came.append  # type: ignore[method-assign,assignment]
                return protocol

        client = self.client(self.listen(Hooked(clock=self.reactor)))
        client.send(b"x")
        while not came:
            self.turn()
        self.assertEqual(came, [b"x"])

    def test_who_overrides_connectionlost_is_told(self) -> None:
        told: list[Any] = []

        class Told(EchoProtocol):
            def connectionLost(self, reason: Any = None) -> None:
                told.append(reason.type)
                super().connectionLost(reason)

        class Hooked(EchoFactory):
            def buildProtocol(self, addr: Any) -> Any:
                protocol = super().buildProtocol(addr)
                lost = protocol.connectionLost

                def note(reason: Any) -> None:
                    told.append(reason.type)
                    lost(reason)

                protocol.connectionLost = note  # type: ignore[method-assign,assignment]
                return protocol

        overriding = EchoFactory(clock=self.reactor)
        overriding.protocol = Told
        for factory in overriding, Hooked(clock=self.reactor):
            client = self.client(self.listen(factory))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.read(client), b"")
            self.assertEqual(factory.statistics.open, 0)
        self.assertEqual(told, [ConnectionDone] * 2)

    def test_a_process_that_holds_a_connection_does_not_keep_it_open(self) -> None:
        factory = EchoFactory(clock=self.reactor)
        client = self.client(self.listen(factory))
        client.send(b"x")
        self.assertEqual(self.read(client), b"x")
        [transport] = [each for each in self.reactor.getReaders() if isinstance(each, TCPConnection)]
        held = transport.socket.dup()  # as one that is given to a child
        self.addCleanup(held.close)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read(client), b"")
        self.assertEqual(factory.statistics.open, 0)
        turns = 0
        began = self.reactor.seconds()
        while self.reactor.seconds() < began + 0.2:
            self.turn()
            turns += 1
        self.assertLess(turns, 20)  # its events are nobody's, and no longer come


class LeanAcceptingTests(AcceptingTests):
    """Under ours."""

    def make_reactor(self) -> Any:
        if not hasattr(select, "epoll"):
            raise SkipTest("there is no epoll")
        from sockproto.reactor.epoll import LeanEPollReactor

        return LeanEPollReactor()

    def test_a_descriptor_that_is_closed_can_be_another_connections(self) -> None:
        port = self.listen(EchoFactory(clock=self.reactor))
        for _ in range(5):
            client = self.client(port)
            client.send(b"x")
            self.assertEqual(self.read(client), b"x")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.read(client), b"")
            client.close()
        self.assertEqual([each for each in self.reactor.getReaders() if isinstance(each, TCPConnection)], [])
