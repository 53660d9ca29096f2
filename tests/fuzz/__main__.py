"""The command."""

import argparse
import sys
import time
from textwrap import fill

import tests.fuzz
from tests.fuzz.checks import Tally
from tests.fuzz.plans import plan
from tests.fuzz.running import fuzz, run, summary

WIDTH = 90
"""Of the lines that are printed, as they stand in the documentation."""


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=tests.fuzz.__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this conversation alone, and print its events")
    options = parser.parse_args()
    if options.only is not None:
        planned = plan(options.seed, options.only)
        print(planned._replace(events=()))
        run(planned, Tally(), print)
        return 0
    began = time.monotonic()
    tally, wrong = fuzz(options.inputs, options.seed)
    print(wrong or fill(summary(tally, options.seed, time.monotonic() - began), WIDTH))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
