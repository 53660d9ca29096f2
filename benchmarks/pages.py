r"""How pages of measured figures are written: tables, where figures come from, a script's place on a page.

It measures nothing::

    text = rows(["", "requests/s"], [["echo", "100,000"]])
    write_section(page, "speed", f"{text}\n\n{provenance('python -m benchmarks.speed')}")
"""

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEASURED = ROOT / "docs" / "reference" / "measured"
MOST_COLUMNS = 5
"""What can be read on a telephone; what has more belongs into a file beside the page."""


def rows(heads: Sequence[str], cells: Sequence[Sequence[str]], rule: str = "---:") -> str:
    """Return a table; the first column is text, *rule* aligns the others.

    Raises:
        ValueError: It is wider than ``MOST_COLUMNS``.
    """
    if len(heads) > MOST_COLUMNS:
        raise ValueError(f"a table of {len(heads)} columns: {heads}")
    rules = ["---", *[rule] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rules, *cells))


def today() -> str:
    """Return the date, as it stands on the pages."""
    return f"{datetime.now(timezone.utc):%Y-%m-%d}"


def provenance(command: str) -> str:
    """Tell when, with what and how something was measured."""
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"Measured on {today()} by `{command}`, with Python "
        f"{platform.python_version()}, Twisted {version('twisted')}, sockproto {version('sockproto')}, "
        f"{platform.system()} {kernel}, {os.cpu_count()} cores, on loopback."
    )


def has_section(path: Path, name: str) -> bool:
    """Tell whether a document has a place for a text."""
    return path.exists() and _begin(name) in path.read_text("utf-8")


def write_section(path: Path, name: str, text: str) -> None:
    """Put a text into its place in a document, at its end if it has none; another script may have one too."""
    begin, end = _begin(name), f"<!-- end of {name} -->"
    old = path.read_text("utf-8") if path.exists() else "# Measured\n"
    section = f"{begin}\n{text}\n{end}"
    if begin in old:
        before, _, rest = old.partition(begin)
        new = before + section + rest.partition(end)[2]
    else:
        new = f"{old.rstrip()}\n\n{section}\n"
    path.write_text(new, "utf-8")


def _begin(name: str) -> str:
    return f"<!-- {name}: written by a script -->"
