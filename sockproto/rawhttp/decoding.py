"""Content codings: gzip and deflate, decoded as they come, in pieces of a bounded size (pure).

::

    decoder = Decoder([b"gzip"])
    for piece in decoder.feed(data): ...
    decoder.end()       # raises BadContentEncoding unless it was whole, checksum and all
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sockproto.errors import BadContentEncoding, TooLarge

PIECE_BYTES: Final = 262_144
"""So much is decoded at a time: a bomb's thousandfold never is in memory."""

MAX_EMPTY_MEMBERS: Final = 1_000
"""Most empty gzip members in a row: they cost time, and no limit of size counts them."""

MAX_RATIO: Final = 200
"""So many bytes may one byte become; Apache's ``DeflateInflateRatioLimit``. Deflate's most is 1,032."""

FREE_BYTES: Final = 16_777_216
"""So much may come of any body, however small: what only looks like a bomb does no harm yet."""

MAX_CODINGS: Final = 5
"""As curl: each coding multiplies what the one before has multiplied."""


class Decoder:
    """Undoes the codings of a ``Content-Encoding``.

    Args:
        codings: Their names, in the order in which they were applied.
        check: Called now and then, to raise an error when it takes too long.
        max_ratio: How many bytes one byte may become, once there are more than 16 MiB; None: any number.

    Raises:
        BadContentEncoding: One is unknown, or there are too many.
    """

    def __init__(
        self,
        codings: Sequence[bytes],
        check: Callable[[], object] = lambda: None,
        max_ratio: int | None = MAX_RATIO,
    ) -> None:
        codings = [coding for coding in codings if coding != b"identity"]
        for coding in codings:
            if coding not in (b"gzip", b"x-gzip", b"deflate"):
                raise BadContentEncoding(f"unknown Content-Encoding: {ascii(coding[:40])[1:]}")
        if len(codings) > MAX_CODINGS:
            raise BadContentEncoding(f"more than {MAX_CODINGS} content codings")
        self._inflaters = [Inflater(coding != b"deflate", check) for coding in reversed(codings)]
        self._max_ratio, self._taken = max_ratio, 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode bytes that came.

        Raises:
            BadContentEncoding: They can't be decoded.
            TooLarge: They become too many.
        """
        self._taken += len(data)
        pieces = iter([data])
        for inflater in self._inflaters:
            pieces = self._through(inflater, pieces)
        return pieces

    def _through(self, inflater: "Inflater", pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Undo one coding; of each alone, since what the first blows up the next may hide."""
        for piece in pieces:
            for decoded in inflater.feed(piece):
                if self._max_ratio and inflater.given > max(FREE_BYTES, self._max_ratio * self._taken):
                    raise TooLarge(
                        f"the compressed body becomes more than {self._max_ratio} times as large, as a bomb "
                        f"does; --max-ratio 0 allows it"
                    )
                yield decoded

    def end(self) -> None:
        """The body has ended. Without any byte it was empty, with every coding."""
        for inflater in self._inflaters:
            inflater.end()


class Inflater:
    """Undoes one coding.

    Args:
        gzip: Whether it is gzip, of any number of members; else deflate, whose zlib header many servers
            leave out: the first two bytes tell.
        check: Called for each piece and each member.

    Attributes:
        given: How many bytes it has returned.
    """

    def __init__(self, gzip: bool, check: Callable[[], object] = lambda: None) -> None:
        self._gzip, self._check, self._empty = gzip, check, 0
        self.given = 0
        self._start = b""
        self._stream = zlib.decompressobj(31) if gzip else None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode bytes that came."""
        if self._stream is None:
            data = self._start = self._start + data
            if len(data) < 2:
                return
            zlib_header = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(15 if zlib_header else -15)
        self._start = self._start or data[:1]
        piece = b""
        while data or (len(piece) == PIECE_BYTES and not self._stream.eof):  # zlib holds output back, too
            self._check()
            if self._stream.eof:
                if not self._gzip:
                    raise BadContentEncoding("bytes behind the end of the compressed body")
                self._empty += 1
                if self._empty > MAX_EMPTY_MEMBERS:
                    raise BadContentEncoding("the compressed body has nothing but empty members")
                self._stream = zlib.decompressobj(31)
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise BadContentEncoding(f"the compressed body is damaged: {error}") from error
            if piece:
                self._empty = 0
                self.given += len(piece)
                yield piece
            data = self._stream.unconsumed_tail or self._stream.unused_data

    def end(self) -> None:
        """The body has ended."""
        if self._stream is not None and self._stream.eof:
            return
        if self._start:
            raise BadContentEncoding("the compressed body ends too early")
