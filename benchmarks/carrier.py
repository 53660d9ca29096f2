"""What the stream carrier costs by itself: reads and connections in memory, without sockets and reactor.

Measures the ``sockproto`` of this source tree, and that of another one beside it: one process for each tree
in each round, which take turns many times a second. Times are CPU time, medians. The log is not observed::

    python -m benchmarks.carrier
    python -m benchmarks.carrier --against ../before --rounds 9 --seconds 3 --json carrier.json
"""

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

HERE = Path(__file__).resolve().parents[1]

Rows = dict[str, float]


class Measured:
    """A process that measures the carrier of one source tree.

    Args:
        tree: The source tree.

    Raises:
        SystemExit: It has failed, or found another tree's sockproto.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "benchmarks" / "carrier_steps.py")],
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Measured":
        source = self.ask("source")
        if not Path(source).is_relative_to(self._tree):
            self.__exit__()
            raise SystemExit(f"{source} was found, which is not in {self._tree}")
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()

    def ask(self, what: str) -> Any:
        """Return what it answers: ``source``, ``times`` or ``figures``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has failed already: there is no answer
            self._process.stdin.write(f"{what}\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self.__exit__()
            raise SystemExit(f"the carrier of {self._tree} could not be measured")
        return json.loads(answer)


def measure(trees: list[Path], rounds: int, seconds: float) -> list[Rows]:
    """Measure each tree.

    Args:
        trees: The source trees.
        rounds: How often to start a process for each.
        seconds: How long each round takes, at least.

    Returns:
        What was measured of each tree, by name.
    """
    times: list[list[Rows]] = [[] for _ in trees]
    counted: list[Rows] = []
    for _ in range(rounds):
        with ExitStack() as stack:
            processes = [stack.enter_context(Measured(tree)) for tree in trees]
            counted = counted or [process.ask("figures") for process in processes]
            for process in processes:  # not noted: Python adapts its bytecode first
                process.ask("times")
            turns = list(zip(processes, times, strict=True))
            end = monotonic() + seconds
            while True:
                for process, rows in turns:
                    rows.append(process.ask("times"))
                turns.reverse()  # so that neither is always the first
                if monotonic() >= end:
                    break
    return [
        {name: median(rows[name] for rows in each) for name in each[0]} | figures
        for each, figures in zip(times, counted, strict=True)
    ]


def table(columns: list[str], rows: dict[str, list[float]]) -> str:
    """Return the table as text."""
    forms = [".2f" if column == "ratio" else ",.0f" for column in columns]
    lines = [f"{'':45}" + "".join(f"{column:>10}" for column in columns)]
    for name, row in rows.items():
        values = (f"{value:10{form}}" for value, form in zip(row, forms, strict=True))
        lines.append(f"{name:45}" + "".join(values))
    return "\n".join(lines)


def main() -> None:
    """Print the table; write the figures where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.carrier", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="TREE", help="another source tree to compare with")
    parser.add_argument("--rounds", type=int, default=7, help="processes for each tree (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a round takes (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into this file too")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("at least one round")
    trees, columns = [HERE], ["here"]
    if arguments.against:
        trees.append(arguments.against.resolve())
        columns += ["against", "ratio"]
        if not (trees[1] / "sockproto").is_dir():
            parser.error(f"there is no sockproto in {arguments.against}")
    measured = measure(trees, arguments.rounds, arguments.seconds)
    rows = {name: [values[name] for values in measured] for name in measured[0]}
    if arguments.against:
        rows = {name: [here, other, here / other] for name, (here, other) in rows.items()}
    print(table(columns, rows))
    if arguments.json:
        arguments.json.write_text(json.dumps({"columns": columns, "rows": rows}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
