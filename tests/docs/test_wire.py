"""docs/reference/wire.md against the servers."""

import re
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto.server.catalog import find
from sockproto.testing import DatagramNetwork, connect

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "wire.md").read_text("utf-8")
HOST, PORT = "192.0.2.1", 9999


def rows(heading: str) -> list[tuple[str, bytes, bytes]]:
    """Return the rows of a table: the protocol, what is sent, what is answered."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (`.+?`|nothing) \|$", section, re.MULTILINE)
    return [
        (name, meant(sent), b"" if said == "nothing" else meant(said[1:-1])) for name, sent, said in found
    ]


def meant(text: str) -> bytes:
    """Return the bytes that are written with escapes."""
    return text.encode().decode("unicode_escape").encode()


class WireTests(TestCase):
    def test_streams(self) -> None:
        table = rows("Streams")
        self.assertGreater(len(table), 10)
        for name, sent, said in table:
            definition, clock = find(name), Clock()
            framing = next(iter(definition.framings.values()), None)
            remote = connect(definition.factory(clock=clock, framing=framing))
            remote.send(sent)
            clock.pump([0.05] * 3)
            remote.half_close()
            clock.pump([0.05] * 60)
            self.assertEqual(remote.read(), said, (name, sent))

    def test_datagrams(self) -> None:
        table = rows("Datagrams")
        self.assertGreater(len(table), 6)
        for name, sent, said in table:
            network = DatagramNetwork()
            network.listenUDP(PORT, find(name).datagram_protocol(clock=Clock()), HOST)
            asking = network.remote()
            asking.send(sent, (HOST, PORT))
            self.assertEqual(asking.read(), [said] if said else [], (name, sent))
