"""PROXY headers of both versions."""

import struct
from ipaddress import IPv4Address as Address4

from sockproto.core.conversation import Peer
from sockproto.core.proxy import SIGNATURE

SOURCE, DESTINATION = Peer("192.0.2.1", 5000), Peer("192.0.2.2", 80)
V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n"
LONGEST_V1 = b"PROXY UNKNOWN %b %b 65535 65535\r\n" % (2 * (b":".join([b"ffff"] * 8),))

LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, UDP4, TCP6, UDP6, UNIX_STREAM, UNIX_DATAGRAM = 0, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32


def v2(family: int, block: bytes, command: int = PROXY) -> bytes:
    """Make a header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


BLOCK4 = Address4(SOURCE.host).packed + Address4(DESTINATION.host).packed + struct.pack("!HH", 5000, 80)
V2 = v2(TCP4, BLOCK4)
TLV = struct.pack("!BH", 0x04, 7) + b"ignored"  # PP2_TYPE_NOOP


def one_by_one(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]
