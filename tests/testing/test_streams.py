"""The test kit finds what it is for: lost and unbounded bytes, misuse of a transport; what a peer can do."""

from typing import Any

import trustme
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory
from twisted.internet.ssl import ClientContextFactory, DefaultOpenSSLContextFactory
from twisted.internet.task import Clock
from twisted.protocols import wire
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from sockproto.protocols.echo import EchoFactory
from sockproto.testing import (
    HalfClose,
    ReadToEnd,
    Send,
    assert_bounded,
    assert_ended,
    assert_no_faults,
    assert_reads,
    connect,
    join,
    play,
    to_next_call,
)
from sockproto.testing.transports import PEER
from tests.testing.protocols import Deaf, Noting, Pushes, Raises, Speaks


class EchoLossTests(TestCase):
    def test_stock_echo_loses_what_is_unsent_at_the_half_close(self) -> None:
        remote = connect(wire.Echo())
        remote.send(b"x" * 1_000_000)
        remote.half_close()
        with self.assertRaises(AssertionError) as raised:
            assert_reads(remote, b"x" * 1_000_000)
        self.assertIn("b'' came", str(raised.exception))
        self.assertIn("(65,536 bytes, not 1,000,000)", str(raised.exception))

    def test_and_one_byte_if_the_end_comes_right_behind_it(self) -> None:
        script = [Send(b"hello"), HalfClose(), ReadToEnd()]
        self.assertEqual(play(lambda clock: wire.Echo(), script).read, b"")
        self.assertEqual(play(lambda clock: EchoFactory(clock=clock), script).read, b"hello")

    def test_it_buffers_without_end(self) -> None:
        remote = connect(wire.Echo())
        remote.send(b"x" * 10_000_000)
        error = self.assertRaises(AssertionError, assert_bounded, remote, 1 << 20)
        self.assertIn("held 9,934,464 bytes", str(error))
        self.assertIn("register a push producer", str(error))

    def test_ours_does_neither(self) -> None:
        remote = connect(EchoFactory(clock=Clock()))
        remote.send(b"x" * 10_000_000)
        assert_bounded(remote, 256 * 1024)
        self.assertGreater(remote.unsent, 9_000_000)
        remote.half_close()
        assert_reads(remote, b"x" * 10_000_000)
        assert_ended(remote)
        assert_no_faults(remote)


class FaultTests(TestCase):
    def test_what_a_transport_does_not_take_well(self) -> None:
        def late(protocol: Any) -> None:
            protocol.transport.loseWriteConnection()
            protocol.transport.write(b"late")

        def with_producer(protocol: Any) -> None:
            protocol.transport.registerProducer(Pushes([], Clock()), True)
            protocol.transport.loseConnection()

        def after(protocol: Any) -> None:
            transport = protocol.transport
            transport.connectionLost(Failure(ConnectionLost()))
            transport.write(b"x\x1b[2J")
            transport.resumeProducing()

        for wrong, expected in [
            (late, ["write: 4 bytes after loseWriteConnection: b'late'"]),
            (with_producer, ["loseConnection: a producer is still registered"]),
            (
                after,
                [
                    "write: 5 bytes after the connection was gone: b'x\\x1b[2J'",
                    "resumeProducing: the connection is gone",
                ],
            ),
        ]:
            remote = connect(Deaf())
            wrong(remote.protocol)
            self.assertEqual(remote.faults, expected)
            self.assertIn(expected[0], str(self.assertRaises(AssertionError, assert_no_faults, remote)))
            assert_no_faults(connect(Deaf()))

    def test_an_exception(self) -> None:
        remote = connect(Raises([], Clock()))
        remote.send(b"x")
        line = Raises.dataReceived.__code__.co_firstlineno + 1
        self.assertEqual(remote.faults[0], f"Raises raised ZeroDivisionError (protocols.py, line {line})")
        self.assertEqual((remote.lost, remote.ended), (True, "orderly"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class RemoteTests(TestCase):
    def test_a_reset_destroys_what_is_on_its_way(self) -> None:
        remote = connect(Noting([], Clock()))
        remote.send(b"x")
        remote.reset()
        self.assertEqual((remote.read(), remote.ended, remote.lost), (b"", "reset", True))
        self.assertTrue(remote.transport.reason and remote.transport.reason.check(ConnectionLost))

    def test_closing_with_something_unread_is_a_reset(self) -> None:
        for unread in True, False:
            remote = connect(notes := Noting([], Clock()))
            remote.send(b"x")
            if not unread:
                remote.read()
            remote.close()
            self.assertEqual(notes.notes[-1], "ConnectionLost" if unread else "ConnectionDone")

    def test_a_refusal(self) -> None:
        class Refuses(Factory):
            def buildProtocol(self, addr: Any) -> None:
                self.addr = addr

        remote = connect(factory := Refuses())
        self.assertEqual((remote.protocol, remote.ended), (None, "orderly"))
        self.assertEqual(factory.addr, PEER)

    def test_addresses(self) -> None:
        peer, host = IPv4Address("TCP", "192.0.2.7", 7), IPv4Address("TCP", "192.0.2.8", 8)
        transport = connect(Deaf(), peer=peer, host=host).transport
        self.assertEqual((transport.getPeer(), transport.getHost()), (peer, host))

    def test_lose_says_why(self) -> None:
        for error, kind in (None, ConnectionDone), (ConnectionAborted(), ConnectionAborted):
            remote = connect(notes := Noting([], Clock()))
            remote.lose(error)
            remote.lose()
            self.assertEqual(notes.notes, [kind.__name__])


class TLSTests(TestCase):
    def test_twisteds_own_runs_between_two_protocols(self) -> None:
        clock, notes, path = Clock(), list[str](), self.mktemp()
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
        client, server = ClientContextFactory(), DefaultOpenSSLContextFactory(path, path)
        speaks = Factory.forProtocol(lambda: Speaks(b"hello"))
        echoes = Factory.forProtocol(lambda: Noting(notes, clock))
        link = join(
            TLSMemoryBIOFactory(client, True, speaks, clock),
            TLSMemoryBIOFactory(server, False, echoes, clock),
        )
        link.run()
        while to_next_call(clock):
            link.run()
        self.assertEqual(notes, ["data hello"])
