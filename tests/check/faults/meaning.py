"""Servers that say something else, or nothing."""

import asyncio
from asyncio import StreamReader as Reader, StreamWriter as Writer
from typing import ClassVar

from sockproto.check.spoken import CHARGEN, SAYERS, TALKERS
from tests.check.servers import Server


class AnswersTwice(Server):
    protocols = TALKERS
    fails = "meaning.a-dialogue pipelining.every-answer-in-order"

    async def give_back(self, reader: Reader, writer: Writer) -> None:
        while data := await reader.read(65_536):
            writer.write(2 * data)

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return 2 * super().answer(line, newline)


class SpeaksFirst(Server):
    protocols = ("echo", "command", "discard")
    fails = "meaning.nothing-comes-unasked"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        writer.write(b"ready\n")
        await super().converse(reader, writer)


class MisspellsItsWelcome(Server):
    protocols = ("greeting",)
    fails = "meaning.the-welcome-comes-first"
    welcome = b"Wellcome!"


class ForgetsTheMark(Server):
    protocols = ("greeting",)
    fails = "meaning.a-name-is-greeted meaning.a-bare-name"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return b"Hello, " + line + newline if line else b""


class GreetsNobody(Server):
    protocols = ("greeting",)
    fails = "meaning.an-empty-line-gets-no-answer pipelining.a-thousand-lines-without-an-answer"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return b"Hello, " + line + b"!" + newline


class GreetsExit(Server):
    protocols = ("greeting",)
    fails = "meaning.exit-ends-the-stream meaning.exit-in-a-datagram pipelining.nothing-after-exit"

    def take(self, message: bytes, writer: Writer) -> bool:
        writer.write(b"Hello, " + message.strip() + b"!\n")
        return True

    def reply(self, datagram: bytes) -> bytes | None:
        return b"Hello, " + datagram + b"!"


class LeavesAtAnyWordWithExit(Server):
    protocols = ("greeting",)
    fails = "meaning.exit-is-the-whole-line"

    def take(self, message: bytes, writer: Writer) -> bool:
        return b"exit" not in message and super().take(message, writer)


class Obeys(Server):
    """Says something else to one command."""

    protocols = ("command",)
    word: ClassVar[bytes]
    said: ClassVar[bytes]

    def obey(self, line: bytes) -> bytes:
        return self.said if line.startswith(self.word) else super().obey(line)


class EndsInCRLF(Obeys):
    fails = "meaning.the-version"
    word, said = b"/version", b"Demo version\r\n"


class EchoesWords(Server):
    protocols = ("command",)
    fails = "meaning.echo-is-verbatim meaning.a-command-in-a-datagram"

    def obey(self, line: bytes) -> bytes:
        return b" ".join(line.split()[1:]) + b"\n" if line.startswith(b"/echo") else super().obey(line)


class ForgetsAWordInItsHelp(Obeys):
    fails = "meaning.help-lists-the-words"
    word, said = b"/help", b"/echo /help\n"


class ExplainsInTwoLines(Obeys):
    fails = "meaning.help-explains-a-word"
    word, said = b"/help ", b"/version\nsays which version this is\n"


class ComplainsInTwoLines(Obeys):
    fails = "meaning.an-unknown-word meaning.an-unknown-word-in-a-datagram"
    word, said = b"/nonesuch", b"error: no such command\n/help lists them\n"


class AnswersTalk(Server):
    protocols = ("command",)
    fails = (
        "meaning.talk-gets-no-answer meaning.an-unknown-word-in-a-datagram"
        " pipelining.a-thousand-lines-without-an-answer"
    )

    def obey(self, line: bytes) -> bytes:
        return super().obey(line) or b"error: no command; /help lists them\n"


class DiscardsNothing(Server):
    protocols = ("discard",)
    fails = "meaning.nothing-comes-back meaning.no-datagram-comes-back"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        await self.give_back(reader, writer)

    def reply(self, datagram: bytes) -> bytes | None:
        return datagram


class StopsReading(Server):
    protocols = ("discard",)
    fails = "meaning.everything-is-taken"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        await asyncio.Event().wait()


class RunsOutOfCharacters(Server):
    protocols = ("chargen",)
    fails = "meaning.characters-without-end"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        writer.write(CHARGEN)


class MixesInWhatComes(Server):
    protocols = ("chargen",)
    fails = "meaning.what-is-sent-is-thrown-away"

    async def converse(self, reader: Reader, writer: Writer) -> None:
        writer.write(await reader.read(1_000))
        await super().converse(reader, writer)


class SaysNothing(Server):
    """Stock ``wire.Daytime`` under Python 3."""

    protocols = SAYERS
    fails = "meaning.the-text-and-the-end meaning.the-text-in-a-datagram"

    def say(self) -> bytes:
        return b""


class NeverEnds(Server):
    protocols = SAYERS
    fails = "meaning.the-text-and-the-end half-close.the-text-still-comes"

    async def finish(self, reader: Reader, writer: Writer) -> None:
        await asyncio.Event().wait()


class CountsFrom1970(Server):
    """Stock ``wire.Time``."""

    protocols = ("time",)
    fails = "meaning.the-text-and-the-end meaning.the-text-in-a-datagram"

    def say(self) -> bytes:
        return (int.from_bytes(super().say(), "big") - 2_208_988_800).to_bytes(4, "big")


class ClosesWithInputUnread(Server):
    protocols = SAYERS
    fails = "meaning.clients-that-speak-first meaning.a-client-that-speaks-much"

    async def serve(self, reader: Reader, writer: Writer) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.02)  # so that what comes first is in the kernel's buffer
        writer.write(self.say())
        writer.close()


class TrimsDatagrams(Server):
    protocols = ("echo",)
    fails = "meaning.the-same-datagram-comes-back"

    def reply(self, datagram: bytes) -> bytes | None:
        return datagram.strip()


class GreetsTheNewlineToo(Server):
    protocols = ("greeting",)
    fails = "meaning.a-name-in-a-datagram"

    def reply(self, datagram: bytes) -> bytes | None:
        return b"Hello, " + datagram + b"!"


class SendsTooManyCharacters(Server):
    protocols = ("chargen",)
    fails = "meaning.characters-in-a-datagram"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        return CHARGEN[:1_000]
