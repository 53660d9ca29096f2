"""The programs of examples/, imported by their paths, for none of them is on Python's; and their page."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from tests.listings import Listing, listings

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SECTIONS = {
    text.split(maxsplit=2)[1].strip(","): text
    for text in (ROOT / "docs" / "howto" / "examples.md").read_text("utf-8").split("\n## ")[1:]
}


def load(name: str, path: str) -> Any:
    """Import a file of examples/, or a package by its ``__init__.py``."""
    file = EXAMPLES / path
    spec = spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))
    assert spec
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(example: str) -> list[Listing]:
    """Return the listings of an example in docs/howto/examples.md; a client shows what it prints."""
    found = listings(SECTIONS[example])
    assert all(listing.output for listing in found if listing.kind == "client")
    return found
