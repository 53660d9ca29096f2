"""Several faults of one connection, and faults of every kind of conversation, framing and limit."""

from typing import Any

from hypothesis import given, settings, strategies as st
from twisted.internet.defer import Deferred

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.actions import Interrupted, Script, Until
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.prefixed import Int8Prefixed, Netstrings
from sockproto.protocols.command import CommandFactory
from sockproto.protocols.echo import EchoFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.testing import connect
from tests import example_count
from tests.carriers.test_faults import FaultsTestCase


class Waiter(Conversation):
    """Waits for what the test gives, until a line ``stop`` comes."""

    def __init__(self, found: "Deferred[bytes]", notes: list[Any]) -> None:
        self.found, self.notes = found, notes

    def received(self, message: bytes) -> Script:
        try:
            yield b"begun"
            value = yield Until(self.found, lambda line: line == b"stop")
            yield b"found " + value
        except Interrupted:
            yield b"stopped"
        except BaseException as error:
            self.notes.append(type(error))
            raise


class WaiterProtocol(ConversationProtocol):
    conversation = Waiter
    framing = Lines


class WaiterFactory(ConversationFactory):
    protocol = WaiterProtocol


def factory_of(made: Any, framed: Any = Lines) -> Any:
    class MadeProtocol(ConversationProtocol):
        conversation, framing = made, framed

    class MadeFactory(ConversationFactory):
        protocol = MadeProtocol

    return MadeFactory


class CombinedTests(FaultsTestCase):
    def test_of_two_paces_both_hold(self) -> None:
        slow = [(0, b"a"), (0.5, b"b"), (1, b"\n")]
        for faults in [("drip=2/s", "split=1"), ("split=1", "drip=2/s"), ("drip=10/s", "drip=2/s")]:
            self.connect(*faults)
            self.assertEqual(self.ask(b"ab\n"), slow, faults)
        self.connect("drip=2/s", "drip=10/s,match=b")
        self.assertEqual(self.ask(b"ab\n"), slow)

    def test_messages_count_after_a_half_close_too(self) -> None:
        for end in "close-after=2messages", "reset-after=2messages":
            for faults in [(f"half-close-after=1message,{end}",), ("half-close-after=1message", end)]:
                remote = self.connect(*faults)
                self.assertEqual(self.ask(b"a\nb\nc\n"), [(0, b"a\n")])
                self.assertTrue(remote.lost)
                self.assertEqual(self.reason, CloseReason.FAULT)
                self.assertEqual(self.counted, {"half-close-after": 1, end.partition("=")[0]: 1})

    def test_the_first_end_is_the_one(self) -> None:
        for faults, ended in [
            (("close-after=5", "reset-after=3"), "reset"),
            (("reset-after=5", "close-after=3"), "orderly"),
            (("close-after=5,reset-after=3",), "reset"),
        ]:
            remote = self.connect(*faults)
            self.assertEqual(self.ask(b"abcdef\n"), [(0, b"abc")])
            self.heard()
            self.assertEqual((remote.ended, len(self.counted)), (ended, 1), faults)

    def test_an_end_in_the_middle_of_a_drip(self) -> None:
        remote = self.connect("drip=10/s,close-after=3")
        self.assertEqual(self.ask(b"abcdef\n"), [(0, b"a"), (0.1, b"b"), (0.2, b"c")])
        self.assertTrue(remote.lost)

    def test_the_first_byte_and_the_delay_add_up(self) -> None:
        self.connect("first-byte=2,delay=1")
        self.assertEqual(self.ask(b"a\nb\n"), [(3, b"a\n"), (4, b"b\n")])

    def test_what_says_nothing_has_no_delay(self) -> None:
        class Silent(Conversation):
            def received(self, message: bytes) -> Script:
                yield from ()

        self.connect("delay=1", kind=factory_of(Silent))
        self.assertEqual(self.ask(b"a\n"), [])
        self.assertEqual(self.counted, {})

    def test_a_conversation_has_its_own_attributes(self) -> None:
        class Counting(Conversation):
            number = 0

            def received(self, message: bytes) -> Any:
                self.number += 1
                return b"%d" % self.number

        self.connect("delay=1,match=late", kind=factory_of(Counting))
        self.assertEqual(self.ask(b"a\nlate\na\n"), [(0, b"1\n"), (1, b"2\n3\n")])

    def test_a_conversation_that_raises(self) -> None:
        class Failing(Conversation):
            speaks_text = True

            def received(self, message: bytes) -> Script:
                yield b"half"
                raise ValueError

        self.make("drip=10/s,delay=1", kind=factory_of(Failing))
        remote = connect(self.factory, kernel_bytes=0)
        self.remote = remote
        found = self.ask(b"a\n")
        self.assertEqual(b"".join(data for _, data in found), b"half\nerror: internal error\n")
        self.assertEqual(self.reason, CloseReason.CONVERSATION_ERROR)
        self.flushLoggedErrors(ValueError)


class FramingTests(FaultsTestCase):
    def test_a_piece_is_no_message_that_happens_to_be_equal(self) -> None:
        self.connect("split=1,match=b")
        self.assertEqual(self.ask(b"a\nab\n"), [(0, b"a\na"), (0.005, b"b"), (0.01, b"\n")])

    def test_a_piece_may_be_longer_than_a_message(self) -> None:
        for framing, size in (Int8Prefixed, 255), (Netstrings, 65_536):
            self.connect("garble=0.00001", framing=framing)
            sent = framing().encode(b"x" * size)
            self.assertEqual(b"".join(data for _, data in self.ask(sent)), sent)

    def test_prefixes_are_cut_like_all_else(self) -> None:
        self.connect("split=1,close-after=3", framing=Int8Prefixed)
        self.assertEqual([data for _, data in self.ask(b"\x03abc")], [b"\x03", b"a", b"b"])

    def test_a_terminal(self) -> None:
        self.connect("split=1,truncate=3")
        found = self.ask(b"\xff\xfd\x01\xff\xffab\r\n")
        self.assertEqual([data for _, data in found], [b"\xff\xfc\x01\xff\xff", b"a", b"b"])

    def test_garbled_bytes_are_no_commands_of_a_terminal(self) -> None:
        self.connect("garble=1")
        [(_, data)] = self.ask(b"\xff\xfd\x01" + b"x" * 5_000 + b"\r\n")
        self.assertEqual(data[:3], b"\xff\xfc\x01")
        text = data[3:].replace(b"\xff\xff", b"")
        self.assertNotIn(b"\xff", text)
        self.assertLess(len(text), len(data) - 3)

    def test_bytes_are_garbled_alike_however_they_are_read(self) -> None:
        found = []
        for sizes in (100, 100), (200,), (1, 199):
            self.connect("garble=0.2", kind=EchoFactory)
            found.append(b"".join(data for size in sizes for _, data in self.ask(b"x" * size)))
        self.assertEqual(len(set(found)), 1)


PIECES = (b"a", b"ab\n", b"\r\n", b"\n", b"\xff\xff", b"exit\n", b"/echo hi\n", b"/help\n", b"x" * 300)
PACES = ("delay=0.1", "drip=1000/s", "split=1", "split=random", "first-byte=1", "accept-delay=1", "no-read=1")


class PacesTests(FaultsTestCase):
    def said(self, kind: Any, faults: tuple[str, ...], data: bytes) -> tuple[bytes, Any]:
        self.factory = kind(faults=faults, clock=self.clock)
        self.connect().half_close(data)
        said = b"".join(data for _, data in self.heard(100))
        return said, self.remote.protocol.reason

    @given(
        st.sampled_from([GreetingFactory, CommandFactory, EchoFactory]),
        st.lists(st.sampled_from(PACES), min_size=1, max_size=3, unique=True).map(tuple),
        st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
        st.booleans(),
    )
    @settings(deadline=None, max_examples=example_count(50))
    def test_what_is_slow_is_not_wrong(
        self, kind: Any, faults: tuple[str, ...], data: bytes, joined: bool
    ) -> None:
        wanted = self.said(kind, (), data)
        alone = len({fault.partition("=")[0] for fault in faults}) == len(faults)
        found = self.said(kind, (",".join(faults),) if joined and alone else faults, data)
        self.assertEqual(found, wanted)


class ScriptTests(FaultsTestCase):
    def wait(self, *faults: str) -> "Deferred[bytes]":
        self.found: Deferred[bytes] = Deferred()
        self.factory = WaiterFactory(self.found, self.notes, faults=faults, clock=self.clock)
        self.remote = connect(self.factory, kernel_bytes=0)
        self.addCleanup(self.remote.lose)
        return self.found

    def test_a_wait_is_delivered(self) -> None:
        found = self.wait("split=3")
        self.ask(b"a\n")
        found.callback(b"it")
        self.assertEqual(b"".join(data for _, data in self.heard()), b"found it\n")

    def test_an_interrupt_passes(self) -> None:
        self.wait("drip=10/s")
        self.ask(b"a\n")
        self.assertEqual(b"".join(data for _, data in self.ask(b"stop\n")), b"stopped\n")

    def test_a_failure_passes_whatever_it_is(self) -> None:
        for error in ValueError, BaseException:
            found = self.wait("delay=1")
            self.remote.send(b"a\n")
            self.heard()
            found.errback(error())
            self.assertEqual(self.notes.pop(), error)
            self.assertEqual(self.remote.protocol.reason, CloseReason.CONVERSATION_ERROR)
            self.flushLoggedErrors(error)

    def test_a_peer_that_leaves_ends_it(self) -> None:
        self.wait("delay=1")
        self.ask(b"a\n")
        self.remote.reset()
        self.assertEqual(self.notes, [GeneratorExit])

    def test_what_is_pushed_waits_for_the_pieces(self) -> None:
        self.connect("drip=10/s")
        self.remote.send(b"ab\n")
        self.remote.protocol.send(b"news")
        self.assertEqual(b"".join(data for _, data in self.heard()), b"ab\nnews\n")
