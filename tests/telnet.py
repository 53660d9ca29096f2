"""What a network virtual terminal has sent, in the plainest words: the whole stream is there (RFC 854)."""

import re
from typing import NamedTuple

COMMANDS = re.compile(
    rb"\xff(?:(?P<verb>[\xfb-\xfe])(?P<option>.)|\xfa(?:[^\xff]|\xff[^\xf0])*\xff\xf0|(?P<one>[\xec-\xf9\xff]))"
    rb"|\xff(?=[^\xec-\xff])|(?P<rest>\xff.*)",
    re.DOTALL,
)
RESPONSES = re.compile(rb"(?P<escaped>\xff\xff)|\xff[\xfc\xfe].|\r\n\[Yes\]\r\n", re.DOTALL)
OPENING = bytes.fromhex("fffb1f fffb20 fffb18 fffb27 fffd01 fffb03 fffd03")
"""How PuTTY begins: WILL NAWS, TSPEED, TTYPE, NEW-ENVIRON; DO ECHO; WILL SGA, DO SGA."""
REFUSAL = bytes.fromhex("fffe1f fffe20 fffe18 fffe27 fffc01 fffe03 fffc03")
OVERLONG = b"error: telnet subnegotiation longer than 4096 bytes\n"


class Understood(NamedTuple):
    """What was sent: whether by a terminal, the text, with CR LF for CR NUL, and what answers the rest."""

    by_terminal: bool
    text: bytes
    responses: bytes
    overlong: bool = False  # what follows is a subnegotiation without end


def understood(sent: bytes, longest: int) -> Understood:
    """Return what was sent, where lines are as long as that at most."""
    if not re.match(rb"\xff(?:[\xf0-\xfb\xfd]|[\xfc\xfe][^\r\n])", sent, re.DOTALL):
        return Understood(False, sent.replace(b"\r\0", b"\r\n"), b"")
    text, responses, place = bytearray(), b"", 0
    for command in COMMANDS.finditer(sent):
        text = (text + sent[place : command.start()]).replace(b"\r\0", b"\r\n")
        place = command.end()
        if command[0].startswith(b"\xff\xfa") and len(command[0].removesuffix(b"\xff")) > 4_096:
            return Understood(True, bytes(text), responses, True)
        start = text.rfind(b"\n") + 1
        too_long = longest and len(bytes(text[start:]).removesuffix(b"\r")) > longest
        one = command["one"]
        if command["verb"] in (b"\xfb", b"\xfd"):
            responses += (b"\xff\xfe" if command["verb"] == b"\xfb" else b"\xff\xfc") + command["option"]
        elif one == b"\xff":
            text += one
        elif one == b"\xf6":
            responses += b"\r\n[Yes]\r\n"
        elif one in (b"\xf4", b"\xf8") and not too_long:
            del text[start:]
        elif one == b"\xf7" and not too_long and text[start:]:
            del text[-len(bytes(text).decode("utf-8", "surrogateescape")[-1].encode("utf-8", "replace")) :]
    return Understood(True, bytes(text + sent[place:]).replace(b"\r\0", b"\r\n"), responses)


def heard(said: bytes) -> bytes:
    """Return the answers to lines, of all that was said to a terminal."""
    return RESPONSES.sub(lambda found: b"\xff" if found["escaped"] else b"", said)
