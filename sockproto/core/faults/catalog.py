"""The faults that there are: what each is called, what its value means, and what it does.

::

    FAULTS["drip"].form             # "BYTES/s"
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sockproto.core.faults.values import amount, probability, rate, segment, span, span_or_none
from sockproto.core.text import count

FOR_GOOD_SECONDS = 300.0
"""How long ``no-read`` without a time lasts, before the connection is closed: ``Limits.idle_seconds``."""


@dataclass(frozen=True)
class Fault:
    """One thing that can go wrong.

    Attributes:
        name: Its name in a spec.
        form: What its value is, for people; empty if it has none; in brackets if it may be left out.
        help: What it does.
        convert: Returns the value that a text means.
        streams: Whether streams can have it.
        datagrams: Whether datagrams can have it.
        of_messages: Whether it concerns single messages, so that ``share`` is a share of messages.
        at_open: Whether it happens before any message, so that there is nothing to ``match``.
    """

    name: str
    form: str
    help: str
    convert: Callable[[str], Any] = str
    streams: bool = True
    datagrams: bool = False
    of_messages: bool = False
    at_open: bool = False


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("delay", "SECONDS", "wait before each answer", span, datagrams=True, of_messages=True),
        Fault(
            "first-byte",
            "SECONDS",
            "wait this long before the first byte of the connection",
            span,
            at_open=True,
        ),
        Fault("drip", "BYTES/s", "send no more than this many bytes a second", rate),
        Fault("split", "BYTES", "send segments of this many bytes; random: of any size", segment),
        Fault(
            "truncate",
            "BYTES",
            "send no more than this many bytes of each message",
            count,
            datagrams=True,
            of_messages=True,
        ),
        Fault(
            "garble",
            "SHARE",
            "change this share of the bytes that are sent",
            probability,
            datagrams=True,
            of_messages=True,
        ),
        Fault(
            "no-answer", "", "read and handle messages, and answer nothing", datagrams=True, of_messages=True
        ),
        Fault(
            "no-read",
            "[SECONDS]",
            "read nothing for this long; without a time: for 300 s, then close",
            span_or_none,
            at_open=True,
        ),
        Fault("accept-delay", "SECONDS", "ignore each new connection for this long", span, at_open=True),
        Fault("close-at-open", "", "close each new connection at once", at_open=True),
        Fault("close-after", "AMOUNT", "close the connection after this many bytes or messages", amount),
        Fault("reset-after", "AMOUNT", "reset the connection after this many bytes or messages", amount),
        Fault("half-close-after", "AMOUNT", "end our half after this many bytes or messages", amount),
        Fault(
            "drop", "SHARE", "lose this share of the datagrams", probability, streams=False, datagrams=True
        ),
        Fault(
            "duplicate",
            "SHARE",
            "send this share of the answers twice",
            probability,
            streams=False,
            datagrams=True,
        ),
        Fault(
            "reorder",
            "SHARE",
            "send this share of the answers 50 ms late, after others",
            probability,
            streams=False,
            datagrams=True,
        ),
    )
}
"""All faults. AMOUNT is a number of bytes sent, or of messages handled (``3messages``); SECONDS may be a
range."""

SHARED = {
    "share": (
        "SHARE",
        "only this share of connections or messages has the faults",
    ),
    "match": ("BYTES", "only answers to messages that contain this have the faults"),
    "seed": ("NUMBER", "make other random choices; the same number makes the same ones again"),
    "on": (
        "LISTENER",
        "on tcp, udp or unix, or where a description begins so: tcp:9999",
    ),
}
"""The settings that all faults of a spec have in common."""
