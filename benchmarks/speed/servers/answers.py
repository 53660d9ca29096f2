r"""What the servers in Python answer to the lines of a read, joined by hand: the fastest way there is.

It knows no socket and no library::

    *lines, rest = (rest + data).split(b"\n")
    send(greet(lines))
"""

from collections.abc import Callable, Sequence

WELCOME = b"Welcome!\r\n"
UNKNOWN = b"error: unknown command; try /help"
COMMANDS: dict[bytes, Callable[[bytes], bytes]] = {
    b"/echo": lambda text: text,
    b"/version": lambda text: b"Demo version",
}


LARGE_BYTES = 1 << 20


def settle_memory() -> None:
    """Allocate a large block and free it, as any program has that is up for a while.

    Until then glibc gives each larger block a mapping of its own, which asyncio's reads of 256 KiB are: a
    fresh server that only echoes would stay at a third of its rate.
    """
    bytearray(LARGE_BYTES)


def greet(lines: Sequence[bytes]) -> bytes:
    """Return the greetings."""
    return b"".join([b"Hello, %b!\n" % name for name in lines])


def obey(lines: Sequence[bytes]) -> bytes:
    """Return what the commands say."""
    return b"".join([answer(line) + b"\n" for line in lines])


def answer(line: bytes) -> bytes:
    """Return what one command says."""
    word, space, rest = line.partition(b" ")
    command = COMMANDS.get(word)
    return command(space + rest) if command else UNKNOWN


ANSWERS: dict[str, Callable[[Sequence[bytes]], bytes]] = {"lines": greet, "command": obey}
WELCOMES = {"lines": WELCOME}
