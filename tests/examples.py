"""The programs of examples/, imported by their paths: none of them is on Python's."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str, path: str) -> Any:
    """Import a file of examples/, or a package by its ``__init__.py``."""
    file = EXAMPLES / path
    spec = spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))
    assert spec
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
