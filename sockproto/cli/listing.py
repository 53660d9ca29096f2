"""``sockproto protocols``: what can be served, where each comes from, and what could not be loaded.

::

    run(["protocols", "--json"])    # of ``commands``, which makes a command of do_protocols
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import click

from sockproto.cli.console import Console, columns, complain, wrapped

EXIT_STATUS = "Exit status: 0 if all protocols could be loaded, 1 if one could not."


class Origin(NamedTuple):
    """The distribution that a module was installed with, as pip knows it; None where that can't be told."""

    distribution: str | None = None
    version: str | None = None


@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def do_protocols(as_json: bool) -> int:
    """List the protocols that can be served: ours, and those that others put into twisted/plugins.

    What could not be loaded is told on standard error, a line each, with its reason.
    """
    from sockproto.server.catalog import search

    catalog = search()
    rows = [_row(found) for found in catalog.found]
    if as_json:
        broken = [each._asdict() for each in catalog.broken]
        lines = [json.dumps({"protocols": rows, "broken": broken})]
    else:
        lines = aligned([[row["name"], row["description"], _from(row)] for row in rows])
    console = Console(1)
    for line in lines:
        console.line(line.encode())
    for each in catalog.broken:
        complain(f"sockproto protocols: {each}")
    return 1 if catalog.broken else 0


def aligned(rows: list[list[str]], width: int | None = None) -> list[str]:
    """Return a line for each row, in columns; what doesn't fit the terminal goes on beside the first column.

    Args:
        rows: As many words in each.
        width: Columns; None: the terminal's, and without a terminal no limit.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if width is None:
        width = columns()
    if not width or max(map(len, lines), default=0) <= width:
        return lines
    indent = " " * (widths[0] + 2)
    return [
        row[0].ljust(len(indent)) + wrapped("  ".join(row[1:]), indent, width)[len(indent) :] for row in rows
    ]


def _row(found: Any) -> dict[str, Any]:
    definition = found.definition
    return {
        "name": definition.name,
        "description": definition.description,
        **origin_of(found.module, found.file)._asdict(),
        "module": found.module,
        "file": found.file,
        "framings": list(definition.framings),
        "options": [
            {"name": option.name, "default": option.default, "help": option.help}
            for option in definition.options
        ],
    }


def _from(row: dict[str, Any]) -> str:
    """Return where a protocol comes from, in words."""
    from sockproto.core.text import escape

    installed = f"{row['distribution']} {row['version']}" if row["distribution"] else None
    if row["module"].startswith("sockproto."):
        return str(installed)
    return escape(", ".join(word for word in (installed, row["module"], row["file"]) if word))


def origin_of(module: str, file: str | None) -> Origin:
    """Return the distribution that has the file of a module."""
    from importlib.metadata import distributions, version

    if module.startswith("sockproto."):
        return Origin("sockproto", version("sockproto"))
    if file is None:
        return Origin()
    name, place = Path(file).name, Path(file).resolve()
    for distribution in distributions():
        for path in distribution.files or ():
            if path.name == name and Path(str(path.locate())).resolve() == place:
                return Origin(distribution.metadata["Name"], distribution.version)
    return Origin()
