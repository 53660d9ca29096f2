r"""Text as people type and read it: numbers, bytes, addresses; text that is safe on a terminal. Pure.

::

    parse_address("[::1]:9999")             # Address("tcp", "::1", 9999)
    join_host_port("::1", 9999)             # "[::1]:9999"
    seconds("0.5")                          # 0.5
    escape("a\x1b[2J")                      # "a\\x1b[2J"
"""

import os
import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address
from typing import NamedTuple

from sockproto.errors import OptionError

MAX_PATH_BYTES = 107
"""The longest path of a UNIX socket (Linux's ``sun_path``, without the byte that ends it)."""

EMPTY = "must not be empty; leave it out, or give a value"
"""The message for an option whose value is empty, as an unset variable of a shell is."""

MAX_SECONDS = 1_000_000_000
"""The longest time that can be given: 31 years."""

MAX_COUNT = 999_999_999_999_999
"""The largest number that can be given: fifteen digits, which JSON and floating point hold exactly."""

_DECIMAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?|\.[0-9]+")
_WHOLE = re.compile(r"-?[0-9]+")
_IPV4_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_HOST_PORT = re.compile(r"(?:\[([^\[\]]*:[^\[\]]*)\]|([^\[\]:]+)):(\d+)", re.DOTALL)
_DESCRIBED_HOST = re.compile(r"(?:^(?:tcp|tls|ssl):|:host=)((?:[^:=\\]|\\.)*)(?=:|$)", re.DOTALL)
"""A host in the description of a Twisted endpoint."""


def escape(text: str, keep: str = "") -> str:
    r"""Return *text* with all that could change a terminal as backslash escapes (``\x1b``, ``\u202e``).

    These are all characters that aren't printable: control characters, changes of direction, lone surrogates.

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
    """Return the number of seconds that *text* is: digits, perhaps with a fraction.

    Raises:
        OptionError: It is not a number, or more than ``MAX_SECONDS``.
    """
    if not _DECIMAL.fullmatch(text) or float(text) > MAX_SECONDS:
        raise OptionError(
            f"must be a number of seconds from 0 to {MAX_SECONDS}, such as 0.5, not {_cut(text)}"
        )
    return float(text)


def count(text: str, least: int = 0, most: int = MAX_COUNT) -> int:
    """Return the whole number that *text* is: digits alone, with a minus where *least* is below 0.

    Raises:
        OptionError: It is not a whole number, or less than *least*, or more than *most*.
    """
    fits = _WHOLE.fullmatch(text) and len(text) <= len(str(MAX_COUNT)) + 1  # not too long to be converted
    if not (fits and least <= int(text) <= most) or (least >= 0 and text.startswith("-")):
        raise OptionError(f"must be a whole number, {least} or more, not {_cut(text)}; at most {most}")
    return int(text)


def raw_bytes(text: str) -> bytes:
    """Return the bytes that were typed, whatever the locale made of them."""
    return os.fsencode(text)


class Address(NamedTuple):
    """The address of a server to connect to.

    Attributes:
        kind: ``tcp``, ``udp``, ``unix``, ``unix-dgram``, or ``endpoint`` for a description that only Twisted
            understands.
        host: The host's name or numeric address; the path of a UNIX socket; the description.
        port: The port; 0 if it has no port.
    """

    kind: str
    host: str
    port: int = 0

    @property
    def datagrams(self) -> bool:
        """Whether it is an address for datagrams, not for a stream."""
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
        OptionError: The text is not valid.
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
            raise OptionError(f"{text!r} is no address: nobody can connect to port 0")
        udp = datagrams or (kind == "udp" and bare != text)
        return Address("udp" if udp else "tcp", host_name(match[1] or match[2]), port)
    if kind == "udp" or not re.match(r"[a-z][\w.+-]*:.*[:=]", text) or re.fullmatch(r"[0-9A-Fa-f:]+", text):
        raise OptionError(f"{text!r} is no address: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    if datagrams:
        raise OptionError(f"{text!r} is for streams: for datagrams write HOST:PORT or unix:PATH")
    for described in _DESCRIBED_HOST.finditer(text):
        host_name(described[1])  # an empty one Twisted takes for this machine
    return Address("endpoint", text)


def host_name(text: str) -> str:
    """Return a host's name or numeric address, if it means the same everywhere.

    ``1.5``, ``0x10`` and ``127.0.0.010`` are addresses only for ``inet_aton``, where they mean 1.0.0.5,
    0.0.0.16 and 127.0.0.8. A text that ends in a number must be a full IPv4 address (WHATWG's URL, 3.5).

    Raises:
        OptionError: It is such an address, or has a blank in it.
    """
    # IDNA takes other scripts' digits and dots too.
    plain = unicodedata.normalize("NFKC", text).replace("\u3002", ".").removesuffix(".")
    if ":" not in plain and _IPV4_LABEL.fullmatch(plain.rpartition(".")[2]):
        try:
            IPv4Address(text)
        except AddressValueError:
            raise OptionError(
                f"{text!r} is no address: IPv4 addresses are written in full, such as 127.0.0.1"
            ) from None
    if not text or any(char.isspace() for char in text):
        raise OptionError(f"{text!r} is no address and no possible host name")
    return text


def port_number(text: str) -> int:
    """Return the port that *text* means.

    Raises:
        OptionError: The text is not valid.
    """
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:
        raise OptionError(f"a port is a number from 0 to 65535, not {_cut(text)}")
    return int(text)


def _cut(text: str) -> str:
    """Return what was typed, in quotes; only the beginning of a long text."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
