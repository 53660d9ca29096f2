r"""How a line of text becomes arguments, and an argument a part of a line.

Words are separated by blanks, or by another separator (``,`` for instruments). A word that begins with ``"``
goes on to the next ``"``, and may hold blanks; in it ``\"`` means ``"`` and ``\\`` means ``\``. Elsewhere
quotes and backslashes are characters like any other. Pure; knows nothing of types::

    Splitter(" ").split(b' 21.5 "living room"', 2)     # [b"21.5", b"living room"], b""
    quote("living room")                                # b'"living room"'
"""

import re

from sockproto.errors import CommandError

_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
_ESCAPED = re.compile(rb'\\(["\\])')


class Splitter:
    """Takes words from a text.

    Args:
        separator: What stands between two words: ``" "`` means any blanks, anything else is one character
            with blanks around it or not.

    Attributes:
        separator: The same.
    """

    def __init__(self, separator: str) -> None:
        self.separator = separator
        self._blanks = separator == " "
        mark = re.escape(separator.encode())
        end = rb"(\s+|\Z)" if self._blanks else rb"\s*(%b|\Z)" % mark
        plain = rb"\S*" if self._blanks else rb"[^%b]*" % mark
        self._quoted = re.compile(rb"\s*" + _QUOTED + end, re.DOTALL)
        self._plain = re.compile(rb"\s*(%b)%b" % (plain, end), re.DOTALL)

    def split(self, text: bytes, most: int) -> tuple[list[bytes], bytes | None]:
        """Take words from the beginning of a text.

        Args:
            text: The text.
            most: So many words at most.

        Returns:
            The words, without their quotes, and what follows them, without the blanks before it; None if
            nothing does, not even a separator.

        Raises:
            CommandError: A quote is not closed, or not followed by a separator or the end.
        """
        if self._blanks and b'"' not in text:
            words = text.split(None, most)
            return words, words.pop() if len(words) > most else None
        words = []
        text = text.lstrip()
        more = bool(text)
        while more and len(words) < most:
            quoted = text.startswith(b'"')
            match = (self._quoted if quoted else self._plain).match(text)
            if match is None:
                raise CommandError("a quote is not closed, or something follows it without a separator")
            words.append(_ESCAPED.sub(rb"\1", match[1]) if quoted else match[1].rstrip())
            text = text[match.end() :].lstrip()
            more = bool(text) if self._blanks else bool(match[2])
        return words, text if more else None


def quote(argument: bytes | str) -> bytes:
    """Give an argument as it is written in a line, in quotes if it needs them.

    Args:
        argument: What the command is to get.

    Raises:
        ValueError: It holds a newline, which ends a line wherever it stands.
    """
    if isinstance(argument, str):
        argument = argument.encode("utf-8", "surrogateescape")
    if b"\n" in argument:
        raise ValueError("an argument can't hold a newline, which ends the line")
    if argument and not re.search(rb'[\s",]', argument):
        return argument
    return b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", argument)
