"""How long a test waits for what would be there at once on an idle machine."""

import time
from collections.abc import Iterator

TIMEOUT = 300.0
"""Seconds after which something hangs, however busy the machine is."""

AGAIN_SECONDS = 60.0
"""For how long something is done again that a busy machine has spoilt."""


def attempts() -> Iterator[None]:
    """Yield before each attempt at what a pause of this machine may spoil, as long as there is time.

    Whoever succeeds leaves the loop, and asserts after it that somebody has.
    """
    until = time.monotonic() + AGAIN_SECONDS
    yield
    while time.monotonic() < until:
        yield
