r"""The PROXY protocol's header, versions 1 and 2, by which a proxy tells us the client's address.

Pure and incremental; however the bytes are split, the header is the same, and so is the error::

    reader = HeaderReader()
    reader.feed(b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nhel")   # True: it is whole
    reader.source, reader.rest      # Peer("192.0.2.1", 5000), b"hel"

Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt (sections 2.1 and 2.2).
"""

import re
import struct
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from sockproto.core.access import address_of, network
from sockproto.core.conversation import Peer
from sockproto.errors import ProxyHeaderInvalid

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
V1_PREFIX: Final = b"PROXY "

MAX_V1_BYTES: Final = 107
"""The longest header of version 1 in bytes, with its CR LF (section 2.1)."""

MAX_V2_BYTES: Final = 4_096
"""The longest header of version 2 that we accept, in bytes, as nginx does; the format allows 65,551."""

LOOPBACK_NETWORKS: Final = ["127.0.0.0/8", "::1/128"]
"""The networks whose headers are believed by default."""

_V1 = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})")


class HeaderReader:
    """Reads one header.

    Attributes:
        source: The client; None if the connection's own address counts (``LOCAL``, ``UNKNOWN``).
        destination: What the client connected to; None likewise.
        rest: The bytes that came after the header.
    """

    def __init__(self) -> None:
        self.source: Peer | None = None
        self.destination: Peer | None = None
        self.rest = b""
        self._buffer = b""

    def feed(self, data: bytes) -> bool:
        """Add bytes that arrived.

        Args:
            data: The bytes.

        Returns:
            Whether the header is complete.

        Raises:
            ProxyHeaderInvalid: The bytes are not a PROXY header, or it is too long.
        """
        buffer = self._buffer = self._buffer + data
        if buffer.startswith(SIGNATURE):
            return self._version_2(buffer)
        if buffer.startswith(V1_PREFIX):
            return self._version_1(buffer)
        if SIGNATURE.startswith(buffer) or V1_PREFIX.startswith(buffer):
            return False
        raise ProxyHeaderInvalid("no PROXY header")

    def _version_1(self, buffer: bytes) -> bool:
        end = buffer.find(b"\r\n", 0, MAX_V1_BYTES)
        if end < 0:
            if len(buffer) >= MAX_V1_BYTES:
                raise ProxyHeaderInvalid(f"PROXY header longer than {MAX_V1_BYTES} bytes")
            return False
        line, self.rest = buffer[:end], buffer[end + 2 :]
        if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
            return True
        match = _V1.fullmatch(line)
        if match is None:
            raise ProxyHeaderInvalid("malformed PROXY header, version 1")
        kind = IPv4Address if match[1] == b"4" else IPv6Address
        try:
            self.source, self.destination = (
                _peer(str(kind(match[host].decode("ascii"))), int(match[port]))
                for host, port in ((2, 4), (3, 5))
            )
        except AddressValueError as error:
            raise ProxyHeaderInvalid("PROXY header with an invalid address") from error
        return True

    def _version_2(self, buffer: bytes) -> bool:
        if len(buffer) < 16:
            return False
        command, family, length = struct.unpack_from("!BBH", buffer, 12)
        if 16 + length > MAX_V2_BYTES:
            raise ProxyHeaderInvalid(f"PROXY header longer than {MAX_V2_BYTES} bytes")
        if command not in (0x20, 0x21):
            raise ProxyHeaderInvalid("PROXY header of an unknown version or command")
        if len(buffer) < 16 + length:
            return False
        self.rest = buffer[16 + length :]
        if command == 0x21:
            self._addresses(family, buffer[16 : 16 + length])
        return True

    def _addresses(self, family: int, block: bytes) -> None:
        """Read the addresses; we need nothing of the TLVs that follow them."""
        if family == 0x00:
            return
        form = {1: "!4s4sHH", 2: "!16s16sHH", 3: "!108s108s"}.get(family >> 4)
        if form is None or family & 15 not in (1, 2) or len(block) < struct.calcsize(form):
            raise ProxyHeaderInvalid("malformed PROXY header, version 2")
        source, destination, *ports = struct.unpack_from(form, block)
        if not ports:
            self.source, self.destination = (
                Peer(path.split(b"\0")[0].decode("utf-8", "surrogateescape"), None)
                for path in (source, destination)
            )
            return
        kind = IPv4Address if len(source) == 4 else IPv6Address
        self.source = _peer(str(kind(source)), ports[0])
        self.destination = _peer(str(kind(destination)), ports[1])


class Trust:
    """The proxies whose headers are believed.

    Args:
        networks: Such as ``10.0.0.0/8`` or ``192.0.2.7``. A proxy on a UNIX socket is believed too: the
            permissions of the socket file say who may connect.

    Raises:
        ValueError: An item is not a network.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [network(each) for each in networks]

    def __contains__(self, peer: Peer) -> bool:
        if peer.port is None:
            return True
        address = address_of(peer.host)
        return address is not None and any(address in each for each in self._networks)


def _peer(host: str, port: int) -> Peer:
    if port > 65_535:
        raise ProxyHeaderInvalid("PROXY header with an invalid port")
    return Peer(host, port)
