"""How many queries a second an instrument of ``sockproto.scpi`` answers, on one core, over TCP.

Ten clients, each with one query outstanding, or a hundred in a batch, all limits on. Medians of some rounds::

    python -m benchmarks.instruments --rounds 5 --seconds 2
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.speed.cases import Case
from benchmarks.speed.measure import Bench
from benchmarks.speed.peers import selected

CASES = [
    Case(f"query-{depth}", f"depth {depth}", "query", "stream", 10, lines=depth) for depth in (1, 16, 100)
]
SERVERS = selected(["sockproto", "sockproto-lean"])


def main() -> None:
    """Print queries a second, and for each second of the server's CPU time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instruments", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each load lasts (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), arguments.seconds)
        for case in CASES:
            rounds = [
                [bench.measure(case, server.command(Path(name))) for server in SERVERS]
                for _ in range(arguments.rounds)
            ]
            for server, measured in zip(SERVERS, zip(*rounds, strict=True), strict=True):
                rate = median(each.value for each in measured)
                per_cpu = median(each.per_cpu for each in measured)
                print(
                    f"{case.title:10} {server.title:25} {rate:10,.0f}/s {per_cpu:10,.0f}/s of CPU", flush=True
                )


if __name__ == "__main__":
    main()
