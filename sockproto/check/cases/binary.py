"""Bytes are bytes: no encoding, no end of a string in C.

::

    sockproto check greeting 127.0.0.1:9999 --only binary
"""

from sockproto.check.registry import SENSE, case
from sockproto.check.spoken import LINES, TALKERS, answer
from sockproto.check.subject import Subject

EVERY_BYTE = bytes(byte for byte in range(256) if byte not in b"\r\n")
BEFORE = {"command": b"/echo "}


def _comes_back(subject: Subject, text: bytes) -> None:
    """Have a text sent back, and then another: the connection must live."""
    with subject.open() as stream:
        for each in text, b"Ann":
            message = subject.habit.line(BEFORE.get(subject.protocol, b"") + each)
            stream.send(message)
            stream.expect(subject.answer(message))


@case(*TALKERS, source=SENSE)
def every_byte(subject: Subject) -> None:
    """All bytes that are no newline come back as they were sent."""
    _comes_back(subject, EVERY_BYTE)


@case(*TALKERS, source=SENSE)
def invalid_utf_8(subject: Subject) -> None:
    """Text that is no UTF-8 comes back as it was sent, and the connection lives."""
    for text in b"caf\xe9", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80":
        _comes_back(subject, text)


@case(*TALKERS, source=SENSE)
def a_nul(subject: Subject) -> None:
    """A NUL is a byte like any other: what follows it is not lost."""
    _comes_back(subject, b"before\x00after")


@case(*LINES, source=SENSE)
def a_cr_inside_a_line(subject: Subject) -> None:
    """A CR that no LF follows is part of the line."""
    _comes_back(subject, b"before\rafter")


@case(*TALKERS, source=SENSE, datagrams=True)
def every_byte_in_a_datagram(subject: Subject) -> None:
    """All bytes that are no newline come back as they were sent."""
    message = BEFORE.get(subject.protocol, b"") + EVERY_BYTE
    expected = answer(subject.protocol, message)
    subject.datagrams().expect(message, expected)
