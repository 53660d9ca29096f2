"""Twisted's server endpoints from their descriptions, such as ``tcp:80:backlog=5``; errors in our words.

::

    arguments("/run/echo:mode=660", ("address", "mode")) == {"address": "/run/echo", "mode": "660"}
    server_endpoint(reactor, "tcp:80:backlog=5")     # an IStreamServerEndpoint
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from twisted.internet.abstract import isIPv6Address
from twisted.internet.endpoints import serverFromString

from sockproto.core.text import count, host_name, port_number
from sockproto.errors import OptionError
from sockproto.plain.hostname import ascii_description

FORMS = {
    "tcp": "tcp:PORT, perhaps with :interface=ADDRESS and :backlog=NUMBER",
    "tcp6": "tcp6:PORT, perhaps with :interface=ADDRESS and :backlog=NUMBER",
    "ssl": "ssl:PORT:privateKey=FILE:certKey=FILE",
    "unix": "unix:PATH, perhaps with :mode=660",
    "unix-dgram": "unix-dgram:PATH, perhaps with :mode=660",
}
"""How the commonest descriptions are written."""

SSL_NAMES = {
    *("port", "privateKey", "certKey", "sslmethod", "interface", "backlog"),
    *("extraCertChain", "dhParameters"),
}
"""What the arguments of ``ssl:`` are called. Twisted sees that only after it has read the files."""

MAX_BACKLOG = 2**31 - 1
"""What a C int holds; the system takes less (Linux: ``net.core.somaxconn``)."""


def arguments(text: str, names: Sequence[str]) -> dict[str, str]:
    r"""Take the arguments of a description apart, as Twisted does.

    Args:
        text: What follows the kind: values in the order of *names*, or ``NAME=VALUE``, between colons. A
            backslash before a colon makes it part of a value.
        names: What the arguments may be called.

    Returns:
        The values by name.

    Raises:
        OptionError: One is given twice, or there are more than names.
    """
    given: dict[str, str] = {}
    order = iter(names)
    for part in re.findall(r"((?:[^:\\]|\\.)+)(?::|$)", text):
        name, equals, value = part.partition("=")
        if not equals or name not in names:
            name, value = next(order, ""), part
        if not name or name in given:
            raise OptionError(f"there is no use for {part!r}")
        given[name] = re.sub(r"\\(.)", r"\1", value)
    return given


def check_values(description: str) -> None:
    """See the values of a description that Twisted takes as they are, or as Python's ``int`` does.

    Raises:
        OptionError: One of them is wrong.
    """
    kind, *parts = [part.replace("\\", "") for part in re.split(r"(?<!\\):", description)]
    if kind not in ("tcp", "tcp6", "ssl"):
        return
    names = ("port", "interface", "backlog") if kind != "ssl" else ("port",)
    given = dict(zip(names, (part for part in parts if "=" not in part), strict=False))
    for name, _, value in (part.partition("=") for part in parts if "=" in part):
        if name in given:  # Twisted has the second replace the first
            raise OptionError(f"{description!r} is not {FORMS[kind]}: {name} is given twice")
        given[name] = value
    try:
        port_number(given.get("port", ""))
    except OptionError as error:
        raise OptionError(f"{description!r} is not {FORMS[kind]}: {error}") from error
    if kind == "ssl" and (unknown := given.keys() - SSL_NAMES):
        raise OptionError(f"{description!r} is not {FORMS[kind]}: there is no use for {min(unknown)!r}")
    if "interface" in given and not isIPv6Address(given["interface"]):
        host_name(given["interface"])
    if "backlog" in given:
        count(given["backlog"], 1, MAX_BACKLOG)


def server_endpoint(reactor: Any, description: str) -> Any:
    """Return the endpoint that a description names.

    Raises:
        OptionError: The description is wrong.
    """
    if description.startswith("haproxy:"):
        raise OptionError(f"'haproxy:{description}' says haproxy: twice; say it once")
    try:
        encoded = ascii_description(description)
    except UnicodeError as error:
        raise OptionError(f"{description!r}: {error}") from error
    try:
        return serverFromString(reactor, encoded)
    except Exception as error:
        if description.startswith(("ssl:", "tls:")) and find_spec("OpenSSL") is None:
            raise OptionError(f"{description!r} needs the extra tls: pip install 'sockproto[tls]'") from error
        form = FORMS.get(description.partition(":")[0])
        if form and isinstance(error, TypeError | ValueError | IndexError):  # in Python's words
            raise OptionError(f"{description!r} is not {form}") from error
        hint = "" if form else f"; write {FORMS['tcp']}; or {FORMS['unix']}"
        raise OptionError(f"Twisted can't use {description!r}: {error}{hint}") from error
