"""Answers of servers, as bytes: from parts that are right, to be spoilt."""

import gzip
import zlib

from tests.rawhttp.fetching.server import KEEP_OPEN, READ, Script

HELLO = b"hello"
OK = b"HTTP/1.1 200 OK\r\n"


def lines(*given: str | bytes, status: bytes = OK) -> bytes:
    """Return a head: its status line, header lines and the empty line."""
    encoded = [line.encode("latin-1") if isinstance(line, str) else line for line in given]
    return status + b"".join(line + b"\r\n" for line in encoded) + b"\r\n"


def ok(body: bytes = HELLO, *given: str | bytes, status: bytes = OK) -> bytes:
    """Return an answer with the right Content-Length."""
    return lines(*given, f"Content-Length: {len(body)}", status=status) + body


def chunks(*parts: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """Return a body in the chunked coding."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + last


def chunked(body: bytes, *given: str | bytes) -> bytes:
    """Return an answer with a chunked body, which is given as it is sent."""
    return lines(*given, "Transfer-Encoding: chunked") + body


def singly(data: bytes) -> Script:
    """Send bytes one by one, so that the client gets each by itself."""
    return [step for byte in data for step in (bytes([byte]), READ)]


def moved(location: str | bytes, code: int = 302, *given: str | bytes, body: bytes = b"Moved") -> bytes:
    """Return a redirect."""
    where = location.encode("latin-1") if isinstance(location, str) else location
    return ok(body, b"Location: " + where, *given, status=b"HTTP/1.1 %d Elsewhere\r\n" % code)


def there(rest: str, *given: str | bytes) -> dict[str, Script]:
    """Return the answer to which a redirect leads; all else is not found."""
    return {rest: [ok(HELLO, *given), KEEP_OPEN]}


def raw_deflate(data: bytes) -> bytes:
    """Compress without any wrapper."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def gzipped(data: bytes) -> bytes:
    """Compress the same way each time."""
    return gzip.compress(data, mtime=0)


MANY = bytes(range(256)) * 800  # 204,800 bytes with every value
ZIPPED = gzipped(HELLO)
FLAGGED = (  # an extra field, a name, a comment and a check sum of the header
    lambda head: head + (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") + ZIPPED[10:]
)(b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x04\x00abcdname\x00" + b"comment" * 500 + b"\x00")
GZIP = "Content-Encoding: gzip"
