r"""Assertions about replies, their order, the end of a connection, and memory.

Each raises ``AssertionError``, so they work under trial, pytest and plain ``unittest``. Bytes of a peer are
shown escaped, from the first difference on::

    assert_reads(remote, b"Hello, Michael!\n")
    assert_ended(remote, "orderly")
    assert_bounded(remote, 256 * 1024)
"""

from collections.abc import Iterable
from typing import Final, Literal, Protocol

from sockproto.testing.arguments import require_bytes, require_end
from sockproto.testing.streams import Remote

SHOWN_BYTES: Final = 40
"""How many bytes are shown from the first difference on."""


class HasFaults(Protocol):
    """An object that has the faults of the protocol under test, a sentence each."""

    @property
    def faults(self) -> list[str]:
        """What it did wrong."""


def assert_same(actual: bytes, expected: bytes, what: str = "the reply") -> None:
    """Check that bytes are as expected; the error says where they begin to differ.

    Args:
        actual: What came.
        expected: What should have come.
        what: The name of the bytes in the error.
    """
    require_bytes(expected, what)
    if actual == expected:
        return
    place = next(
        (place for place, pair in enumerate(zip(actual, expected, strict=False)) if pair[0] != pair[1]),
        min(len(actual), len(expected)),
    )
    lengths = f" ({len(actual):,} bytes, not {len(expected):,})" if len(actual) != len(expected) else ""
    raise AssertionError(
        f"{what} differs from byte {place} on: "
        f"{_shown(actual, place)} came, not {_shown(expected, place)}{lengths}"
    )


def assert_reads(remote: Remote, expected: bytes) -> None:
    """Check that the remote side now reads exactly *expected*.

    The bytes are read, so the next call checks what comes after them. ``remote.received`` has all bytes read.
    """
    assert_same(remote.read_to_end(), expected)


def assert_in_order(received: bytes, replies: Iterable[bytes]) -> None:
    """Check that *received* contains all *replies* in this order."""
    place, before = 0, b""
    for number, reply in enumerate(replies):
        require_bytes(reply, "assert_in_order")
        found = received.find(reply, place)
        if found < 0:
            where = f"behind {_shown(before)}" if number else "at all"
            raise AssertionError(
                f"reply {number}, {_shown(reply)}, does not come {where}; what follows is "
                f"{_shown(received, place)}"
            )
        place, before = found + len(reply), reply


def assert_ended(remote: Remote, how: Literal["orderly", "reset"] | None = "orderly") -> None:
    """Check how the connection ended for the remote side.

    Args:
        remote: The remote side; it must have read all bytes that came.
        how: ``"orderly"``, ``"reset"`` (also by ``abortConnection``), or None: the connection has not ended.
    """
    require_end(how, "assert_ended", ("orderly", "reset", None))
    if how is None and remote.ended is None and (remote.lost or remote.ending):
        raise AssertionError(f"the end has come, behind {remote.unread} unread bytes")
    if remote.ended != how:
        behind = f", {remote.unread} bytes are unread" if remote.unread else ""
        raise AssertionError(f"the end is {_end(remote.ended)}, not {_end(how)}{behind}")


def assert_bounded(remote: Remote, max_bytes: int) -> None:
    """Check that the transport of *remote*'s protocol never held more than *max_bytes*.

    Bytes that the protocol itself holds can't be seen from here.
    """
    most = remote.transport.most_held
    if most > max_bytes:
        raise AssertionError(
            f"the transport held {most:,} bytes for a peer that did not read, more than {max_bytes:,}: "
            "register a push producer, and stop reading while it is paused"
        )


def assert_no_faults(remote: HasFaults) -> None:
    """Check that the protocol under test raised nothing, and used its transport correctly.

    An exception counts even if it was caught: that of a conversation by its carrier, that of a protocol by
    Twisted. See ``Transport.faults``.

    Args:
        remote: The remote side, of a stream or of datagrams; a ``Link``; a ``DatagramNetwork``.
    """
    if faults := remote.faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise AssertionError(faults[0] + more)


def _end(how: str | None) -> str:
    return how or "not there"


def _shown(data: bytes, place: int = 0) -> str:
    shown = data[place : place + SHOWN_BYTES]
    return f"{shown!r}{'…' if len(data) > place + SHOWN_BYTES else ''}"
