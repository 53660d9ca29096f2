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
from pathlib import Path
from statistics import median

from benchmarks.stock import Process, provenance, write_section

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


def table(megabytes: int, rounds: int) -> str:
    """Measure; return the result as a table."""
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
            "ncat": ["ncat", "127.0.0.1", str(server.port)],
            "sockproto echo": [SOCKPROTO, "echo", f"127.0.0.1:{server.port}", "-"],
        }
        for _ in range(rounds):
            for name, command in commands.items():
                for source in small, large:
                    seconds.setdefault((name, source.name), []).append(run(command, source, copy))
        memory = {name: most_memory(command, large, copy) for name, command in commands.items()}
        server_memory = server.resident_bytes()
    lines = ["| | whole command | transfer alone | rate of the transfer | most memory |", "| --- " * 5 + "|"]
    alone = {}
    for name in commands:
        whole = median(seconds[name, "large"])
        alone[name] = whole - median(seconds[name, "small"])
        rate = megabytes / alone[name]
        lines.append(
            f"| {name} | {whole:.2f} s | {alone[name]:.2f} s | {rate:.0f} MB/s | "
            f"{memory[name] / MEGABYTE:.0f} MB |"
        )
    ratio = alone["ncat"] / alone["sockproto echo"]
    whole_ratio = median(seconds["ncat", "large"]) / median(seconds["sockproto echo", "large"])
    lines += [
        "",
        f"`sockproto echo` transfers at {ratio:.2f} times ncat's rate, and as a whole command at "
        f"{whole_ratio:.2f} times. The server had {server_memory / MEGABYTE:.0f} MB afterwards.",
    ]
    return "\n".join(lines)


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
    title = f"## {arguments.megabytes} MB through an echo server and back"
    text = "\n\n".join([title, provenance(command), table(arguments.megabytes, arguments.rounds)])
    print(text)
    if arguments.write:
        write_section(arguments.write, "pipe", text)


if __name__ == "__main__":
    main()
