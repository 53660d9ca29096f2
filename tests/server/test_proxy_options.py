"""The options that ask for PROXY headers, and say whose are believed."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.core.conversation import CloseReason
from sockproto.errors import OptionError
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.server.descriptions import from_description
from sockproto.server.tap import Options
from sockproto.testing import connect


class OptionsTests(TestCase):
    def parse(self, *words: str) -> Options:
        options = Options()
        options.parseOptions(["--port", "0", *words] if "--listen" not in words else list(words))
        return options

    def trusts(self, host: str, *words: str) -> list[bool | None]:
        """Return whether each stream listener takes headers of that host; None where it asks for none."""
        factories = [one.server for one in self.parse(*words).listeners or [] if not one.datagrams]
        return [self.takes_header(factory, host) for factory in factories]

    def takes_header(self, factory: Any, host: str) -> bool | None:
        remote = connect(factory, peer=(IPv6Address if ":" in host else IPv4Address)("TCP", host, 1))
        said, reason = remote.transport.writes, remote.protocol.reason
        remote.lose()
        return None if said else reason is not CloseReason.UNKNOWN_PROXY

    def assert_fails(self, *words: str) -> str:
        """The options are wrong; return the one line that says so."""
        line = str(self.assertRaises(SystemExit, self.parse, *words))
        self.assertEqual(len(line.splitlines()), 1, line)
        return line

    def test_none_are_taken_unless_asked_for(self) -> None:
        self.assertEqual(self.trusts("127.0.0.1"), [None])
        self.assertEqual(self.trusts("127.0.0.1", "--listen", "tcp:0:interface=127.0.0.1"), [None])

    def test_proxy_protocol_is_of_loopback_only(self) -> None:
        for words in ["--proxy-protocol"], ["--proxy-protocol", "--listen", "tcp:0"]:
            for host, believed in ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False):
                self.assertEqual(self.trusts(host, *words), [believed])

    def test_proxy_from_takes_the_place_of_loopback(self) -> None:
        words = "--proxy-protocol", "--proxy-from", "10.0.0.0/8", "--proxy-from", "2001:db8::1"
        for host, believed in ("10.9.9.9", True), ("2001:db8::1", True), ("127.0.0.1", False), ("::1", False):
            self.assertEqual(self.trusts(host, *words), [believed])

    def test_on_every_listener(self) -> None:
        words = ["--proxy-protocol", "--interface", "127.0.0.1", "--interface", "::1"]
        self.assertEqual(self.trusts("127.0.0.1", *words), [True, True])

    def test_listen_haproxy_asks_for_a_header_there_only(self) -> None:
        for kind in "tcp:0", "tcp:0:interface=127.0.0.1", "unix:socket":
            words = "--listen", "tcp:0", "--listen", f"haproxy:{kind}"
            self.assertEqual(self.trusts("127.0.0.1", *words), [None, True])

    def test_proxy_from_with_listen_haproxy(self) -> None:
        words = "--listen", "haproxy:tcp:0", "--proxy-from", "10.0.0.0/8"
        self.assertEqual(self.trusts("10.0.0.1", *words), [True])
        self.assertEqual(self.trusts("127.0.0.1", *words), [False])

    def test_wrong_networks(self) -> None:
        for network in "nope", "10.0.0.0/33", "10.0.0.1/8", "", "::/129", "localhost":
            line = self.assert_fails("--proxy-protocol", "--proxy-from", network)
            self.assertIn("--proxy-from", line)

    def test_proxy_from_without_either(self) -> None:
        for words in [], ["--listen", "tcp:0"], ["--listen", "unix:haproxy"]:
            line = self.assert_fails(*words, "--proxy-from", "10.0.0.0/8")
            self.assertIn("--proxy-protocol", line)

    def test_what_cannot_be_behind_haproxy(self) -> None:
        for rest in "", "udp:0", "unix-dgram:socket", "nope:0":
            self.assertIn("--listen", self.assert_fails("--listen", f"haproxy:{rest}"))

    def test_twisteds_own_wrapper_is_never_made(self) -> None:
        made: list[bool] = []

        def make_factory(proxied: bool = False) -> EchoFactory:
            made.append(proxied)
            return EchoFactory(clock=Clock())

        from_description("echo", "haproxy:tcp:0", make_factory, EchoDatagramProtocol, Clock())
        self.assertEqual(made, [True])
        self.assertRaises(
            OptionError,
            from_description,
            "echo",
            "haproxy:haproxy:tcp:0",
            make_factory,
            EchoDatagramProtocol,
            Clock(),
        )
