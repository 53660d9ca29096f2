r"""Lines from a network virtual terminal: a telnet client that negotiates (RFC 854, 855).

It refuses every option and removes the telnet commands from the stream; all other bytes belong to the lines.
A session uses it in place of a framing of lines if a connection begins with a telnet command::

    framing = TerminalLines(Lines())
    framing.feed(b"\xff\xfd\x01/version\r\n")   # IAC DO ECHO, and a line
    framing.take()                              # [b"/version"]
    framing.responses()                         # IAC WONT ECHO
"""

from typing import Final

from zope.interface import implementer

from sockproto.core.framing.lines import Lines
from sockproto.errors import MessageMalformed
from sockproto.interfaces import IFraming

IAC: Final = b"\xff"
ESCAPED: Final = IAC + IAC

# What follows IAC (RFC 854, "TELNET COMMAND STRUCTURE").
SE, IP, AYT, EC, EL, SB, WILL, WONT, DO, DONT = 240, 244, 246, 247, 248, 250, 251, 252, 253, 254
EOF: Final = 236  # RFC 1184, section 2.3

REFUSALS: Final = {WILL: b"\xff\xfe%c", DO: b"\xff\xfc%c"}
"""To WILL we say DONT, to DO WONT; WONT and DONT are answers, which are never answered (RFC 1143)."""

HERE: Final = b"\r\n[Yes]\r\n"
"""The answer to "are you there", as BSD's telnetd gives it."""

MAX_SUBNEGOTIATION_BYTES: Final = 4_096
"""A longer subnegotiation is an error. Nobody agreed to any; the longest usual one, the user's environment
(RFC 1572), has a few hundred bytes."""

MAX_RESPONSE_BYTES: Final = 4_096
"""While this many bytes of answers wait to be sent, none is added: a peer that doesn't read gets none."""


def begins_terminal(data: bytes) -> bool | None:
    r"""Return whether a stream comes from a network virtual terminal; None: another byte is needed to know.

    It does if it begins with a command. A lone ``\xff\xfe`` or ``\xff\xfc`` on a line, or before a silence,
    is text that is no UTF-8: no terminal begins with an answer (WONT, DONT) about an option that nobody uses.

    Args:
        data: How it begins.
    """
    if data[:1] != IAC:
        return False if data else None
    if len(data) < 2:
        return None
    if data[1] in (WONT, DONT):
        return data[2] not in b"\r\n" if len(data) > 2 else None
    return SE <= data[1] <= DONT


@implementer(IFraming)
class TerminalLines:
    """Lines as a network virtual terminal sends them.

    Each line ends with CR LF or CR NUL, so a quiet period ends none. The byte 255 as text is sent twice, in
    both directions. EL (erase line) and IP (interrupt process, Ctrl-C) remove the unfinished line, EC its
    last character. AO (abort output) does nothing, because the answers are sent already. EOF means that the
    terminal will send no more; PuTTY's plink sends it at the end of its input.

    Args:
        lines: The framing of the lines.
        begun: Bytes fed to it already: the first bytes of a command.

    Attributes:
        ended: Whether the terminal will send no more.
        begun: Whether the unfinished line began with the bytes fed last.
    """

    quiet_seconds: float | None = None
    discards = False

    def __init__(self, lines: Lines, begun: bytes = b"") -> None:
        self._lines = lines
        self.longest = lines.longest
        self.ended = self.begun = False
        self._command = begun  # a command that has no end yet
        lines.erase_line()
        self._skipped = 0  # how many bytes of a subnegotiation came
        self._overlong = False
        self._responses = bytearray()

    @property
    def held(self) -> int:
        """Bytes of text fed and not yet taken."""
        return self._lines.held

    @property
    def unfinished(self) -> int:
        """How many of the last bytes of text belong to an unfinished line."""
        return self._lines.unfinished

    @property
    def ready(self) -> bool:
        """Whether there may be lines to take, a command to answer, or the end."""
        return self._lines.ready or self._overlong or self.ended or bool(self._responses)

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        data, self._command = self._command + data, b""
        self.begun, place = False, 0
        while place < len(data) and not self._overlong and not self.ended:
            if self._skipped:
                place = self._skip(data, place)
                continue
            command = data.find(IAC, place)
            text = data[place : command if command >= 0 else len(data)]
            if text:
                self._feed_text(text)
            if command < 0:
                return
            place = self._obey(data, command)

    def take(self) -> list[bytes]:
        """Return the next lines.

        Raises:
            MessageTooLong: A line is longer than the limit.
            MessageMalformed: A subnegotiation is too long.
        """
        lines = self._lines.take()
        if not lines and self._overlong:
            raise MessageMalformed(f"telnet subnegotiation longer than {MAX_SUBNEGOTIATION_BYTES} bytes")
        return lines

    def responses(self) -> bytes:
        """Return the answers to the terminal's commands, which are sent besides the answers to lines."""
        said, self._responses = self._responses, bytearray()
        return bytes(said)

    def quiet(self) -> None:
        """Do nothing: a terminal ends all its lines."""

    def end(self) -> None:
        """The stream has ended: what is unfinished is a line."""
        self._lines.end()

    def encode(self, *messages: bytes) -> bytes:
        """Return replies to the lines taken last."""
        return self._lines.encode(*messages).replace(IAC, ESCAPED)

    def encode_error(self, text: bytes) -> bytes:
        """Return an error line for the peer."""
        return self._lines.encode_error(text).replace(IAC, ESCAPED)

    def _obey(self, data: bytes, place: int) -> int:
        """Carry out the command at *place*; return where it ends."""
        command = data[place + 1] if place + 1 < len(data) else None
        negotiates = command is not None and WILL <= command <= DONT
        if command is None or (negotiates and place + 2 == len(data)):
            self._command = data[place:]
            return len(data)
        if negotiates:
            if command in REFUSALS:
                self._respond(REFUSALS[command] % data[place + 2])
            return place + 3
        if command == IAC[0]:
            self._feed_text(IAC)
        elif command < EOF:  # text: the DM of a Synch is urgent data, and no part of the stream
            return place + 1
        elif command == SB:
            self._skipped = 2
        elif command == AYT:
            self._respond(HERE)
        elif command == EC:
            self._lines.erase_character()
        elif command in (EL, IP):
            self._lines.erase_line()
        elif command == EOF:
            self.ended = True
            self.end()
        return place + 2

    def _feed_text(self, text: bytes) -> None:
        self._lines.feed(text)
        self.begun = self.begun or self._lines.unfinished <= len(text)

    def _respond(self, response: bytes) -> None:
        if len(self._responses) < MAX_RESPONSE_BYTES:
            self._responses += response

    def _skip(self, data: bytes, place: int) -> int:
        """Skip bytes of a subnegotiation; return where it ends, as far as it has come."""
        end, ended = _end_of_subnegotiation(data, place)
        self._command = b"" if ended else data[end:]
        self._skipped += end - place
        self._overlong = self._skipped > MAX_SUBNEGOTIATION_BYTES
        if ended:
            self._skipped = 0
        return end if ended else len(data)


def _end_of_subnegotiation(data: bytes, place: int) -> tuple[int, bool]:
    """Return up to where the bytes from *place* on belong to a subnegotiation, and whether it ends there."""
    while (place := data.find(IAC, place)) >= 0:
        if place + 1 == len(data):
            return place, False
        place += 2
        if data[place - 1] == SE:
            return place, True
    return len(data), False
