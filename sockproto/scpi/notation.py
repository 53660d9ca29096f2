"""The notation in which SCPI's headers are declared.

Pure::

    parse_header("[SOURce<channel>]:VOLTage[:LEVel]?")  # three mnemonics, and that it is a query
    short_form("VOLTage")                               # "VOLT"

Source:
    SCPI-99, volume 1, chapter 5 (notation) and section 6.2 (headers); IEEE 488.2-1992, section 7.6.1.
"""

import re
from dataclasses import dataclass

from sockproto.errors import DeclarationError

MAX_MNEMONIC_CHARACTERS = 12
"""IEEE 488.2, 7.6.1.4.1: a program mnemonic has twelve characters at most."""

_MNEMONIC = r"([A-Z][A-Z0-9_]*)([a-z0-9_]*)(?:<([a-z_]+)>)?"
_NODE = re.compile(rf"(?P<bracket>\[)?:?(?P<node>{_MNEMONIC}):?(?(bracket)\])")
_COMMON = re.compile(r"\*[A-Z]{3}\??")


@dataclass(frozen=True)
class Mnemonic:
    """One node of a header.

    Attributes:
        long: Its long form, in which capital letters are the short form.
        optional: Whether it may be left out.
        suffix: The parameter that its numeric suffix is, "" if it has none.
    """

    long: str
    optional: bool = False
    suffix: str = ""

    @property
    def forms(self) -> set[bytes]:
        """Its short and its long form, in capital letters."""
        return {short_form(self.long).encode(), self.long.upper().encode()}

    def __str__(self) -> str:
        shown = f"{self.long}<{self.suffix}>" if self.suffix else self.long
        return f"[{shown}]" if self.optional else shown


@dataclass(frozen=True)
class ProgramHeader:
    """What a command is called.

    Attributes:
        mnemonics: Its nodes, from the root on; a common command has one, with its asterisk.
        is_query: Whether it asks for an answer.
    """

    mnemonics: tuple[Mnemonic, ...]
    is_query: bool

    @property
    def is_common(self) -> bool:
        """Whether it is a common command of IEEE 488.2."""
        return self.mnemonics[0].long.startswith("*")

    def __str__(self) -> str:
        text = ""
        for mnemonic in self.mnemonics:
            shown, colon = str(mnemonic), ":" if text else ""
            text += f"[{colon}{shown[1:]}" if mnemonic.optional else colon + shown
        return text + "?" * self.is_query


def parse_header(text: str) -> ProgramHeader:
    """Read a declared header.

    Args:
        text: Such as ``MEASure:VOLTage[:DC]?``, ``OUTPut<channel>:STATe`` or ``*IDN?``.

    Raises:
        DeclarationError: It is none.
    """
    is_query = text.endswith("?")
    nodes = text.removesuffix("?")
    if _COMMON.fullmatch(text):
        return ProgramHeader((Mnemonic(nodes),), is_query)
    matches = list(_NODE.finditer(nodes))
    if not nodes or "".join(match[0] for match in matches) != nodes or nodes.endswith(":") or "::" in nodes:
        raise DeclarationError(
            f"{text!r} is no header such as 'MEASure:VOLTage[:DC]?' or 'OUTPut<n>:STATe', "
            "with the short forms in capitals"
        )
    mnemonics = tuple(
        Mnemonic(match[3] + match[4], bool(match["bracket"]), match[5] or "") for match in matches
    )
    for mnemonic in mnemonics:
        if mnemonic.suffix and any(form[-1:].isdigit() for form in mnemonic.forms):
            raise DeclarationError(f"{text!r}: {mnemonic.long} ends in a digit, which would be its suffix")
        if len(mnemonic.long) > MAX_MNEMONIC_CHARACTERS:
            raise DeclarationError(
                f"{text!r}: {mnemonic.long} is longer than {MAX_MNEMONIC_CHARACTERS} characters"
            )
    if all(mnemonic.optional for mnemonic in mnemonics):
        raise DeclarationError(f"{text!r}: one node at least can't be left out")
    return ProgramHeader(mnemonics, is_query)


def short_form(word: str) -> str:
    """Return the short form of a mnemonic or of character data; what has no capital letters has none."""
    return re.sub("[a-z]", "", word) if word[:1].isupper() else word.upper()
