r"""A framing that can stop reading, and that does not encode pieces which are encoded already.

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
        return self  # a script's bytes are copied to plain bytes, and such a copy would be a message


class FaultyFraming:
    """A framing whose replies may be pieces that are encoded already; otherwise like the one it wraps.

    Args:
        framing: The framing that it wraps.

    Attributes:
        reads_nothing: Whether the carrier should read nothing.
    """

    def __init__(self, framing: Any) -> None:
        self._framing = framing
        self.reads_nothing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._framing, name)

    @property
    def held(self) -> int:
        """Bytes fed and not yet taken; more than any limit while nothing should be read."""
        return READ_AHEAD_BYTES + 1 if self.reads_nothing else int(self._framing.held)

    @property
    def discards(self) -> bool:
        """Whether this framing throws bytes away, so that reading never needs to stop."""
        return bool(self._framing.discards) and not self.reads_nothing

    @property
    def unfinished(self) -> int:
        """Bytes of a message that has no end yet; all that came while nothing should be read."""
        return self.held if self.reads_nothing else int(self._framing.unfinished)

    def encode(self, *messages: bytes) -> bytes:
        """Return the bytes of replies on the wire; a piece that is encoded already stays as it is."""
        encode = self._framing.encode
        return b"".join(message if isinstance(message, Piece) else encode(message) for message in messages)
