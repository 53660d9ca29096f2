"""Logs can't be forged or flooded, and cost nothing when nobody listens."""

from typing import Any, cast

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, LogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.log import EventLog
from sockproto.carriers.stream import ConversationProtocol
from sockproto.carriers.transport import peer_of
from sockproto.core.conversation import Conversation, Peer
from sockproto.core.limits import Limits
from sockproto.core.text import escape
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import connect
from tests.events import observe, take_texts


class JournalTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[LogEvent] = []
        self.publisher = LogPublisher(cast("ILogObserver", self.events.append))
        self.log = EventLog(rate=3, log=Logger("test", observer=self.publisher))

    def texts(self) -> list[str]:
        return take_texts(self.events)

    def test_so_many_a_second_and_one_line_for_the_others(self) -> None:
        for number in range(10):
            self.log.info(self.clock, "{number}", number=number)
        self.assertEqual(self.texts(), ["0", "1", "2"])
        self.clock.advance(1)
        self.log.info(self.clock, "later")
        self.assertEqual(self.texts(), ["7 events more were left out of the log", "later"])
        self.log.flush()
        self.assertEqual(self.texts(), [])

    def test_the_end_of_the_second_says_how_many(self) -> None:
        self.clock.advance(0.75)
        for number in range(3):
            self.log.info(self.clock, "{number}", number=number)
        self.assertEqual(self.clock.getDelayedCalls(), [], "a timer, and nothing was left out")
        for _ in range(2):
            self.log.info(self.clock, "one more")
        self.clock.advance(0.2)
        self.assertEqual(self.texts(), ["0", "1", "2"])
        self.clock.advance(0.05)
        self.assertEqual(self.texts(), ["2 events more were left out of the log"])
        self.clock.advance(10)
        self.log.info(self.clock, "later")
        self.assertEqual(self.texts(), ["later"])

    def test_what_is_told_leaves_no_timer(self) -> None:
        late = Clock()  # as a reactor is that was busy
        late.advance(1)
        for left_out, tell in (1, self.log.flush), (4, lambda: self.log.info(late, "later")):
            for _ in range(4):
                self.log.info(self.clock, "often")
            self.texts()
            tell()
            self.assertIn(f"{left_out} events more were left out of the log", self.texts())
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_connections_that_end_while_it_drains_are_told_of(self) -> None:
        events = observe(self)
        factory = GreetingFactory(clock=self.clock, limits=Limits(log_rate=1))
        remotes = [connect(factory.buildProtocol(None)) for _ in range(3)]
        factory.stopFactory()
        drained = factory.drain()
        for remote in remotes:
            remote.lose()
        self.successResultOf(drained)
        self.assertEqual(take_texts(events)[1:], ["2 events more were left out of the log"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_listener_that_stops_says_how_many(self) -> None:
        events = observe(self)
        factory = GreetingFactory(clock=self.clock, limits=Limits(log_rate=3))
        for _ in range(5):
            connect(factory.buildProtocol(None)).lose()
        self.assertEqual(len(take_texts(events)), 3)
        factory.stopFactory()
        self.assertEqual(take_texts(events), ["2 events more were left out of the log"])

    def test_no_limit(self) -> None:
        self.log = EventLog(rate=0, log=Logger("test", observer=self.publisher))
        for number in range(500):
            self.log.info(self.clock, "{number}", number=number)
        self.assertEqual(len(self.events), 500)

    def test_nobody_listens(self) -> None:
        class Untouchable(Logger):
            def emit(self, *args: Any, **kwargs: Any) -> None:
                raise AssertionError("an event was built")

        log = EventLog(log=Untouchable("test", observer=LogPublisher()))
        log.info(self.clock, "x")
        log.failure(self.clock, "x", Failure(ValueError()), self)

    def test_a_traceback_cannot_forge_lines_or_drive_a_terminal(self) -> None:
        try:
            raise ValueError("bad\n2026-11-21T00:00:00+0000 [-] forged\r\x1b[31m\x85\u2028red \u202e")
        except ValueError:
            failure = Failure()
        self.log.failure(self.clock, "error", failure, self)
        self.assertTrue(self.events[0]["log_failure"].check(ValueError))
        [text] = self.texts()
        for line in text.splitlines()[1:]:
            self.assertTrue(line.startswith("  "), line)
            self.assertTrue(line.isprintable(), line)
        self.assertIn("forged", text)

    def test_escape(self) -> None:
        self.assertEqual(escape("naïve 麦\n\x1b\x7f\ud800"), "naïve 麦\\n\\x1b\\x7f\\ud800")


class ConnectionEventTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.events = observe(self)

    def test_the_event_of_a_closed_connection(self) -> None:
        factory = GreetingFactory(clock=self.clock)
        protocol = factory.buildProtocol(None)
        remote = connect(protocol)
        protocol.dataReceived(b"Michael\nTracy\n")
        self.clock.advance(1.5)
        remote.lose()
        [event] = self.events
        expected = {
            "event": "connection_closed",
            "peer": "192.168.1.1:54321",
            "host": "10.0.0.1:12345",
            "protocol": "greeting",
            "serial": 1,
            "reason": "peer closed",
            "bytes_in": 14,
            "bytes_out": 8 + 16 + 14,
            "messages_in": 2,
            "messages_out": 3,
        }
        self.assertEqual({key: event[key] for key in expected}, expected)
        self.assertEqual(
            take_texts(self.events),
            [
                "greeting connection 1 from 192.168.1.1:54321 closed: peer closed; "
                "14 bytes and 2 messages in, 38 bytes and 3 messages out, 1.500 seconds"
            ],
        )

    def test_the_event_of_an_error_names_the_connection(self) -> None:
        class Buggy(Conversation):
            def received(self, message: bytes) -> None:
                raise ValueError(message.decode())

        class BuggyProtocol(ConversationProtocol):
            conversation = Buggy

        factory = ConversationFactory(clock=self.clock)
        factory.protocol = BuggyProtocol
        protocol = factory.buildProtocol(None)
        remote = connect(protocol)
        protocol.dataReceived(b"x\x1b\rforged\n")
        remote.lose()
        event = self.events[0]
        self.assertEqual((event["event"], event["serial"]), ("conversation_error", 1))
        self.assertEqual((event["protocol"], event["log_source"]), ("buggy", protocol))
        self.assertNotIn("\x1b", "".join(take_texts(self.events)))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class PeerTests(TestCase):
    def test_addresses_as_text(self) -> None:
        for address, text in [
            (IPv4Address("TCP", "127.0.0.1", 80), "127.0.0.1:80"),
            (UNIXAddress(b"/tmp/a\nb\xff"), "unix:/tmp/a\\nb\\udcff"),
            (UNIXAddress(None), "unix:"),
            (None, "None:0"),
        ]:
            self.assertEqual(str(peer_of(address)), text)
        self.assertEqual(str(Peer("::1", 80)), "[::1]:80")
