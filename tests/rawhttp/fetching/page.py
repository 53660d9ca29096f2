"""The behaviours as a page of the documentation: how many there are, some of them, and where all are."""

from collections import Counter
from types import ModuleType

from tests.rawhttp.fetching.behaviours import BEHAVIOURS, BY_NAME, CURL_TESTS, MODULES
from tests.rawhttp.fetching.behaviours.behaviour import GROUPS, STATUSES, Behaviour

HEAD = """\
# What servers do, and what a fetcher makes of it

`sockproto fetch` saves the whole body or nothing with each of {number} behaviours of servers, right, wrong
and malicious.

| about | behaviours | it saves | it refuses | either |
| --- | ---: | ---: | ---: | ---: |
{groups}

Each is a test: [test_behaviours.py]({tests}/test_behaviours.py) runs the fetcher against a server that
behaves so. They are not listed here: each is a line or two of these files, with what the server sends, the
options, the right exit status, and where that is laid down:

{files}

`python -m sockproto.rawhttp URL [-o FILE]` is the same without Twisted, and has its options and its exit
statuses from curl. Always: what is saved is the whole body or nothing. When the exit status is not 0 there
is no new file, no temporary one is left, and a file that was there before is as it was; one line on
standard error says what happened, without passwords and in printable characters. An answer that is whole is
not waited for any longer, even if the connection stays open. "Either" means that the RFC leaves the choice,
or that others differ; a wrong body with status 0 is never right.

## Some of them

| behaviour | what the server does | what the fetcher does | source |
| --- | --- | --- | --- |
{examples}

The source "curl" is what curl does, "curl test" the number of a test of its own that shows the same, whatever
comes of it there; "tutorial" is what scripts that were made after a tutorial get wrong.

## Exit statuses

| status | meaning |
| --- | --- |
{statuses}

This page is printed by

```sh
.venv/bin/python -m tests.rawhttp.fetching > docs/reference/measured/fetch-behaviours.md
```
"""
TESTS = "../../../tests/rawhttp/fetching"
EXAMPLES = (
    *(
        "length-exact",
        "length-short",
        "length-conflict",
        "chunked-word",
        "connection-stall",
        "status-not-http",
    ),
    *("header-endless", "redirect-loop", "old-short", "tls-untrusted"),
)


def code(text: str) -> str:
    """Return a text in code type, fit for a cell."""
    return f"`{text}`".replace("|", "\\|")


def result(behaviour: Behaviour) -> str:
    """Say what the fetcher does."""
    numbers = " or ".join(str(status) for status in behaviour.status if status)
    if behaviour.body is None:
        return f"fails: {numbers}"
    return f"saves {code(behaviour.body.decode())}" + (f", or fails: {numbers}" if numbers else "")


def source(behaviour: Behaviour) -> str:
    """Say where that is laid down."""
    if behaviour.name not in CURL_TESTS:
        return behaviour.source
    return f"{behaviour.source}; curl test {CURL_TESTS[behaviour.name]}".removeprefix("curl; ")


def outcome(behaviour: Behaviour) -> str:
    """Tell how it must end: ``saves``, ``refuses``, or ``either``."""
    if behaviour.body is None:
        return "refuses"
    return "either" if any(behaviour.status) else "saves"


def group_row(group: str, title: str) -> str:
    """Return a group's line of the first table."""
    count = Counter(outcome(one) for one in BEHAVIOURS if one.group == group)
    return f"| {title} | {count.total()} | {count['saves']} | {count['refuses']} | {count['either']} |"


def example_row(behaviour: Behaviour) -> str:
    """Return a behaviour's line of the table of examples."""
    note = behaviour.note.replace("|", "\\|")
    return f"| {code(behaviour.name)} | {note} | {result(behaviour)} | {source(behaviour)} |"


def file_line(module: ModuleType) -> str:
    """Return a link to a file of behaviours, and what they are about."""
    name, about = f"{module.__name__.rpartition('.')[2]}.py", (module.__doc__ or "").strip()
    return f"- [{name}]({TESTS}/behaviours/{name}): {about[0].lower()}{about[1:]}"


def page() -> str:
    """Return the page."""
    used = {status for behaviour in BEHAVIOURS for status in behaviour.status}
    statuses = [f"| {status} | {meaning} |" for status, meaning in STATUSES.items() if status in used]
    return HEAD.format(
        number=len(BEHAVIOURS),
        tests=TESTS,
        groups="\n".join(group_row(*group) for group in GROUPS.items()),
        files="\n".join(map(file_line, MODULES)),
        examples="\n".join(example_row(BY_NAME[name]) for name in EXAMPLES),
        statuses="\n".join(statuses),
    )
