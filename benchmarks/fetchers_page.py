r"""The page about the fetchers: what ``benchmarks.fetchers`` has measured, in tables.

It measures nothing::

    print(finding(scores), judged_table(scores), groups_table(scores), large_text(200, large), sep="\n\n")
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.pages import rows
from tests.rawhttp.fetching.behaviours.behaviour import GROUPS

MEGABYTE = 1_000_000
NAIVE, OURS, AGENT, CURL = "naive", "`sockproto fetch`", "`Agent`", "curl"
RIGHT, WRONG, FAILED, HUNG = OUTCOMES = ("right", "wrong", "failed", "hung")
AIM = 1.5
"""How many times curl's time a large body may take."""

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass
class Score:
    """What came of one fetcher.

    Attributes:
        groups: How often which outcome, by group of behaviours.
        failures: How often it failed.
        left: How many of these left something in the file.
        names: The behaviours of each outcome.
    """

    groups: dict[str, "Counter[str]"] = field(default_factory=dict)
    failures: int = 0
    left: int = 0
    names: dict[str, list[str]] = field(default_factory=dict)

    def cell(self, group: str) -> str:
        """Tell of a group."""
        return told(self.groups[group]) if group in self.groups else "no https:"

    @property
    def total(self) -> "Counter[str]":
        """All groups together."""
        return sum(self.groups.values(), Counter())


@dataclass(frozen=True)
class Transfer:
    """How a fetcher had a body.

    Attributes:
        seconds: The time that it took, the median.
        processor: The CPU time that it took, the median, in seconds.
        most_bytes: The most memory that it had.
        wrong: What was wrong with it; empty if nothing.
    """

    seconds: float
    processor: float
    most_bytes: int
    wrong: str = ""

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s" + (f", {self.wrong}" if self.wrong else "")


def told(outcomes: "Counter[str]") -> str:
    """Tell how many were right, and what else there was."""
    others = [f"{outcomes[name]} {name}" for name in OUTCOMES[1:] if outcomes[name]]
    return ", ".join([str(outcomes[RIGHT]), *others])


def finding(scores: Mapping[str, Score]) -> str:
    """Return in a sentence how many behaviours each gets right."""
    got = {name: f"{score.total[RIGHT]} of {score.total.total()}" for name, score in scores.items()}
    return (
        f"{OURS} does what is right with {got[OURS]} behaviours of servers, {AGENT} with {got[AGENT]}, curl "
        f"with {got[CURL]}, and the tutorials' fetcher with {got[NAIVE]}."
    )


def judged_table(scores: Mapping[str, Score]) -> str:
    """Return a row for each fetcher."""
    cells = [[name, *(str(score.total[outcome]) for outcome in OUTCOMES)] for name, score in scores.items()]
    return rows(["", *OUTCOMES], cells)


def groups_table(scores: Mapping[str, Score]) -> str:
    """Return a row for each group of behaviours, a column for each fetcher."""
    sizes = {group: counts.total() for group, counts in scores[OURS].groups.items()}
    cells = [
        [f"{title} ({sizes[group]})", *(score.cell(group) for score in scores.values())]
        for group, title in GROUPS.items()
        if group in sizes
    ]
    left = [f"{score.left} of {score.failures}" for score in scores.values()]
    return rows(["", *scores], [*cells, ["failures that left something in the file", *left]], "---")


def large_text(megabytes: int, kinds: Mapping[str, Mapping[str, Transfer]]) -> str:
    """Return what a large body takes.

    Args:
        megabytes: How large it is.
        kinds: By title the transfers of each fetcher; the first are those of five bytes.
    """
    [small, *large] = kinds.values()
    titles = list(kinds)[1:]
    parts = [aim(megabytes, small, dict(zip(titles, large, strict=True)))]
    for title, transfers in zip(titles, large, strict=True):
        heads = [title, f"{megabytes} MB", f"{TIMES} curl", f"{TIMES} curl, without the start", "memory"]
        parts.append(rows(heads, [_row(name, small, transfers) for name in transfers]))
    heads = ["", "5 bytes", *(f"CPU time, {title[0].lower()}{title[1:]}" for title in titles)]
    parts.append(
        rows(
            heads,
            [
                [name, str(small[name]), *(f"{each[name].processor:.2f} s" for each in large)]
                for name in small
            ],
        )
    )
    return "\n\n".join(parts)


def aim(megabytes: int, small: Mapping[str, Transfer], large: Mapping[str, Mapping[str, Transfer]]) -> str:
    """Tell in words whether a large body takes no longer than it may."""
    parts = [f"The aim for {OURS} is {megabytes} MB in {AIM:g} times curl's time."]
    for title, transfers in large.items():
        whole = transfers[OURS].seconds / transfers[CURL].seconds
        where, alone = f"{title[0].lower()}{title[1:]}", ratio_alone(OURS, small, transfers)
        took = f"{where} the whole command takes {whole:.2f} times, without its start {alone:.2f} times."
        parts.append(f"{'Reached' if whole <= AIM else 'Missed'}: {took}")
    return "\n".join([parts[0], "", *(f"- {part}" for part in parts[1:])])


def ratio_alone(name: str, small: Mapping[str, Transfer], transfers: Mapping[str, Transfer]) -> float:
    """Return how many times curl's time a large body takes, without the time that a small one takes."""
    ours, curls = (transfers[each].seconds - small[each].seconds for each in (name, CURL))
    return ours / curls


def _row(name: str, small: Mapping[str, Transfer], transfers: Mapping[str, Transfer]) -> list[str]:
    found = transfers[name]
    return [
        name,
        str(found),
        f"{found.seconds / transfers[CURL].seconds:.2f}",
        f"{ratio_alone(name, small, transfers):.2f}",
        f"{found.most_bytes / MEGABYTE:.0f} MB",
    ]
