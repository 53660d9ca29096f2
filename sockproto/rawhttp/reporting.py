"""What the command prints: headers, the conversation, a progress bar, timings.

Bytes of the peer reach a terminal only in printable characters.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from errno import EAGAIN
from typing import Any, Final, TextIO

from sockproto.core.text import escape
from sockproto.rawhttp.events import Headers, Status
from sockproto.rawhttp.options import Observer
from sockproto.rawhttp.url import URL

BAR_SECONDS: Final = 0.1
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def escaped(data: bytes) -> str:
    r"""Return text in which all but printable characters and newlines is written as ``\x1b``."""
    text = data.replace(b"\r\n", b"\n").decode("utf-8", "backslashreplace")
    return escape(text, keep="\n\t")


class Output:
    """Standard output for bytes; on a terminal in printable characters."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._terminal = stream, stream.isatty()

    def write(self, data: bytes) -> None:
        """Write bytes.

        Raises:
            OSError: They can't be written, or not all of them.
        """
        if self._terminal or not hasattr(self._stream, "buffer"):
            known = self._stream.encoding or "ascii"
            self._stream.write(escaped(data).encode(known, "backslashreplace").decode(known))
            return
        view = memoryview(data)
        while view:  # an unbuffered stream may take a part (PYTHONUNBUFFERED)
            count = self._stream.buffer.write(view)
            if count is None:
                raise BlockingIOError(EAGAIN, os.strerror(EAGAIN))
            view = view[count:]

    def flush(self) -> None:
        """Have it all written."""
        self._stream.flush()


class Reporter(Observer):
    """Prints what was asked for, and keeps what ``-w`` may ask for.

    Args:
        headers: Where the headers go; None: nowhere.
        verbose: Whether to show the conversation on standard error.
        bar: Whether to show a progress bar there.
    """

    def __init__(self, headers: Callable[[bytes], Any] | None, verbose: bool, bar: bool) -> None:
        self._headers, self._verbose, self._bar = headers, verbose, bar
        self._began, self._drawn = time.monotonic(), 0.0
        self._values: dict[str, Any] = dict.fromkeys(
            ("namelookup", "connect", "appconnect", "starttransfer", "total"), 0.0
        )
        self._hops, self._url, self._code, self._type, self._size = 0, "", 0, b"", 0

    def headers_to(self, write: Callable[[bytes], Any]) -> None:
        """Have the headers written elsewhere."""
        self._headers = write

    def hop(self, url: URL) -> None:  # noqa: D102  # see Observer
        self._url, self._hops = str(url), self._hops + 1
        self._first = True

    def step(self, name: str, detail: str) -> None:  # noqa: D102  # see Observer
        self._values[name] = time.monotonic() - self._began
        self._say("*", detail)

    def sent(self, request: bytes) -> None:  # noqa: D102  # see Observer
        self._say(">", escaped(request).removesuffix("\n"))

    def received(self, count: int) -> None:  # noqa: D102  # see Observer
        if self._first:
            self._values["starttransfer"], self._first = time.monotonic() - self._began, False

    def head(self, status: Status, headers: Headers) -> None:  # noqa: D102  # see Observer
        lines = b"%b\r\n%b\r\n" % (bytes(status), bytes(headers))
        self._code, self._type = status.code, headers.get(b"Content-Type") or b""
        self._say("<", escaped(lines).removesuffix("\n"))
        if self._headers:
            self._headers(lines)

    def data(self, total: int, length: int | None) -> None:  # noqa: D102  # see Observer
        self._size = total
        if self._bar and (now := time.monotonic()) - self._drawn >= BAR_SECONDS:
            self._drawn = now
            done = f"{total / 1e6:10.1f} MB of {length / 1e6:.1f}" if length else f"{total / 1e6:10.1f} MB"
            bar = f" [{'#' * (30 * total // length):30}]" if length else ""
            rate = total / max(now - self._began, 1e-6) / 1e6
            print(f"\r{done}{bar} {rate:.1f} MB/s\033[K", end="", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Something that only matters to those who look closely."""
        self._say("*", text)

    def over(self) -> None:
        """The fetch is over, one way or the other."""
        self._values["total"] = time.monotonic() - self._began
        if self._drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def written_out(self, form: str) -> bytes:
        """Fill in curl's ``%{variables}``; one that is not known is left out."""
        known: dict[str, Any] = {f"time_{name}": f"{value:.6f}" for name, value in self._values.items()}
        known["http_code"] = known["response_code"] = f"{self._code:03}"
        known["size_download"], known["num_redirects"] = self._size, max(self._hops - 1, 0)
        known["speed_download"] = int(self._size / max(self._values["total"], 1e-6))
        known["url_effective"], known["content_type"] = self._url, escaped(self._type)

        def fill(match: re.Match[str]) -> str:
            if match[1] is not None:
                return str(known.get(match[1], ""))
            return "%" if match[0] == "%%" else _ESCAPES.get(match[2], match[0])

        return re.sub(r"%\{([^}]*)\}|%%|\\(.)", fill, form).encode("utf-8", "surrogateescape")

    def _say(self, sign: str, text: str) -> None:
        if self._verbose:
            with suppress(OSError):  # nobody listens
                print("\n".join(f"{sign} {line}" for line in text.split("\n")), file=sys.stderr)
