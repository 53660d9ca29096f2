"""The parts of docs/reference that are made of the code: options, commands, metrics.

A page says where such a part stands, and of what it is made; what is between the two comments is replaced::

    <!-- options: port interface -->
    <!-- end -->

Write the comments; then have the parts made::

    .venv/bin/python -m tests.reference

``tests/docs/test_reference.py`` fails where a part is old, or where something has no place.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from prometheus_client.core import Metric

from sockproto.admin.metrics import SnapshotCollector
from sockproto.carriers.registry import DURATIONS
from sockproto.cli.commands import sockproto
from sockproto.core.states import TRANSITIONS
from tests.drawing import drawing

DIRECTORY = Path(__file__).parent.parent / "docs" / "reference"
PAGES = [DIRECTORY / name for name in ("options.md", "cli.md", "metrics.md", "states.md")]
PART = re.compile(
    r"(<!-- (options|command|shared|metrics|states)(?:: (.+?))? -->\n).*?(?=<!-- end -->\n)", re.DOTALL
)
SHARED_BY = 4
"""An option that so many commands have is told of once."""

COUNTED = {
    "protocol": "echo", "listener": "TCP 127.0.0.1:7", "bytes_in": 0, "bytes_out": 0, "opened": 0, "open": 0,
    "messages_in": 0, "messages_out": 0, "waiting": 0, "closed": {}, "dropped": {"rate": 1},
    "faults": {"delay": 1}, "durations": {"counts": [0] * (len(DURATIONS) + 1), "total": 0},
}  # fmt: skip
"""What a listener has counted: something of each kind, for the labels that its metric has."""


def rewritten(page: str) -> str:
    """Return a page with its parts as the code has them now."""
    makers = {"options": options, "command": command, "shared": shared, "metrics": metrics, "states": states}
    return PART.sub(lambda part: f"{part[1]}\n{makers[part[2]](part[3] or '')}\n", page)


def named(page: str, kind: str) -> list[str]:
    """Return what the parts of a page are made of, those of a kind."""
    return [word for part in PART.finditer(page) if part[2] == kind for word in (part[3] or "").split()]


def context_of(name: str) -> click.Context:
    """Return the context of a command as it is when it is called: what a command makes of it, it keeps."""
    return click.Context(sockproto.all_commands()[name], sockproto.make_context("sockproto", ["x"]), name)


def records(name: str) -> dict[str, tuple[str, str, str]]:
    """Return the options of a command by name: how each is typed, its meaning, its default."""
    found = {}
    context = context_of(name)
    for option in context.command.get_params(context):
        record = option.get_help_record(context)
        if record and isinstance(option, click.Option) and option.opts[-1] != "--help":
            meaning, _, default = record[1].partition("  [")
            found[option.opts[-1].lstrip("-")] = (record[0], meaning, default.removeprefix("default: ")[:-1])
    return found


def options(names: str) -> str:
    """Return a table of options of ``sockproto serve``."""
    known = records("serve")
    return listed(known[name] for name in names.split())


def listed(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return a table of options."""
    return "\n".join(table(["option", "meaning", "default"], map(cells, rows)))


def cells(record: tuple[str, str, str]) -> list[str]:
    """Return the cells of an option."""
    typed, meaning, default = record
    if default and " " not in default:
        default = f"`{default}`"
    return [
        f"`{typed}`".replace("|", r"\|"),
        paragraphs(meaning.removesuffix(".")),
        default,
    ]


def table(heads: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    for row in heads, ["---"] * len(heads), *rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |")


def often() -> dict[str, tuple[str, str, str]]:
    """Return the options that several commands have, all in the same words."""
    callers = [
        name for name in sockproto.all_commands() if "connect-timeout" in records(name) and name != "fetch"
    ]
    found = Counter(item for name in callers for item in records(name).items())
    return {name: record for (name, record), times in found.items() if times >= SHARED_BY}


def shared(_: str) -> str:
    """Return a table of the options that several commands have."""
    return listed(often().values())


def command(name: str) -> str:
    """Return what a command's own help says."""
    made = sockproto.all_commands()[name]
    context = context_of(name)
    usage = " ".join(made.get_usage(context).removeprefix("Usage: ").split())
    example, _, status = (made.epilog or "").removeprefix("Example:  ").partition("\n\n")
    lines = ["```text", usage, "```", "", paragraphs(made.help or "")]
    known, others = records(name), often()
    common = [option for option, record in known.items() if others.get(option) == record]
    own = [record for option, record in known.items() if option not in common]
    if name == "serve":
        lines += ["", "Its options are those of [twistd sockproto](options.md)."]
    elif own:
        lines += ["", listed(own)]
    if common:
        told = "[options that several commands have](#options-that-several-commands-have)"
        lines += ["", f"And of the {told}: {', '.join(f'`--{option}`' for option in common)}."]
    lines += ["", f"Example: `{example}`"]
    return "\n".join([*lines, *(["", paragraphs(status)] if status else [])])


def paragraphs(text: str) -> str:
    """Return the paragraphs of a help as Markdown, with its options as code."""
    flowed = "\n\n".join(" ".join(each.split()) for each in text.strip().split("\n\n"))
    return re.sub(r"(?<![\w`-])(--?[a-z][\w-]*)", r"`\1`", flowed.replace("*", r"\*"))


def metrics(_: str) -> str:
    """Return a table of the metrics, in the order in which they come."""
    listeners = [{**COUNTED, "datagrams": datagrams} for datagrams in (False, True)]
    collector = SnapshotCollector([("", {"listeners": listeners})])
    return "\n".join(table(["metric", "kind", "labels", "meaning"], map(described, collector.collect())))


def described(metric: Metric) -> list[str]:
    """Return the cells of a metric; its name is what a query has."""
    ends = {"counter": "_total", "info": "_info"}
    labels = dict.fromkeys(label for sample in metric.samples for label in sample.labels)
    return [
        f"`{metric.name}{ends.get(metric.type, '')}`",
        metric.type,
        ", ".join(f"`{label}`" for label in labels if label != "le"),
        metric.documentation.removesuffix("."),
    ]


def states(_: str) -> str:
    """Return a table of the states of a session, and what follows them."""
    rows = [
        [
            f"**{state.name}**",
            f"`{event}`",
            ", ".join(after.name for after in following if after is not state),
        ]
        for state, events in TRANSITIONS.items()
        for event, following in events.items()
    ]
    previous = ""
    for row in rows:
        row[0], previous = ("" if row[0] == previous else row[0]), row[0]
    return "\n".join(table(["state", "event", "then"], rows))


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(rewritten(path.read_text("utf-8")), "utf-8")
    (DIRECTORY / "states.svg").write_text(drawing(), "utf-8")
