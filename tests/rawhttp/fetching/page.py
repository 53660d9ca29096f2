"""The behaviours as a page of the documentation: how many there are, some of them, and where all are."""

from collections import Counter

from tests.rawhttp.fetching.behaviours import BEHAVIOURS, BY_NAME, CURL_TESTS, MODULES
from tests.rawhttp.fetching.behaviours.answers import HELLO
from tests.rawhttp.fetching.behaviours.behaviour import GROUPS, STATUSES, Behaviour

HEAD = """\
# What servers do, and what a fetcher makes of it

`sockproto fetch` saves the whole body or nothing with each of {number} behaviours of servers, right, wrong and malicious.

| about | behaviours | it saves | it refuses | either |
| --- | ---: | ---: | ---: | ---: |
{groups}

Each is a test, which [tests/rawhttp/fetching/test_behaviours.py]({tests}/test_behaviours.py) runs against a server that
behaves so. They are not listed here: one can be read in a line or two of these files, with what the server sends, the
options, the right exit status, and where that is laid down:

{files}

`python -m sockproto.rawhttp URL [-o FILE]` is the same without Twisted, and has its options and its exit statuses from
curl. Always: what is saved is the whole body or nothing. When the exit status is not 0 there is no new file, no
temporary one is left, and a file that was there before is as it was; one line on standard error says what happened,
without passwords and in printable characters. An answer that is whole is not waited for any longer, even if the
connection stays open. "Either" means that the RFC leaves the choice, or that others differ; a wrong body with status 0
is never right.

## Some of them

| behaviour | what the server does | what the fetcher does | source |
| --- | --- | --- | --- |
{examples}

The source "curl" is what curl does, "curl test" the number of a test of its own that shows the same, whatever comes of
it there; "tutorial" is what scripts that were made after a tutorial get wrong.

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
    numbers = [str(status) for status in behaviour.status if status]
    if behaviour.body is None:
        return "fails: " + " or ".join(numbers)
    if behaviour.body == HELLO:
        done = "saves `hello`"
    elif not behaviour.body:
        done = "saves an empty file"
    elif behaviour.body.startswith(b"HTTP/"):
        done = "saves the headers" + (" and `hello`" if behaviour.body.endswith(HELLO) else "")
    elif len(behaviour.body) < 20 and behaviour.body.isascii() and behaviour.body.decode().isprintable():
        done = f"saves {code(behaviour.body.decode())}"
    else:
        done = f"saves {len(behaviour.body):,} bytes"
    if behaviour.saved != ("out",):
        places = ["to standard output" if name == "-" else f"as {code(name)}" for name in behaviour.saved]
        done += " " + " or ".join(place if place.isprintable() else f"as {place[4:-1]!r}" for place in places)
    return ", or ".join([done, *([" or ".join(numbers)] if numbers else [])])


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


def page() -> str:
    """Return the page."""
    used = {status for behaviour in BEHAVIOURS for status in behaviour.status}
    files = [
        f"- [{module.__name__.rpartition('.')[2]}.py]({TESTS}/behaviours/{module.__name__.rpartition('.')[2]}.py): "
        f"{(module.__doc__ or '').strip()[0].lower()}{(module.__doc__ or '').strip()[1:]}"
        for module in MODULES
    ]
    return HEAD.format(
        number=len(BEHAVIOURS),
        tests=TESTS,
        groups="\n".join(group_row(*group) for group in GROUPS.items()),
        files="\n".join(files),
        examples="\n".join(example_row(BY_NAME[name]) for name in EXAMPLES),
        statuses="\n".join(
            f"| {status} | {meaning} |" for status, meaning in STATUSES.items() if status in used
        ),
    )
