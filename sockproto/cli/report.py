"""What a client's command shows of its call: replies, bytes on the wire, progress, JSON.

::

    report = CallReport("greet", "127.0.0.1:9999", as_json=False, hex=False)
    greet(server, names, heard=report.reply, trace=report.trace)
"""

import base64
import contextlib
import json
import signal
import time
from typing import Any

from sockproto.cli.console import Console, ProgressLine
from sockproto.errors import CallFailed, SockprotoError, TooLarge, WriteFailed

MAX_KEPT_BYTES = 16 * 1024 * 1024
"""The most that is kept for a JSON object."""

PROGRESS_SECONDS = 0.5
"""How often progress is shown; what is done before it is shown first needs none."""


class CallReport:
    """Shows one call.

    Args:
        command: The command's name.
        address: Who is called.
        as_json: Whether programs read it: one JSON object at the end, nothing before.
        hex: Whether to show what crosses the wire.
        output: Where replies go; standard output if None.
        errors: Where the wire and the progress are shown; standard error if None.
    """

    def __init__(
        self,
        command: str,
        address: str,
        as_json: bool = False,
        hex: bool = False,
        output: Console | None = None,
        errors: Console | None = None,
    ) -> None:
        self._object: dict[str, Any] = {"command": command, "address": address}
        self.as_json = as_json
        self._console = output or Console(1)
        self._errors = errors or Console(2)
        self._began = time.monotonic()
        self._kept_bytes = 0
        self._offsets = {"<": 0, ">": 0}
        self.trace = self._trace if hex else None

    def reply(self, reply: bytes) -> None:
        """Show a reply, on a separate line."""
        if self.as_json:
            self._kept_bytes += len(reply)
            if self._kept_bytes > MAX_KEPT_BYTES:
                raise TooLarge(f"more than {MAX_KEPT_BYTES} bytes came, too much for one JSON object")
            self._object.setdefault("replies", []).append(json_value(reply))
        else:
            self._console.line(reply)

    def data(self, data: bytes) -> None:
        """Show bytes as they are."""
        if not self.as_json:
            self._console.write(data)

    def done(self, **figures: Any) -> None:
        """The call is over, and all went well."""
        if self.as_json:
            self._dump(figures)
        else:
            self._console.end_line()

    def failed(self, error: SockprotoError, **figures: Any) -> None:
        """The call has failed; the line on standard error is the caller's to write."""
        if self.as_json:
            known = {"phase": error.phase} if isinstance(error, CallFailed) else {}
            message = error.reason if isinstance(error, CallFailed) else str(error)
            self._dump(
                {
                    **figures,
                    "error": type(error).__name__,
                    "message": message,
                    **known,
                    "status": error.status,
                }
            )
        else:
            with contextlib.suppress(WriteFailed):
                self._console.end_line()

    def interrupted(self, number: int, **figures: Any) -> None:
        """A signal of that number ends the call."""
        name = signal.Signals(number).name
        with contextlib.suppress(WriteFailed):
            self._dump(
                {**figures, "error": "Interrupted", "message": f"ended by {name}", "status": 128 + number}
            )

    def _dump(self, figures: dict[str, Any]) -> None:
        seconds = round(time.monotonic() - self._began, 6)
        text = json.dumps({**self._object, **figures, "seconds": seconds})
        self._console.line(text.encode())

    def _trace(self, direction: str, data: bytes) -> None:
        seconds = time.monotonic() - self._began
        offset = self._offsets[direction]
        self._offsets[direction] += len(data)
        for start in range(0, len(data) or 1, 16):
            row = data[start : start + 16]
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            line = f"{seconds:9.6f} {direction} {offset + start:08x}  {row.hex(' '):<47}  |{text}|"
            self._errors.line(line.encode())


class TransferProgress:
    """Shows on a terminal how far a long transfer is: bytes, rate, time left.

    Args:
        total: Bytes in all, None if that is not known.
        visible: Whether to show it at all.
    """

    def __init__(self, total: int | None, visible: bool = True) -> None:
        self._total, self._bytes = total, 0
        self._line = ProgressLine(visible)
        self._began = self._shown = time.monotonic()

    def add(self, count: int) -> None:
        """Add *count* bytes that are done."""
        self._bytes += count
        now = time.monotonic()
        if self._line.enabled and now - self._shown >= PROGRESS_SECONDS:
            self._shown = now
            self._line.show(self.text(now - self._began))

    def text(self, seconds: float) -> str:
        """Return the line."""
        rate = self._bytes / seconds if seconds else 0.0
        line = quantity(self._bytes)
        if self._total is not None:
            line += f" of {quantity(self._total)}"
        line += f", {quantity(rate)}/s"
        if self._total is not None and rate:
            left = round(max(0, self._total - self._bytes) / rate)
            line += f", {left // 60}:{left % 60:02} left"
        return line

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()


def quantity(count: float) -> str:
    """Return a number of bytes as people read it, in powers of 1,000 (IEC 80000-13)."""
    for unit in "B", "kB", "MB", "GB":
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def json_value(data: bytes) -> Any:
    """Return bytes as JSON can hold them: a string, or an object with base64 where they are not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
