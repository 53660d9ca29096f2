"""Connections past a limit are refused, and places are given back."""

from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import Remote, connect


class RefusalTests(TestCase):
    def connect(self, factory: Any, host: str = "192.0.2.1") -> Remote:
        return connect(factory, peer=IPv4Address("TCP", host, 5000))

    def test_past_max_connections(self) -> None:
        factory = GreetingFactory(limits=Limits(max_connections=2), clock=Clock())
        first, second, third = (self.connect(factory) for _ in range(3))
        self.assertTrue(third.lost)
        self.assertFalse(third.transport.half_closing)
        self.assertEqual((third.transport.writes, first.transport.writes), ([], [b"Welcome!"]))
        third.read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY: 1})
        second.lose()
        self.assertEqual(self.connect(factory).read(), b"Welcome!")

    def test_no_more_than_fit(self) -> None:
        for limit, fit, most in (0, 2, 2), (3, 2, 2), (2, 3, 2):
            factory = GreetingFactory(limits=Limits(max_connections=limit), clock=Clock())
            factory.registry.admission.restrict(fit)
            lost = [self.connect(factory).lost for _ in range(4)]
            self.assertEqual(lost, [False] * most + [True] * (4 - most))

    def test_past_max_connections_per_peer(self) -> None:
        factory = GreetingFactory(limits=Limits(max_connections_per_peer=1), clock=Clock())
        first = self.connect(factory)
        self.connect(factory).read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY_OF_PEER: 1})
        self.assertEqual(self.connect(factory, "192.0.2.2").read(), b"Welcome!")
        first.lose()
        self.assertEqual(self.connect(factory).read(), b"Welcome!")

    def test_a_protocol_that_is_never_connected_takes_no_place(self) -> None:
        factory = GreetingFactory(limits=Limits(max_connections=1), clock=Clock())
        for _ in range(10):
            factory.buildProtocol(None)
        self.assertEqual(self.connect(factory).read(), b"Welcome!")

    @given(st.lists(st.tuples(st.sampled_from("olrdx"), st.integers(0, 9)), max_size=40))
    def test_counted_is_open_whatever_happens(self, steps: list[tuple[str, int]]) -> None:
        clock = Clock()
        limits = Limits(max_connections=5, max_connections_per_peer=3)
        factory = GreetingFactory(limits=limits, clock=clock)
        open_: list[Remote] = []
        for step, number in steps:
            if step == "o":
                open_.append(self.connect(factory, f"192.0.2.{number % 3}"))
            elif open_:
                remote = open_[number % len(open_)]
                if step == "l":
                    remote.lose(ConnectionLost())
                elif step == "r":
                    remote.read()
                elif step == "d" and not remote.lost and not remote.transport.half_closing:
                    remote.protocol.dataReceived(b"exit\n")
                elif step == "x" and not remote.lost:
                    remote.half_close()
            open_ = [remote for remote in open_ if not remote.lost]
            self.assertEqual(factory.statistics.open, len(open_))
        self.assertEqual(factory.abort(), len(open_))
        self.assertEqual([remote.lost for remote in open_], [True] * len(open_))
        self.assertEqual((factory.statistics.open, clock.getDelayedCalls()), (0, []))
        places = [self.connect(factory, f"192.0.2.{number}") for number in (0, 0, 0, 1, 1)]
        self.assertEqual([remote.read() for remote in places], [b"Welcome!"] * 5)
        self.assertEqual(factory.abort(), 5)
