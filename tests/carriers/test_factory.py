"""How a connection begins: the factory, the handshake."""

from functools import partial
from typing import Any

from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import TestCase
from zope.interface import directlyProvides, implementedBy
from zope.interface.verify import verifyClass, verifyObject

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.conversation import CloseReason, Conversation
from sockproto.protocols.echo import EchoFactory
from sockproto.protocols.greeting import Greeting, GreetingFactory
from sockproto.protocols.welcome import WelcomeFactory
from sockproto.testing import Transport, connect
from tests.carriers.scripted import CarrierTestCase, Scripted
from tests.endpoints import TLSTransport


class HandshakeTests(CarrierTestCase):
    def test_opened_waits_for_it(self) -> None:
        remote = self.connect(transport=TLSTransport, opened=lambda: b"Welcome!")
        self.assertEqual((remote.transport.writes, remote.transport.producer), ([], None))
        self.protocol.handshakeCompleted()
        self.protocol.handshakeCompleted()  # a renegotiation
        self.assertEqual(remote.transport.writes, [b"Welcome!\r\n"])

    def test_a_wrapper_that_keeps_it_to_itself(self) -> None:
        class Wrapper(Transport):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                directlyProvides(self, ISSLTransport, IProtocol)

        remote = self.connect(transport=Wrapper, opened=lambda: b"Welcome!")
        self.assertEqual(remote.transport.writes, [b"Welcome!\r\n"])

    def test_data_says_that_it_is_done(self) -> None:
        remote = self.connect(transport=TLSTransport, opened=lambda: b"Welcome!")
        self.receive(b"a\n")
        self.assertEqual(remote.read(), b"Welcome!\r\n<a>\n")


class FactoryTests(TestCase):
    def test_wrong_arguments_show_at_once(self) -> None:
        class ScriptedProtocol(ConversationProtocol):
            def __init__(self, size: int, **kwargs: Any) -> None:
                super().__init__(**kwargs)

        class ScriptedFactory(ConversationFactory):
            protocol = ScriptedProtocol

        self.assertRaises(TypeError, ScriptedFactory)
        self.assertRaises(TypeError, ScriptedFactory, 1, colour="red")
        self.assertRaises(TypeError, ScriptedFactory, 1, framing="lines")
        self.assertRaises(TypeError, GreetingFactory, welcome="text")
        self.assertRaises(TypeError, WelcomeFactory, "text")
        ScriptedFactory(1)

    def test_arguments_are_looked_at_without_running_anything(self) -> None:
        made: list[Any] = []

        class Theirs(Conversation):
            def __init__(self, size: int, *names: bytes, colour: str = "red") -> None:
                made.append(size)

            @classmethod
            def of(cls, size: int, *, colour: str = "red") -> "Theirs":
                return cls(size, colour=colour)

        class Anything(Theirs):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                made.append(args)

        class Greets(Greeting):  # ours, and theirs
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                made.append(args)

        class HandsOn(ConversationProtocol):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                self.port = kwargs.pop("port", 0)
                super().__init__(*args, **kwargs)

        class Plain(ConversationProtocol):
            pass

        def factory_of(conversation: Any, protocol: type = Plain) -> Any:
            kind = type("Made", (protocol,), {"conversation": conversation})
            return type("MadeFactory", (ConversationFactory,), {"protocol": kind})

        conversations: list[Any] = [Theirs, Theirs.of, partial(Theirs, 1)]
        for conversation in [*conversations, lambda size, colour="red": Theirs(size)]:
            takes = factory_of(conversation)
            first = [] if isinstance(conversation, partial) else [1]
            for args, kwargs in [(first, {}), (first, {"colour": "blue"})]:
                takes(*args, **kwargs)
            for wrong in [{"colours": 1}, {"limit": 1}]:
                self.assertRaises(TypeError, takes, *first, **wrong)
        for args in [], [1, 2, 3]:
            self.assertRaises(TypeError, factory_of(Theirs.of), *args)
        without: Any = Theirs
        self.assertRaises(TypeError, factory_of(partial(without, sizes=2)), 1)
        self.assertRaises(TypeError, factory_of(None))
        for takes_all in Anything, Greets:
            factory_of(takes_all)(1, 2, colours=3)
        factory_of(Theirs, HandsOn)(1, colour="red", port=7)
        self.assertRaises(TypeError, factory_of(Theirs, HandsOn), 1, colours="red")
        self.assertEqual(made, [])

    def test_serials_and_connections(self) -> None:
        factory = ConversationFactory(clock=Clock())
        protocols = [factory.buildProtocol(None) for _ in range(2)]
        remotes = [connect(protocol) for protocol in protocols]
        self.assertEqual([protocol.serial for protocol in protocols], [1, 2])
        self.assertEqual((factory.statistics.opened, factory.statistics.open), (2, 2))
        remotes[1].lose()
        self.assertEqual((factory.statistics.opened, factory.statistics.open), (2, 1))
        self.assertEqual(factory.abort(), 1)
        self.assertEqual([remote.ended for remote in remotes], ["reset", "orderly"])
        self.assertEqual((factory.statistics.open, factory.abort()), (0, 0))

    def test_twisteds_own_ways_work(self) -> None:
        class Protocol(ConversationProtocol):
            conversation = Scripted

        factories: list[Any] = [Factory.forProtocol(Protocol), ConversationFactory()]
        factories[1].protocol = Protocol
        for factory in factories + [WrappingFactory(factory) for factory in factories]:
            remote = connect(factory)
            remote.send(b"a\n")
            self.assertEqual(remote.read(), b"<a>\n")
            remote.reset()

    def test_interfaces(self) -> None:
        for interface in IProtocol, IHalfCloseableProtocol, IHandshakeListener, IPushProducer:
            verifyObject(interface, ConversationProtocol())
            self.assertIn(interface, implementedBy(ConversationProtocol))  # type: ignore[no-untyped-call]  # Factory or ours
        verifyObject(IProtocolFactory, ConversationFactory())
        verifyClass(IProtocolFactory, ConversationFactory)


class StatisticsTests(TestCase):
    def test_statistics_of_a_listener(self) -> None:
        factory = EchoFactory(clock=Clock())
        remote = connect(factory.buildProtocol(None))
        remote.protocol.dataReceived(b"abc")
        counted = factory.statistics
        self.assertEqual((counted.opened, counted.open, counted.bytes_in), (1, 1, 0))
        remote.lose()
        self.assertEqual((counted.opened, counted.open), (1, 0))
        self.assertEqual((counted.bytes_in, counted.bytes_out), (3, 3))
        self.assertEqual((counted.messages_in, counted.messages_out), (1, 1))
        self.assertEqual(counted.closed, {CloseReason.PEER_CLOSED: 1})

    def test_an_empty_one_is_drained(self) -> None:
        self.successResultOf(EchoFactory(clock=Clock()).drain())
