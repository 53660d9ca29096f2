"""Limits: what they may be, what they are unless told, and what is counted as one peer."""

from typing import Any

from hypothesis import given, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.core.admission import Admission, site_of
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import Limits
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory, EchoProtocol


class LimitsTests(TestCase):
    def test_they_are_checked_and_frozen(self) -> None:
        self.assertRaises(ValueError, Limits, max_message_bytes=1.5)
        for wrong in -1, float("nan"), float("inf"), "5", None, True:
            self.assertRaises(ValueError, Limits, idle_seconds=wrong)
        self.assertRaises(AttributeError, setattr, Limits(), "close_seconds", 1)

    def test_the_defaults(self) -> None:
        self.assertEqual(
            list(vars(Limits()).values()), [4096, 1024, 300, 60, 60, 30, 0, 65_536, 2, 10, 2000, 100]
        )

    def test_every_default_has_a_line_of_documentation(self) -> None:
        for name in vars(Limits()):
            self.assertIn(f"        {name}: ", Limits.__doc__ or "")

    def test_what_are_no_limits_is_said_at_once(self) -> None:
        makers: list[Any] = [EchoFactory, EchoDatagramProtocol, EchoProtocol]
        for make in makers:
            self.assertRaisesRegex(TypeError, r"limits must be Limits\(\.\.\.\), not 5", make, limits=5)
            make(limits=None)

    def test_every_limit_of_time_in_use_counts_for_the_soonest(self) -> None:
        none = dict.fromkeys(vars(Limits()), 0)
        for name in none:
            in_use = name.endswith("_seconds") and name not in ("close_seconds", "drain_seconds")
            self.assertEqual(Limits(**{**none, name: 7}).soonest, 7 if in_use else 0, name)


class AdmissionTests(TestCase):
    def test_what_counts_as_one_peer(self) -> None:
        for hosts, same in [
            (["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"], True),
            (["2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:db8:0:1::1%eth0"], True),
            (["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"], False),
        ]:
            sites = {site_of(Peer(host, 1)) for host in hosts}
            self.assertEqual(len(sites), 1 if same else len(hosts))

    def test_peers_on_unix_sockets_are_many(self) -> None:
        admission = Admission(Limits(max_connections_per_peer=1))
        self.assertEqual([admission.identify(Peer("", None)) for _ in range(3)], [None] * 3)

    @given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
    def test_places_are_given_back(self, peers: list[tuple[int, bool]]) -> None:
        """However they are taken: both at once, or that of the peer when it is known."""
        limits = Limits(max_connections=6, max_connections_per_peer=3)
        admission = Admission(limits)
        inside: list[Peer] = []
        for number, at_once in peers:
            peer = Peer(f"192.0.2.{number}", 1)
            if number == 0 and inside:
                admission.release(inside.pop(0))
                continue
            refused = admission.admit(peer) if at_once else admission.enter()
            if refused is None and not at_once:
                refused = admission.identify(peer)
                if refused is not None:
                    admission.leave()
            if refused is None:
                inside.append(peer)
            elif refused is CloseReason.TOO_MANY:
                self.assertEqual(len(inside), 6)
            else:
                self.assertEqual(inside.count(peer), 3)
            self.assertLessEqual(len(inside), 6)
