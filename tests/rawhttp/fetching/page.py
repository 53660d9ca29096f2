"""The table of behaviours as a page of the documentation."""

from tests.rawhttp.fetching.behaviours import BEHAVIOURS, CURL_TESTS
from tests.rawhttp.fetching.behaviours.answers import HELLO
from tests.rawhttp.fetching.behaviours.behaviour import GROUPS, STATUSES, Behaviour

HEAD = """\
# What servers do, and what a fetcher makes of it

`python -m sockproto.rawhttp URL [-o FILE]` has its options and its exit statuses from curl. These are the
{number} behaviours of servers, right, wrong and malicious, that it is tested against; the table is the tests'
own, `tests/rawhttp/fetching/behaviours/`, printed by

```sh
.venv/bin/python -m tests.rawhttp.fetching > docs/reference/measured/fetch-behaviours.md
```

Always: what is saved is the whole body or nothing. When the exit status is not 0 there is no new file, no
temporary one is left, and a file that was there before is as it was; one line on standard error says what
happened, without passwords and in printable characters. An answer that is whole is not waited for any longer,
even if the connection stays open. "or 8" means that the RFC leaves the choice, or that others differ; a wrong
body with status 0 is never right.

The source "curl" is what curl does, "curl test" the number of a test of its own that shows the same, whatever
comes of it there; "tutorial" is what scripts that were made after a tutorial get wrong.

| status | meaning |
| --- | --- |
{statuses}
"""

TABLE = """
## {title}

| behaviour | options | what the server does | what the fetcher does | source |
| --- | --- | --- | --- | --- |
{rows}
"""


def code(text: str) -> str:
    """Return a text in code type, fit for a cell."""
    return f"`{text}`".replace("|", "\\|")


def options(behaviour: Behaviour) -> str:
    """Return the options, without the usual output."""
    given = [*behaviour.arguments, *(() if behaviour.output == ("-o", "out") else behaviour.output)]
    words = [word.replace("{authority}", "CA") for word in given]
    return code(" ".join(f"'{word}'" if " " in word else word for word in words)) if words else ""


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


def page() -> str:
    """Return the page."""
    used = {status for behaviour in BEHAVIOURS for status in behaviour.status}
    rows = [f"| {status} | {meaning} |" for status, meaning in STATUSES.items() if status in used]
    text = HEAD.format(number=len(BEHAVIOURS), statuses="\n".join(rows))
    for group, title in GROUPS.items():
        cells = [
            (code(one.name), options(one), one.note.replace("|", "\\|"), result(one), source(one))
            for one in BEHAVIOURS
            if one.group == group
        ]
        text += TABLE.format(title=title, rows="\n".join(f"| {' | '.join(row)} |" for row in cells))
    return text
