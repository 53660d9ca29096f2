"""A connection before its conversation opens: the PROXY header, the TLS handshake.

Reads the header and reports when both are complete; doesn't know what follows::

    arrival = Arrival(proxies=None)
    arrival.begin(connection)       # calls connection.begin() at once where nothing is to be waited for
"""

from sockproto.carriers.connection import Connection
from sockproto.carriers.transport import announces_handshake, certificate_of
from sockproto.core.conversation import CloseReason
from sockproto.core.proxy import HeaderReader, Trust
from sockproto.errors import ProxyHeaderInvalid


class Arrival:
    """What a connection waits for before its conversation opens.

    Args:
        proxies: The proxies whose PROXY header is accepted; a header must come first then. None: no header.
    """

    __slots__ = ("_handshaken", "_header", "_identified", "_proxies")

    def __init__(self, proxies: Trust | None) -> None:
        self._proxies = proxies
        self._header: HeaderReader | None = None
        self._handshaken = self._identified = False

    def begin(self, connection: Connection) -> None:
        """The connection is open."""
        if self._proxies is None:
            self._identify(connection)
        elif connection.peer in self._proxies:
            self._header = HeaderReader()
        else:
            connection.close(CloseReason.UNKNOWN_PROXY)

    def handshaken(self, connection: Connection) -> None:
        """The TLS handshake is done."""
        self._handshaken = True
        if self._identified:
            self._open(connection)

    def shakes_hands(self, connection: Connection) -> bool:
        """Return whether the TLS handshake is in progress; only TLS itself can end it in an orderly way."""
        return not self._handshaken and announces_handshake(connection.transport)

    def receive(self, connection: Connection, data: bytes) -> bytes:
        """Bytes came; return those that belong to the conversation, which is open then."""
        if self._header is not None:
            data = self._read(connection, self._header, data)
        if connection.session.final:
            return b""
        if data and self._identified:  # a wrapper kept the end of the handshake to itself
            self._open(connection)
        return data

    def _read(self, connection: Connection, header: HeaderReader, data: bytes) -> bytes:
        """Read the PROXY header; return the bytes after it."""
        connection.bytes_in += len(data)
        try:
            if not header.feed(data):
                return b""
        except ProxyHeaderInvalid:
            connection.close(CloseReason.BAD_PROXY_HEADER)
            return b""
        self._header = None
        connection.registry.count_header(connection.bytes_in - len(header.rest))
        connection.bytes_in = 0
        connection.peer = header.source or connection.peer
        connection.host = header.destination or connection.host
        # A proxy that doesn't say who its client is, or speaks for itself, is not counted.
        self._identify(connection, counted=header.source is not None)
        return header.rest

    def _identify(self, connection: Connection, counted: bool = True) -> None:
        """Go on now that the peer is known, unless it is refused."""
        refused = connection.registry.identify(connection, counted)
        self._identified = True
        if refused is not None:
            connection.close(refused)
        elif self._handshaken or not announces_handshake(connection.transport):
            self._open(connection)

    def _open(self, connection: Connection) -> None:
        if self._handshaken:
            certificate = certificate_of(connection.transport)
            connection.peer = connection.peer._replace(certificate=certificate)
        connection.begin()
