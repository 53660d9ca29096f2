"""A large file through ``sockproto echo`` and through ncat, to the same echo server and back.

Interleaved; medians of whole commands, the start of the interpreter included, and of the transfer alone,
for which the time of the same command with one byte is taken away::

    python -m benchmarks.pipe                   # 200 MB, five rounds
    python -m benchmarks.pipe --rounds 9 --write docs/reference/measured/pipe.md
"""

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.pages import provenance, rows, write_section
from benchmarks.stock import Process

SOCKPROTO = str(Path(sys.executable).with_name("sockproto"))
MEGABYTE = 1_000_000
OPTIONS = ("sockproto", "--tcp-only", "--port", "0", "--protocol", "echo")


def run(command: list[str], source: Path, copy: Path) -> float:
    """Run a command on a file; return its seconds."""
    with source.open("rb") as stdin, copy.open("wb") as stdout:
        began = time.monotonic()
        status = subprocess.call(command, stdin=stdin, stdout=stdout)
        seconds = time.monotonic() - began
    if status or not filecmp.cmp(source, copy, shallow=False):
        raise SystemExit(f"{command[0]} failed: status {status}, or the copy differs")
    return seconds


def most_memory(command: list[str], source: Path, copy: Path) -> int:
    """Run a command on a file once more; return the most memory that it had, in bytes."""
    most = 0
    with source.open("rb") as stdin, copy.open("wb") as stdout:
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
        while process.poll() is None:
            with suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text()
                for kilobytes in re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE):
                    most = int(kilobytes) * 1024
            time.sleep(0.01)
    return most


@dataclass(frozen=True)
class Copied:
    """What a command took.

    Attributes:
        whole: The seconds of the whole command, the median.
        start: Those of the same command with one byte.
        memory: The most bytes of memory that it had.
    """

    whole: float
    start: float
    memory: int

    @property
    def alone(self) -> float:
        """The seconds of the transfer alone."""
        return self.whole - self.start


NCAT, OURS = "ncat", "sockproto echo"


def measure(megabytes: int, rounds: int) -> tuple[dict[str, Copied], int]:
    """Measure; return what each command took, and how much memory the server had afterwards."""
    seconds: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        server = Process(OPTIONS, {}, r" on TCP \S+:(\d+)$")
        stack.callback(server.end)
        large, small, copy = (Path(directory) / name for name in ("large", "small", "copy"))
        with large.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(MEGABYTE))
        small.write_bytes(b"x")
        commands = {
            NCAT: ["ncat", "127.0.0.1", str(server.port)],
            OURS: [SOCKPROTO, "echo", f"127.0.0.1:{server.port}", "-"],
        }
        for _ in range(rounds):
            for name, command in commands.items():
                for source in small, large:
                    seconds.setdefault((name, source.name), []).append(run(command, source, copy))
        memory = {name: most_memory(command, large, copy) for name, command in commands.items()}
        server_memory = server.resident_bytes()
    copied = {
        name: Copied(median(seconds[name, "large"]), median(seconds[name, "small"]), memory[name])
        for name in commands
    }
    return copied, server_memory


def section(megabytes: int, copied: dict[str, Copied], server_memory: int, made_by: str) -> str:
    """Return what stands on the page."""
    ncat, ours = copied[NCAT], copied[OURS]
    finding = (
        f"`{OURS}` transfers {megabytes} MB at {ncat.alone / ours.alone:.2f} times ncat's rate; as a whole "
        f"command, with the start of the interpreter, it takes {ours.whole / ncat.whole:.2f} times as long."
    )
    cells = [
        [
            name,
            f"{each.whole:.2f} s",
            f"{each.alone:.2f} s",
            f"{megabytes / each.alone:.0f} MB/s",
            f"{each.memory / MEGABYTE:.0f} MB",
        ]
        for name, each in copied.items()
    ]
    heads = ["", "whole command", "transfer alone", "rate of the transfer", "most memory"]
    server = f"The server had {server_memory / MEGABYTE:.0f} MB afterwards."
    return "\n\n".join([finding, rows(heads, cells), f"{made_by} {server}"])


def main() -> None:
    """Print the table; write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipe", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200, help="how large the file is")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command runs")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this document too")
    arguments = parser.parse_args()
    if shutil.which("ncat") is None:
        raise SystemExit("there is no ncat to compare with; install it (Debian: ncat)")
    command = f"python -m benchmarks.pipe --megabytes {arguments.megabytes} --rounds {arguments.rounds}"
    text = section(arguments.megabytes, *measure(arguments.megabytes, arguments.rounds), provenance(command))
    print(text)
    if arguments.write:
        write_section(arguments.write, "pipe", text)


if __name__ == "__main__":
    main()
