"""For any declared signature: what ``/help`` says is accepted is accepted, all else gets an error line."""

import json
from typing import Any

from hypothesis import given, settings, strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.trial.unittest import TestCase

from sockproto.carriers.datagram import AMPLIFICATION, FREE_BYTES, TOO_LONG
from sockproto.commands import command
from sockproto.protocols.command import CommandDatagramProtocol, CommandFactory
from sockproto.testing import HalfClose, ReadToEnd, Send, cuts, play
from tests import example_count
from tests.commandsets import REFUSED, TYPES, Form, Noting, command_sets, method
from tests.typist import RIGHT_WORDS, WRONG_WORDS, Line, Typist, expected

PROPERTIES = settings(deadline=None, max_examples=example_count(150))


def talk(commands: Noting, chunks: list[bytes]) -> tuple[bytes, str]:
    """Return what a connection says that gets these chunks and then the end, and why it closes."""
    clock: Any = commands.clock
    protocol = CommandFactory(commands, clock=clock).buildProtocol(None)
    script = [*(Send(chunk) for chunk in chunks), HalfClose(), ReadToEnd()]
    return play(lambda _: protocol, script, clock=clock).read, str(protocol.reason)


def ask(commands: Noting, datagrams: list[bytes]) -> list[list[bytes]]:
    """Return all the replies to each datagram."""
    clock: Any = commands.clock
    port = CommandDatagramProtocol(commands, clock=clock)
    found = []
    for datagram in datagrams:
        transport = FakeDatagramTransport()
        port.transport = transport
        port.datagramReceived(datagram, ("127.0.0.1", 5000))
        for _ in range(3):
            clock.advance(0)
        found.append([reply for reply, _ in transport.written])
    return found


def described(commands: Noting) -> dict[str, Any]:
    """Return what ``/help json`` says."""
    said, _ = talk(commands, [f"{commands.prefix}help json".encode()])
    assert said.count(b"\n") == 1
    found: dict[str, Any] = json.loads(said)
    return found


class HelpTests(TestCase):
    def assert_error(self, line: bytes) -> None:
        self.assertRegex(line, rb"\Aerror: [ -~]+\Z")
        self.assertNotIn(b"internal error", line)

    def assert_replies(self, said: bytes, lines: list[Line]) -> None:
        """See that these replies came, no more and no less."""
        self.assertTrue(said.endswith(b"\n") or not said)
        found = said.split(b"\n")[:-1]
        for line in lines:
            replies = line.replies()
            if replies is None:
                self.assertTrue(found, f"silence after {line}")
                self.assert_error(found.pop(0))
            else:
                self.assertEqual(found[: len(replies)], replies, line)
                del found[: len(replies)]
        self.assertEqual(found, [])

    def assert_calls(self, commands: Noting, lines: list[Line]) -> None:
        """See that the methods were called with what was meant, and no other; nothing stands in the log."""
        calls = [(line.name, line.values) for line in lines if line.values is not None]
        self.assertEqual(commands.calls, calls)
        self.assertEqual(self.flushLoggedErrors(), [])

    @PROPERTIES
    @given(command_sets(), st.data(), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
    def test_on_streams_however_split(
        self, made: type[Noting], data: st.DataObject, newline: bytes, ended: bool
    ) -> None:
        commands = made(Clock())
        typist = Typist(described(commands), data.draw)
        lines = [*typist.lines(), typist.valid()]  # after each error the next one works
        sent = newline.join(line.text for line in lines) + newline * ended
        said, reason = talk(commands, data.draw(cuts(sent)))
        self.assert_replies(said, lines)
        self.assert_calls(commands, lines)
        self.assertEqual(reason, "peer closed")

    @PROPERTIES
    @given(command_sets(), st.data(), st.sampled_from([b"", b"\n", b"\r\n"]))
    def test_on_datagrams(self, made: type[Noting], data: st.DataObject, newline: bytes) -> None:
        commands = made(Clock())
        lines = Typist(described(commands), data.draw).lines()
        for line in lines:
            line.values = None if line.streams else line.values
        for line, replies in zip(lines, ask(commands, [line.text + newline for line in lines]), strict=True):
            due = line.replies()
            most = AMPLIFICATION * len(line.text + newline) + FREE_BYTES
            if due is not None and sum(map(len, due)) + len(due) > most:
                self.assertEqual(replies, [TOO_LONG])
            else:
                [reply] = replies
                self.assert_replies(reply, [line])
        self.assert_calls(commands, lines)

    def test_every_word_for_every_type(self) -> None:
        methods = {name: command(method(name, Form([name], [], 0, "", "", "", "plain"))) for name in TYPES}
        commands = type("Made", (Noting,), methods)(Clock())
        found = {each["name"]: each for each in described(commands)["commands"]}
        words = [*RIGHT_WORDS, *WRONG_WORDS]
        for name in TYPES:
            lines = [b'/%b "%b"' % (name.encode(), word) for word in words]
            said, _ = talk(commands, [b"\n".join(lines)])
            typed = [
                Line(
                    line,
                    name,
                    expected(found[f"/{name}"], line.removeprefix(b"/" + name.encode()), b" ", False),
                )
                for line in lines
            ]
            self.assert_replies(said, typed)

    @PROPERTIES
    @given(command_sets())
    def test_people_and_programs_are_told_the_same(self, made: type[Noting]) -> None:
        commands = made(Clock())
        found = described(commands)
        prefix = found["prefix"]
        names = [each["name"] for each in found["commands"]]
        said, _ = talk(commands, [f"{prefix}help".encode()])
        self.assertEqual(said.decode().split(), sorted(names))
        for each in found["commands"]:
            for name in [each["name"], *each["aliases"]]:
                said, _ = talk(commands, [f"{prefix}help {name}".encode()])
                usage, _, explained = said.decode().partition(": ")
                self.assertEqual(usage, each["usage"])
                self.assertTrue(explained.startswith(each["help"]))
                shown = usage.replace(each["name"], "", 1).replace("...", "")
                words = "".join(char if char.isalnum() else " " for char in shown).split()
                self.assertEqual(words, [parameter["name"] for parameter in each["parameters"]])
                optional = [
                    parameter["name"] for parameter in each["parameters"] if not parameter["required"]
                ]
                self.assertEqual([word for word in words if f"[{word}" in usage], optional)
        said, _ = talk(commands, [f"{prefix}help nosuch".encode()])
        self.assert_error(said.removesuffix(b"\n"))

    def test_a_refusal_is_told_as_it_is(self) -> None:
        commands = type("Made", (Noting,), {})(Clock())
        self.assertEqual(talk(commands, [b"/deny\n"])[0], f"error: {REFUSED}\n".encode())
