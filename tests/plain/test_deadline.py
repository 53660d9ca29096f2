"""One end for several steps."""

import math

from twisted.trial.unittest import TestCase

from sockproto.errors import TimedOut
from sockproto.plain.deadline import Deadline


class DeadlineTests(TestCase):
    def test_steps_share_the_time(self) -> None:
        times = iter([0.0, 1.0, 2.0, 9.0, 10.0, 10.0])
        deadline = Deadline(10.0, lambda: next(times))
        self.assertEqual([deadline.timeout(), deadline.timeout(3.0), deadline.timeout(3.0)], [9.0, 3.0, 1.0])
        self.assertRaises(TimedOut, deadline.timeout)

    def test_what_is_left(self) -> None:
        times = iter([5.0, 6.0, 7.0, 20.0])
        deadline = Deadline(10.0, lambda: next(times))
        self.assertEqual((deadline.seconds, deadline.passed), (10.0, 1.0))
        self.assertEqual((deadline.left, deadline.left), (8.0, 0.0))

    def test_without_an_end(self) -> None:
        deadline = Deadline()
        self.assertEqual((deadline.seconds, deadline.left), (math.inf, math.inf))
        self.assertIsNone(deadline.timeout())
        self.assertEqual(deadline.timeout(2.0), 2.0)
