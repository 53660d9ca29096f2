"""What a process that serves nothing else does with its signals."""

import os
import signal
import sys
from types import FrameType
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.server.process import take_signals


class SignalTests(TestCase):
    def setUp(self) -> None:
        for number in signal.SIGINT, signal.SIGTERM:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.calls: list[str] = []

    def take(self) -> None:
        for number in signal.SIGINT, signal.SIGTERM:
            signal.signal(number, lambda *_: self.calls.append("first"))
        take_signals(self, lambda: None)

    def callFromThread(self, call: Any) -> None:
        """As the reactor's."""
        self.calls.append("again")

    def test_the_first_is_the_reactors_and_later_ones_are_not(self) -> None:
        self.take()
        for number in signal.SIGTERM, signal.SIGTERM, signal.SIGINT:
            os.kill(os.getpid(), number)
        self.assertEqual(self.calls, ["first", "again", "again"])

    def test_what_is_ignored_stays_ignored_and_takes_no_turn(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.calls.append("first"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        take_signals(self, lambda: None)
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGTERM:
            os.kill(os.getpid(), number)
        self.assertEqual(self.calls, ["first", "again"])

    def test_a_second_one_in_the_middle_of_the_first(self) -> None:
        before = sys.gettrace()
        self.addCleanup(sys.settrace, before)
        for at in range(1, 8):
            self.calls.clear()
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
                        os.kill(os.getpid(), signal.SIGTERM)
                return trace

            sys.settrace(trace)
            os.kill(os.getpid(), signal.SIGTERM)
            sys.settrace(before)
            self.assertEqual(sorted(self.calls), ["again", "first"], f"interrupted at step {at}")
