"""The wire formats, to the byte, on streams and datagrams, however the bytes are split."""

import pickle
import pydoc
import re
import time
from functools import partial
from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

import sockproto
from sockproto.carriers.datagram import MAX_PACKET_BYTES
from sockproto.interfaces import IConversation, IProtocolDefinition
from sockproto.testing import DatagramNetwork, HalfClose, ReadToEnd, Send, connect, cuts, pieces, play
from tests.plugins import ours

SERVER = "192.0.2.1"


def talk(name: str, *chunks: bytes, framing: str | None = None, **arguments: Any) -> bytes:
    """Return what a server says to a client that sends the chunks and ends."""
    definition = ours()[name]
    made = definition.framings[framing] if framing else None
    script = [*(Send(chunk) for chunk in chunks), HalfClose(), ReadToEnd()]
    return play(lambda clock: definition.factory(clock=clock, framing=made, **arguments), script).read


def ask(name: str, datagram: bytes, **arguments: Any) -> bytes | None:
    """Return the datagram that answers a datagram."""
    clock, network = Clock(), DatagramNetwork()
    network.listenUDP(
        9999, ours()[name].datagram_protocol(clock=clock, **arguments), SERVER, MAX_PACKET_BYTES
    )
    remote = network.remote()
    remote.send(datagram, (SERVER, 9999))
    network.run()
    clock.advance(60)
    replies = remote.read()
    return replies[0] if replies else None


class GreetingTests(TestCase):
    def test_lines(self) -> None:
        self.assertEqual(
            talk("greeting", b"Michael\nTracy\r\nSarah"),
            b"Welcome!Hello, Michael!\nHello, Tracy!\r\nHello, Sarah!",
        )

    def test_strict_lines(self) -> None:
        self.assertEqual(
            talk("greeting", b"Michael\nTracy\r\n", framing="lines"),
            b"Welcome!\r\nHello, Michael!\nHello, Tracy!\r\n",
        )

    def test_exit(self) -> None:
        for framing in "auto", "lines":
            said = talk("greeting", b"exit\nMichael\nTracy\n", b"Sarah\n", framing=framing)
            self.assertEqual(said.strip(), b"Welcome!")
        self.assertEqual(talk("greeting", b"Michael\nexit"), b"Welcome!Hello, Michael!\n")

    def test_empty_messages_get_no_reply(self) -> None:
        self.assertEqual(talk("greeting", b"\n\r\n\nMichael\n\n"), b"Welcome!Hello, Michael!\n")

    def test_names_are_bytes(self) -> None:
        for name in "麦克".encode(), b"\xe9\xff\xfe\x00", b"\xffa", b"\xff\xff", b"a\rb", b" exit":
            self.assertEqual(talk("greeting", *[name[i : i + 1] for i in range(len(name))], b"\n"),
                             b"Welcome!Hello, %b!\n" % name)  # fmt: skip

    def test_thinking(self) -> None:
        clock = Clock()
        protocol = sockproto.GreetingFactory(think_seconds=2, clock=clock).buildProtocol(None)
        remote = connect(protocol)
        protocol.dataReceived(b"Michael\nTracy\n")
        clock.advance(1.9)
        self.assertEqual(remote.read(), b"Welcome!")
        clock.advance(0.1)
        self.assertEqual(remote.read(), b"Hello, Michael!\n")
        clock.advance(2)
        self.assertEqual(remote.read(), b"Hello, Tracy!\n")

    def test_datagrams(self) -> None:
        for datagram, reply in [
            (b"Michael", b"Hello, Michael!"),
            (b"Michael\n", b"Hello, Michael!\n"),
            (b"Michael\r\n", b"Hello, Michael!\r\n"),
            (b"Michael\n\n", b"Hello, Michael\n!\n"),
            (b"Michael\r", b"Hello, Michael\r!"),
            (b"exit", None),
            (b"exit\r\n", None),
            (b"", None),
            (b"\n", None),
        ]:
            self.assertEqual(ask("greeting", datagram), reply)
        self.assertEqual(ask("greeting", b"Michael", think_seconds=1), b"Hello, Michael!")


class WelcomeTests(TestCase):
    def test_says_its_text_and_closes(self) -> None:
        for name in "welcome", "qotd":
            self.assertEqual(talk(name, b"whatever"), b"Welcome!\r\n")
            self.assertEqual(talk(name, message=b"\xff \n"), b"\xff \n")
            self.assertEqual(ask(name, b"anything", message=b"\xff"), b"\xff")


class EchoTests(TestCase):
    @given(st.binary(max_size=200).flatmap(cuts))
    def test_every_byte(self, cut: list[bytes]) -> None:
        self.assertEqual(talk("echo", *cut), b"".join(cut))

    def test_datagrams(self) -> None:
        for size in 0, 1, 8_193, 65_507:
            self.assertEqual(ask("echo", b"x" * size), b"x" * size)


class CommandTests(TestCase):
    def test_the_tutorial(self) -> None:
        self.assertEqual(
            talk("command", b"message\r\n/version\r\n/echo Repeat this\r\n"), b"Demo version\n Repeat this\n"
        )

    def test_words(self) -> None:
        for line, reply in [
            (b"/help", b"/echo /help /version\n"),
            (b"/help echo", b"/echo [TEXT...]: Return what follows the word /echo, verbatim.\n"),
            (b"/help /help", b"/help [NAME]: List the commands, or explain the one of that name.\n"),
            (b"/echo", b"\n"),
            (b"/echo  two ", b"  two \n"),
            (b"/echo\t\xff", b"\t\xff\n"),
            (b"/version ", b"Demo version\n"),
            (b" /version", b""),
            (b"", b""),
        ]:
            self.assertEqual(talk("command", line + b"\n"), reply)
            self.assertEqual(ask("command", line), reply or None)
            self.assertEqual(ask("command", line + b"\r\n"), reply or None)

    def test_unknown_words(self) -> None:
        for line in b"/nope", b"/", b"/ echo", b"/ECHO", b"/echoed", b"/help nope", b"/\xff":
            for reply in talk("command", line + b"\n"), ask("command", line):
                self.assertTrue(reply and re.fullmatch(rb"error: [^\n]*/help[^\n]*\n", reply), reply)

    def test_a_datagram_is_one_line(self) -> None:
        self.assertEqual(ask("command", b"/echo a\nb\n"), b"error: a line can't hold a newline\n")


class InetdTests(TestCase):
    """RFC 863, 864, 867, 868."""

    def test_discard(self) -> None:
        self.assertEqual(talk("discard", b"x" * 100_000), b"")
        self.assertIsNone(ask("discard", b"x"))

    def test_chargen_is_the_pattern_of_the_rfc(self) -> None:
        protocol = sockproto.ChargenFactory(clock=Clock()).buildProtocol(None)
        remote = connect(protocol)
        protocol.dataReceived(b"thrown away")
        said = b"".join(remote.read() for _ in range(3))
        lines = said.split(b"\r\n")[:-1]
        self.assertEqual(
            lines[0], rb""" !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefg"""
        )
        ring = lines[0][:1] + bytes(range(33, 127))
        for number, line in enumerate(lines):
            start = number % 95
            self.assertEqual(line, (ring + ring)[start : start + 72])
        self.assertGreater(len(lines), 2 * 95)
        remote.lose()

    def test_chargen_datagrams_are_as_long_as_the_request_up_to_512(self) -> None:
        for size, length in [(0, 0), (1, 1), (100, 100), (512, 512), (513, 512), (65_507, 512)]:
            reply = ask("chargen", b"x" * size)
            self.assertEqual(len(reply or b""), length)
            self.assertIsNotNone(reply)

    def test_daytime(self) -> None:
        for moment in 0, 1_800_000_000, 2**31, 2**33:
            expected = time.strftime("%a %b ", time.localtime(moment)).encode()
            for said in (
                talk("daytime", now=partial(float, moment)),
                ask("daytime", b"", now=partial(float, moment)),
            ):
                self.assertEqual(len(said or b""), 26)
                self.assertTrue(said and said.startswith(expected) and said.endswith(b"\r\n"), said)

    def test_time_of_the_rfc(self) -> None:
        for moment, said in [
            (0, 2_208_988_800),
            (1.9, 2_208_988_801),
            (-1_297_728_000, 911_260_800),
            (2**31, 2**31 + 2_208_988_800),  # 2038
            (2**32 - 2_208_988_800, 0),  # 2036: the 32 bits begin again
        ]:
            expected = (said % 2**32).to_bytes(4, "big")
            self.assertEqual(talk("time", now=partial(float, moment)), expected)
            self.assertEqual(ask("time", b"", now=partial(float, moment)), expected)


ALPHABET = st.sampled_from(
    [b"\n", b"\r\n", b"\r", b"a", b"/", b"/echo ", b"/help", b"exit", b"\xe9", "麦".encode(), b"x" * 9]
)
TEXT = st.lists(ALPHABET, max_size=15).map(b"".join)


class SplitTests(TestCase):
    """For every protocol and each of its framings the replies don't depend on how the bytes were split."""

    @given(TEXT.flatmap(cuts), st.booleans())
    def test_however_split(self, cut: list[bytes], limited: bool) -> None:
        data = b"".join(cut)
        limits = sockproto.Limits(max_message_bytes=8 if limited else 65_536)
        for name, definition in ours().items():
            if name == "chargen":  # has no end; what the peer sends is thrown away
                continue
            fixed = {"now": lambda: 0} if name in ("daytime", "time") else {}
            for framing in definition.framings or [None]:
                whole = talk(name, data, framing=framing, limits=limits, **fixed)
                for chunks in cut, pieces(data, "bytes"):
                    self.assertEqual(talk(name, *chunks, framing=framing, limits=limits, **fixed), whole)


class CatalogTests(TestCase):
    def test_the_ten(self) -> None:
        names = "chargen command daytime discard echo faults greeting qotd time welcome"
        self.assertEqual(list(ours()), names.split())

    def test_interfaces_and_named_classes(self) -> None:
        for name, definition in ours().items():
            verifyObject(IProtocolDefinition, definition)
            factory = definition.factory()
            verifyObject(IConversation, factory.protocol.conversation())
            title = name.capitalize()
            self.assertIs(getattr(sockproto, f"{title}Factory"), definition.factory)
            self.assertIs(getattr(sockproto, f"{title}Protocol"), factory.protocol)
            self.assertIs(getattr(sockproto, f"{title}DatagramProtocol"), definition.datagram_protocol)

    def test_the_classes_are_found_by_name_and_documented(self) -> None:
        for name, definition in ours().items():
            for made in definition.factory, definition.factory.protocol, definition.datagram_protocol:
                self.assertEqual(made.__module__, f"sockproto.protocols.{name}")
                self.assertIs(pickle.loads(pickle.dumps(made)), made)
                self.assertIn(made.__doc__.splitlines()[0], pydoc.plain(pydoc.render_doc(made)))

    def test_a_bare_protocol_on_a_string_transport(self) -> None:
        for definition in ours().values():
            protocol = definition.factory.protocol(clock=Clock())
            transport = StringTransport()
            protocol.makeConnection(transport)
            protocol.dataReceived(b"/echo x\n")
            protocol.connectionLost()

    def test_every_reply_of_a_shape_is_recognized(self) -> None:
        for name, request in [("greeting", b"a\n"), ("welcome", b""), ("qotd", b""), ("chargen", b"abc"),
                              ("daytime", b""), ("time", b""), ("command", b"/x")]:  # fmt: skip
            conversation = ours()[name].factory.protocol.conversation()
            reply = ask(name, request)
            assert reply is not None
            self.assertTrue(conversation.is_reply(reply), name)
            self.assertFalse(conversation.is_reply(request), name)
