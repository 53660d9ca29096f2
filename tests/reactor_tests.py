"""Twisted's own tests of reactors, under its epoll reactor and under ours: each must end the same way.

::

    python -m tests.reactor_tests [internet.test.test_tcp …]

What they import comes with the extra ``test``. Prints how many tests of each module ended how, then each
that ended another way. Some fail under both where the machine is not what Twisted expects: where others can't
run root's Python, say.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.main import installReactor
from twisted.internet.test.reactormixins import ReactorBuilder
from twisted.python.reflect import namedAny
from twisted.trial.reporter import TestResult
from twisted.trial.runner import TestLoader, TrialRunner

from sockproto.reactor.epoll import LeanEPollReactor

ROOT = Path(__file__).parent.parent
BUILDING = ("core", "tcp", "udp", "tls", "unix", "fdset", "time", "threads", "stdio", "process", "socket")
RUNNING = ("tcp", "udp", "ssl", "unix", "internet", "threads")  # in the process's own reactor
MODULES = [f"internet.test.test_{name}" for name in BUILDING] + [f"test.test_{name}" for name in RUNNING]
AGAIN = 2  # how often to try what differs: some tests want a port that was free, and others may take it
SECONDS = 180.0  # what one run may take; it takes 30 on an idle machine

Outcomes = dict[str, list[str]]


class EPollReactor(LeanEPollReactor):
    """Ours, by the name by which Twisted's tests know what epoll can't do."""

    __module__ = LeanEPollReactor.__module__  # what their children install


REACTORS = {
    "stock": "twisted.internet.epollreactor.EPollReactor",
    "lean": "tests.reactor_tests.EPollReactor",
}


class Listener(TestResult):
    """Hears how each test ends: in one way, or in several if its tearDown fails too."""

    def __init__(self, *_: object) -> None:
        TestResult.__init__(self)
        self.outcomes: Outcomes = defaultdict(list)

    def addSuccess(self, test: Any) -> None:
        self.outcomes[test.id()].append("pass")

    def addSkip(self, test: Any, reason: Any) -> None:
        self.outcomes[test.id()].append(f"skip: {reason}")

    def addFailure(self, test: Any, fail: Any) -> None:
        self.outcomes[test.id()].append("failure")

    def addError(self, test: Any, error: Any) -> None:
        self.outcomes[test.id()].append("error")

    def addExpectedFailure(self, test: Any, error: Any, todo: Any = None) -> None:
        self.outcomes[test.id()].append("todo")

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        self.outcomes[test.id()].append("unexpected success")


def run_under(reactor: str, modules: Sequence[str], into: Path) -> None:
    """Run the tests in this process, with *reactor* as its own too; write how they ended."""
    make = namedAny(REACTORS[reactor])

    every = ReactorBuilder.makeTestCaseClasses.__func__  # type: ignore[attr-defined]  # a class method's

    def made(tests: type[Any]) -> dict[str, Any]:
        """Make the tests of one reactor, where Twisted makes them of each that there is."""
        classes: dict[str, Any] = every(tests)
        chosen = {name: case for name, case in classes.items() if name.endswith(f"_{make.__name__}Tests")}
        for case in chosen.values():
            case.reactorFactory = make
        return chosen or classes

    ReactorBuilder.makeTestCaseClasses = classmethod(made)  # type: ignore[assignment,method-assign]
    installReactor(make())
    suite = TestLoader().loadByNames([f"twisted.{module}" for module in modules])
    result: Any = TrialRunner(Listener, workingDirectory=str(into.with_suffix(".trial"))).run(suite)
    into.write_text(json.dumps(result.outcomes))


def run_both(modules: Sequence[str]) -> list[Outcomes]:
    """Run the tests under both reactors, side by side; return how they ended: stock, lean."""
    with tempfile.TemporaryDirectory() as directory:
        files = {reactor: Path(directory, f"{reactor}.json") for reactor in REACTORS}
        runs = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.reactor_tests", "--under", reactor, "--into", into, *modules],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
            )
            for reactor, into in files.items()
        ]
        try:
            runs[0].wait(SECONDS)
            runs[1].wait(SECONDS)
        except subprocess.TimeoutExpired:
            print(f"not done after {SECONDS:g} seconds")
        finally:
            for run in runs:
                run.kill()
                run.wait()
        return [json.loads(into.read_text()) if into.exists() else {} for into in files.values()]


def differences(stock: Outcomes, lean: Outcomes) -> dict[str, str]:
    """Return a line about each test that didn't end the same way under both."""
    ends = {
        test: [", ".join(sorted(ran.get(test, ["not run"]))) for ran in (stock, lean)]
        for test in sorted(stock.keys() | lean.keys())
    }
    return {test: f"{test}: stock {one}; lean {other}" for test, (one, other) in ends.items() if one != other}


def counts(outcomes: Outcomes, module: str = "") -> str:
    """Return how many tests of a module, or of all, ended how."""
    ends = [
        "+".join(sorted(end.partition(":")[0] for end in ended))
        for test, ended in outcomes.items()
        if not module or test.startswith(f"twisted.{module}.")
    ]
    return ", ".join(f"{count} {end}" for end, count in sorted(Counter(ends).items())) or "none"


def main() -> int:
    """Do what the command line says; return the exit status: 1 if anything differs, or nothing was run."""
    parser = argparse.ArgumentParser(prog="python -m tests.reactor_tests", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="module")
    parser.add_argument("--under", choices=REACTORS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.under:
        run_under(options.under, options.modules, options.into)
        return 0
    stock, lean = run_both(options.modules)
    for module in (*options.modules, ""):
        print(f"{module or 'all':<27} stock: {counts(stock, module)}; lean: {counts(lean, module)}")
    wrong = differences(stock, lean)
    for _ in range(AGAIN if stock and lean else 0):
        modules = [
            module
            for module in options.modules
            if any(test.startswith(f"twisted.{module}.") for test in wrong)
        ]
        if not modules:
            break
        print("again, for these:", *wrong.values(), sep="\n")
        now = differences(*run_both(modules))
        wrong = {test: line for test, line in now.items() if test in wrong}
    # What can't be imported is an error under both.
    told = [f"{module}: nothing passes" for module in options.modules if "pass" not in counts(lean, module)]
    told += wrong.values()
    print(*told or ["no difference"], sep="\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
