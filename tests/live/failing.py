"""How a call of the clients fails: its exit status, and one line or one object that says what it was."""

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.live.peers import Ended, all_at_once


def check_failure(ended: Ended, status: int, pattern: str) -> None:
    """See that a call failed so, with one line on standard error."""
    assert ended.status == status, ended
    assert re.fullmatch(rf"sockproto \w+: .*(?:{pattern}).*\n", ended.errors), ended.errors
    assert "<class" not in ended.errors, ended.errors


def fails(status: int, pattern: str, *commands: tuple[str, ...]) -> list[Any]:
    """See how each command fails, with a line on standard error and with an object; return the objects."""
    ended = all_at_once([(*command, "--json") for command in commands])
    for each in ended:
        check_failure(each, status, pattern)
    objects = [json.loads(each.output) for each in ended]
    for each, command in zip(objects, commands, strict=True):
        assert (each["command"], each["status"]) == (command[0], status)
        assert set(each) >= {"address", "error", "message", "seconds"}
    return objects


def probes(status: int, outcome: str, *arguments: str) -> Any:
    """See what probe says, as text and as JSON; return the object."""
    text, as_json = all_at_once([("probe", *arguments), ("probe", *arguments, "--json")])
    assert (text.status, as_json.status, text.errors, as_json.errors) == (status, status, "", "")
    found = json.loads(as_json.output)
    assert (found["command"], found["outcome"], found["status"]) == ("probe", outcome, status)
    lines = text.output.decode().splitlines()
    assert len(lines) == max(1, len(found["attempts"]))
    for line, attempt in zip(lines, found["attempts"], strict=False):
        assert line.startswith(f"{attempt['address']}: {attempt['outcome']}"), line
        assert attempt["errno"] in line
        assert re.search(r"\(name \d+\.\d ms, connect \d+\.\d ms", line), line
    assert outcome in lines[-1]
    return found


def after(said: bytes, then: Callable[[socket.socket], object]) -> Callable[[socket.socket], object]:
    """Return a handler that says so much, waits for the client's first bytes, and then does that."""

    def handle(client: socket.socket) -> None:
        client.sendall(said)
        client.recv(1024)
        then(client)

    return handle


def leave(client: socket.socket) -> None:
    """Close."""


def refusals(pid: int) -> bool:
    """Tell whether it has begun to wait between two tries: all is imported, and it sleeps."""
    text = Path(f"/proc/{pid}/wchan").read_text()
    return "nanosleep" in text
