"""What a response consists of, in the order in which it comes: the events of the parser (pure).

::

    Interim*  Status  Headers  Data*  EndOfMessage
"""

from typing import NamedTuple, TypeAlias


class Status(NamedTuple):
    """The status line; ``bytes()`` of it is the line.

    Attributes:
        version: ``b"1.0"`` or ``b"1.1"``.
        code: From 100 on.
        reason: What people read; nothing depends on it.
    """

    version: bytes
    code: int
    reason: bytes

    def __bytes__(self) -> bytes:
        return b"HTTP/%b %d %b" % self


class Headers(NamedTuple):
    """Header fields, in their order; ``bytes()`` of it is their lines. Names are compared without case."""

    fields: tuple[tuple[bytes, bytes], ...] = ()

    def __bytes__(self) -> bytes:
        return b"".join(b"%b: %b\r\n" % field for field in self.fields)

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of the field *name*, one for each line."""
        return [value for given, value in self.fields if given.lower() == name.lower()]

    def elements(self, name: bytes) -> list[bytes]:
        """Return the elements of the field *name*, a list, in lower case, of all lines (RFC 9110: 5.6.1)."""
        values = b",".join(self.all(name)).lower().split(b",")
        return [value.strip(b" \t") for value in values if value.strip(b" \t")]

    def get(self, name: bytes) -> bytes | None:
        """Return the first value of the field *name*, None without one."""
        return next(iter(self.all(name)), None)


class Interim(NamedTuple):
    """A response before the response, 100 to 199: nothing to act on."""

    status: Status
    headers: Headers


class Data(NamedTuple):
    """A piece of the body."""

    data: bytes


class EndOfMessage(NamedTuple):
    """The response is whole; *trailers* are the fields that came behind the body."""

    trailers: Headers = Headers()


Event: TypeAlias = Interim | Status | Headers | Data | EndOfMessage
