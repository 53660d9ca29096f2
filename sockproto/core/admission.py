"""What is accepted: connection slots, addresses, replies per second to one address.

Pure; the time is passed in.

::

    admission = Admission(Limits(max_connections=2))
    admission.enter()       # None: there is a place
"""

from ipaddress import IPv6Address
from math import inf

from sockproto.core.access import Access
from sockproto.core.conversation import CloseReason, Peer
from sockproto.core.limits import Limits

MAX_SOURCES = 65_536
"""The largest number of source addresses of datagrams that are counted at once."""


class Admission:
    """Counts the connections of a listener and refuses those past its limits.

    Args:
        limits: The limits.
    """

    def __init__(self, limits: Limits) -> None:
        self._max_connections = limits.max_connections or inf
        self._max_of_peer = limits.max_connections_per_peer or inf
        self._peers: dict[str, int] = {}
        self._open = 0

    def restrict(self, connections: int) -> None:
        """Allow no more than this many connections, whatever the limits say."""
        self._max_connections = min(self._max_connections, connections)

    def admit(self, peer: Peer) -> CloseReason | None:
        """Take a slot for a connection of *peer*; return why it is refused if there is none.

        Does what ``enter`` and ``identify`` do in one call. A refused connection takes no slot.
        """
        if self._open >= self._max_connections:
            return CloseReason.TOO_MANY
        site = peer.host
        if ":" in site:
            site = site_of(peer)
        peers = self._peers
        count = peers.get(site, 0)
        if count >= self._max_of_peer and peer.port is not None:
            return CloseReason.TOO_MANY_OF_PEER
        self._open += 1
        peers[site] = count + 1
        return None

    def release(self, peer: Peer) -> None:
        """Free the slot that ``admit`` took."""
        self._open -= 1
        site = peer.host
        if ":" in site:
            site = site_of(peer)
        peers = self._peers
        left = peers[site] - 1
        if left:
            peers[site] = left
        else:
            del peers[site]

    def enter(self) -> CloseReason | None:
        """Take a slot for a connection; return why it is refused if there is none."""
        if self._open >= self._max_connections:
            return CloseReason.TOO_MANY
        self._open += 1
        return None

    def leave(self) -> None:
        """Free the slot that ``enter`` took."""
        self._open -= 1

    def identify(self, peer: Peer) -> CloseReason | None:
        """Take one of *peer*'s slots; return why it is refused if there is none."""
        site = peer.host if ":" not in peer.host else site_of(peer)
        count = self._peers.get(site, 0)
        if count >= self._max_of_peer and peer.port is not None:
            return CloseReason.TOO_MANY_OF_PEER
        self._peers[site] = count + 1
        return None

    def denies(self, peer: Peer) -> bool:
        """Return whether *peer* may not connect, even if there is a slot."""
        return False


class GuardedAdmission(Admission):
    """Refuses peers that may not connect before it counts them. Peers of UNIX sockets have no address.

    Args:
        limits: The limits.
        access: Which addresses may connect.
    """

    def __init__(self, limits: Limits, access: Access) -> None:
        super().__init__(limits)
        self._access = access

    def admit(self, peer: Peer) -> CloseReason | None:
        """Take a slot for a connection of *peer*; return why it is refused."""
        return CloseReason.DENIED if self.denies(peer) else super().admit(peer)

    def identify(self, peer: Peer) -> CloseReason | None:
        """Take one of *peer*'s slots; return why it is refused."""
        return CloseReason.DENIED if self.denies(peer) else super().identify(peer)

    def denies(self, peer: Peer) -> bool:
        """Return whether *peer* may not connect."""
        return peer.port is not None and not self._access.admits(peer.host)


def site_of(peer: Peer) -> str:
    """Return what counts as one peer: an IPv4 address, the /64 of an IPv6 address."""
    if ":" not in peer.host:  # no IPv6 address; Twisted writes an IPv4 address in one way only
        return peer.host
    try:
        address = IPv6Address(peer.host.partition("%")[0])
    except ValueError:
        return peer.host
    return str(address.ipv4_mapped or int(address) >> 64)


class SourceRate:
    """Limits the replies per second to each source address.

    It keeps one integer per source and clears all every second: a tenth of the cost of a token bucket.

    Args:
        rate: Replies per second to each address; 0 means no limit.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._counts: dict[str, int] = {}
        self._begin = self._end = 0  # of this second

    def allows(self, source: str, now: float) -> bool:
        """Count a reply to *source*; return whether it may be sent."""
        if not self._rate:
            return True
        counts = self._counts
        if not self._begin <= now < self._end:
            self._begin = int(now)
            self._end = self._begin + 1
            counts.clear()
        count = counts.pop(source, 0)  # and back in as the one used last
        if not count and len(counts) >= MAX_SOURCES:
            del counts[next(iter(counts))]
        counts[source] = count + 1
        return count < self._rate
