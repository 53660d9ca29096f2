"""The clients on datagrams: asking again, no answer, refused, other addresses."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import ConnectedDatagramProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.client.call import Call
from sockproto.client.conversations.command import CommandClient, Replies
from sockproto.client.conversations.echo import EchoClient
from sockproto.client.conversations.greeting import GreetingClient
from sockproto.client.conversations.welcome import WelcomeClient
from sockproto.client.datagram import Exchange
from sockproto.core.actions import HALF_CLOSE, Sleep, Wait
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.framing.prefixed import Netstrings
from sockproto.errors import OptionError, Refused, TimedOut, Unreachable, WrongReply
from tests.client.calling import settle


class Port:
    """A connected datagram socket in memory.

    Attributes:
        sent: What was written.
        error: What the next writes raise.
        closed: Whether it is closed.
    """

    def __init__(self, protocol: ConnectedDatagramProtocol) -> None:
        self.protocol = protocol
        self.sent: list[bytes] = []
        self.error: Exception | None = None
        self.closed = False
        protocol.makeConnection(self)  # type: ignore[arg-type]  # it has all that is called

    def write(self, datagram: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(datagram)

    def stopListening(self) -> None:
        self.closed = True


class DatagramClientTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.ports: list[Any] = []
        self.error: Exception | None = None  # what writing raises on the sockets that are opened
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), [], "a timer was left behind"))

    def ask(self, conversation: Any, targets: int = 1, begin: bool = True, **options: Any) -> "Deferred[Any]":
        call = Call("udp:server:7", conversation, self.clock, 10, options.pop("reply_seconds", 30))
        self.asking = Exchange(conversation, call, self.clock, **options)

        def open_port(protocol: ConnectedDatagramProtocol) -> IListeningPort:
            self.ports.append(Port(protocol))
            self.ports[-1].error = self.error
            port: IListeningPort = self.ports[-1]
            return port

        self.asking.begin([(Peer("127.0.0.1", number), open_port) for number in range(targets)])
        self.addCleanup(settle, call.result)
        return call.result

    def answer(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.ports[-1].protocol.datagramReceived(datagram, ("127.0.0.1", 7))

    def sent(self) -> list[bytes]:
        sent, self.ports[-1].sent = self.ports[-1].sent, []
        assert isinstance(sent, list)
        return sent

    def test_one_after_the_others_answer(self) -> None:
        call = self.ask(GreetingClient([b"a", b"b"], welcome=None, farewell=b""))
        self.assertEqual(self.sent(), [b"a"])
        self.answer(b"Hello, a!")
        self.assertEqual(self.sent(), [b"b"])
        self.answer(b"Hello, b!")
        self.assertEqual(self.sent(), [])
        self.assertEqual(self.successResultOf(call).replies, (b"Hello, a!", b"Hello, b!"))
        self.assertTrue(self.ports[0].closed)

    def test_empty_datagrams_are_sent_and_taken(self) -> None:
        call = self.ask(EchoClient([b""]))
        self.assertEqual(self.sent(), [b""])
        self.answer(b"")
        self.assertEqual(self.successResultOf(call), (b"",))

    def test_lines_without_a_reply_are_datagrams_of_their_own(self) -> None:
        call = self.ask(CommandClient([b"x", b"/version", b"y"]))
        self.assertEqual(self.sent(), [b"x", b"/version"])
        self.answer(b"Demo version\n")
        self.assertEqual(self.sent(), [b"y"])
        self.assertEqual(
            self.successResultOf(call),
            Replies((), (b"x", b"/version", b"y"), (None, (b"Demo version",), None), ()),
        )

    def test_a_text_is_asked_for(self) -> None:
        call = self.ask(WelcomeClient(b"?"))
        self.assertEqual(self.sent(), [b"?"])
        self.answer(b"text")
        self.assertEqual(self.successResultOf(call), b"text")

    def test_each_message_is_a_datagram_of_its_own_in_any_framing(self) -> None:
        class Answering(ClientConversation):
            def opened(self, peer: Peer) -> bytes:
                return b"first"

            def received(self, message: bytes) -> bytes:
                return b"<%b>" % message

        call = self.ask(Answering(), framing=Lines)
        self.assertEqual(self.sent(), [b"first"])
        self.answer(b"one\ntwo\n")
        sent = [datagram for port in self.ports for datagram in port.sent]
        self.assertEqual(sent, [b"<one>", b"<two>"])
        self.sent()
        self.clock.advance(1)
        self.assertEqual(self.sent(), [b"<two>"])  # only the last is asked again
        self.clock.pump([2, 4])
        self.failureResultOf(call, TimedOut)

    def test_asking_again_after_1_2_and_4_seconds(self) -> None:
        call = self.ask(EchoClient([b"x"]))
        times = []
        for quarter in range(1, 28):
            before = len(self.ports[0].sent)
            self.clock.advance(0.25)
            if len(self.ports[0].sent) > before:
                times.append(quarter / 4)
        self.assertEqual((times, self.sent()), ([1, 3], [b"x"] * 3))
        self.assertNoResult(call)
        self.clock.advance(0.25)
        failure = self.failureResultOf(call, TimedOut).value
        self.assertIn("no answer to 3 tries in 7 seconds", str(failure))

    def test_the_time_to_reply_holds_too(self) -> None:
        call = self.ask(EchoClient([b"x"]), reply_seconds=1.5)
        self.clock.advance(1.6)
        self.failureResultOf(call, TimedOut)

    def test_an_answer_ends_the_asking(self) -> None:
        call = self.ask(EchoClient([b"x", b"y"]))
        self.clock.advance(1)
        self.answer(b"x")
        self.assertEqual((self.ports[0].sent, self.sent()), ([b"x", b"x"], [b"y"]))
        self.clock.advance(0.9)
        self.assertEqual(self.sent(), [])
        self.answer(b"y")
        self.assertEqual(self.successResultOf(call), (b"x", b"y"))

    def test_nor_while_we_wait_for_what_to_send_next(self) -> None:
        later: Deferred[Any] = Deferred()
        call = self.ask(CommandClient([b"/a", Wait(later)]))
        self.answer(b"re /a", b"re /a")
        later.callback(b"/b")
        self.assertEqual(self.sent(), [b"/b"])
        self.answer(b"re /b")
        self.assertEqual(self.successResultOf(call).replies, ((b"re /a",), (b"re /b",)))

    def test_an_answer_that_comes_twice_is_no_answer_to_the_next(self) -> None:
        call = self.ask(EchoClient([b"x", b"y"]))
        self.answer(b"x")
        self.assertTrue(self.ports[0].closed)
        self.ports[0].protocol.datagramReceived(b"x", None)
        self.assertEqual(self.sent(), [b"y"])
        self.assertNoResult(call)
        self.answer(b"y")
        self.assertEqual(self.successResultOf(call), (b"x", b"y"))

    def test_another_answer_is_no_echo(self) -> None:
        call = self.ask(EchoClient([b"x"]))
        self.answer(b"X")
        self.failureResultOf(call, WrongReply)

    def test_an_answer_that_the_framing_can_not_cut(self) -> None:
        call = self.ask(EchoClient([b"x"]), framing=Netstrings)
        self.answer(b"x")
        self.failureResultOf(call, WrongReply)

    def test_while_we_wait_ourselves_nobody_is_asked_again(self) -> None:
        later: Deferred[Any] = Deferred()
        call = self.ask(EchoClient([b"x", Wait(later)]))
        self.answer(b"x")
        self.clock.advance(100)
        self.assertEqual(self.sent(), [b"x"])
        later.callback(None)
        self.successResultOf(call)

    def test_what_nobody_asked_for_is_dropped(self) -> None:
        later: Deferred[Any] = Deferred()
        heard: list[bytes] = []
        call = self.ask(EchoClient([b"x", Wait(later)], heard.append))
        self.answer(b"x")
        for _ in range(1_000):
            self.answer(b"z" * 1_000, b"")
        later.callback(None)
        self.successResultOf(call)
        self.assertEqual(heard, [b"x"])

    def test_what_takes_no_time_gives_others_a_turn(self) -> None:
        for action in b"x", Sleep(0), HALF_CLOSE:
            said: list[None] = []

            class Long(ClientConversation):
                def opened(self, peer: Peer, said: list[None] = said, action: Any = action) -> Any:
                    for _ in range(1_000):
                        said.append(None)
                        yield action
                    yield b"end"

            call = self.ask(Long())
            self.assertLess(len(said), 1_000)
            self.clock.advance(0)
            self.assertEqual((len(said), self.sent()[-1]), (1_000, b"end"))
            call.cancel()

    def test_a_call_that_ends_while_its_script_runs_waits_no_more(self) -> None:
        class Cancels(ClientConversation):
            def opened(self, peer: Peer) -> Any:
                yield Sleep(1)
                call.cancel()
                yield Sleep(60)

        call = self.ask(Cancels())
        self.clock.advance(1)
        self.failureResultOf(call)

    def test_refused(self) -> None:
        call = self.ask(EchoClient([b"x"]))
        self.ports[0].protocol.connectionRefused()
        failure = self.failureResultOf(call, Refused).value
        self.assertEqual((failure.status, failure.address), (7, "udp:server:7"))
        self.assertTrue(self.ports[0].closed)

    def test_refused_at_one_address_and_answered_at_the_next(self) -> None:
        call = self.ask(EchoClient([b"x", b"y"]), targets=2)
        self.ports[0].protocol.connectionRefused()
        self.assertTrue(self.ports[0].closed)
        self.assertEqual(self.sent(), [b"x"])
        self.ports[0].protocol.datagramReceived(b"stray", None)
        self.answer(b"x")
        self.assertEqual(self.sent(), [b"y"])
        self.ports[2].protocol.connectionRefused()  # it has gone meanwhile
        self.failureResultOf(call, Refused)

    def test_a_dead_first_address(self) -> None:
        call = self.ask(EchoClient([b"x", b"y"]), targets=3)
        self.assertEqual([port.sent for port in self.ports], [[b"x"]])
        self.clock.advance(0.25)
        self.assertEqual([port.sent for port in self.ports], [[b"x"], [b"x"]])
        self.answer(b"x")
        self.assertEqual([port.closed for port in self.ports], [True, True, False])  # the answer's anew
        self.assertEqual(self.sent(), [b"y"])
        self.clock.advance(0.5)
        self.assertEqual(len(self.ports), 3)  # the third address is not asked
        self.answer(b"y")
        self.assertEqual(self.successResultOf(call), (b"x", b"y"))

    def test_a_slow_first_address(self) -> None:
        call = self.ask(EchoClient([b"x"]), targets=2)
        self.clock.advance(0.3)
        self.ports[0].protocol.datagramReceived(b"x", None)
        self.assertTrue(self.ports[1].closed)
        self.assertEqual(self.successResultOf(call), (b"x",))

    def test_every_address_is_asked_again(self) -> None:
        call = self.ask(EchoClient([b"x"]), targets=2, tries=2)
        self.clock.pump([0.25, 0.75])
        self.assertEqual([port.sent for port in self.ports], [[b"x", b"x"]] * 2)
        self.clock.advance(2)
        self.failureResultOf(call, TimedOut)
        self.assertTrue(all(port.closed for port in self.ports))

    def test_the_second_is_waited_for_where_the_first_refuses(self) -> None:
        call = self.ask(EchoClient([b"x"]), targets=2)
        self.clock.advance(0.25)
        self.ports[0].protocol.connectionRefused()
        self.assertNoResult(call)
        self.ports[1].protocol.connectionRefused()
        failure = self.failureResultOf(call, Refused).value
        self.assertTrue(failure.reason.endswith("(at 127.0.0.1:0, 127.0.0.1:1)"), failure.reason)

    def test_nothing_is_sent_to_the_next_address_before_there_is_something_to_send(self) -> None:
        given: Deferred[bytes] = Deferred()
        call = self.ask(EchoClient([Wait(given)]), targets=2)
        self.clock.advance(5)
        self.assertEqual([port.sent for port in self.ports], [[]])
        given.callback(b"x")
        self.assertEqual([port.sent for port in self.ports], [[b"x"]])
        self.clock.advance(0.25)
        self.assertEqual([port.sent for port in self.ports], [[b"x"]] * 2)
        self.answer(b"x")
        self.successResultOf(call)

    def test_what_the_system_refuses_to_send(self) -> None:
        for error, kind in [(OSError(101, "x"), Unreachable), (MessageLengthError(), OptionError)]:

            class Later(ClientConversation):
                def received(self, message: bytes) -> bytes:
                    return b"y"

            call = self.ask(Later())
            self.error = error  # of the next socket
            self.answer(b"go")
            self.error = None
            self.failureResultOf(call, kind)

    def test_a_socket_that_can_t_be_opened(self) -> None:
        call = Call("udp:server:7", EchoClient([b"x"]), self.clock, 10, 30)

        def open_port(protocol: Any) -> Any:
            raise OSError(101, "Network is unreachable")

        Exchange(EchoClient([b"x"]), call, self.clock).begin([(Peer("192.0.2.1", 7), open_port)])
        self.failureResultOf(call.result, Unreachable)

    def test_an_address_that_can_t_be_opened_is_passed_over(self) -> None:
        def no_port(protocol: Any) -> Any:
            raise CannotListenError("::", 0, OSError(97, "Address family not supported"))

        def open_port(protocol: Any) -> Any:
            self.ports.append(Port(protocol))
            return self.ports[-1]

        for targets in [[no_port, open_port], [no_port]]:
            conversation = EchoClient([b"x"])
            call = Call("udp:server:7", conversation, self.clock, 10, 30)
            Exchange(conversation, call, self.clock).begin([(Peer("::1", 7), target) for target in targets])
            if len(targets) > 1:
                self.answer(b"x")
                self.successResultOf(call.result)
            else:
                self.failureResultOf(call.result, Unreachable)

    def test_the_wire_can_be_watched(self) -> None:
        crossed: list[Any] = []
        self.ask(EchoClient([b"x"]), trace=lambda *event: crossed.append(event))
        self.answer(b"x")
        self.assertEqual(crossed, [(">", b"x"), ("<", b"x")])
