"""The datagram carrier: each datagram on its own."""

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto.carriers.datagram import MAX_REPLY_BYTES, TOO_LONG, ConversationDatagramProtocol
from sockproto.core.actions import ABORT, CLOSE, Sleep, Wait
from sockproto.core.conversation import Conversation, Peer
from sockproto.core.limits import MAX_WAITING, MAX_WAITING_BYTES

PEER = ("127.0.0.1", 5000)


class Scripted(Conversation):
    def __init__(self, script: Callable[[bytes], Any], speaks_text: bool = False) -> None:
        self.script = script
        self.speaks_text = speaks_text

    def received(self, message: bytes) -> Any:
        return self.script(message)


class ScriptedDatagramProtocol(ConversationDatagramProtocol):
    conversation = Scripted


class DatagramTests(TestCase):
    def listen(self, received: Callable[[bytes], Any], **kwargs: Any) -> ConversationDatagramProtocol:
        self.clock = Clock()
        self.transport = FakeDatagramTransport()
        self.port = ScriptedDatagramProtocol(received, clock=self.clock, **kwargs)
        self.port.makeConnection(self.transport)
        return self.port

    @property
    def replies(self) -> list[bytes]:
        replies = [reply for reply, _ in self.transport.written]
        self.transport.written.clear()
        return replies

    def receive(self, *datagrams: bytes, addr: Any = PEER) -> None:
        for datagram in datagrams:
            self.port.datagramReceived(datagram, addr)

    def test_what_actions_become(self) -> None:
        def gives(*actions: Any) -> Callable[[bytes], Any]:
            return lambda message: (yield from actions)

        for received, replies in [
            (lambda message: message, [b"x"]),
            (lambda message: None, []),
            (lambda message: b"", [b""]),
            (lambda message: CLOSE, []),
            (gives(b"a", b"b"), [b"ab"]),
            (gives(b"a", CLOSE, b"b"), [b"a"]),
            (gives(b"a", ABORT, b"b"), []),
            (gives(b""), [b""]),
            (gives(), []),
            (gives(b"a", Sleep(0), b"b"), [b"ab"]),
        ]:
            self.listen(received)
            self.receive(b"x")
            self.assertEqual(self.replies, replies)

    def test_answers_go_where_the_datagram_came_from(self) -> None:
        self.listen(lambda message: message)
        self.receive(b"x", addr=("127.0.0.1", 5001))
        self.assertEqual(self.transport.written, [(b"x", ("127.0.0.1", 5001))])

    def test_waiting_answers_may_overtake_each_other(self) -> None:
        waiting: dict[bytes, Deferred[bytes]] = {b"1": Deferred(), b"2": Deferred()}

        def received(message: bytes) -> Any:
            yield b"<"
            yield (yield Wait(waiting[message]))
            yield Sleep(1)
            yield b">"

        self.listen(received)
        self.receive(b"1", b"2")
        waiting[b"2"].callback(b"two")
        self.clock.advance(1)
        waiting[b"1"].callback(b"one")
        self.clock.advance(1)
        self.assertEqual(self.replies, [b"<two>", b"<one>"])

    def test_too_many_that_wait_are_dropped_and_counted(self) -> None:
        self.listen(lambda message: (yield from (Sleep(1), message)))
        self.receive(*[b"x"] * (MAX_WAITING + 3))
        self.assertEqual(self.port.statistics.dropped, {"busy": 3})
        self.clock.advance(1)
        self.assertEqual(len(self.replies), MAX_WAITING)
        self.receive(b"x")
        self.clock.advance(1)
        self.assertEqual(self.replies, [b"x"])

    def test_too_many_bytes_that_wait_are_dropped_and_counted(self) -> None:
        self.listen(lambda message: (yield from (Sleep(1), b"x")))
        self.receive(*[b"x" * 65_507] * 200)
        self.assertEqual(self.port.statistics.dropped, {"busy": 200 - 8 * 1024 * 1024 // 65_507})
        self.clock.advance(1)
        self.assertEqual(len(self.replies), 8 * 1024 * 1024 // 65_507)

    def test_oversize_is_dropped_and_counted(self) -> None:
        def endless(message: bytes) -> Any:
            while True:
                yield b"x" * 1000

        for received in lambda message: b"x" * (MAX_REPLY_BYTES + 1), endless:
            self.listen(received)
            self.receive(b"x")
            self.assertEqual((self.replies, self.port.statistics.dropped), ([], {"oversize": 1}))

    def test_many_pieces_make_one_reply_but_not_without_end(self) -> None:
        def received(message: bytes) -> Any:
            for _ in range(100_000 if message == b"empty" else 10_000):
                yield b"" if message == b"empty" else b"x"

        self.listen(received, speaks_text=True)
        self.receive(b"x" * 3_000, b"empty")
        self.assertEqual(self.replies, [b"x" * 10_000, TOO_LONG])
        self.assertEqual(self.port.statistics.dropped, {"oversize": 1})

    def test_waits_that_take_no_time_give_others_a_turn(self) -> None:
        steps: list[None] = []

        def received(wait: Callable[[], Sleep | Wait], message: bytes) -> Any:
            for _ in range(1_000 if message == b"long" else 0):
                with contextlib.suppress(ZeroDivisionError):
                    yield wait()
                steps.append(None)
            yield message

        waits: list[Callable[[], Sleep | Wait]] = [
            lambda: Sleep(0),
            lambda: Wait(succeed(None)),
            lambda: Wait(fail(ZeroDivisionError())),
        ]
        for wait in waits:
            steps.clear()
            self.listen(partial(received, wait))
            self.receive(b"long", b"short")
            self.assertEqual(self.replies, [b"short"])
            self.assertLess(len(steps), 1_000)
            self.clock.advance(0)
            self.assertEqual((self.replies, len(steps)), ([b"long"], 1_000))

    def test_who_waits_for_a_turn_takes_room_and_can_be_stopped(self) -> None:
        def received(message: bytes) -> Any:
            for _ in range(1_000):
                yield Sleep(0)

        self.listen(received)
        self.receive(*[b"x"] * (MAX_WAITING + 3))
        self.assertEqual(self.port.statistics.dropped, {"busy": 3})
        self.assertEqual((self.port.abort(), self.clock.getDelayedCalls()), (MAX_WAITING, []))

    def test_what_the_system_refuses_stops_nothing(self) -> None:
        errors: list[Exception] = [OSError(22, "Invalid argument"), BlockingIOError(), MessageLengthError()]

        def write(datagram: bytes, addr: Any) -> None:
            raise errors.pop()

        self.listen(lambda message: message)
        self.patch(self.transport, "write", write)
        self.receive(b"1", b"2", b"3")
        self.receive(b"4", addr=None)
        counted = self.port.statistics
        self.assertEqual((counted.messages_in, counted.messages_out), (4, 0))
        self.assertEqual(counted.dropped, {"unsendable": 3, "no address": 1})

    def test_a_bug_ends_one_answer_only(self) -> None:
        def received(message: bytes) -> Any:
            yield b"part"
            if message == b"bug":
                raise ZeroDivisionError
            if message == b"late":
                yield Sleep(1)
                raise ZeroDivisionError

        for speaks_text, error in [(True, [b"error: internal error\n"]), (False, [])]:
            self.listen(received, speaks_text=speaks_text)
            self.receive(b"bug", b"late", b"fine")
            self.assertEqual(self.replies, [*error, b"part"])
            self.clock.advance(1)
            self.assertEqual(self.replies, error)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
            self.assertEqual(self.port.statistics.dropped, {"error": 2})

    def test_a_bug_at_the_end_of_an_answer_stops_nothing(self) -> None:
        def received(message: bytes) -> Any:
            try:
                yield b"answer"
                if message == b"close":
                    yield CLOSE
                yield Sleep(60)
            finally:
                raise ZeroDivisionError

        port = self.listen(received, speaks_text=True)
        self.receive(b"close", b"x", b"y")
        self.assertEqual(self.replies, [b"answer"])
        drained = port.drain()
        self.assertEqual(port.abort(), 2)
        self.successResultOf(drained)
        self.assertEqual((self.replies, self.clock.getDelayedCalls()), ([], []))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)

    def test_a_bug_in_is_reply_is_caught_too(self) -> None:
        self.patch(Scripted, "is_reply", lambda self, datagram: datagram[0] == 0)
        self.listen(lambda message: message)
        self.receive(b"", b"x")
        self.assertEqual(self.replies, [b"x"])
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)

    def test_a_method_lent_by_another_conversation_is_its_own(self) -> None:
        lender = Scripted(lambda message: b"lent")
        borrower = Scripted(lambda message: b"own")
        self.patch(borrower, "datagram", lender.datagram)
        self.patch(ScriptedDatagramProtocol, "conversation", staticmethod(lambda script: borrower))
        self.listen(lambda message: b"own")
        self.receive(b"x")
        self.assertEqual(self.replies, [b"lent"])

    def test_an_address_with_names_is_an_address(self) -> None:
        self.listen(lambda message: message)
        self.receive(b"x", addr=Peer("192.0.2.1", 19))
        self.assertEqual((self.replies, self.port.statistics.dropped), ([], {"low port": 1}))

    def test_one_answer_that_ends_lets_another_go_on(self) -> None:
        waiting: Deferred[None] = Deferred()

        def received(message: bytes) -> Any:
            try:
                yield Wait(waiting) if message == b"second" else Sleep(60)
                yield b"done"
            finally:
                if message == b"first":
                    waiting.callback(None)

        port = self.listen(received)
        self.receive(b"first", b"second")
        port.abort()
        self.assertEqual((port.abort(), self.clock.getDelayedCalls()), (0, []))
        # As many bytes as may wait can wait again, and not one more.
        count, rest = divmod(MAX_WAITING_BYTES, 65_507)
        self.receive(*[b"x" * 65_507] * count, b"x" * rest)
        self.assertEqual(port.statistics.dropped, {})
        self.receive(b"x")
        self.assertEqual((port.statistics.dropped, port.abort()), ({"busy": 1}, count + 1))

    def test_a_drain_that_is_asked_for_twice(self) -> None:
        port = self.listen(lambda message: (yield from (Sleep(1), message)))
        self.receive(b"x")
        drains = [port.drain(), port.drain()]
        self.receive(b"late")
        for drained in drains:
            self.assertNoResult(drained)
        self.clock.advance(1)
        for drained in *drains, port.drain():
            self.successResultOf(drained)
        self.receive(b"late")
        self.assertEqual((self.replies, port.statistics.dropped), ([b"x"], {"draining": 2}))

    def test_one_that_ends_the_process_lets_the_others_be_cancelled(self) -> None:
        waiting: list[Deferred[None]] = []

        def received(message: bytes) -> Any:
            waiting.append(Deferred())
            try:
                yield Wait(waiting[-1])
            finally:
                raise SystemExit

        port = self.listen(received)
        self.receive(b"x", b"y", b"z")
        drained = port.drain()
        self.assertEqual(port.abort(), 3)
        self.assertEqual((waiting[0].called, waiting[1].called, waiting[2].called), (True,) * 3)
        self.successResultOf(drained)
        self.assertEqual(len(self.flushLoggedErrors(SystemExit)), 3)

    def test_stopping_cancels_what_waits(self) -> None:
        notes = []

        def received(message: bytes) -> Any:
            try:
                yield Sleep(1)
                notes.append("went on")
            finally:
                notes.append("finally")

        port = self.listen(received)
        self.receive(b"x", b"y")
        DatagramProtocol.doStop(port)
        self.assertEqual((notes, self.clock.getDelayedCalls()), (["finally"] * 2, []))
