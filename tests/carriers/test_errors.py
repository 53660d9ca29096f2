"""What is wrong: messages too long, errors of the conversation and of the framing."""

import asyncio
import contextlib
from typing import Any

from twisted.internet.defer import Deferred, fail

from sockproto.core.actions import ABORT, CLOSE, HALF_CLOSE, Sleep, Until, Wait
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.errors import ActionError
from sockproto.testing import Transport
from tests.carriers.scripted import CarrierTestCase


class TooLongTests(CarrierTestCase):
    def test_earlier_messages_are_answered_then_an_error_line(self) -> None:
        for chunks in [b"a\nb\n" + b"x" * 11], [bytes([byte]) for byte in b"a\nb\n" + b"x" * 11]:
            remote = self.connect(limits=Limits(max_message_bytes=10))
            for chunk in chunks:
                self.receive(chunk)
            self.assertEqual(remote.read(), b"<a>\n<b>\nerror: message longer than 10 bytes\n")
            remote.half_close()
            self.assertEqual(self.notes, [CloseReason.TOO_LONG])

    def test_behind_a_pending_action(self) -> None:
        remote = self.connect(
            limits=Limits(max_message_bytes=10),
            received=lambda message: (yield from (Sleep(1), b"<%b>" % message)),
        )
        self.receive(b"a\n" + b"x" * 11)
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"<a>\nerror: message longer than 10 bytes\n")
        remote.half_close()


class ErrorTests(CarrierTestCase):
    def test_what_was_yielded_is_sent_then_an_error_line_then_the_close(self) -> None:
        def received(message: bytes) -> Any:
            yield b"before"
            raise ZeroDivisionError

        for speaks_text, wire in [(True, b"before\nerror: internal error\n"), (False, b"before\n")]:
            remote = self.connect(received=received, speaks_text=speaks_text)
            self.receive(b"x\ny\n")
            self.assertEqual(remote.read(), wire)
            remote.half_close()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
            [failure] = self.flushLoggedErrors(ZeroDivisionError)
            self.assertIn("ZeroDivisionError", failure.getTraceback())

    def test_what_the_framing_or_the_transport_raises(self) -> None:
        class Broken(Lines):
            def encode(self, *messages: bytes) -> Any:
                return "text"

        remote = self.connect(Broken)
        self.receive(b"x\n")
        self.assertEqual(remote.read(), b"error: internal error\n")
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_what_is_asked_about_a_message_that_waits(self) -> None:
        def received(message: bytes) -> Any:
            yield Until(Deferred(), lambda message: bool(1 // 0))

        for speaks_text, wire in [(True, b"error: internal error\n"), (False, b"")]:
            remote = self.connect(received=received, speaks_text=speaks_text)
            self.receive(b"x\ny\n")
            self.assertEqual(remote.read(), wire)
            remote.half_close()
            self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_a_framing_raises_as_it_cuts_a_read(self) -> None:
        class Broken(Lines):
            def cut(self, data: bytes) -> Any:
                raise ZeroDivisionError

        remote = self.connect(Broken)
        self.receive(b"x\n")
        self.assertEqual(remote.read(), b"error: internal error\n")
        remote.half_close()
        self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_a_framing_raises_when_it_is_asked_what_it_holds(self) -> None:
        class Broken(Lines):
            broken = ""

            def __getattribute__(self, name: str) -> Any:
                if name and name == Broken.broken:
                    raise ZeroDivisionError
                return super().__getattribute__(name)

        def received(message: bytes) -> Any:
            if message == b"wait":
                yield Sleep(1)

        def wait() -> None:
            self.receive(b"wait\nx")

        def resume() -> None:
            self.receive(b"wait\n" + b"x\n" * 50_000)
            self.assertFalse(self.protocol.reading)
            Broken.broken = "quiet_seconds"
            self.clock.advance(1)

        def look() -> None:
            self.clock.advance(60)

        self.addCleanup(setattr, Broken, "broken", "")
        for name, meanwhile in [
            ("ready", wait),
            ("held", wait),
            ("unfinished", wait),
            ("", resume),
            ("unfinished", look),
        ]:
            Broken.broken = ""
            remote = self.connect(Broken, limits=Limits(first_message_seconds=0), received=received)
            Broken.broken = name
            meanwhile()
            self.assertEqual(remote.read(), b"error: internal error\n", name)
            remote.half_close()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes, [CloseReason.CONVERSATION_ERROR])
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_every_method_is_guarded(self) -> None:
        def fault(*args: object) -> Any:
            raise ZeroDivisionError

        methods: list[dict[str, Any]] = [{"opened": fault}, {"received": fault}, {"ended": fault}]
        for method in methods:
            remote = self.connect(**method)
            self.receive(b"x\n")
            remote.half_close()
            remote.read()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes[-1], CloseReason.CONVERSATION_ERROR)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_ends_the_process_is_no_error(self) -> None:
        def ends(*_: Any) -> Any:
            raise SystemExit

        def script(*_: Any) -> Any:
            yield Sleep(1)
            raise SystemExit

        given: list[dict[str, Any]] = [{"received": ends}, {"received": script}, {"ended": ends}]
        for methods in given:
            remote = self.connect(**methods)
            caught = contextlib.suppress(SystemExit) if "ended" in methods else self.assertRaises(SystemExit)
            with caught:  # the end of a half is told by Twisted's transport, which logs what is raised
                self.receive(b"x\n")
                self.clock.advance(1)
                remote.half_close()
            remote.half_close()
            self.assertTrue(remote.lost)
            self.assertEqual(self.notes[-1], CloseReason.CONVERSATION_ERROR)  # it is told of its end
            self.assertEqual(self.protocol.registry.statistics.open, 0)
            self.assertTrue(self.flushLoggedErrors(SystemExit))

    def test_whatever_else_is_raised(self) -> None:
        for error in GeneratorExit, asyncio.CancelledError:

            def received(message: bytes, error: type[BaseException] = error) -> bytes:
                raise error

            remote = self.connect(received=received)
            self.receive(b"x\n")
            self.assertEqual(remote.read(), b"error: internal error\n")
            remote.half_close()
            self.assertEqual(len(self.flushLoggedErrors(error)), 1)

    def test_a_failed_wait_that_nobody_catches(self) -> None:
        remote = self.connect(received=lambda message: Wait(fail(ZeroDivisionError())))
        self.receive(b"x\n")
        self.assertEqual(remote.read(), b"error: internal error\n")
        remote.half_close()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_is_no_action(self) -> None:
        for wrong in "text", 7, [b"list"], bytearray(b"x"), Wait(7):  # type: ignore[arg-type]  # wrong on purpose
            remote = self.connect(received=lambda message, wrong=wrong: wrong)
            self.receive(b"x\n")
            self.assertEqual(remote.read(), b"error: internal error\n")
            remote.half_close()
            [failure] = self.flushLoggedErrors(TypeError)
            self.assertEqual(failure.check(ActionError) is ActionError, not isinstance(wrong, Wait))


class TransportTests(CarrierTestCase):
    """Transports that do less than Twisted's TCP does, or raise errors."""

    def test_one_that_cannot_abort_is_closed(self) -> None:
        class Simple(Transport):
            @property
            def abortConnection(self) -> Any:
                raise AttributeError("abortConnection")

        def abort(message: bytes) -> Any:
            return ABORT

        def close(message: bytes) -> Any:
            return CLOSE

        for received, wait_seconds, reason in (abort, 0, CloseReason.ABORTED), (close, 2, CloseReason.CLOSED):
            remote = self.connect(transport=Simple, received=received)
            self.receive(b"x\n")
            self.clock.advance(wait_seconds)
            self.assertTrue(remote.lost)
            self.assertEqual((self.notes, self.protocol.registry.connections), ([reason], {}))

    def test_an_error_in_the_transport_ends_the_connection(self) -> None:
        class Broken(Transport):
            def loseWriteConnection(self) -> None:
                raise ZeroDivisionError

        for end, reason in (HALF_CLOSE, CloseReason.CONVERSATION_ERROR), (CLOSE, CloseReason.CLOSED):
            received = lambda message, end=end: (yield from (Sleep(1), end))  # noqa: E731
            remote = self.connect(transport=Broken, received=received)
            self.receive(b"x\n")
            self.clock.advance(1)
            self.assertTrue(remote.lost)
            self.assertEqual((self.notes, self.protocol.registry.connections), ([reason], {}))
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_error_after_the_end_leaves_nothing_behind(self) -> None:
        remote = self.connect()
        self.patch(self.protocol.registry, "report", lambda connection: 1 // 0)
        self.assertRaises(ZeroDivisionError, remote.lose)
        self.assertEqual(self.notes, [CloseReason.PEER_CLOSED])
        self.protocol.abort()
        self.protocol.connectionLost()
        self.assertEqual((self.notes, self.protocol.registry.connections), ([CloseReason.PEER_CLOSED], {}))
