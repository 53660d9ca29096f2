r"""Text as people type and read it: numbers, bytes, addresses; and what a terminal is safe from. Pure.

::

    parse_address("[::1]:9999")             # Address("tcp", "::1", 9999)
    join_host_port("::1", 9999)             # "[::1]:9999"
    seconds("0.5")                          # 0.5
    escape("a\x1b[2J")                      # "a\\x1b[2J"
"""

import math
import os
import re
from typing import NamedTuple

from sockproto.errors import OptionError

MAX_PATH_BYTES = 107
"""The longest path of a UNIX socket (Linux's ``sun_path``, without the byte that ends it)."""

_HOST_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+)):(\d+)", re.DOTALL)


def escape(text: str, keep: str = "") -> str:
    r"""Return *text* with what could do something to a terminal as backslash escapes (``\x1b``, ``\u202e``).

    That is all that isn't printable: control characters, those that turn the direction, lone surrogates.

    Args:
        text: Any text.
        keep: Characters that stay as they are, such as ``\n``.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def join_host_port(host: str, port: int | None) -> str:
    """Return ``HOST:PORT``, an IPv6 address in brackets (RFC 3986, 3.2.2), safe for a terminal.

    Args:
        host: A name or a numeric address.
        port: The port; None leaves it out.
    """
    host = f"[{escape(host)}]" if ":" in host else escape(host)
    return host if port is None else f"{host}:{port}"


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


class Address(NamedTuple):
    """Whom to call.

    Attributes:
        kind: ``tcp``, ``udp``, ``unix``, ``unix-dgram``, or ``endpoint`` for a description that only Twisted
            understands.
        host: The host's name or numeric address; the path of a UNIX socket; the description.
        port: The port, 0 where there is none.
    """

    kind: str
    host: str
    port: int = 0

    @property
    def datagrams(self) -> bool:
        """Whether it takes datagrams, not a stream."""
        return self.kind in ("udp", "unix-dgram")

    def __str__(self) -> str:
        if self.kind == "endpoint":
            return escape(self.host)
        if self.kind not in ("tcp", "udp"):
            return f"{self.kind}:{escape(self.host)}"
        where = join_host_port(self.host, self.port)
        return where if self.kind == "tcp" else f"udp:{where}"


def parse_address(text: str, datagrams: bool = False, unix: bool = False) -> Address:
    """Read an address.

    Args:
        text: ``HOST:PORT``, ``[IPV6]:PORT``, either with ``tcp:`` or ``udp:`` before it, ``unix:PATH``,
            ``unix-dgram:PATH``, or any other Twisted client endpoint description.
        datagrams: Whether datagrams are meant where the text leaves it open.
        unix: Whether the text is the path of a UNIX socket.

    Returns:
        The address.

    Raises:
        OptionError: It is none.
    """
    if unix:
        text = f"unix:{text.removeprefix('unix:')}"
    kind, _, rest = text.partition(":")
    if kind in ("unix", "unix-dgram"):
        if not rest or "\0" in rest:
            raise OptionError(f"{text!r} is no address: write {kind}:PATH")
        if len(os.fsencode(rest)) > MAX_PATH_BYTES:
            raise OptionError(f"a UNIX socket's path has at most {MAX_PATH_BYTES} bytes, not {len(rest)}")
        return Address("unix-dgram" if datagrams else kind, rest)
    bare = rest if kind in ("tcp", "udp") and ":" in rest else text
    match = _HOST_PORT.fullmatch(bare)
    if match is not None:
        port = port_number(match[3])
        if not port:
            raise OptionError(f"{text!r} is no address: nobody can be called at port 0")
        udp = datagrams or (kind == "udp" and bare != text)
        return Address("udp" if udp else "tcp", match[1] or match[2], port)
    if kind == "udp" or not re.match(r"[a-z][\w.+-]*:.*[:=]", text) or re.fullmatch(r"[0-9A-Fa-f:]+", text):
        raise OptionError(f"{text!r} is no address: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    if datagrams:
        raise OptionError(f"{text!r} is for streams: for datagrams write HOST:PORT or unix:PATH")
    return Address("endpoint", text)


def port_number(text: str) -> int:
    """Make a port of *text*.

    Raises:
        OptionError: It is none.
    """
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:
        raise OptionError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)
