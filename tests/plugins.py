"""Protocols of other packages, written into a ``twisted/plugins`` directory of a test's own."""

import importlib
import sys
import tempfile
from collections.abc import Container
from pathlib import Path
from typing import Any

import twisted.plugins
from twisted.trial.unittest import TestCase

from sockproto.server.catalog import Catalog, definitions, search

OURS = ["chargen", "command", "daytime", "discard", "echo", "faults", "greeting", "qotd", "time", "welcome"]


def ours() -> dict[str, Any]:
    """Return our definitions; those of packages that happen to be installed are not tested."""
    found = definitions()
    return {name: found[name] for name in OURS}


SHOUT = """
from dataclasses import replace

from sockproto import Conversation, Lines, ProtocolOption, QuietLines, conversation_definition
from sockproto.core.text import count


class Shout(Conversation):
    def __init__(self, marks=1):
        if marks > 9:
            raise ValueError("nobody shouts\\nso loud")
        self.marks = marks

    def received(self, line):
        return line.upper() + b"!" * self.marks


MARKS = ProtocolOption("marks", count, "1", "how many exclamation marks")
PARTS = dict(
    name="shout",
    description="each line comes back in capitals",
    conversation=Shout,
    framing={"bare": QuietLines, "strict": Lines},
    options=(MARKS,),
)
CHANGED = {}
"""
DEFINITION = "DEFINITION = replace(conversation_definition(**PARTS), **CHANGED)\n"


def shout(**parts: str) -> str:
    """Return the source of a plugin, with other parts of its definition, each an expression."""
    made = ("name", "conversation", "framing")  # what its classes are made of
    changed = [
        f"{'PARTS' if name in made else 'CHANGED'}[{name!r}] = {value}\n" for name, value in parts.items()
    ]
    return SHOUT + "".join(changed) + DEFINITION


def write_plugin(root: Path, name: str, source: str) -> Path:
    """Write a plugin module where it is found if *root* is on Python's path."""
    path = root / "twisted" / "plugins" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8", "surrogateescape")
    return path


class PluginsTestCase(TestCase):
    """Has a directory of plugins of its own, and no others."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.patch(twisted.plugins, "__path__", [str(self.root / "twisted" / "plugins")])
        self.addCleanup(self.forget, set(sys.modules))

    def forget(self, but: Container[str] = ()) -> None:
        """Have the plugins of this test imported anew."""
        for module in list(sys.modules):
            package, _, name = module.rpartition(".")
            if package == twisted.plugins.__name__ and module not in but:
                del sys.modules[module]
                vars(twisted.plugins).pop(name, None)
        for path in self.root.rglob("*.pyc"):  # of the same second, and perhaps of the same size
            path.unlink()

    def search(self, **sources: str) -> Catalog:
        """Write plugins and search."""
        for name, source in sources.items():
            write_plugin(self.root, name, source)
        importlib.invalidate_caches()
        return search()

    def reasons(self, **sources: str) -> list[str]:
        """Return why plugins are broken; none of them is found."""
        catalog = self.search(**sources)
        self.assertEqual(list(catalog.definitions), OURS)
        return [str(each) for each in catalog.broken]
