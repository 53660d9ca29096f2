"""A host by its name: its addresses, and a stream to whichever of them answers first (RFC 8305).

Twisted's ``HostnameEndpoint`` waits where an address has failed, tries the families as they come, takes no
name with an underscore, and tells of the last address alone::

    endpoint = HostEndpoint(reactor, "localhost", 9999)
    endpoint.connect(factory)       # [::1]:9999, and after 0.25 s without an answer 127.0.0.1:9999 as well
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.client.stream import connect_failure
from sockproto.core.text import join_host_port
from sockproto.errors import CallFailed, NameNotFound
from sockproto.plain.connecting import ATTEMPT_SECONDS
from sockproto.plain.failures import most_telling
from sockproto.plain.resolving import families_in_turn
from sockproto.plain.zones import numeric_host


def host_addresses(reactor: Any, host: str, port: int) -> "Deferred[list[Any]]":
    """Find the addresses of a host, by the reactor's resolver.

    Args:
        reactor: Whose resolver.
        host: The host's name, in ASCII, or numeric address.
        port: Put into each.

    Returns:
        A Deferred of at least one ``IPv4Address`` or ``IPv6Address``, in the order in which they should be
        tried. It fails with ``NameNotFound``.
    """
    receiver = _Addresses()
    reactor.nameResolver.resolveHostName(receiver, host, port)
    return receiver.found


@implementer(IResolutionReceiver)
class _Addresses:
    """Collects the addresses of a host name.

    Attributes:
        found: Fires when they are complete.
    """

    def __init__(self) -> None:
        self.found: Deferred[list[Any]] = Deferred()
        self._addresses: list[Any] = []

    def resolutionBegan(self, resolutionInProgress: Any) -> None:  # noqa: N803  # Twisted's name
        """The search begins."""

    def addressResolved(self, address: IAddress) -> None:
        """One was found."""
        self._addresses.append(address)

    def resolutionComplete(self) -> None:
        """That was all."""
        if self.found.called:  # cancelled
            return
        if self._addresses:
            self.found.callback(families_in_turn(self._addresses, type))
        else:
            self.found.errback(NameNotFound("host name not found; check its spelling"))


@implementer(IStreamClientEndpoint)
class HostEndpoint:
    """Connects to a host by its name; it has no time-out, since the call has one.

    Args:
        reactor: What it connects with.
        host: The name, in ASCII.
        port: The port.
    """

    def __init__(self, reactor: Any, host: str, port: int) -> None:
        self._reactor, self._host, self._port = reactor, host, port

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[IProtocol]":  # noqa: N803  # Twisted's
        """Connect.

        Returns:
            A Deferred of the protocol. It fails with what the only address failed with, or with a
            ``CallFailed`` that tells of all.
        """

        def attempt(addresses: list[Any]) -> "Deferred[IProtocol]":
            return _Attempts(self._reactor, addresses, protocolFactory).begin()

        return host_addresses(self._reactor, self._host, self._port).addCallback(attempt)


class _Attempts:
    """Tries addresses: the next one after 0.25 s, or at once where one fails."""

    def __init__(self, reactor: Any, addresses: list[Any], factory: IProtocolFactory) -> None:
        self._reactor, self._factory = reactor, factory
        self._waiting = deque(addresses)
        self._under_way: list[Deferred[Any]] = []
        self._failures: list[tuple[str, Failure]] = []
        self._timer: IDelayedCall | None = None
        self._result: Deferred[IProtocol] = Deferred(lambda _: self._stop())

    def begin(self) -> "Deferred[IProtocol]":
        """Begin; return what fires with the first connection."""
        self._next()
        return self._result

    def _next(self) -> None:
        self._timer = None
        address = self._waiting.popleft()
        scope = getattr(address, "scopeID", 0)  # of a link-local address
        host = numeric_host((address.host, address.port, 0, scope)) if scope else address.host
        name = join_host_port(host, address.port)
        connecting = address_endpoint(self._reactor, host, address.port).connect(self._factory)
        self._under_way.append(connecting)
        if self._waiting:
            self._timer = self._reactor.callLater(ATTEMPT_SECONDS, self._next)
        connecting.addCallbacks(self._connected, self._failed, errbackArgs=(name, connecting))

    def _connected(self, protocol: IProtocol) -> None:
        self._stop()
        self._result.callback(protocol)

    def _failed(self, failure: Failure, name: str, connecting: "Deferred[Any]") -> None:
        if connecting not in self._under_way:  # another was first
            return
        self._under_way.remove(connecting)
        self._failures.append((name, failure))
        if self._waiting:
            self._set_timer_off()
            self._next()
        elif not self._under_way:
            self._result.errback(self._failure())

    def _stop(self) -> None:
        """Abandon the addresses that have not answered."""
        self._set_timer_off()
        late, self._under_way = self._under_way, []
        for connecting in late:
            connecting.cancel()

    def _set_timer_off(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _failure(self) -> Failure | CallFailed:
        if len(self._failures) == 1:
            return self._failures[0][1]
        return all_failed([(name, connect_failure(failure)) for name, failure in self._failures])


def all_failed(failures: Sequence[tuple[str, Any]]) -> CallFailed:
    """Return the failure of a host none of whose addresses answers: the type that tells most, all reasons.

    Args:
        failures: The addresses, as people write them, each with what it failed with, mostly a ``CallFailed``.
    """
    reasons = {name: getattr(error, "reason", str(error)) for name, error in failures}
    kind = most_telling(type(error) for _, error in failures if isinstance(error, CallFailed))
    if len(set(reasons.values())) == 1:
        return kind(f"{next(iter(reasons.values()))} (at {', '.join(reasons)})")
    return kind("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))


def address_endpoint(reactor: Any, host: str, port: int) -> Any:
    """Return the endpoint that connects to a numeric address; it has no time-out, since the call has one."""
    kind: Any = TCP6ClientEndpoint if ":" in host else TCP4ClientEndpoint
    return kind(reactor, host, port, timeout=None)
