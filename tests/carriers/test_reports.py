"""Which connections the log tells the end of."""

import json
from io import StringIO
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import Logger, LogPublisher, jsonFileLogObserver
from twisted.trial.unittest import TestCase

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.log import EventLog
from sockproto.carriers.reports import ORDERLY, Reports
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import Conversation
from sockproto.core.limits import Limits
from sockproto.protocols.chargen import ChargenFactory
from sockproto.protocols.discard import DiscardFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import connect
from tests.carriers.over_tls import TLSTests
from tests.carriers.proxied import ProxiedTestCase
from tests.core.proxy_headers import BLOCK4, LOCAL, TCP4, V1, V2, v2
from tests.events import observe, take_texts

LOCAL_HEADER = v2(TCP4, BLOCK4, LOCAL)


class Buggy(Conversation):
    def received(self, message: bytes) -> None:
        raise ValueError("a bug")


class BuggyProtocol(ConversationProtocol):
    conversation = Buggy


class BuggyFactory(ConversationFactory):
    protocol = BuggyProtocol


class BuggyDatagramProtocol(ConversationDatagramProtocol):
    conversation = Buggy


class ReportTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.events = observe(self)

    def factory(self, make: Any = GreetingFactory, reports: Reports = Reports.FAILED, **limits: Any) -> Any:
        factory = make(clock=self.clock, limits=Limits(**limits))
        factory.registry.reports = reports
        return factory

    def reasons(self) -> list[str]:
        """Return the reasons of the ends that were told, and forget them."""
        told = [event["reason"] for event in self.events if event["event"] == "connection_closed"]
        self.events.clear()
        return told

    def test_one_that_ended_as_it_should_is_not_told(self) -> None:
        factory = self.factory()
        for said in b"Michael\n", b"exit\n", b"":
            remote = connect(factory)
            remote.send(said)
            if not said:
                factory.drain()
            remote.read()
            remote.close()
        self.assertEqual(set(factory.statistics.closed), ORDERLY)
        self.assertEqual(self.reasons(), [])

    def test_a_health_check_is_not_told(self) -> None:
        for make in GreetingFactory, DiscardFactory, ChargenFactory:
            factory = self.factory(make)
            for leave in "close", "half_close", "reset":
                getattr(connect(factory), leave)()
            self.assertEqual(factory.statistics.opened, 3)
            self.assertEqual(self.reasons(), [], make)

    def test_one_that_failed_is_told(self) -> None:
        for make in GreetingFactory, DiscardFactory:
            remote = connect(self.factory(make))
            remote.send(b"Michael\n")
            remote.reset()
            self.assertEqual(self.reasons(), ["peer reset"])
        remote = connect(self.factory(idle_seconds=3))
        self.clock.pump([1] * 8)
        remote.read_to_end()
        remote.close()
        self.assertEqual(self.reasons(), ["idle"])
        factory = self.factory(max_connections=1)
        connect(factory)
        connect(factory)
        self.assertEqual(self.reasons(), ["too many connections"])

    def test_those_that_are_not_told_leave_room_for_others(self) -> None:
        factory = self.factory(log_rate=1)
        for _ in range(10):
            connect(factory).reset()
        remote = connect(factory)
        remote.send(b"Michael\n")
        remote.reset()
        self.assertEqual(self.reasons(), ["peer reset"])

    def test_all_or_none(self) -> None:
        for reports, told in (Reports.ALL, ["peer closed", "peer reset"]), (Reports.NONE, []):
            factory = self.factory(reports=reports)
            remote = connect(factory)
            remote.read()
            remote.close()
            connect(factory).reset()
            self.assertEqual(self.reasons(), told)

    def test_an_error_of_a_conversation_is_told_in_any_case(self) -> None:
        for reports in Reports:
            remote = connect(self.factory(BuggyFactory, reports))
            remote.send(b"x\n")
            remote.close()
            self.assertEqual(self.events[0]["event"], "conversation_error")
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
            self.assertEqual(self.reasons(), ["conversation error"] * (reports is not Reports.NONE))


class ProxiedReportTests(ProxiedTestCase):
    def test_a_header_is_nothing_that_was_said(self) -> None:
        events = observe(self)
        for header in V1, V2, LOCAL_HEADER, b"PROXY UNKNOWN\r\n", b"":
            for leave, said, lines in ("close", b"", 0), ("reset", b"", 0), ("reset", b"Michael\n", 1):
                factory = self.factory(DiscardFactory)
                factory.registry.reports = Reports.FAILED
                remote = self.connect(factory)
                remote.send(header + said * bool(header))
                getattr(remote, leave)()
                self.assertEqual(len(take_texts(events)), lines * bool(header), (header, leave, said))


class TLSReportTests(TLSTests):
    def test_one_that_leaves_before_the_handshake_or_after_it_says_nothing(self) -> None:
        for leave in "close", "reset":
            for shakes_hands in False, True:
                self.serve()
                self.factory.registry.reports = Reports.FAILED
                if shakes_hands:
                    self.peer().shake_hands()
                getattr(self.remote, leave)()
                self.assertEqual(sum(self.factory.statistics.closed.values()), 1)
                self.assertEqual(list(self.events), [], (leave, shakes_hands))

    def test_a_handshake_that_fails_is_told(self) -> None:
        self.serve()
        self.factory.registry.reports = Reports.FAILED
        self.remote.send(b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(len(list(self.events)), 1)


class FieldTests(TestCase):
    """Twisted's own JSON takes every field of ours as text or a number."""

    def setUp(self) -> None:
        self.written = StringIO()
        self.publisher = LogPublisher(jsonFileLogObserver(self.written, ""))
        self.clock = Clock()

    def check(self, *names: str) -> list[Any]:
        """Check the names of the events that were written, and what all their fields are; return them."""
        events = [json.loads(line) for line in self.written.getvalue().splitlines()]
        self.assertEqual([event["event"] for event in events], list(names))
        for event in events:
            for name, value in event.items():
                if not name.startswith("log_"):
                    self.assertIsInstance(value, str | int | float, name)
        return events

    def test_of_a_connection(self) -> None:
        factory = BuggyFactory(clock=self.clock)
        factory.registry.log = log = EventLog(2, Logger("test", observer=self.publisher))
        for _ in range(2):
            remote = connect(factory)
            remote.send(b"x\n")
            remote.close()
        log.flush()
        self.check("conversation_error", "connection_closed", "left_out")

    def test_of_a_datagram(self) -> None:
        protocol = BuggyDatagramProtocol(clock=self.clock)
        protocol.log = EventLog(0, Logger("test", observer=self.publisher))
        peers: dict[Any, str] = {
            ("127.0.0.1", 50_000): "127.0.0.1:50000",
            b"/tmp/\xff\n": "unix:/tmp/\\udcff\\n",
            None: "",
        }
        for address in peers:
            protocol.log_failure(ValueError("a bug"), address)
        events = self.check(*["conversation_error"] * 3)
        self.assertEqual([event["peer"] for event in events], list(peers.values()))
