"""A pause of this machine within a message is no fault of the server's: what was sent is sent again."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat

from twisted.trial.unittest import SynchronousTestCase

from sockproto.check.acquainting import acquainted
from sockproto.check.cases.splits import QUIET_SECONDS, Pace, evenly
from sockproto.check.context import CheckContext
from sockproto.check.registry import cases, chosen
from sockproto.check.running import judge
from sockproto.check.subject import Subject
from sockproto.check.target import ServerAddress, find
from sockproto.check.timing import Patience
from sockproto.check.verdict import OUT_OF_TIME, Failed, Result, TooSlow, Verdict
from sockproto.plain.deadline import Deadline
from tests.check.faults.splits import TakesReadsForMessages
from tests.check.servers import Loop, Served, Server

NOBODY = ServerAddress("unix", "", 0, socket.AF_UNIX, "")
TOO_SLOW = "this machine can't send two pieces within 10 ms"
SLOW, QUICK = QUIET_SECONDS, QUIET_SECONDS / 2


class PaceTests(SynchronousTestCase):
    """What is sent again, and for how long; each attempt takes a second."""

    def setUp(self) -> None:
        self.attempts, self.seconds = 0, 0.0

    def judge(self, protocol: str, pauses: Iterator[float], right_at: int = 0, over_at: int = 0) -> None:
        """Judge answers that are wrong but at one attempt; the time may be over at another."""
        subject = Subject(CheckContext(protocol, NOBODY, Patience()), Deadline(10, lambda: self.seconds))

        def attempt(pace: Pace) -> None:
            self.attempts, self.seconds = self.attempts + 1, self.seconds + 1
            pace.pause = next(pauses)
            if self.attempts == over_at:
                self.seconds = 10.0
                raise TooSlow("it is too slow")
            if self.attempts != right_at:
                raise Failed("another answer came")

        evenly(subject, attempt)

    def test_a_right_answer_counts_whatever_the_pause(self) -> None:
        self.judge("greeting", repeat(SLOW), right_at=1)
        self.assertEqual(self.attempts, 1)

    def test_a_wrong_answer_without_a_pause_is_a_failure(self) -> None:
        self.assertRaises(Failed, self.judge, "greeting", repeat(QUICK))
        self.assertEqual(self.attempts, 1)

    def test_only_a_greeting_server_may_take_a_pause_for_the_end(self) -> None:
        self.assertRaises(Failed, self.judge, "echo", repeat(SLOW))
        self.assertEqual(self.attempts, 1)

    def test_after_a_pause_it_is_done_again_as_long_as_there_is_time(self) -> None:
        self.judge("greeting", repeat(SLOW), right_at=10)
        self.assertEqual(self.attempts, 10)

    def test_a_failure_after_pauses_is_one(self) -> None:
        self.assertRaises(Failed, self.judge, "greeting", chain(repeat(SLOW, 8), repeat(QUICK)))
        self.assertEqual(self.attempts, 9)

    def test_time_that_is_over_within_an_attempt_is_this_machine_s_if_it_has_paused(self) -> None:
        wrong = self.assertRaises(TooSlow, self.judge, "greeting", repeat(SLOW), over_at=2)
        self.assertEqual((self.attempts, str(wrong)), (2, TOO_SLOW))

    def test_time_that_is_over_within_the_first_attempt_is_the_server_s(self) -> None:
        wrong = self.assertRaises(TooSlow, self.judge, "greeting", repeat(SLOW), over_at=1)
        self.assertEqual((self.attempts, str(wrong)), (1, "it is too slow"))

    def test_nothing_is_said_of_a_server_if_this_machine_always_pauses(self) -> None:
        wrong = self.assertRaises(TooSlow, self.judge, "greeting", repeat(SLOW))
        self.assertEqual(str(wrong), TOO_SLOW)
        self.assertEqual((self.attempts, wrong.unjudged), (10, OUT_OF_TIME))


class PausesTests(SynchronousTestCase):
    """A greeting server behind a machine that pauses for 30 ms between any two pieces."""

    def judge(self, server: Server) -> list[Result]:
        """Judge a server by the cases that send messages in pieces; it has been met before."""
        patience = Patience(answer=2, silence=0.1, case=2)
        judged = chosen(cases("greeting"), ["splits.byte-by-byte", "many.halves-are-not-mixed"], [])
        with Served(server, Loop()) as served:
            met = acquainted(CheckContext("greeting", find("tcp", "127.0.0.1", served.port), patience))
            slow = replace(met, patience=replace(patience, pause=3 * QUIET_SECONDS))
            return [judge(slow, each) for each in judged]

    def test_a_right_one_is_not_failed(self) -> None:
        for result in self.judge(Server("greeting")):
            self.assertIs(result.verdict, Verdict.SKIP, result)
            self.assertEqual(result.reason, TOO_SLOW)

    def test_a_wrong_one_is_not_failed_for_what_may_be_this_machine(self) -> None:
        result, _ = self.judge(TakesReadsForMessages("greeting"))
        self.assertEqual((result.verdict, result.reason), (Verdict.SKIP, TOO_SLOW))
