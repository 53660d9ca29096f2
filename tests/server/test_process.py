"""What a process that serves nothing else does with its signals."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.plain.signals import ENDING, EndsProcess
from sockproto.server.process import take_signals


class SignalTests(TestCase):
    """The test is the reactor: it has the methods of one that ``take_signals`` asks for."""

    def setUp(self) -> None:
        for number in ENDING:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.addCleanup(signal.pthread_sigmask, signal.SIG_SETMASK, signal.pthread_sigmask(0, ()))
        self.begin()

    def begin(self, ignored: tuple[signal.Signals, ...] = ()) -> None:
        """Be as at the start of a process."""
        self.calls: list[Any] = []
        self.started: list[Callable[[], object]] = []
        self.queued: list[Callable[[], object]] = []
        self.starts = self.turns = False
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in signal.SIGTERM, signal.SIGHUP:
            signal.signal(number, signal.SIG_DFL)
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    def sigInt(self, number: int, frame: object = None) -> None:
        """As the reactor's."""
        self.calls.append(number)

    def sigTerm(self, number: int, frame: object = None) -> None:
        """As the reactor's."""
        self.calls.append(number)

    def callFromThread(self, call: Any) -> None:
        """As the reactor's, which calls it in its first turn."""
        if self.turns:
            self.calls.append("again")
        else:
            self.queued.append(call)

    def callWhenRunning(self, call: Any, *args: Any) -> None:
        """As the reactor's, which installs its handlers first, and once it starts calls at once."""
        if self.starts:
            call(*args)
        else:
            self.started.append(lambda: call(*args))

    def run_reactor(self) -> None:
        """Take the signals as Twisted does, and go on."""
        if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
            signal.signal(signal.SIGINT, self.sigInt)
        signal.signal(signal.SIGTERM, self.sigTerm)
        self.starts = True
        for call in self.started:
            call()
        self.turns = True
        for call in self.queued:
            call()

    def take(self) -> None:
        take_signals(self, lambda: None)
        self.run_reactor()

    def send(self, *numbers: signal.Signals) -> list[Any]:
        """Send signals to this thread, for others block none of them; return what they did."""
        for number in numbers:
            signal.raise_signal(number)
        return self.calls

    def test_the_first_is_the_reactors_and_later_ones_are_not(self) -> None:
        self.take()
        self.assertEqual(
            self.send(signal.SIGTERM, signal.SIGTERM, signal.SIGINT), [signal.SIGTERM, "again", "again"]
        )

    def test_sighup_stops_as_sigterm_does(self) -> None:
        self.take()
        self.assertEqual(self.send(signal.SIGHUP, signal.SIGTERM), [signal.SIGHUP, "again"])

    def test_a_sighup_that_ends_nothing_ends_nothing_before_the_reactor_runs_either(self) -> None:
        take_signals(self, lambda: None, lambda: self.calls.append("hung up"))
        self.assertEqual(self.send(signal.SIGHUP), [])
        self.run_reactor()
        self.assertEqual(self.calls, ["hung up"])
        self.assertEqual(self.send(signal.SIGHUP), ["hung up", "again"])

    def test_one_that_comes_while_the_reactor_starts_calls_nothing_in_its_handler(self) -> None:
        self.callWhenRunning(lambda: self.calls.append(self.send(signal.SIGHUP).copy()))
        take_signals(self, lambda: None, lambda: self.calls.append("hung up"))
        self.run_reactor()
        self.assertEqual(self.calls, [[], "hung up"])

    def test_what_only_ends_the_process_gives_way(self) -> None:
        for number in ENDING:
            self.begin()
            for each in ENDING:
                signal.signal(each, EndsProcess(self.calls.append))
            take_signals(self, lambda: None, lambda: self.calls.append("hung up"))
            self.send(signal.SIGHUP)
            self.assertEqual(self.calls, [])
            self.run_reactor()
            self.assertEqual(self.calls, ["hung up"])
            self.assertEqual(self.send(number)[1:], ["again" if number == signal.SIGHUP else number])

    def test_without_another_purpose_it_ends_the_process_until_the_reactor_runs(self) -> None:
        for each in ENDING:
            signal.signal(each, EndsProcess(self.calls.append))
        take_signals(self, lambda: None)
        self.assertEqual(self.send(*ENDING), [128 + number for number in ENDING])
        self.calls.clear()
        self.run_reactor()
        self.assertEqual(self.send(signal.SIGHUP), [signal.SIGHUP])

    def test_a_later_sighup_is_nobodys_impatience(self) -> None:
        for first in signal.SIGHUP, signal.SIGTERM, signal.SIGINT:
            self.begin()
            self.take()
            self.assertEqual(self.send(first, signal.SIGHUP, signal.SIGHUP), [first])

    def test_what_is_ignored_stays_ignored_and_counts_for_nothing(self) -> None:
        for ignored in ENDING:
            for other in set(ENDING) - {ignored}:
                self.begin((ignored,))
                self.take()
                self.assertEqual(self.send(ignored, ignored, other, ignored), [other])
                self.assertEqual(signal.getsignal(ignored), signal.SIG_IGN)

    def test_what_is_blocked_is_let_in(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        self.send(signal.SIGTERM)
        self.take()
        self.assertEqual(self.calls, [signal.SIGTERM])
        self.assertFalse(set(ENDING) & signal.pthread_sigmask(0, ()))

    def test_what_is_ignored_and_blocked_stays_so(self) -> None:
        self.begin((signal.SIGHUP,))
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        self.take()
        self.assertEqual(set(ENDING) & signal.pthread_sigmask(0, ()), {signal.SIGHUP})

    def test_a_handler_of_somebody_elses_stays(self) -> None:
        for number in signal.SIGINT, signal.SIGHUP:  # as a debugger's, and one that reloads
            self.begin()
            signal.signal(number, lambda *_: self.calls.append("theirs"))
            self.take()
            self.assertEqual(self.send(number, signal.SIGTERM), ["theirs", signal.SIGTERM])

    def test_a_second_one_in_the_middle_of_the_first(self) -> None:
        before = sys.gettrace()
        self.addCleanup(sys.settrace, before)
        for at in range(1, 8):
            self.begin()
            self.take()
            steps = 0

            def trace(frame: FrameType, event: str, _: Any, at: int = at) -> Any:
                nonlocal steps
                if frame.f_code.co_name != "handle":
                    return None
                frame.f_trace_opcodes = True
                if event == "opcode":
                    steps += 1
                    if steps == at:
                        sys.settrace(None)
                        signal.raise_signal(signal.SIGTERM)
                return trace

            sys.settrace(trace)
            signal.raise_signal(signal.SIGTERM)
            sys.settrace(before)
            self.assertEqual({*self.calls}, {signal.SIGTERM, "again"}, f"interrupted at step {at}")
            self.assertEqual(len(self.calls), 2)
