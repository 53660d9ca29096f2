"""``converse`` in memory: any conversation as a client."""

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol

from sockproto.client import converse, greet, welcome
from sockproto.core.actions import CLOSE
from sockproto.core.conversation import ClientConversation, Conversation, Peer
from sockproto.errors import EmptyReply, OptionError
from sockproto.testing import Transport
from tests.client.calling import ClientTestCase
from tests.endpoints import Endpoint, TLSTransport


class ConverseTests(ClientTestCase):
    def test_any_conversation(self) -> None:
        class Sum(ClientConversation):
            result = 0

            def opened(self, peer: Peer) -> bytes:
                return b"numbers?"

            def received(self, message: bytes) -> Any:
                if message == b"end":
                    self.done = True
                    return CLOSE
                self.result += int(message)
                return None

        call = self.call(converse, Sum())
        self.assertEqual(self.say(), b"numbers?\r\n")
        self.say(b"1\n2\n39\nend\n")
        self.end()
        self.assertEqual(self.successResultOf(call), 42)

    def test_a_servers_conversation_holds_its_side_too(self) -> None:
        notes: list[Any] = []

        class Plain(Conversation):
            def received(self, message: bytes) -> bytes:
                return b"<%b>" % message

            def closed(self, reason: Any) -> None:
                notes.append(str(reason))

        call = self.call(converse, Plain())
        self.assertEqual(self.say(b"x\n"), b"<x>\n")
        self.end()
        self.assertIsNone(self.successResultOf(call))
        self.assertEqual(notes, ["peer closed"])

    def test_over_tls_what_came_is_handled_before_the_end(self) -> None:
        came: list[bytes] = []

        class Wordy(Conversation):
            def received(self, message: bytes) -> Any:
                came.append(message)
                yield from [b"x" * 50_000] * 4

        call = self.call(converse, Wordy(), to=Endpoint(TLSTransport))
        self.endpoint.protocol.handshakeCompleted()
        self.endpoint.remote.send(b"a\nb\nc\n")
        self.assertEqual(came, [b"a"])  # it waits for the server to read
        self.endpoint.remote.lose()
        self.assertIsNone(self.successResultOf(call))
        self.assertEqual(came, [b"a", b"b", b"c"])

    def test_over_tls_what_never_ends_is_not_waited_for_at_the_end(self) -> None:
        said: list[None] = []

        class Endless(ClientConversation):
            def opened(self, peer: Peer) -> Any:
                while len(said) < 10_000:
                    said.append(None)
                    yield b"x" * 1_000

        call = self.call(converse, Endless(), to=Endpoint(TLSTransport))
        self.endpoint.protocol.handshakeCompleted()
        self.endpoint.remote.lose()
        self.failureResultOf(call, EmptyReply)
        self.assertLess(len(said), 1_000)

    def test_an_error_of_the_conversation_is_the_callers(self) -> None:
        class Faulty(ClientConversation):
            def received(self, message: bytes) -> Any:
                raise ZeroDivisionError

        call = self.call(converse, Faulty())
        self.say(b"x\n")
        self.end()
        self.failureResultOf(call, ZeroDivisionError)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_the_wire_can_be_watched(self) -> None:
        crossed: list[Any] = []
        self.call(greet, ["x"], trace=lambda *event: crossed.append(event))
        self.say(b"Wel", b"come!")
        self.assertEqual(crossed, [("<", b"Wel"), ("<", b"come!"), (">", b"x")])
        self.endpoint.remote.lose()

    def test_cancelling_cuts_the_connection(self) -> None:
        call = self.call(greet, ["x"])
        call.cancel()
        self.assertTrue(self.endpoint.remote.transport.aborted)
        self.failureResultOf(call, CancelledError)
        call = self.call(greet, ["x"], to=Endpoint(late=True))
        call.cancel()
        self.failureResultOf(call, CancelledError)

    def test_half_close_is_seen_through_twisteds_endpoints(self) -> None:
        # They wrap the protocol, and claim only one of its interfaces.
        class Wrapped(Protocol):
            """As twisted.internet.endpoints wraps it."""

        wrapper = Wrapped()

        class Wrapping(Transport):
            def __init__(self, socket: Any, protocol: Any, *args: Any) -> None:
                super().__init__(socket, wrapper, *args)

        endpoint = Endpoint(Wrapping, late=True)
        call = self.call(welcome, to=endpoint)
        endpoint.connect_now()
        self.assertTrue(IHalfCloseableProtocol.providedBy(wrapper))
        endpoint.remote.transport.protocol = endpoint.protocol
        endpoint.remote.lose()
        self.successResultOf(call)

    def test_what_is_no_address(self) -> None:
        self.assertRaises(OptionError, greet, "nonsense", [], reactor=self.clock)
        self.assertRaises(OptionError, greet, "bad:endpoint:description", [], reactor=self.clock)
