"""Host names as name servers and certificates know them: in ASCII (IDNA).

By UTS 46, non-transitional, as curl and browsers do it, with the library ``idna`` where that is installed.
The standard library knows IDNA 2003 alone, by which some names are other hosts (``faß.example`` is
``fass.example``): without the library such a name is refused. Nothing is looked up here::

    ascii_host("faß.example")               # "xn--fa-hia.example"
    server_name("fe80::1%eth0")             # "fe80::1"
"""

import re
from importlib import import_module
from typing import Any, Final
from unicodedata import category, normalize, ucd_3_2_0

from sockproto.core.text import escape

library: str | None = "idna"
"""What is imported for names that are not ASCII, if it is installed; None: the standard library alone."""

MAX_NAME_CHARACTERS: Final = 253
"""The longest host name, without the dot at its end (RFC 1035, 2.3.4)."""

MAX_LABEL_CHARACTERS: Final = 63
"""The longest part of one, between two dots (RFC 1035, 2.3.4)."""

DIFFERENT: Final = frozenset("ßς\u200c\u200d\u115f\u1160\u17b4\u17b5\u1806\u3164\uffa0")
"""What IDNA 2003 maps to something else than UTS 46 does, beside what shows by itself in ``_nameprep``."""

HOST_ARGUMENTS: Final = ("host", "interface", "bindAddress")
"""The arguments of endpoint descriptions that are hosts; a client's first one is it, without a name."""

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def ascii_host(host: str) -> str:
    """Return a host name in ASCII; a name that is ASCII, or an IPv6 address, as it is.

    Args:
        host: A name or a numeric address.

    Raises:
        UnicodeError: It is no possible name, or without the library ``idna`` there is no telling which
            host it names. The text says which, in one line.
    """
    if host.isascii() or ":" in host:
        return host
    if len(host) > MAX_NAME_CHARACTERS:
        raise UnicodeError(f"no host name: it has more than {MAX_NAME_CHARACTERS} characters")
    idna = _installed()
    try:
        text = idna.uts46_remap(host, False) if idna else ".".join(map(_nameprep, _DOTS.split(host)))
        name = ".".join(_a_label(label, idna) for label in text.split("."))
        if not is_host_name(name):  # what the mapping made of it
            raise ValueError
    except _Ambiguous:
        raise UnicodeError(
            f"{escape(host)} may be another host by IDNA 2003, all that the standard library knows, than for "
            "curl and browsers: write it in ASCII (xn--…), or use `sockproto fetch` with the library idna"
        ) from None
    except ValueError:  # every error of the library's is one, and UnicodeError
        raise UnicodeError(f"no host name: {escape(host)}") from None
    return name


def ascii_description(description: str) -> str:
    """Return a description of a Twisted endpoint with its hosts in ASCII; others Twisted reads by IDNA 2003.

    Args:
        description: Of a client's or a server's, such as ``tcp:host=faß.example:port=80``.

    Raises:
        UnicodeError: As of ``ascii_host``.
    """
    kind, *arguments = description.split(":")
    for number, argument in enumerate(arguments):
        name, equals, value = argument.rpartition("=")
        if name in HOST_ARGUMENTS or (not equals and number == 0 and kind in ("tcp", "tls", "ssl")):
            arguments[number] = name + equals + ascii_host(value)
    return ":".join([kind, *arguments])


def is_host_name(name: str) -> bool:
    """Tell whether a name is one in ASCII: labels of letters, digits, hyphens and underscores."""
    return len(name) <= MAX_NAME_CHARACTERS + name.endswith(".") and _NAME.fullmatch(name) is not None


def server_name(host: str) -> str:
    """Return the name that a host's certificate must have: no dot at the end, no zone of an address.

    Args:
        host: A name or a numeric address.

    Raises:
        UnicodeError: As of ``ascii_host``.
    """
    return ascii_host(host.partition("%")[0] if ":" in host else host).rstrip(".")


class _Ambiguous(ValueError):
    """IDNA 2003 and UTS 46 may make different hosts of a name."""


def _installed() -> Any:
    """Return the library, None without it; it takes as long to load as all the rest of a fetch."""
    try:
        return import_module(library) if library else None
    except ImportError:
        return None


def _nameprep(label: str) -> str:
    """Map a label as IDNA 2003 does (RFC 3491), unless UTS 46 may map it in another way.

    UTS 46 is made of the newest Unicode's NFKC and case folding; where that has the same result, both do.
    """
    from encodings.idna import nameprep

    for char in label:
        mapped, newest = nameprep(char), normalize("NFKC", normalize("NFKC", char).casefold())
        if char in DIFFERENT or ucd_3_2_0.category(char) == "Cn" or mapped not in ("", newest):
            raise _Ambiguous
        if "." in mapped:
            raise ValueError
    return nameprep(label)


def _a_label(label: str, idna: Any) -> str:
    """Return one mapped label in ASCII (UTS 46, 4.1; with the library CheckJoiners and CheckBidi, too)."""
    if label.isascii():
        return label
    if "-" in (label[0], label[-1]) or label[2:4] == "--" or category(label[0]).startswith("M"):
        raise ValueError
    if idna:
        idna.check_bidi(label)
        joiners = [place for place, char in enumerate(label) if char in "\u200c\u200d"]
        if not all(idna.valid_contextj(label, place) for place in joiners):
            raise ValueError
    encoded = f"xn--{label.encode('punycode').decode('ascii')}"
    if len(encoded) > MAX_LABEL_CHARACTERS:
        raise ValueError
    return encoded
