"""TLS servers that go on without a protocol of ALPN (RFC 7301), if they declare none.

A client may offer protocols to any server, and curl and browsers do. Twisted 26.10 answers such a client with
an empty name where it has none in common, at which OpenSSL ends the handshake. Where the server declares
protocols that is right (section 3.2); one that declares none goes on as if nothing was offered, as with
Twisted 24.7 and everywhere else::

    go_on_without_alpn()    # as often as one likes
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from sockproto.reactor.names import RelyingOn, has_all

NAMES = ("protosFromProtocol", "setupForALPN")
try:
    verification: Any = import_module("twisted.internet._sslverify")
    from OpenSSL.SSL import NO_OVERLAPPING_PROTOCOLS
except ImportError:  # without the extra tls
    verification = None

set_up_as_twisted: Any = getattr(verification, "setupForALPN", None)
RELIES_ON: RelyingOn = {verification: NAMES} if set_up_as_twisted is not None else {}


def asks_factories() -> bool:
    """Tell whether a handshake asks the factory for the protocols that it takes.

    Older versions of Twisted change the TLS context of a connection that is made, which today's pyOpenSSL
    refuses.
    """
    return set_up_as_twisted is not None


class Selecting:
    """A TLS context, as Twisted sees it while it sets up ALPN there.

    Args:
        context: The context.
        declared: The protocols that it is given, for all of its connections.
    """

    def __init__(self, context: Any, declared: Sequence[bytes]) -> None:
        self._context, self._declared = context, declared

    def set_alpn_select_callback(self, select: Callable[[Any, list[bytes]], Any]) -> None:
        """Have *select* choose a protocol where there is one to choose."""

        def select_if_declared(connection: Any, offered: list[bytes]) -> Any:
            if verification.protosFromProtocol(connection.get_app_data(), self._declared):
                return select(connection, offered)
            return NO_OVERLAPPING_PROTOCOLS

        self._context.set_alpn_select_callback(select_if_declared)


def set_up(context: Any, declared: Sequence[bytes]) -> None:
    """Set up ALPN in a context, as Twisted does it."""
    set_up_as_twisted(Selecting(context, declared), declared)


def go_on_without_alpn() -> None:
    """Apply this to all TLS contexts that the process makes from now on.

    Twisted makes them for the first connection, mostly, and has no way to ask for another answer in
    one of them. Nothing changes where Twisted has changed what this relies on.
    """
    if RELIES_ON and has_all(verification, NAMES) and verification.setupForALPN is set_up_as_twisted:
        verification.setupForALPN = set_up
