"""``benchmarks.carrier``: it measures this tree, compares it with another, and counts what it says."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.interfaces import IHalfCloseableDescriptor, ISystemHandle, ITCPTransport
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from benchmarks.carrier_steps import Transport, calls, reachable, slots
from tests.hanging import TIMEOUT

ROOT = Path(__file__).parents[2]
TIMES = [
    "64-byte echo, ns",
    "one line, ns",
    "ten lines in one read, ns",
    "echo: accept, close, ns",
    "echo: accept, echo, close, ns",
    "greeting: accept, close, ns",
    "greeting: accept, line, close, ns",
]
FIGURES = [
    "calls for an accept",
    "calls for a read",
    "calls for a close",
    "slots of the protocol",
    "slots with what it alone holds",
    "bytes of an idle connection",
]
ROWS = [*TIMES, *(f"{protocol}: {figure}" for protocol in ("echo", "greeting") for figure in FIGURES)]


class Slotted:
    __slots__ = ("one", "two")


class Grown(Slotted):
    __slots__ = "three"

    def __init__(self) -> None:
        self.one = self.two = self.three = None


class Open(Grown):
    def __init__(self) -> None:
        super().__init__()
        self.four = 4


class CarrierStepsTests(TestCase):
    def test_the_transport_is_one(self) -> None:
        for interface in ITCPTransport, IHalfCloseableDescriptor, ISystemHandle:
            verifyObject(interface, Transport())

    def test_slots(self) -> None:
        self.assertEqual(slots(Grown()), {"one", "two", "three"})
        self.assertEqual(slots(Open()), {"one", "two", "three", "four"})

    def test_only_objects_of_sockproto_are_reachable(self) -> None:
        self.assertEqual(reachable(Open()), {})

    def test_calls_of_others_are_counted(self) -> None:
        self.assertEqual(calls(lambda: Open()), 3)  # the function, and two constructors
        self.assertEqual(calls(Transport().getPeer), 0)  # the benchmark's own


class CarrierTests(TestCase):
    def run_it(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "benchmarks.carrier", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )

    def measure(self, *arguments: str) -> dict[str, list[float]]:
        """Return the rows of the file that it writes; the table says the same."""
        with TemporaryDirectory() as directory:
            file = Path(directory, "carrier.json")
            done = self.run_it("--rounds", "1", "--seconds", "0", "--json", str(file), *arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            measured = json.loads(file.read_text("utf-8"))
        heading, *lines = done.stdout.splitlines()
        self.assertEqual(heading.split(), measured["columns"])
        self.assertEqual([line[:45].rstrip() for line in lines], list(measured["rows"]))
        for line, values in zip(lines, measured["rows"].values(), strict=True):
            self.assertEqual(len(line[45:].split()), len(measured["columns"]))
            self.assertEqual(len(values), len(measured["columns"]))
        rows: dict[str, list[float]] = measured["rows"]
        return rows

    def test_one_tree(self) -> None:
        rows = self.measure()
        self.assertEqual(list(rows), ROWS)
        self.assertTrue(all(value > 0 for values in rows.values() for value in values))

    def test_two_trees(self) -> None:
        rows = self.measure("--against", str(ROOT))
        self.assertEqual(list(rows), ROWS)
        for name, (here, other, ratio) in rows.items():
            self.assertAlmostEqual(ratio, here / other)
            if "calls" in name or "slots" in name:
                self.assertEqual(here, other)

    def test_no_tree(self) -> None:
        with TemporaryDirectory() as directory:
            done = self.run_it("--against", directory)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no sockproto in", done.stderr)

    def test_a_tree_that_cannot_be_measured(self) -> None:
        with TemporaryDirectory() as directory:
            Path(directory, "sockproto").mkdir()
            Path(directory, "sockproto", "__init__.py").write_text("1 / 0")
            done = self.run_it("--against", directory)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the carrier of {Path(directory).resolve()} could not be measured", done.stderr)
        self.assertEqual(done.stderr.count("Traceback"), 1)  # that tree's own
