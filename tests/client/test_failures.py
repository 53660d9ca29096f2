"""Calls of the clients that fail, in memory: connecting, waiting, handshakes, ends."""

from twisted.internet.error import (
    ConnectError,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    TimeoutError as ConnectTimeout,
)

from sockproto.client import command, echo, greet
from sockproto.errors import (
    CallFailed,
    CutShort,
    EmptyReply,
    NameNotFound,
    Refused,
    Reset,
    TimedOut,
    TLSFailed,
    Unreachable,
)
from tests.client.calling import ClientTestCase
from tests.endpoints import Endpoint, TLSTransport


class FailureTests(ClientTestCase):
    def test_connecting_fails(self) -> None:
        for error, kind, status in [
            (DNSLookupError(), NameNotFound, 6),
            (ConnectionRefusedError(111, "x"), Refused, 7),
            (NoRouteError(101, "x"), Unreachable, 7),
            (ConnectError(2, "x"), Unreachable, 7),
            (OSError(2, "x"), Unreachable, 7),
            (ConnectTimeout(), TimedOut, 28),
            (TCPTimedOutError(), TimedOut, 28),
        ]:
            call = self.call(greet, [], to=Endpoint(error=error))
            failure = self.failureResultOf(call, kind).value
            self.assertEqual((failure.status, failure.phase), (status, "name" if status == 6 else "connect"))
            self.assertIn("Endpoint: ", str(failure))

    def test_a_link_local_address_of_no_link(self) -> None:
        for server in "[fe80::1%nonesuch]:9", "udp:[fe80::1%nonesuch]:9", "[fe80::1]:9", "udp:[fe80::1]:9":
            failure = self.failureResultOf(greet(server, [], reactor=self.clock), Unreachable).value
            self.assertEqual((failure.status, failure.phase, failure.address), (7, "connect", server))
            self.assertIn("network interface", failure.reason)

    def test_connecting_takes_too_long(self) -> None:
        call = self.call(greet, [], to=Endpoint(late=True), connect_seconds=3)
        self.clock.advance(2.9)
        self.assertNoResult(call)
        self.clock.advance(0.2)
        failure = self.failureResultOf(call, TimedOut).value
        self.assertEqual((failure.phase, round(failure.seconds)), ("connect", 3))

    def test_a_full_backlog_is_tried_again_until_the_time_is_over(self) -> None:
        endpoint = Endpoint(error=ConnectError())
        call = self.call(greet, [], to=endpoint, connect_seconds=3)
        self.clock.pump([0.1] * 29)
        self.assertNoResult(call)
        self.clock.pump([0.1] * 2)
        self.failureResultOf(call, TimedOut)
        call = self.call(greet, [], to=endpoint, connect_seconds=3)
        self.clock.pump([0.1] * 5)
        endpoint.error = None
        self.clock.advance(0.1)
        self.say(b"Welcome!")
        self.end()
        self.successResultOf(call)

    def test_each_reply_has_its_time(self) -> None:
        call = self.call(greet, ["a", "b"], reply_seconds=3)
        self.clock.advance(2.9)
        self.say(b"Welcome!")
        self.clock.advance(2.9)
        self.say(b"Hello, a!")
        self.clock.advance(2.9)
        self.assertNoResult(call)
        self.clock.advance(0.2)
        failure = self.failureResultOf(call, TimedOut).value
        self.assertEqual((failure.phase, failure.status), ("reply", 28))
        self.assertTrue(self.endpoint.remote.transport.aborted)

    def test_bytes_that_are_no_reply_don_t_prolong_it(self) -> None:
        call = self.call(command, ["/version"], reply_seconds=3)
        for _ in range(4):
            self.say(b"x")
            self.clock.advance(1)
        self.failureResultOf(call, TimedOut)

    def test_the_progress_of_an_echo_prolongs_it(self) -> None:
        call = self.call(echo, b"xxxx", reply_seconds=3)
        for _ in range(4):
            self.clock.advance(2)
            self.say(b"x")
        self.end()
        self.successResultOf(call)

    def test_without_limits_of_time(self) -> None:
        call = self.call(greet, [], reply_seconds=0, connect_seconds=0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.endpoint.remote.lose()
        self.failureResultOf(call, EmptyReply)

    def test_a_server_that_reads_nothing(self) -> None:
        call = self.call(command, ["x" * 1_000] * 400, reply_seconds=3)
        for _ in range(8):
            self.clock.advance(0.5)
            self.endpoint.run()
        failure = self.failureResultOf(call, TimedOut).value
        self.assertIn("has read nothing for 3 seconds", str(failure))

    def test_over_tls_what_is_not_read_is_not_done(self) -> None:
        call = self.call(command, ["x"], to=Endpoint(TLSTransport), reply_seconds=3)
        call_endpoint = self.endpoint
        self.endpoint.protocol.handshakeCompleted()
        self.clock.pump([0.1] * 10)
        self.assertNoResult(call)
        stalled = self.call(command, ["x"], to=Endpoint(TLSTransport), reply_seconds=3)
        endpoint, self.endpoint = self.endpoint, call_endpoint
        endpoint.protocol.handshakeCompleted()
        self.say()
        self.clock.pump([0.1] * 6)
        self.endpoint.remote.read()
        self.assertEqual(self.successResultOf(call).replies, (None,))
        self.clock.pump([0.1] * 31)
        self.failureResultOf(stalled, TimedOut)

    def test_how_a_connection_ends(self) -> None:
        for said, lost, kind, status in [
            ([], None, EmptyReply, 52),
            ([b"Welcome!"], None, CutShort, 18),
            ([b"Welcome!", b"Hello"], ConnectionLost(), Reset, 56),
        ]:
            call = self.call(greet, ["a"])
            self.say(*said)
            if lost is None:
                self.end()
            else:
                self.endpoint.remote.lose(lost)
            failure = self.failureResultOf(call, kind).value
            self.assertEqual((failure.status, failure.phase), (status, "reply"))
            self.assertIsInstance(failure, CallFailed)

    def test_a_handshake_that_ends(self) -> None:
        call = self.call(greet, [], to=Endpoint(TLSTransport))
        self.endpoint.remote.lose(ConnectionLost())
        failure = self.failureResultOf(call, TLSFailed).value
        self.assertEqual((failure.phase, failure.status), ("handshake", 35))

    def test_a_handshake_that_takes_too_long(self) -> None:
        call = self.call(greet, [], to=Endpoint(TLSTransport), connect_seconds=3)
        self.clock.advance(3)
        self.assertEqual(self.failureResultOf(call, TimedOut).value.phase, "handshake")
