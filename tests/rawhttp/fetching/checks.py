"""What is wrong with what a fetcher did."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.rawhttp.fetching.behaviours.behaviour import Behaviour
from tests.rawhttp.fetching.server import PATIENCE, Request, Server


class Fetched(NamedTuple):
    """What a fetcher left when it ended."""

    status: int
    output: bytes
    error: bytes


# What may be shown beside a body that is saved.
HEADS = re.compile(rb"(HTTP/1\.[0-9] [0-9]{3} .*?\r\n\r\n)*", re.DOTALL)
Run = Callable[[Sequence[str], Path], Fetched]


def files(directory: Path) -> dict[str, bytes]:
    """Return all files in and below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def said(fetched: Fetched) -> list[str]:
    """Return what is wrong with what it said: a failure is told in one line that does no harm."""
    lines = fetched.error.decode("utf-8", "backslashreplace").split("\n")
    if lines.pop():
        return [f"the last line has no end: {fetched.error!r}"]
    if "Traceback" in str(lines) or len(lines) > 1 or not all(line.isprintable() for line in lines):
        return [f"standard error is not one plain line: {fetched.error!r}"]
    if fetched.status and not "".join(lines).strip():
        return ["it failed and said nothing"]
    return []


def requested(behaviour: Behaviour, server: Server, requests: Sequence[Request]) -> list[str]:
    """Return what is wrong with what it asked for."""
    wrong = []
    if behaviour.requests is not None and len(requests) != behaviour.requests:
        wrong.append(f"{len(requests)} requests: {[request.target for request in requests]}")
    head = requests[-1].head.decode("latin-1") if requests else ""
    wrong += [f"{text!r} is not in {head!r}" for text in map(server.fill, behaviour.sent) if text not in head]
    wrong += [f"{text!r} is in {head!r}" for text in behaviour.unsent if text.lower() in head.lower()]
    for request in requests:
        names = [line.split(b":")[0].lower() for line in request.head.split(b"\r\n")[1:-2]]
        if names.count(b"host") != 1 or b"\n" in request.head.replace(b"\r\n", b""):
            wrong.append(f"not a right request: {request.head!r}")
    return wrong


def wrong(behaviour: Behaviour, server: Server, run: Run, directory: Path) -> list[str]:
    """Let a fetcher run against a behaviour, in a directory for it alone; return all that is wrong."""
    server.forget()
    place = directory / "some" / "where"
    place.mkdir(parents=True)
    before = (
        {} if behaviour.old is None else {f"some/where/{name}": behaviour.old for name in behaviour.saved}
    )
    for name, content in before.items():
        (directory / name).write_bytes(content)
    arguments = (*behaviour.arguments, behaviour.address, *behaviour.output)
    began = time.monotonic()
    fetched = run([server.fill(argument) for argument in arguments], place)
    seconds = time.monotonic() - began

    found = []
    if fetched.status not in behaviour.status:
        allowed = " or ".join(map(str, behaviour.status))
        found.append(f"exit status {fetched.status}, not {allowed}: {fetched.error!r}")
    there = files(directory)
    to_stdout = behaviour.saved == ("-",)
    if fetched.status == 0 and behaviour.body is not None:
        got = {"some/where/-": fetched.output, **there} if to_stdout else there
        if got not in [{f"some/where/{name}": behaviour.body} for name in behaviour.saved]:
            found.append(f"saved { ({name: content[:200] for name, content in got.items()}) }")
    elif there != before:
        found.append(f"left { ({name: content[:200] for name, content in there.items()}) }")
    if not to_stdout and not HEADS.fullmatch(fetched.output):
        found.append(f"standard output {fetched.output[:200]!r}")
    found += said(fetched)
    if b"secret" in fetched.error:
        found.append(f"it told a secret: {fetched.error!r}")
    found += requested(behaviour, server, server.asked(behaviour.name))
    if behaviour.name in server.waiting:
        found.append("it waited for what had already come")
    if "--max-time" in behaviour.arguments:
        limit = float(behaviour.arguments[behaviour.arguments.index("--max-time") + 1])
        if seconds > limit + PATIENCE / 3:
            found.append(f"it took {seconds:.1f} seconds of {limit}")
    return found
