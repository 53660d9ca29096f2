"""The options that say who may come in."""

from itertools import permutations
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto.core.conversation import CloseReason
from sockproto.protocols.greeting import GreetingFactory
from sockproto.server.catalog import definitions
from sockproto.server.explaining import explanation
from sockproto.server.tap import Options
from sockproto.testing import connect


class AccessOptionsTestCase(TestCase):
    def parse(self, *words: str) -> Options:
        options = Options()
        options.parseOptions(["--port", "0", *words] if "--listen" not in words else list(words))
        return options

    def assert_fails(self, *words: str) -> str:
        """The options are wrong; return the one line that says so."""
        line = str(self.assertRaises(SystemExit, self.parse, *words))
        self.assertEqual(len(line.splitlines()), 1, line)
        return line


class NetworkTests(AccessOptionsTestCase):
    def admits(self, host: str, *words: str) -> bool:
        """Return whether a host may come in, to every listener."""
        found = {self.takes(listener, host) for listener in self.parse(*words).listeners or []}
        self.assertEqual(len(found), 1)
        return found.pop()

    def takes(self, listener: Any, host: str) -> bool:
        if not listener.datagrams:
            remote = connect(listener.server, peer=IPv4Address("TCP", host, 5_000))
            remote.lose()
            return remote.protocol.reason is not CloseReason.DENIED
        listener.server.makeConnection(FakeDatagramTransport())
        listener.server.datagramReceived(b"x", (host, 5_000))
        return "denied" not in listener.server.statistics.dropped

    def test_everybody_unless_said(self) -> None:
        self.assertTrue(self.admits("192.0.2.1"))

    def test_on_every_listener_in_whatever_order(self) -> None:
        given = ["--allow=192.0.2.0/24", "--deny=192.0.2.66", "--allow=198.51.100.7"]
        for words in permutations(given):
            for host, admitted in {
                "192.0.2.1": True,
                "192.0.2.66": False,
                "198.51.100.7": True,
                "198.51.100.8": False,
            }.items():
                self.assertEqual(self.admits(host, *words, "--interface", "127.0.0.1"), admitted)

    def test_with_listen(self) -> None:
        words = "--listen", "tcp:0", "--listen", "udp:0", "--deny", "192.0.2.0/24"
        self.assertFalse(self.admits("192.0.2.1", *words))
        self.assertTrue(self.admits("198.51.100.1", *words))

    def test_every_protocol(self) -> None:
        for name in definitions():
            self.assertFalse(self.admits("192.0.2.1", "--protocol", name, "--deny", "192.0.2.0/24"), name)

    def test_wrong_networks(self) -> None:
        for name in "--allow", "--deny":
            for network in "nope", "10.0.0.0/33", "", "::/129", "localhost", "fe80::1%eth0":
                self.assertIn(f"{name}: ", self.assert_fails(name, network))
            self.assertIn(
                f"{name}: '10.0.0.1/8' is an address and its network; write 10.0.0.0/8 for",
                self.assert_fails(name, "10.0.0.1/8"),
            )

    def test_one_that_both_name(self) -> None:
        line = self.assert_fails("--allow", "10.0.0.0/8", "--deny", "::ffff:10.0.0.0/104")
        self.assertIn("--allow and --deny: 10.0.0.0/8 is both allowed and denied", line)

    def test_what_is_explained(self) -> None:
        options = self.parse("--allow", "10.0.0.0/8", "--allow", "192.0.2.7", "--deny", "10.0.0.5")
        text = explanation(options.listeners or [], options.limits, options.settings())
        self.assertRegex(text, r"(?m)^  allow +10\.0\.0\.0/8, 192\.0\.2\.7$")
        self.assertRegex(text, r"(?m)^  deny +10\.0\.0\.5$")

    def test_nothing_is_installed_unless_asked_for(self) -> None:
        [factory, *_] = [each.server for each in self.parse().listeners or []]
        plain = GreetingFactory()
        self.assertIs(type(factory.registry.admission), type(plain.registry.admission))
