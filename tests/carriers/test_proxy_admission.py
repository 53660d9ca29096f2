"""Whom the limits count, where clients come through a proxy."""

from ipaddress import ip_address
from typing import Any

from hypothesis import given, strategies as st

from sockproto.carriers.factory import ConversationFactory
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits
from sockproto.protocols.greeting import GreetingFactory
from tests.carriers.proxied import PROXIES, THE_PROXY, ProxiedTestCase
from tests.core.proxy_headers import SOURCE, V1


class CountingTests(ProxiedTestCase):
    def client(self, factory: ConversationFactory, host: str) -> Any:
        """Connect through the one proxy."""
        version = ip_address(host).version
        remote = self.connect(factory)
        remote.protocol.dataReceived(f"PROXY TCP{version} {host} {host} 5000 80\r\n".encode())
        return remote

    def test_the_limit_of_a_peer_counts_the_client(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        first = self.client(factory, "192.0.2.1")
        second = self.client(factory, "192.0.2.1")
        self.assertEqual(
            (first.transport.writes, second.transport.writes, bool(second.transport.disconnecting)),
            ([b"Welcome!"], [], True),
        )
        second.read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY_OF_PEER: 1})
        self.assertEqual(self.client(factory, "192.0.2.2").transport.writes, [b"Welcome!"])
        first.lose()
        self.assertEqual(self.client(factory, "192.0.2.1").transport.writes, [b"Welcome!"])

    def test_the_proxy_itself_is_not_counted(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        waiting = [self.connect(factory) for _ in range(5)]
        self.assertFalse(any(remote.transport.disconnecting for remote in waiting))
        self.assertEqual(self.client(factory, THE_PROXY.host).transport.writes, [b"Welcome!"])

    def test_ipv6_clients_count_by_their_64(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        for host, welcome in [
            ("2001:db8::1", True),
            ("2001:db8::2", False),
            ("2001:db8:0:1::1", True),
            ("::ffff:192.0.2.1", True),
            ("192.0.2.1", False),
        ]:
            self.assertEqual(self.client(factory, host).transport.writes, [b"Welcome!"] if welcome else [])

    def test_a_refused_client_is_not_answered_what_came_with_its_header(self) -> None:
        factory = self.factory(limits=Limits(max_connections_per_peer=1))
        self.client(factory, SOURCE.host)
        remote = self.connect(factory)
        remote.protocol.dataReceived(V1 + b"Michael\n")
        remote.protocol.dataReceived(b"Tracy\n")
        remote.read()
        self.assertEqual(remote.transport.writes, [])
        self.assertTrue(remote.lost)

    def test_those_that_wait_for_a_header_count_among_all(self) -> None:
        factory = self.factory(limits=Limits(max_connections=1))
        first = self.connect(factory)
        self.connect(factory).read()
        self.assertEqual(factory.statistics.closed, {CloseReason.TOO_MANY: 1})
        first.half_close()
        first.read()
        self.assertEqual(self.client(factory, "192.0.2.1").transport.writes, [b"Welcome!"])

    @given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "lose", "junk", "none"])))
    def test_places_are_given_back_whatever_happens(self, steps: list[str]) -> None:
        factory = GreetingFactory(
            clock=self.clock, proxy_from=PROXIES, limits=Limits(max_connections_per_peer=2)
        )
        remotes: list[Any] = []
        for step in steps:
            remotes = [remote for remote in remotes if not remote.transport.disconnected]
            if step == "lose" and remotes:
                remotes[0].lose()
            elif step == "junk":
                remotes.append(self.connect(factory))
                remotes[-1].protocol.dataReceived(b"junk")
            elif step in ("none", "lose"):
                remotes.append(self.connect(factory))
            else:
                remotes.append(self.client(factory, step))
        for remote in remotes:
            remote.lose()
        self.assertEqual((factory.statistics.open, self.clock.getDelayedCalls()), (0, []))
        hosts = ["192.0.2.1", "192.0.2.2", "2001:db8::1"] * 2
        places = [self.client(factory, host) for host in hosts]
        self.assertEqual([remote.transport.writes for remote in places], [[b"Welcome!"]] * 6)
        self.assertEqual(factory.abort(), 6)
        self.assertTrue(all(remote.lost for remote in places))
