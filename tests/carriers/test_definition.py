"""The classes that follow from a conversation, and what they are called."""

import pickle
import pydoc
from functools import partial
from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto import Conversation, Lines, ProtocolOption, Raw
from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import conversation_definition
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.text import count
from sockproto.protocols.echo import EchoFactory
from sockproto.testing import DatagramNetwork, connect

SERVER = ("192.0.2.1", 7)


class Shout(Conversation):
    def __init__(self, marks: int = 1) -> None:
        self.marks = marks

    def received(self, message: bytes) -> bytes:
        return message.upper() + b"!" * self.marks


OPTIONS = (ProtocolOption("marks", count, "1", "how many exclamation marks"),)
DEFINITION = conversation_definition("my-shout", "in capitals", Shout, options=OPTIONS)
MyShoutFactory: Any = DEFINITION.factory
MyShoutProtocol: Any = MyShoutFactory.protocol
MyShoutDatagramProtocol: Any = DEFINITION.datagram_protocol
MADE = {
    MyShoutFactory: ConversationFactory,
    MyShoutProtocol: ConversationProtocol,
    MyShoutDatagramProtocol: ConversationDatagramProtocol,
}


def answer(factory: Any, data: bytes) -> bytes:
    """Return what the server of a factory says to a client."""
    remote = connect(factory.buildProtocol(None))
    remote.send(data)
    said = remote.read()
    remote.close()
    return said


class MadeTests(TestCase):
    def test_the_definition_has_what_it_was_given(self) -> None:
        self.assertEqual((DEFINITION.name, DEFINITION.description), ("my-shout", "in capitals"))
        self.assertEqual((DEFINITION.options, DEFINITION.framings, DEFINITION.prepare), (OPTIONS, {}, dict))

    def test_the_classes_answer_and_take_the_conversations_arguments(self) -> None:
        self.assertEqual(answer(MyShoutFactory(2, clock=Clock()), b"a\r\n"), b"A!!\r\n")
        self.assertEqual(answer(Factory.forProtocol(MyShoutProtocol), b"a\n"), b"A!\n")
        network = DatagramNetwork()
        network.listenUDP(SERVER[1], MyShoutDatagramProtocol(marks=3, clock=Clock()), SERVER[0])
        remote = network.remote()
        remote.send(b"a", SERVER)
        self.assertEqual(remote.read(), [b"A!!!"])

    def test_they_are_classes_like_any_others(self) -> None:
        for made, base in MADE.items():
            self.assertTrue(issubclass(made, base))
            self.assertEqual((made.__module__, made.__qualname__), (__name__, made.__name__))
            self.assertIs(globals()[made.__name__], made)
            self.assertIs(pickle.loads(pickle.dumps(made)), made)
            shown = pydoc.plain(pydoc.render_doc(made))
            self.assertIn(f"class {made.__name__}({base.__module__}.{base.__name__})\n", shown)
            self.assertIn(made.__doc__, shown)

    def test_they_can_be_subclassed(self) -> None:
        class Louder(MyShoutProtocol):  # type: ignore[misc]  # which no type checker can know
            conversation = partial(Shout, 9)

        class LouderFactory(MyShoutFactory):  # type: ignore[misc]  # likewise
            protocol = Louder

        self.assertEqual(answer(LouderFactory(), b"a\n"), b"A!!!!!!!!!\n")

    def test_the_log_has_the_name_of_the_definition(self) -> None:
        self.assertEqual(MyShoutFactory().buildProtocol(None).name, "my-shout")
        self.assertEqual(MyShoutDatagramProtocol().name, "my-shout")

    def test_framings(self) -> None:
        chosen = {"raw": Raw, "lines": Lines}
        for given, first, choice in (Lines, Lines, {}), (Raw, Raw, {}), (chosen, Raw, chosen):
            definition = conversation_definition("shout", "in capitals", Shout, given)
            made: Any = definition.factory
            self.assertEqual((made.protocol.framing, definition.framings), (first, choice))

    def test_what_is_no_framing_is_refused_as_by_the_factories(self) -> None:
        with self.assertRaises(TypeError) as refused:
            EchoFactory(framing=cast("Any", "lines"))
        for given in "lines", {"raw": Raw, "auto": "lines"}:
            with self.assertRaises(TypeError) as raised:
                conversation_definition("shout", "in capitals", Shout, cast("Any", given))
            self.assertEqual(str(raised.exception), str(refused.exception))
        with self.assertRaises(TypeError):
            conversation_definition("shout", "in capitals", Shout, {})

    def test_what_makes_a_conversation_need_be_no_class(self) -> None:
        made = conversation_definition("loud", "in capitals", partial(Shout, 2)).factory
        self.assertEqual(answer(made(), b"a\n"), b"A!!\n")
