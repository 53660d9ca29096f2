"""Servers that are right, each in a habit of its own, which the tutorials leave to it.

Each names its habit, and the cases that are open with it; it fails none.
"""

import codecs
from asyncio import StreamReader as Reader, StreamWriter as Writer
from collections.abc import AsyncIterator
from typing import ClassVar

from tests.check.servers import Server


class Habitual(Server):
    """A greeting server with a habit.

    Attributes:
        habit: In words.
        framing: How it tells names apart.
        open: The cases that are open with it, of the quick form.
    """

    protocols = ("greeting",)
    habit: ClassVar[str] = "takes bare sends and lines; keeps newlines"
    framing: ClassVar[str] = "auto"
    open: ClassVar[str] = ""


class StripsNewlines(Habitual):
    habit = "takes bare sends and lines; strips newlines"
    open = "meaning.a-name-is-greeted"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return super().answer(line, b"")


class AddsANewlineToBareSends(Habitual):
    habit = "takes bare sends and lines; keeps newlines; adds a newline to the answer to a bare send"
    open = "meaning.a-bare-name"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return super().answer(line, newline or b"\n")


class AlwaysEndsInLF(Habitual):
    habit = (
        "takes bare sends and lines; ends its answers with LF; adds a newline to the answer to a bare send"
    )
    open = "meaning.a-name-is-greeted meaning.a-bare-name"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return super().answer(line, b"\n")


class AnswersLinesWithCRLF(Habitual):
    habit = "takes bare sends and lines; ends its answers with CR LF"
    open = "meaning.a-name-is-greeted"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return super().answer(line, newline and b"\r\n")


class ReadsLines(Habitual):
    habit = "reads lines; keeps newlines"
    framing = "lines"
    open = "meaning.a-bare-name"

    async def read(self, reader: Reader, seconds: float | None) -> bytes | None:
        return await super().read(reader, None)


class ReadsLinesAndAnswersInLF(ReadsLines):
    """What ``readline``, ``strip`` and ``print`` do."""

    habit = "reads lines; ends its answers with LF"
    open = "meaning.a-name-is-greeted meaning.a-bare-name"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return super().answer(line, b"\n")


class KeepsLinesWhole(ReadsLines):
    """Greets the line with the newline in it."""

    habit = "reads lines; keeps newlines inside the name"
    open = (
        "meaning.a-name-is-greeted meaning.a-bare-name meaning.an-empty-line-gets-no-answer"
        " pipelining.a-thousand-lines-without-an-answer"
    )

    def answer(self, line: bytes, newline: bytes) -> bytes:
        return b"Hello, " + line + newline + b"!" if line or newline else b""


class KnowsNoCR(ReadsLines):
    """Ends lines at LF, as many do."""

    habit = "reads lines; takes a CR for part of the name; ends its answers with LF"
    open = "meaning.a-name-is-greeted meaning.a-bare-name meaning.an-empty-line-gets-no-answer"

    def answer(self, line: bytes, newline: bytes) -> bytes:
        line += newline[:-1]
        return super().answer(line, b"\n")


class KnowsNoNewlines(Habitual):
    """What comes until it is quiet for a moment is a name."""

    habit = "takes bare sends; keeps newlines inside the name"
    framing = "bare"
    open = (
        "meaning.a-name-is-greeted meaning.an-empty-line-gets-no-answer splits.all-in-one-segment"
        " pipelining.every-answer-in-order pipelining.a-thousand-lines-without-an-answer"
        " pipelining.nothing-after-exit long-messages.what-came-before-is-answered"
        " never-reads.it-stops-reading never-reads.all-answers-come-in-the-end"
    )

    async def answer_lines(self, reader: Reader, writer: Writer) -> None:
        writer.write(self.welcome)
        async for name in self.names(reader):
            if name == b"exit" or len(name) > 65_536:
                return
            writer.write(b"Hello, " + name + b"!")
            await writer.drain()

    async def names(self, reader: Reader) -> AsyncIterator[bytes]:
        """Yield what comes between two pauses."""
        held = b""
        while True:
            data = await self.read(reader, 0.02 if held else None)
            held += data or b""
            if held and (not data or len(held) > 65_536):
                yield held
                held = b""
            if data == b"":
                return


HABITS = [
    Habitual,
    StripsNewlines,
    AddsANewlineToBareSends,
    AlwaysEndsInLF,
    AnswersLinesWithCRLF,
    ReadsLines,
    ReadsLinesAndAnswersInLF,
    KeepsLinesWhole,
    KnowsNoCR,
    KnowsNoNewlines,
]


class EchoesLines(Server):
    """Echoes a line when it is whole."""

    protocols = ("echo",)

    async def give_back(self, reader: Reader, writer: Writer) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()


class EchoesText(Server):
    """Echoes what it can decode; characters may be split."""

    protocols = ("echo",)

    async def give_back(self, reader: Reader, writer: Writer) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while data := await reader.read(65_536):
            writer.write(decode(data).encode())
            await writer.drain()
