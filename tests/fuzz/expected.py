"""What a server may say to what was sent to it, worked out by an independent few lines."""

import json
import re
import time
from typing import Any

from sockproto.protocols.chargen import PATTERN

UNKNOWN = b"error: unknown command, see /help"
EXPLAINED: dict[bytes, bytes] = {
    b"echo": b"/echo [TEXT...]: Return what follows the word /echo, verbatim.",
    b"help": b"/help [NAME]: List the commands, or explain the one of that name.",
    b"version": b"/version: Return the version.",
}


def answer(name: str, line: bytes) -> bytes | None:
    """Return the answer to a line, without its newline; None if there is none."""
    if name == "greeting":
        return b"Hello, %b!" % line if line else None
    if not line.startswith(b"/"):
        return None
    if b"\n" in line:
        return b"error: a line can't hold a newline"
    word = line[1:].split()[0] if line[1:2].strip() else b""
    rest = line[1 + len(word) :]
    if word == b"echo":
        return rest
    if word not in EXPLAINED:
        return UNKNOWN
    usage, _, _ = EXPLAINED[word].partition(b":")
    if word == b"help" and rest.lstrip().startswith(b'"'):
        quoted = re.match(rb'\s*"((?:[^"\\]|\\.)*)"(\s|\Z)', rest, re.DOTALL)
        if quoted is None:
            return b"error: a quote is not closed, or something follows it without a separator"
        words = [re.sub(rb'\\(["\\])', rb"\1", quoted[1]), *rest[quoted.end() :].split()]
    else:
        words = rest.split()
    if len(words) > (word == b"help"):
        return b"error: too many arguments; write " + usage
    if word == b"version":
        return b"Demo version"
    if words == [b"json"]:
        return json.dumps(description()).encode()
    return EXPLAINED.get(words[0].removeprefix(b"/"), UNKNOWN) if words else b"/echo /help /version"


def description() -> dict[str, Any]:
    """Return what ``/help json`` says."""

    def parameter(name: str, kind: str, rest: bool) -> dict[str, Any]:
        return {
            "name": name,
            "type": kind,
            "choices": [],
            "required": False,
            "repeated": False,
            "rest": rest,
        }

    parameters = {"echo": [parameter("TEXT", "bytes", True)], "help": [parameter("NAME", "bytes", False)]}
    commands = []
    for word, explained in EXPLAINED.items():
        usage, _, summary = explained.decode().partition(": ")
        commands.append(
            {
                "name": f"/{word.decode()}",
                "aliases": [],
                "usage": usage,
                "help": summary,
                "streams": False,
                "parameters": parameters.get(word.decode(), []),
            }
        )
    return {"prefix": "/", "separator": " ", "case_sensitive": True, "commands": commands}


def expected_of_lines(name: str, sent: bytes, ended: bool, longest: int) -> bytes:
    """Return all that a server of lines may say to what was sent to it, worked out from the whole of it."""
    out = [b"Welcome!\r\n"] if name == "greeting" else []
    newline = b"\r\n"
    lines = sent.split(b"\n")
    for number, line in enumerate(lines):
        extra = len(line) - longest
        if longest and (extra > 1 or (extra == 1 and not line.endswith(b"\r"))):
            out.append(b"error: message longer than %d bytes\n" % longest)
            break
        message = line.rstrip(b"\r")
        if number < len(lines) - 1:
            newline = b"\r\n" if len(message) < len(line) else b"\n"
        elif not (ended and line):
            break
        if name == "greeting" and message == b"exit":
            break
        reply = answer(name, message)
        if reply is not None:
            out.append(reply + (b"\n" if name == "command" else newline))
    return b"".join(out)


def is_auto_greeting(said: bytes) -> bool:
    """Tell whether it has the shape of what greeting says with the framing auto."""
    if not said.startswith(b"Welcome!"[: len(said)]):
        return False
    starts = (b"Hello, ", b"error: ")
    return all(
        piece.startswith(starts) or any(start.startswith(piece) for start in starts)
        for piece in said[8:].split(b"\n")
    )


def expected_datagram(name: str, data: bytes) -> bytes | None:
    """Return the only answer that a datagram may have; None for no answer."""
    if name == "greeting":
        line = data[:-2] if data.endswith(b"\r\n") else data.removesuffix(b"\n")
        reply = answer(name, line) if line != b"exit" else None
        return None if reply is None else reply + data[len(line) :]
    if name == "command":
        reply = answer(name, data.removesuffix(b"\n").rstrip(b"\r"))
        return None if reply is None else reply + b"\n"
    return {
        "echo": data,
        "discard": None,
        "chargen": PATTERN[: min(len(data), 512)],
        "time": b"\x83\xaa~\x80",
        "daytime": time.ctime(0).encode() + b"\r\n",
    }.get(name, b"Welcome!\r\n")
