"""Connections that misbehave as they were asked to."""

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import CLOSE, Sleep
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.errors import OptionError
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.daytime import DaytimeFactory
from sockproto.protocols.discard import DiscardFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import Remote, assert_no_faults, connect

Heard = list[tuple[float, bytes]]


class Notes(Conversation):
    """Answers each line by itself, and notes how it ends."""

    def __init__(self, notes: list[Any]) -> None:
        self.notes = notes

    def opened(self, peer: Peer) -> None:
        self.notes.append("opened")

    def received(self, message: bytes) -> Any:
        if message == b"bye":
            return CLOSE
        if message == b"late":
            return self.late()
        return None if message == b"talk" else message

    def late(self) -> Iterator[Any]:
        yield b"first"
        yield Sleep(1)
        yield b"second"

    def closed(self, reason: CloseReason) -> None:
        self.notes.append(reason)


class NotesProtocol(ConversationProtocol):
    conversation = Notes
    framing = Lines


class NotesFactory(ConversationFactory):
    protocol = NotesProtocol


class FaultsTestCase(TestCase):
    """Has connections to a factory with faults, and what is heard of them at which second."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.notes: list[Any] = []

    def make(self, *faults: str, kind: Callable[..., Any] | None = None, **given: Any) -> Any:
        arguments = [] if kind else [self.notes]
        self.factory = (kind or NotesFactory)(*arguments, faults=faults, clock=self.clock, **given)
        return self.factory

    def connect(self, *faults: str, **given: Any) -> Remote:
        if faults:
            self.make(*faults, **given)
        self.remote = connect(self.factory, kernel_bytes=0)
        self.addCleanup(assert_no_faults, self.remote)
        self.addCleanup(self.remote.lose)
        return self.remote

    def heard(self, seconds: float = 10) -> Heard:
        """Return what comes within a time, and when, from now on."""
        began, found = self.clock.seconds(), []
        while True:
            if data := self.remote.read():
                found.append((round(self.clock.seconds() - began, 6), data))
            if self.remote.lost or self.clock.seconds() >= began + seconds:
                return found
            due = [call.getTime() for call in self.clock.getDelayedCalls()]
            self.clock.advance(max(min([*due, began + seconds]) - self.clock.seconds(), 0))

    def ask(self, data: bytes, seconds: float = 10) -> Heard:
        self.remote.send(data)
        return self.heard(seconds)

    @property
    def reason(self) -> Any:
        [reason] = self.factory.statistics.closed.elements()
        return reason

    @property
    def counted(self) -> dict[str, int]:
        return dict(self.factory.statistics.faults)


class AnswerTests(FaultsTestCase):
    def test_without_faults_nothing_is_wrapped(self) -> None:
        self.factory = NotesFactory(self.notes, clock=self.clock)
        self.assertIs(type(self.connect().protocol.session.conversation), Notes)

    def test_delay(self) -> None:
        self.connect("delay=0.2")
        self.assertEqual(
            self.ask(b"a\nb\ntalk\nlate\n"),
            [(0.2, b"a\n"), (0.4, b"b\n"), (0.6, b"first\n"), (1.6, b"second\n")],
        )
        self.assertEqual(self.counted, {"delay": 3})

    def test_delay_of_what_comes_unasked(self) -> None:
        self.connect("delay=0.2", kind=GreetingFactory)
        self.assertEqual(self.heard(1), [(0.2, b"Welcome!")])

    def test_a_random_delay_is_the_same_again(self) -> None:
        runs: list[Any] = []
        for seed in 1, 1, 2:
            self.connect(f"delay=0.1..0.5,seed={seed}")
            runs.append([self.ask(b"a\n") for _ in range(5)])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        times = [when for [(when, _)] in runs[0]]
        self.assertTrue(all(0.1 <= when <= 0.5 for when in times))
        self.assertEqual(len(set(times)), 5)

    def test_no_answer(self) -> None:
        self.connect("no-answer")
        self.assertEqual(self.ask(b"a\nb\n"), [])
        self.assertFalse(self.remote.lost)
        self.assertEqual(self.factory.statistics.faults, {"no-answer": 2})

    def test_truncate_takes_the_newline_too(self) -> None:
        self.connect("truncate=2")
        self.assertEqual(self.ask(b"abc\na\n"), [(0, b"aba\n")])

    def test_garble(self) -> None:
        self.connect("garble=1")
        [(_, data)] = self.ask(b"abcdef\n")
        self.assertEqual(len(data), 7)
        self.assertFalse([one for one, other in zip(data, b"abcdef\n", strict=True) if one == other])
        self.connect("garble=1")
        [(_, data)] = self.ask(b"a" * 5_000 + b"\n")
        self.assertNotIn(b"a", data)
        self.connect("garble=0.1")
        [(_, data)] = self.ask(b"a" * 10_000 + b"\n")
        wrong = sum(byte != ord("a") for byte in data[:-1])
        self.assertTrue(800 < wrong < 1_200, wrong)

    def test_match(self) -> None:
        self.connect("delay=5,match=SLOW")
        self.assertEqual(self.ask(b"a\nSLOW\nb\n"), [(0, b"a\n"), (5, b"SLOW\nb\n")])
        self.assertEqual(self.counted, {"delay": 1})

    def test_what_is_said_unasked_matches_nothing(self) -> None:
        self.connect("delay=5,match=Welcome", kind=GreetingFactory)
        self.assertEqual(self.heard(1), [(0, b"Welcome!")])

    def test_a_share_of_the_messages(self) -> None:
        self.connect("no-answer,share=0.5")
        lines = b"".join(b"%d\n" % number for number in range(1_000))
        data = b"".join(data for _, data in self.ask(lines))
        answered = data.count(b"\n")
        self.assertTrue(400 < answered < 600, answered)
        self.assertEqual(self.counted, {"no-answer": 1_000 - answered})

    def test_two_specs(self) -> None:
        self.connect("delay=1,match=a", "delay=2,match=b")
        self.assertEqual(self.ask(b"a\nb\nab\n"), [(1, b"a\n"), (3, b"b\n"), (6, b"ab\n")])

    def test_replies_end_as_the_messages_that_they_answer(self) -> None:
        self.connect("delay=1")
        self.assertEqual(self.ask(b"a\r\nb\n"), [(1, b"a\r\n"), (2, b"b\n")])

    def test_a_script_without_end_does_not_hold_up_the_others(self) -> None:
        for fault in "no-answer", "truncate=0", "half-close-after=0":
            remote = self.connect(fault, kind=ChargenFactory)
            self.assertEqual(self.heard(0.5), [])
            remote.lose()


class PaceTests(FaultsTestCase):
    def test_drip(self) -> None:
        self.connect("drip=10/s")
        self.assertEqual(
            self.ask(b"ab\nc\n"), [(0, b"a"), (0.1, b"b"), (0.2, b"\n"), (0.3, b"c"), (0.4, b"\n")]
        )
        self.assertEqual(self.counted, {"drip": 1})
        self.assertEqual(self.remote.protocol.messages_out, 2)

    def test_a_fast_drip(self) -> None:
        self.connect("drip=100000/s")
        found = self.ask(b"x" * 9_999 + b"\n")
        self.assertEqual({len(data) for _, data in found}, {1_000})
        self.assertEqual(found[-1][0], 0.09)

    def test_split(self) -> None:
        self.connect("split=3")
        self.assertEqual([data for _, data in self.ask(b"abcdef\n")], [b"abc", b"def", b"\n"])

    def test_random_segments(self) -> None:
        self.connect("split=random,seed=3")
        parts = [data for _, data in self.ask(b"x" * 999 + b"\n")]
        self.assertEqual(len(b"".join(parts)), 1_000)
        self.assertGreater(len({len(part) for part in parts}), 2)

    def test_first_byte(self) -> None:
        self.connect("first-byte=2")
        self.assertEqual(self.ask(b"a\nb\n"), [(2, b"a\nb\n")])
        self.assertEqual(self.ask(b"c\n"), [(0, b"c\n")])

    def test_accept_delay(self) -> None:
        self.connect("accept-delay=3")
        self.assertEqual(self.notes, [])
        self.assertEqual(self.ask(b"a\n"), [(3, b"a\n")])

    def test_no_read(self) -> None:
        remote = self.connect("no-read=5")
        remote.send(b"x" * 50_000 + b"\na\n")
        self.assertEqual(remote.protocol.bytes_in, 0)
        self.assertEqual(self.heard(4.9), [])
        self.assertEqual(self.heard(0.2), [(0.1, b"x" * 50_000 + b"\na\n")])

    def test_what_discards_reads_nothing_either(self) -> None:
        remote = self.connect("no-read=5", kind=DiscardFactory)
        remote.send(b"x" * 100_000)
        self.assertEqual(remote.protocol.bytes_in, 0)
        self.heard(6)
        self.assertEqual(remote.protocol.bytes_in, 100_000)

    def test_no_read_for_good_ends(self) -> None:
        remote = self.connect("no-read")
        self.assertEqual(self.ask(b"a\n", 299.9), [])
        self.assertFalse(remote.lost or remote.ended)
        self.assertEqual(self.heard(1_000), [])
        self.assertTrue(remote.lost)
        self.assertEqual(self.reason, CloseReason.FAULT)


class EndTests(FaultsTestCase):
    def test_at_open(self) -> None:
        for fault in "close-at-open", "close-after=0":
            remote = self.connect(fault, kind=GreetingFactory)
            self.assertEqual(self.heard(), [])
            self.assertEqual(remote.ended, "orderly")
            self.assertEqual(self.reason, CloseReason.FAULT)

    def test_a_conversation_that_was_not_opened_is_not_closed(self) -> None:
        self.connect("close-at-open")
        self.heard()
        self.assertEqual(self.notes, [])

    def test_after_bytes(self) -> None:
        remote = self.connect("close-after=5")
        self.assertEqual(self.ask(b"abc\ndef\n"), [(0, b"abc\nd")])
        self.heard()
        self.assertEqual(remote.ended, "orderly")
        self.assertEqual(self.notes, ["opened", CloseReason.FAULT])
        self.assertEqual(self.counted, {"close-after": 1})

    def test_after_messages(self) -> None:
        self.connect("close-after=2messages")
        self.assertEqual(self.ask(b"talk\na\nb\n"), [(0, b"a\n")])
        self.assertEqual(self.notes[-1], CloseReason.FAULT)

    def test_after_messages_that_match(self) -> None:
        self.connect("close-after=1messages,match=BOOM")
        self.assertEqual(self.ask(b"a\nBOOM\nb\n"), [(0, b"a\nBOOM\n")])
        self.assertEqual(self.notes[-1], CloseReason.FAULT)

    def test_a_reset_comes_after_what_was_sent(self) -> None:
        remote = self.connect("reset-after=3")
        self.assertEqual(self.ask(b"abc\n"), [(0, b"abc")])
        self.assertEqual(remote.ended, "reset")
        self.assertEqual(self.notes[-1], CloseReason.FAULT)

    def test_half_close(self) -> None:
        remote = self.connect("half-close-after=1message")
        self.assertEqual(self.ask(b"a\nb\n"), [(0, b"a\n")])
        self.assertEqual((remote.ended, remote.lost), ("orderly", False))
        self.ask(b"late\nbye\n")
        self.assertEqual(self.notes[-1], CloseReason.CLOSED)

    def test_what_the_conversation_does_itself_counts_as_its_own(self) -> None:
        self.connect("delay=1")
        self.assertEqual(self.ask(b"a\nbye\n"), [(1, b"a\n")])
        self.assertEqual(self.reason, CloseReason.CLOSED)

    def test_one_shot_servers_have_faults_too(self) -> None:
        for fault, size in ("close-after=4", 4), ("truncate=6", 6):
            self.connect(fault, kind=DaytimeFactory)
            [(_, data)] = self.heard()
            self.assertEqual(len(data), size)

    def test_a_drain_ends_it_all(self) -> None:
        for fault in "no-read", "accept-delay=100", "delay=100", "first-byte=100":
            remote = self.connect(fault)
            self.factory.drain()
            self.heard(0)
            self.assertTrue(remote.lost, fault)


class ShareTests(FaultsTestCase):
    def test_a_share_of_the_connections_the_same_again(self) -> None:
        runs: list[Any] = []
        for _ in range(2):
            self.make("close-at-open,share=0.3,seed=4", limits=Limits(close_seconds=0.01))
            runs.append([])
            for _ in range(200):
                remote = self.connect()
                self.heard(1)
                runs[-1].append(remote.ended)
        self.assertEqual(runs[0], runs[1])
        self.assertTrue(40 < runs[0].count("orderly") < 80)
        self.assertEqual(self.counted, {"close-at-open": runs[0].count("orderly")})

    def test_connections_have_faults_of_their_own(self) -> None:
        self.make("split=random,seed=1")
        cuts = set()
        for _ in range(5):
            self.connect()
            cuts.add(tuple(len(data) for _, data in self.ask(b"x" * 50 + b"\n")))
        self.assertGreater(len(cuts), 3)


class WrongTests(FaultsTestCase):
    def test_what_streams_can_not_have(self) -> None:
        with self.assertRaises(OptionError):
            self.make("drop=1")

    def test_a_factory_knows_no_listener(self) -> None:
        with self.assertRaises(OptionError):
            self.make("delay=1,on=udp")

    def test_what_is_no_fault(self) -> None:
        with self.assertRaises(OptionError):
            self.make("dely=1")

    def test_the_log_and_the_reason_tell_which(self) -> None:
        remote = self.connect("delay=1,close-after=1message")
        self.ask(b"a\n")
        self.assertEqual(remote.protocol.detail, "faults: delay, close-after")
