"""What a failure shows of its cause: how it ended, and how what came differs from what was due. Pure.

::

    is_silent(result)           # nothing more came, and not the end
"""

from sockproto.check.body import difference
from sockproto.check.verdict import SPEAKS_TLS, Result

REPLACEMENT = "\ufffd".encode()
"""What decoders put in the place of bytes that are no text."""

DECODERS = ("UnicodeDecodeError", "can't decode", "invalid utf-8", "invalid UTF-8", "stream did not contain")
"""What servers print when bytes are no text."""

BUFFER_BYTES = 64
"""Nobody's buffer is smaller."""


def ended(result: Result) -> bool:
    """Say whether the server, which was started for the check, ended meanwhile."""
    return bool(result.ended)


def last(result: Result) -> str:
    """Return what happened last on the case's sockets, of what the server did or did not do."""
    kinds = [event.kind for event in result.timeline if event.kind not in ("closed", "note")]
    return kinds[-1] if kinds else ""


def is_silent(result: Result) -> bool:
    """Say whether nothing more came, and not the end."""
    return last(result) in ("connected", "waited", "sent", "half-closed")


def mixes_clients(result: Result) -> bool:
    """Say whether something else came, or nothing even to the client that is heard first: another had it."""
    if not is_silent(result):
        return bool(result.received)
    kinds = [event.kind for event in result.timeline if event.kind not in ("closed", "note", "waited")]
    return kinds[-1] == "sent" and len({event.socket for event in result.timeline}) > 1


def is_gone(result: Result) -> bool:
    """Say whether nobody is there any more, or nobody who answers."""
    return is_silent(result) or last(result) in ("", "ended", "reset")


def closes(result: Result) -> bool:
    """Say whether the server ended the stream, or cut it, before all that was due had come."""
    return last(result) in ("ended", "reset")


def resets(result: Result) -> bool:
    """Say whether the server cut the connection."""
    return last(result) == "reset"


def has_come(result: Result) -> bool:
    """Say whether anything came."""
    return bool(result.received)


def speaks_tls(result: Result) -> bool:
    """Say whether the check found that it does."""
    return result.reason.endswith(SPEAKS_TLS)


def decodes(result: Result) -> bool:
    """Say whether bytes that are no text were replaced, or a decoder complained of them."""
    replaced = REPLACEMENT in (result.received or b"") and REPLACEMENT not in (result.expected or b"")
    return replaced or any(word in line for line in result.said for word in DECODERS)


def holds_what_is_no_line(result: Result) -> bool:
    """Say whether no more came after what was sent had no newline at its end."""
    due, came = result.expected or b"", result.received or b""
    is_part = len(came) < len(due) and due.startswith(came)
    return is_part and not (result.sent or b"\n").endswith(b"\n") and is_silent(result)


def is_cut(result: Result) -> bool:
    """Say whether it begins as it should, for so long that a buffer may have been full."""
    due, came = result.expected or b"", result.received or b""
    return BUFFER_BYTES <= difference(due, came) < len(due)


def ends_at_a_nul(result: Result) -> bool:
    """Say whether the first byte that is missing, or another, is a NUL."""
    due, came = result.expected or b"", result.received or b""
    place = difference(due, came)
    return due[place : place + 1] == b"\x00"


def keeps_the_newline(result: Result) -> bool:
    """Say whether the newline stands inside the greeting, before its ``!``."""
    came = result.received or b""
    return came.startswith(b"Hello, ") and b"\n!" in came and b"\n!" not in (result.expected or b"")


def lacks_a_newline(result: Result) -> bool:
    """Say whether all came but the newline."""
    due, came = result.expected or b"", result.received
    return bool(came) and came == due.rstrip(b"\r\n") != due


def comes_twice(result: Result) -> bool:
    """Say whether what was due came once more."""
    due, came = result.expected or b"", result.received or b""
    return bool(due) and len(came) > len(due) and (due + due).startswith(came)
