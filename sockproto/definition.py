"""What the catalog, twistd, the clients and the documents know of a protocol.

A file of ``sockproto.protocols``, or of any other package, ends in one::

    DEFINITION = ProtocolDefinition(
        name="echo",
        description="every byte comes back (RFC 862)",
        factory=EchoFactory,
        datagram_protocol=EchoDatagramProtocol,
    )
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zope.interface import implementer

from sockproto.errors import OptionError
from sockproto.interfaces import IProtocolDefinition


@dataclass(frozen=True)
class ProtocolOption:
    """An option of twistd's that fits a protocol; its value is an argument of the conversation.

    Attributes:
        name: As it is typed, without the hyphens in front.
        convert: Makes the value of the text; raises OptionError with what it must be.
        default: What help texts name as the default.
        help: One line.
    """

    name: str
    convert: Callable[[str], Any]
    default: str
    help: str

    @property
    def argument(self) -> str:
        """The name of the conversation's argument."""
        return self.name.replace("-", "_")


@implementer(IProtocolDefinition)
@dataclass(frozen=True)
class ProtocolDefinition:
    """One protocol.

    Attributes:
        name: What people type.
        description: One line, for help texts.
        factory: Its ``ConversationFactory``.
        datagram_protocol: Its ``ConversationDatagramProtocol``.
        framings: The framing for each word of ``--framing``, the default first; empty where there is no
            choice to make.
        options: The options that fit it.
    """

    name: str
    description: str
    factory: Callable[..., Any]
    datagram_protocol: Callable[..., Any]
    framings: Mapping[str, Callable[[int], Any]] = field(default_factory=dict)
    options: tuple[ProtocolOption, ...] = ()


def seconds(text: str) -> float:
    """Make a number of seconds of *text*.

    Raises:
        OptionError: It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (value >= 0 and math.isfinite(value)):
        raise OptionError(f"must be a number of seconds, 0 or more, such as 0.5, not {text!r}")
    return value


def count(text: str) -> int:
    """Make a number of *text*.

    Raises:
        OptionError: It is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise OptionError(f"must be a whole number, 0 or more, not {text!r}")
    return int(text)


def raw_bytes(text: str) -> bytes:
    """Give the bytes that were typed, whatever the locale made of them."""
    return os.fsencode(text)
