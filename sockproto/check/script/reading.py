r"""The file of a script, in TOML; what is wrong in it is said with its place and what to write.

::

    [[step]]
    send = "ECHO {number}\r\n"
    expect = "$6\r\n{number}\r\n"

A text is sent as it stands, in UTF-8. Where TOML leaves a backslash in it, as in single quotes, ``\xHH``,
``\r``, ``\n``, ``\t``, ``\0`` and ``\\`` stand for bytes.
"""

import os
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sockproto.check.script.dialogue import ProtocolScript, ScriptStep
from sockproto.check.script.reply import KINDS, NUMBER, Reply
from sockproto.core.pattern import TimedPattern
from sockproto.core.text import escape
from sockproto.errors import OptionError

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover: one of the two
    import tomli as tomllib

FILL = b"{fill}"
"""What stands, in the longest message, for as much as makes it so long."""

MOST_BYTES = 16 << 20
"""The most that the longest message may have: more has to be kept to be compared."""

MOST_FILE_BYTES = 1 << 20

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.|$)", re.DOTALL)
_MEANINGS = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
_TOP = ("name", "terminator", "pipelining", "half_close", "greeting", "step", "longest", "close")
_DUE = (*KINDS, "until")
_PLACEHOLDERS = {FILL.decode(): "[longest]", NUMBER.decode(): "[[step]]"}
"""What stands for other bytes, and in which tables."""


def read(path: str | os.PathLike[str]) -> ProtocolScript:
    """Read a script.

    Args:
        path: Of the file.

    Returns:
        What ``judge`` takes.

    Raises:
        OptionError: It can't be read, or something in it is wrong.
    """
    shown = escape(str(path))
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_FILE_BYTES + 1)
        if len(data) > MOST_FILE_BYTES:
            raise OptionError(f"{shown}: a script has {MOST_FILE_BYTES:,} bytes at most")
        return parse(data.decode("utf-8"), Path(path).stem)
    except OSError as error:
        raise OptionError(f"{shown}: can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise OptionError(f"{shown}: line {line} is no UTF-8: write other bytes as '\\xHH'") from error
    except OptionError as error:
        raise OptionError(f"{shown}: {error}") from error


def parse(text: str, name: str) -> ProtocolScript:
    """Return what a script says.

    Args:
        text: The script.
        name: What the protocol is called if it does not say so itself.

    Raises:
        OptionError: Something in it is wrong.
    """
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number too long, tables too deep
        raise OptionError(f"it is no TOML: {escape(str(error))}") from error
    top = _Table("", found, _TOP)
    terminator = top.text("terminator")
    steps = _steps(top, terminator)
    once = tuple(step for given, step in steps if given.flag("once", False))
    if [step for _, step in steps[: len(once)]] != list(once):
        raise OptionError("[[step]] with once = true must stand before all others: it is said first")
    greeting = top.table("greeting", _DUE)
    script = ProtocolScript(
        top.name(name),
        None if greeting is None else greeting.reply(terminator),
        once,
        tuple(step for _, step in steps[len(once) :]),
        *_close(top, terminator),
        _longest(top, terminator),
        top.flag("pipelining", True),
        top.flag("half_close", True),
    )
    if not steps and script.close is None:
        raise OptionError("it says nothing: write a [[step]] with send and expect, or a [close]")
    return script


def _steps(top: "_Table", terminator: bytes) -> "list[tuple[_Table, ScriptStep]]":
    """Return the steps, each with its table."""
    given = top.given.get("step", [])
    if not isinstance(given, list):
        raise OptionError("a step is written [[step]], with two brackets")
    tables = [
        _Table(f"[[step]] {number}", each, ("send", "once", *_DUE)) for number, each in enumerate(given, 1)
    ]
    return [
        (table, ScriptStep(f"step {number}", table.message(), table.reply(terminator)))
        for number, table in enumerate(tables, 1)
    ]


def _close(top: "_Table", terminator: bytes) -> tuple[ScriptStep | None, bool]:
    """Return the message that ends the conversation, and whether the server then ends the stream.

    If so, its answer is all that comes before the end.
    """
    if (table := top.table("close", ("send", "by", *_DUE))) is None:
        return None, True
    by = table.given.get("by", "server")
    if by not in ("server", "client"):
        raise table.wrong('by must be "server" or "client": who ends the stream after the answer')
    reply = table.reply(terminator if by == "client" else b"", ended=by == "server")
    return ScriptStep("the close", table.text("send"), reply), by == "server"


def _longest(top: "_Table", terminator: bytes) -> ScriptStep | None:
    """Return the longest message, filled up."""
    if (table := top.table("longest", ("send", "bytes", *_DUE))) is None:
        return None
    message, reply = table.message(), table.reply(terminator)
    size = table.given.get("bytes")
    least = len(message.replace(FILL, b""))
    if type(size) is not int or not least < size <= MOST_BYTES:
        raise table.wrong(
            f"bytes must be a number of bytes from {least + 1} to {MOST_BYTES}, the message's length"
        )
    if message.count(FILL) != 1:
        raise table.wrong("send must have one {fill}, which stands for as many x as make it so long")
    fill = b"x" * (size - least)
    due = b"(?:x{%d})" % len(fill) if reply.kind == "match" else fill  # to compile as many x takes very long
    filled = Reply(reply.kind, reply.text.replace(FILL, due), reply.until)
    return ScriptStep("the longest message", message.replace(FILL, fill), filled)


class _Table:
    """A table of the file, whose values are taken out with errors that say where they stand.

    Args:
        place: Where, for people; empty for the top.
        given: What stands there.
        known: The keys that it may have.
    """

    def __init__(self, place: str, given: Any, known: Collection[str]) -> None:
        self._place = place
        if not isinstance(given, Mapping):
            raise self.wrong(f"it must be a table, as {place.partition(' ')[0]}")
        self.given = given
        for key in given:
            if key not in known:
                raise self.wrong(f"{escape(repr(key))} is no key here: write {', '.join(sorted(known))}")

    def wrong(self, reason: str) -> OptionError:
        """Return what is raised when something is wrong here."""
        return OptionError(f"{self._place}: {reason}" if self._place else reason)

    def table(self, key: str, known: Collection[str]) -> "_Table | None":
        """Return a table in it, if there is one."""
        return _Table(f"[{key}]", self.given[key], known) if key in self.given else None

    def flag(self, key: str, default: bool) -> bool:
        """Return ``true`` or ``false``."""
        if not isinstance(value := self.given.get(key, default), bool):
            raise self.wrong(f"{key} must be true or false")
        return value

    def name(self, default: str) -> str:
        """Return the protocol's name."""
        name = self.given.get("name", default)
        if not isinstance(name, str) or not name.strip() or len(name) > 60 or not name.isprintable():
            raise self.wrong("name must be a short text")
        return name

    def text(self, key: str) -> bytes:
        """Return bytes, empty if there are none."""
        value = self._text(key, "a text in quotes")

        def meant(escaped: "re.Match[bytes]") -> bytes:
            what = escaped[1]
            if what not in _MEANINGS and len(what) != 3:
                raise self.wrong(f"{key}: a backslash is followed by xHH, r, n, t, 0 or another backslash")
            return _MEANINGS[what] if what in _MEANINGS else bytes.fromhex(what[1:].decode())

        return _ESCAPE.sub(meant, value.encode())

    def message(self) -> bytes:
        """Return what is sent."""
        if not (message := self.text("send")):
            raise self.wrong("send is missing: say which bytes are sent")
        return message

    def reply(self, terminator: bytes = b"", ended: bool = False) -> Reply:
        """Return what is due.

        Args:
            terminator: What ends it, if nothing is said here.
            ended: Whether the stream's end ends it.
        """
        kinds = [kind for kind in KINDS if kind in self.given]
        if len(kinds) != 1:
            raise self.wrong('say what is due, in one of expect, prefix and match: expect = "" if nothing is')
        [kind] = kinds
        until = self.text("until") or terminator
        if kind == "expect" and "until" in self.given:
            raise self.wrong("until goes with prefix or match: expect is all that comes, its end too")
        if kind != "expect" and not (until or ended):
            raise self.wrong(f"{kind} needs until, or a terminator at the top: how does this answer end?")
        if kind == "match":
            return Reply(kind, self._expression(), until)
        return Reply(kind, self.text(kind), until if kind == "prefix" else b"")

    def _expression(self) -> bytes:
        expression = self._text("match", "a regular expression in quotes").encode()
        try:
            TimedPattern(expression.replace(NUMBER, b"000000").replace(FILL, b"x"))
        except OptionError as error:
            raise self.wrong(f"match is {error}") from error
        return expression

    def _text(self, key: str, what: str) -> str:
        """Return a text as it stands in the file, empty if there is none."""
        if not isinstance(value := self.given.get(key, ""), str):
            raise self.wrong(f"{key} must be {what}")
        for placeholder, table in _PLACEHOLDERS.items():
            if placeholder in value and (key == "until" or not self._place.startswith(table)):
                where = f"in send and what is due of {table}"
                literal = f"'\\x7b{placeholder[1:]}'"
                raise self.wrong(
                    f"{key}: {placeholder} stands only {where}: write {literal} for its own bytes"
                )
        return value
