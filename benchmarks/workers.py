"""What more workers are worth: lines a second of ``sockproto serve --workers N``, with one and with several.

The load generator and the workers share the cores of the machine; so the case is one in which a server has
most of the work, a hundred lines a read::

    python -m benchmarks.workers --workers 2 --rounds 5 --seconds 2
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from benchmarks.speed.cases import selected
from benchmarks.speed.measure import Bench, Failed, Server

CASE = "lines-100"


@contextmanager
def serving(workers: int) -> Iterator[Server]:
    """Have a server with so many workers for a while."""
    command = [sys.executable, "-m", "sockproto", "serve", "--workers", str(workers)]
    options = [
        "--protocol",
        "greeting",
        "--framing",
        "lines",
        "--tcp-only",
        "--port",
        "0",
        "--log-connections",
        "none",
    ]
    with subprocess.Popen(
        [*command, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        try:
            port, up = 0, 0
            for line in process.stdout:
                if found := re.search(r" on TCP \S+:(\d+)$", line):
                    port = int(found[1])
                up += "reactor class" in line
                if up == workers + 1:
                    break
            yield Server(process.pid, port)
        finally:
            process.terminate()
            process.stdout.read()


def asked(port: int) -> str:
    """Return the metrics, which have a line of each worker once it serves."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text: str = answer.read().decode()
        return text


def main() -> None:
    """Print what each round gave, and the ratio of the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    cores = os.sched_getaffinity(0)
    parser.add_argument("--workers", type=int, default=len(cores), help="how many (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each load lasts (%(default)s)")
    arguments = parser.parse_args()
    [case] = selected([CASE])
    counts = (1, arguments.workers)
    found: dict[int, list[float]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), arguments.seconds)
        for _ in range(arguments.rounds):
            for count in counts:
                try:
                    with serving(count) as server:
                        found[count].append(bench.load(case, server, cores).value)
                except Failed as error:
                    raise SystemExit(f"{count} workers: {error}") from error
    for count, values in found.items():
        rounds = ", ".join(f"{each:,.0f}" for each in values)
        print(f"{count} workers: {median(values):12,.0f} lines a second   ({rounds})")
    print(f"ratio: {median(found[counts[1]]) / median(found[1]):.2f}")


if __name__ == "__main__":
    main()
