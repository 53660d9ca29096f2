"""What the test kit says to who uses it wrongly: at once, and what to do instead."""

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols import wire
from twisted.trial.unittest import TestCase

from sockproto.protocols.echo import EchoFactory
from sockproto.testing import (
    DatagramNetwork,
    Expect,
    ExpectEnd,
    HalfClose,
    Outcome,
    ReadToEnd,
    Reset,
    Send,
    assert_ended,
    assert_in_order,
    assert_no_faults,
    assert_reads,
    assert_same,
    connect,
    join,
    play,
    play_every_way,
    play_everywhere,
    play_on_socket,
)
from sockproto.testing.arguments import made

SCRIPT: list[Any] = [Send(b"hello"), Expect(b"hello")]
SAID = Outcome(b"hello", None)


class Plain(Factory):
    """A factory as most are: it takes no clock."""

    protocol = wire.Echo


class Timed(Plain):
    def __init__(self, clock: Any) -> None:
        self.clock = clock


class Named(Plain):
    def __init__(self, store: Any = None, *, reactor: Any = None) -> None:
        self.store, self.clock = store, reactor


class Large(Plain):
    def __init__(self, store: Any, size: Any) -> None:
        """Takes more than a clock."""


class Parses(Protocol):
    def dataReceived(self, data: bytes) -> None:
        if data.startswith(b"["):
            json.loads(data)
        raise ValueError(data.decode())


class MistakeTests(TestCase):
    timeout = 30

    def told(self, kind: type[Exception], call: Callable[..., object], *args: Any) -> str:
        """Return what the error says."""
        return str(self.assertRaises(kind, call, *args))


class MakingTests(MistakeTests):
    def test_with_a_clock_or_without(self) -> None:
        for make in Plain, Timed, Named, EchoFactory, wire.Echo, lambda _: Plain(), lambda: Plain():
            self.assertEqual(play_every_way(make, SCRIPT, seeds=[1]), SAID)

    def test_over_sockets_too(self) -> "Deferred[Any]":
        return play_everywhere(Plain, SCRIPT, seeds=[]).addCallback(self.assertEqual, SAID)

    def test_the_clock_goes_where_it_belongs(self) -> None:
        clock = Clock()
        self.assertIs(made(Timed, clock).clock, clock)
        self.assertEqual((made(Named, clock).store, made(Named, clock).clock), (None, clock))

    def test_what_makes_nothing(self) -> None:
        for make, expected in [
            (Plain(), "a script needs what makes a factory, not one: lambda clock: Plain()"),
            (Large, "Large takes more than a clock, (store: Any, size: Any) -> None: give a script lambda"),
            (lambda: None, "needs a Twisted protocol or factory, not None"),
            (lambda: Plain, "needs an instance, not a class: Plain(), not Plain"),
            (
                lambda: 7,
                "a script, from <lambda>, needs a Twisted protocol or factory, not an object of the type int",
            ),
        ]:
            self.assertIn(expected, self.told(TypeError, play, make, SCRIPT))

    def test_connect(self) -> None:
        said = "connect needs an instance, not a class: Echo(), not Echo"
        self.assertEqual(self.told(TypeError, connect, wire.Echo), said)
        self.assertIn("join needs an instance", self.told(TypeError, join, wire.Echo(), Plain))
        self.assertIn("of the type int", self.told(TypeError, connect, 7))


class StepTests(MistakeTests):
    def test_bytes(self) -> None:
        remote, datagrams = connect(wire.Echo()), DatagramNetwork().remote()
        self.assertEqual(self.told(TypeError, Send, "hé"), "Send takes bytes, not str: b'h\\xc3\\xa9'")
        self.assertIn("Expect takes bytes, not int", self.told(TypeError, Expect, 5))
        self.assertIn("send takes bytes, not str: b'x'", self.told(TypeError, remote.send, "x"))
        self.assertIn("half_close takes bytes", self.told(TypeError, remote.half_close, "x"))
        self.assertIn("send takes bytes", self.told(TypeError, datagrams.send, "x", ("192.0.2.1", 7)))
        self.assertIn("the reply takes bytes", self.told(TypeError, assert_reads, remote, "x"))
        self.assertIn("takes bytes", self.told(TypeError, assert_in_order, b"x", ["x"]))
        remote.send(bytearray(b"a"), memoryview(b"b"))  # type: ignore[arg-type]  # as good as bytes
        assert_reads(remote, b"ab")

    def test_ends(self) -> None:
        said = self.told(ValueError, assert_ended, connect(wire.Echo()), "orderley")
        self.assertEqual(said, "assert_ended takes 'orderly' or 'reset' or None, not 'orderley'")
        self.assertIn("ExpectEnd takes", self.told(ValueError, ExpectEnd, "abrupt"))
        self.assertIn(
            "ExpectEnd takes 'orderly' or 'reset', not None", self.told(ValueError, ExpectEnd, None)
        )

    def test_what_is_no_script(self) -> None:
        for script, kind, expected in [
            (
                [Send(b"x"), b"x"],
                TypeError,
                "step 1 is not a step such as Send(b'…') or Expect(b'…'): b'x'",
            ),
            ([HalfClose], TypeError, "step 0 is a class: HalfClose(), not HalfClose"),
            (Send(b"x"), TypeError, "a script is a list of steps: [Send(…)]"),
            ([HalfClose(), Send(b"x")], ValueError, "step 1 sends after HalfClose"),
            ([Reset(), ReadToEnd(), Send(b"x")], ValueError, "step 2 sends after Reset"),
        ]:
            for call in play, play_every_way, play_on_socket, play_everywhere:
                self.assertEqual(self.told(kind, call, Plain, script), expected)

    def test_a_script_that_can_be_read_only_once(self) -> None:
        self.assertEqual(play_every_way(Plain, iter(SCRIPT)), SAID)

    def test_sending_after_the_end(self) -> None:
        for end in "half_close", "close", "reset":
            remote = connect(wire.Echo())
            getattr(remote, end)()
            for call in remote.send, remote.half_close:
                said = self.told(RuntimeError, call, b"x")
                self.assertEqual(said, f"nothing can be sent after {end}()")
            remote.half_close()  # as often as one likes

    def test_lengths_are_told_where_they_differ(self) -> None:
        said = self.told(AssertionError, assert_same, b"right", b"wrong")
        self.assertEqual(said, "the reply differs from byte 0 on: b'right' came, not b'wrong'")

    def test_an_exception_is_told_with_its_text_and_its_line(self) -> None:
        line = Parses.dataReceived.__code__.co_firstlineno
        for sent, expected in [
            (
                b"a\x1b[2J\n",
                f"Parses raised ValueError: a\\x1b[2J\\n (test_mistakes.py, line {line + 3})",
            ),
            (b"[", f"line 1 column 2 (char 1) (test_mistakes.py, line {line + 2})"),
        ]:
            remote = connect(Parses())
            remote.send(sent)
            self.assertIn(expected, self.told(AssertionError, assert_no_faults, remote))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
