"""Datagrams that are lost, late, doubled or wrong because that was asked for."""

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.core.actions import Script
from sockproto.core.conversation import Conversation
from sockproto.core.limits import Limits
from sockproto.errors import OptionError
from sockproto.protocols.chargen import ChargenDatagramProtocol
from sockproto.protocols.daytime import DaytimeDatagramProtocol
from sockproto.protocols.echo import EchoDatagramProtocol
from sockproto.protocols.greeting import GreetingDatagramProtocol

PEER = ("127.0.0.1", 5000)


class DatagramFaultsTests(TestCase):
    def listen(self, *faults: str, kind: Any = EchoDatagramProtocol, **given: Any) -> None:
        self.clock, self.transport = Clock(), FakeDatagramTransport()
        self.port = kind(faults=faults, clock=self.clock, **given)
        self.port.makeConnection(self.transport)

    def ask(self, *datagrams: bytes) -> list[tuple[float, bytes]]:
        """Send datagrams; return what comes within ten seconds, and when."""
        self.transport.written.clear()
        began, found = self.clock.seconds(), []
        for datagram in datagrams:
            self.port.datagramReceived(datagram, PEER)
        while True:
            found += [(round(self.clock.seconds() - began, 6), reply) for reply, _ in self.transport.written]
            self.transport.written.clear()
            due = [call.getTime() for call in self.clock.getDelayedCalls()]
            if not due or min(due) > began + 10:
                return found
            self.clock.advance(min(due) - self.clock.seconds())

    @property
    def counted(self) -> dict[str, int]:
        return dict(self.port.statistics.faults)

    def test_drop(self) -> None:
        self.listen("drop=0.5")
        replies = self.ask(*(b"%d" % number for number in range(1_000)))
        self.assertTrue(400 < len(replies) < 600, len(replies))
        self.assertEqual(self.counted, {"drop": 1_000 - len(replies)})

    def test_a_share_is_one_of_the_datagrams(self) -> None:
        for faults in "drop=1,share=0.3", "no-answer,share=0.3", "drop=1,truncate=1,share=0.3":
            self.listen(faults)
            answered = len(self.ask(*(b"%d" % number for number in range(1_000))))
            self.assertTrue(650 < answered < 750, (faults, answered))

    def test_the_same_again_in_whatever_order_they_are_answered(self) -> None:
        runs = []
        for pause in 0, 0.3:
            self.listen("garble=0.3,delay=0..1,duplicate=0.3,reorder=0.3")
            for number in range(50):
                self.port.datagramReceived(b"%020d" % number, PEER)
                self.clock.advance(pause)
            for _ in range(100):
                self.clock.advance(0.02)
            runs.append(sorted(reply for reply, _ in self.transport.written))
        self.assertEqual(*runs)

    def test_the_same_again(self) -> None:
        runs = []
        for seed in 1, 1, 2:
            self.listen(f"drop=0.5,garble=0.1,delay=0..1,duplicate=0.3,reorder=0.2,seed={seed}")
            runs.append(self.ask(*(b"%020d" % number for number in range(200))))
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_duplicate(self) -> None:
        self.listen("duplicate=1")
        self.assertEqual(self.ask(b"a", b"b"), [(0, b"a"), (0, b"a"), (0, b"b"), (0, b"b")])
        self.assertEqual(self.port.statistics.messages_out, 4)

    def test_nothing_is_amplified_by_a_duplicate(self) -> None:
        self.listen("duplicate=1", kind=DaytimeDatagramProtocol)
        for size, answers in (0, 1), (10, 2):  # of some 26 bytes
            self.assertEqual(len(self.ask(b"x" * size)), answers)

    def test_reorder(self) -> None:
        self.listen("reorder=1,match=a")
        self.assertEqual(self.ask(b"a", b"b"), [(0, b"b"), (0.05, b"a")])

    def test_delay(self) -> None:
        self.listen("delay=0.2")
        self.assertEqual(self.ask(b"a", b"b"), [(0.2, b"a"), (0.2, b"b")])

    def test_truncate_and_garble(self) -> None:
        self.listen("truncate=3")
        self.assertEqual(self.ask(b"abcdef", b"ab"), [(0, b"abc"), (0, b"ab")])
        self.assertEqual(self.counted, {"truncate": 1})
        self.listen("garble=1")
        [(_, reply)] = self.ask(b"aaaa")
        self.assertEqual(len(reply), 4)
        self.assertNotIn(b"a", reply)

    def test_no_answer_and_match(self) -> None:
        self.listen("no-answer,match=quiet")
        self.assertEqual(self.ask(b"quiet", b"loud"), [(0, b"loud")])

    def test_what_is_not_answered_is_handled(self) -> None:
        notes = []

        class Noting(Conversation):
            def received(self, message: bytes) -> Script:
                notes.append("begun")
                yield b"a"
                yield b"b"
                notes.append("done")

        class NotingProtocol(ConversationDatagramProtocol):
            conversation = Noting

        self.listen("drop=1", kind=NotingProtocol)
        self.assertEqual((self.ask(b"x"), notes), ([], []))
        self.listen("no-answer", kind=NotingProtocol)
        self.assertEqual(self.ask(b"x"), [])
        self.assertEqual(notes, ["begun", "done"])
        self.assertEqual((self.counted, self.port.statistics.dropped), ({"no-answer": 1}, {}))

    def test_an_answer_without_end(self) -> None:
        class Endless(Conversation):
            def received(self, message: bytes) -> Script:
                while True:
                    yield b"x"

        class EndlessProtocol(ConversationDatagramProtocol):
            conversation = Endless

        for fault, found in ("no-answer", []), ("truncate=3", [(0, b"xxx")]):
            self.listen(fault, kind=EndlessProtocol)
            self.assertEqual(self.ask(b"a"), found)
            self.assertEqual(self.port.waiting, 0)

    def test_an_error_is_told(self) -> None:
        class Failing(Conversation):
            speaks_text = True

            def received(self, message: bytes) -> Script:
                raise ValueError
                yield b""

        class FailingProtocol(ConversationDatagramProtocol):
            conversation = Failing

        self.listen("delay=1", kind=FailingProtocol)
        self.assertEqual(self.ask(b"a"), [(1, b"error: internal error\n")])
        self.flushLoggedErrors(ValueError)

    def test_a_duplicate_is_a_reply_to_the_rate_too(self) -> None:
        self.listen("duplicate=1", limits=Limits(udp_rate=3))
        self.assertEqual(len(self.ask(b"a", b"b")), 3)
        self.assertEqual(self.port.statistics.dropped, {"rate": 1})

    def test_a_drain_waits_for_what_is_late(self) -> None:
        self.listen("delay=3")
        self.port.datagramReceived(b"a", PEER)
        drained = self.port.drain()
        self.assertNoResult(drained)
        self.clock.advance(3)
        self.assertEqual(self.transport.written, [(b"a", PEER)])
        self.successResultOf(drained)

    def test_longer_answers_are_cut(self) -> None:
        self.listen("truncate=10", kind=ChargenDatagramProtocol)
        [(_, reply)] = self.ask(b"x" * 100)
        self.assertEqual(len(reply), 10)

    def test_replies_are_still_recognized(self) -> None:
        self.listen("delay=1", kind=GreetingDatagramProtocol)
        self.assertEqual(self.ask(b"Hello, Ann!"), [])
        self.assertEqual(self.port.statistics.dropped, {"looks like a reply": 1})

    def test_what_datagrams_can_not_have(self) -> None:
        with self.assertRaises(OptionError):
            self.listen("drip=1")
