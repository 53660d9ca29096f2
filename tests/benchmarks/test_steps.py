"""``benchmarks.steps``: it runs, compares what answers alike, and its page says what was measured."""

import re
import subprocess
import sys
from pathlib import Path

from twisted.internet.protocol import connectionDone
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import TestCase

from benchmarks.steps import DATA, SERVERS
from tests.hanging import TIMEOUT

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (.+?) \| ([0-9.]+) µs \| (?:[+-][0-9.]+ µs)? *\| ([0-9]+) µs \|$", re.MULTILINE)


class StepsTests(TestCase):
    def test_all_of_them_echo(self) -> None:
        for name, (make, _) in SERVERS.items():
            protocol = make().buildProtocol(None)
            transport = StringTransport()
            protocol.makeConnection(transport)
            for _ in range(3):
                protocol.dataReceived(DATA)
            self.assertEqual(transport.value(), DATA * 3, name)
            protocol.connectionLost(connectionDone)

    def test_it_runs(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.steps", "--rounds", "1"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        self.assert_complete(done.stdout)

    def test_the_page(self) -> None:
        page = (ROOT / "docs" / "reference" / "measured" / "performance.md").read_text("utf-8")
        self.assert_complete(page.split("<!-- steps", 1)[1].split("<!-- end of steps", 1)[0])

    def assert_complete(self, text: str) -> None:
        rows = ROW.findall(text)
        self.assertEqual([name for name, _, _ in rows][1:], list(SERVERS))
        self.assertEqual(rows[0][0], "the system calls alone")
        self.assertTrue(all(float(echo) > 0 and int(connection) > 0 for _, echo, connection in rows))
