"""The fuzzer in short, that it notices what is wrong, and that logs can't be forged."""

import io
from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.logger import eventAsText, textFileLogObserver
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.admission import Admission
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.framing.lines import Lines, QuietLines
from sockproto.core.limits import Limits
from sockproto.protocols.command import Command, CommandFactory
from sockproto.protocols.greeting import Greeting, GreetingFactory
from sockproto.testing import Transport, connect
from tests import example_count, fuzz
from tests.events import observe
from tests.fuzz import streams

SHORT = 20_000
UNLIMITED = Limits(log_rate=0)
HOSTILE = "\n2026-11-21T00:00:00+0000 [-] forged\r\x1b[31m\x07\x85\u2028\u2029\u202e"
NAMES = [
    HOSTILE.encode(),
    HOSTILE.encode().replace(b"\n", b""),
    b"\xff\x1b]0;owned\x07\x9b2J",
    b"\xe2\x80\xa8",
]


class FuzzTests(TestCase):
    def test_nothing_goes_wrong(self) -> None:
        tally, wrong = fuzz.fuzz(SHORT, seed=20_261_121)
        self.assertIsNone(wrong)
        self.assertGreaterEqual(tally.inputs, SHORT)
        self.assertGreater(len(tally.reasons), 12)
        self.assertGreater(len(tally.dropped), 5)
        self.assertTrue(fuzz.summary(tally, 1, 2.0).endswith("; no errors"))

    def test_a_seed_gives_the_same_run(self) -> None:
        runs = [fuzz.fuzz(2_000, seed=seed)[0] for seed in (7, 7, 8)]
        counted = [(run.inputs, run.conversations, run.reasons, run.dropped) for run in runs]
        self.assertEqual(counted[0], counted[1])
        self.assertNotEqual(counted[0], counted[2])

    def test_every_protocol_framing_and_carrier_has_its_turn(self) -> None:
        plans = [fuzz.plan(1, number) for number in range(3_000)]
        seen = {(plan.protocol, plan.framing, plan.carrier) for plan in plans}
        for name, definition in fuzz.DEFINITIONS.items():
            for framing in definition.framings or [None]:
                for carrier in fuzz.CARRIERS:
                    self.assertIn((name, framing, carrier), seen)


class NoticingTests(TestCase):
    """A fuzzer that finds nothing is worth something only if it finds what is there."""

    def assert_found(self, *words: str) -> None:
        tally, wrong = fuzz.fuzz(SHORT, seed=1)
        self.assertIsNotNone(wrong, f"not found in {tally.inputs} inputs")
        for word in ("FAULT: ", "python -m tests.fuzz --seed 1 --only ", *words):
            self.assertIn(word, str(wrong))
        self.assertLess(len(str(wrong).splitlines()), 12, wrong)
        self.flushLoggedErrors()

    def test_a_conversation_that_raises_on_some_byte(self) -> None:
        received = Greeting.received

        def broken(self: Greeting, name: bytes) -> Any:
            name.decode("utf-8")
            return received(self, name)

        self.patch(Greeting, "received", broken)
        self.assert_found("codec can't decode", " data ")

    def test_lines_without_a_limit(self) -> None:
        init = Lines.__init__
        self.patch(Lines, "__init__", lambda self, longest=0, newline=None: init(self, 0, newline))
        self.assert_found("bytes are said")

    def test_reading_that_is_never_held_back(self) -> None:
        self.patch(Transport, "pauseProducing", lambda self: None)
        self.assert_found("bytes held")

    def test_a_timer_left_behind(self) -> None:
        self.patch(streams, "Clock", ForgetfulClock)
        self.assert_found("timers left behind")

    def test_a_place_that_is_not_given_back(self) -> None:
        self.patch(Admission, "leave", lambda self: None)
        self.assert_found("places left taken")

    def test_a_place_of_a_peer_that_is_not_given_back(self) -> None:
        self.patch(Admission, "release", lambda self, peer: self.leave())
        self.assert_found("places left taken")

    def test_output_left_behind(self) -> None:
        def write(self: Any, data: bytes) -> None:
            before, self.kept = getattr(self, "kept", b""), data
            Connection.write(self, before)

        self.patch(Transport, "write", write)
        self.assert_found("bytes are said")

    def test_an_answer_that_is_not_right(self) -> None:
        self.patch(Command, "received", lambda self, line: line or None)
        self.assert_found()

    def test_a_reply_cut_by_the_framing(self) -> None:
        self.patch(QuietLines, "encode", lambda self, *messages: b"".join(messages)[1:])
        self.assert_found("the peer read")

    def test_peer_bytes_in_the_log(self) -> None:
        self.patch(CloseReason, "__str__", lambda self: "\x1b[31m")
        self.assert_found("a log line that is none")


class ForgetfulClock(Clock):
    """Has calls that stay when they are cancelled, as of somebody who doesn't cancel them."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> Any:
        made: Any = super().callLater(delay, callable, *args, **kw)
        made.cancel = lambda: setattr(made, "func", lambda *args: None)
        return made


EVENTS = st.one_of(
    st.tuples(st.just("data"), st.one_of(st.sampled_from(fuzz.WORDS), st.binary(max_size=40))),
    st.tuples(st.just("take"), st.one_of(st.none(), st.integers(0, 50))),
    st.tuples(st.just("advance"), st.sampled_from(fuzz.TIMES)),
    st.tuples(st.just("push"), st.binary(max_size=20)),
    st.tuples(st.sampled_from(["quiet", "eof", "reset", "drain", "close", "abort"]), st.none()),
)


class AnySequenceTests(TestCase):
    @settings(max_examples=example_count(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(EVENTS, max_size=25),
        st.sampled_from(["auto", "lines"]),
        st.sampled_from(fuzz.LIMITS),
        st.sampled_from([0, 0.05]),
        st.sampled_from(fuzz.ENDS),
    )
    def test_greeting_leaves_nothing_behind(
        self, events: list[tuple[str, Any]], framing: str, limits: Limits, think: float, end: str
    ) -> None:
        happening = tuple(fuzz.Event(0, kind, value) for kind, value in events)
        fuzz.run(fuzz.Plan("greeting", framing, "plain", limits, think, 1, end, happening), fuzz.Tally())


class Raising(Conversation):
    """Its errors quote what the peer sent, at once, later, and at the end."""

    def received(self, message: bytes) -> Any:
        raise ValueError(message.decode("utf-8", "replace"), HOSTILE)

    def closed(self, reason: Any) -> None:
        raise RuntimeError(HOSTILE)


class RaisingProtocol(ConversationProtocol):
    conversation = Raising


class RaisingFactory(ConversationFactory):
    protocol = RaisingProtocol


class LogTests(TestCase):
    """What a peer sends reaches a log file, if at all, escaped."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.file = io.StringIO()
        self.events = observe(self, textFileLogObserver(self.file, timeFormat=None))

    def converse(self, factory: Any, name: bytes) -> str:
        """Send a name, alone and in a command; return the log."""
        remote = connect(factory.buildProtocol(None))
        for chunk in deque([name, b"\n", b"/help " + name + b"\n", name + b"\r\n", b"/echo " + name + b"\n"]):
            if not remote.lost and not remote.transport.half_closing:
                remote.protocol.dataReceived(chunk)
                self.clock.advance(0.02)
                self.clock.advance(0)
            if not remote.lost:
                remote.read()
        remote.lose()
        return self.file.getvalue()

    def assert_lines(self, log: str, first: str) -> None:
        """Every event begins as ours do; what follows it is indented; all can be printed."""
        self.assertTrue(log)
        ours = tuple(f"- [sockproto#{level}] {first}" for level in ("info", "critical"))
        for line in log.split("\n")[:-1]:
            self.assertTrue(line.startswith((*ours, "\t")), line)  # Twisted indents what follows the first
            self.assertTrue(line.lstrip("\t").isprintable(), repr(line))

    def test_names_and_commands(self) -> None:
        for factory, first in [(GreetingFactory, "greeting "), (CommandFactory, "command ")]:
            for name in NAMES:
                log = self.converse(factory(clock=self.clock, limits=UNLIMITED), name)
                self.assertNotIn("forged", log)
                self.assert_lines(log, first)
                self.file.truncate(self.file.seek(0))

    def test_exceptions_that_quote_them(self) -> None:
        for name in NAMES:
            log = self.converse(RaisingFactory(clock=self.clock, limits=UNLIMITED), name)
            self.assertIn("forged", log)
            self.assertIn("ValueError", log)
            self.assertIn("RuntimeError", log)
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
            self.assert_lines(log, "raising ")
            self.file.truncate(self.file.seek(0))

    def test_one_event_is_one_line(self) -> None:
        self.converse(GreetingFactory(clock=self.clock, limits=UNLIMITED), NAMES[0])
        [event] = self.events
        self.assertTrue(eventAsText(event).isprintable())
