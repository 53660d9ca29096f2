r"""A framing that can have nothing read, and lets pieces through that are encoded already.

::

    framing = FaultyFraming(Lines())
    framing.encode(b"a", Piece(b"b\n"))    # b"a\nb\n"
    framing.reads_nothing = True            # the carrier pauses reading now
"""

from typing import Any

from sockproto.core.limits import READ_AHEAD_BYTES


class Piece(bytes):
    """Some bytes of a message that is encoded already."""

    def __bytes__(self) -> "Piece":
        return self  # a copy, as a script's bytes are made plain by, would be a message


class FaultyFraming:
    """A framing whose messages may be in pieces that are encoded already; else as the one that it wraps.

    Args:
        framing: That one.

    Attributes:
        reads_nothing: Whether nothing is to be read.
    """

    def __init__(self, framing: Any) -> None:
        self._framing = framing
        self.reads_nothing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._framing, name)

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken: as good as too many, if nothing is to be read."""
        return READ_AHEAD_BYTES + 1 if self.reads_nothing else int(self._framing.held)

    @property
    def discards(self) -> bool:
        """Whether reading need not stop on its account."""
        return bool(self._framing.discards) and not self.reads_nothing

    @property
    def unfinished(self) -> int:
        """Bytes of a message that has no end yet: all that came, if nothing is to be read."""
        return self.held if self.reads_nothing else int(self._framing.unfinished)

    def encode(self, *messages: bytes) -> bytes:
        """Return the bytes of replies on the wire; of pieces that are encoded themselves."""
        encode = self._framing.encode
        return b"".join(message if isinstance(message, Piece) else encode(message) for message in messages)
