"""docs/reference/wire.md against the servers: the bytes of its examples."""

import os
import re
import time
from ast import literal_eval
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.core.framing import lines, prefixed
from sockproto.core.limits import Limits
from sockproto.protocols import (
    chargen,
    command,
    daytime,
    discard,
    echo,
    greeting,
    qotd,
    time as time_of_day,
    welcome,
)
from sockproto.testing import DatagramNetwork, connect

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "wire.md").read_text("utf-8")
ADDRESS = ("192.0.2.1", 9999)
MODULES = {
    "greeting": greeting,
    "welcome": welcome,
    "echo": echo,
    "command": command,
    "discard": discard,
    "chargen": chargen,
    "daytime": daytime,
    "time": time_of_day,
    "qotd": qotd,
}
GIVEN: dict[str, dict[str, Any]] = {
    "": {},
    "--framing lines": {"framing": lines.Lines},
    "--max-message-bytes 8": {"limits": Limits(max_message_bytes=8)},
    "--message Simplicity.": {"message": b"Simplicity."},
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without code marks."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| (`.+) \|$", section, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in row.split(" | ")] for row in found]


def made(served: str, kind: str) -> Any:
    """Return a factory, or a protocol for datagrams, of *served*: a protocol's name and its options."""
    name, _, options = served.partition(" ")
    given = dict(GIVEN[options])
    if name in {"daytime", "time"}:
        given["now"] = lambda: 0.0
    return getattr(MODULES[name], f"{name.capitalize()}{kind}")(clock=Clock(), **given)


class WireTests(TestCase):
    def setUp(self) -> None:
        before = os.environ.get("TZ")
        self.addCleanup(time.tzset)
        self.addCleanup(lambda: os.environ.pop("TZ") if before is None else os.environ.update(TZ=before))
        os.environ["TZ"] = "UTC"
        time.tzset()

    def test_streams(self) -> None:
        examples = rows("On a stream")
        self.assertEqual({served.split()[0] for served, *_ in examples}, set(MODULES) - {"chargen"})
        for served, sent, expected in examples:
            remote = connect(made(served, "Factory"))
            remote.half_close(literal_eval(sent))
            self.assertEqual(remote.read_to_end(), literal_eval(expected), f"{served}: {sent}")
            self.assertEqual(remote.ended, "orderly")

    def test_datagrams(self) -> None:
        examples = rows("On datagrams")
        self.assertEqual({served.split()[0] for served, *_ in examples}, set(MODULES))
        for served, sent, expected in examples:
            network = DatagramNetwork()
            network.listenUDP(ADDRESS[1], made(served, "DatagramProtocol"), ADDRESS[0])
            remote = network.remote()
            remote.send(literal_eval(sent), ADDRESS)
            answers = [] if expected == "nothing" else [literal_eval(expected)]
            self.assertEqual(remote.read(), answers, f"{served}: {sent}")

    def test_the_lines_of_chargen(self) -> None:
        sent = connect(made("chargen", "Factory")).read(95 * 74).split(b"\r\n")
        ring = bytes(range(32, 127)) * 2
        self.assertEqual(sent, [*(ring[start : start + 72] for start in range(95)), b""])

    def test_framings(self) -> None:
        for name, expected in rows("Framings for protocols of your own"):
            framing = getattr(lines if name == "Lines" else prefixed, name)()
            self.assertEqual(framing.encode(b"hello"), literal_eval(expected), name)
