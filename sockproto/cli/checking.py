"""``sockproto check``: judges a server, and shows what was found.

::

    run(["check", "echo", "127.0.0.1:7"])       # of ``commands``, which makes a command of do_check
"""

import contextlib
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import click

from sockproto.check.judging import CheckContext, Judged, cases, chosen
from sockproto.check.reports import json_object, junit, text_lines
from sockproto.check.running import run
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.started import Started, kill_all, listens
from sockproto.check.target import ServerAddress, find, free_port
from sockproto.check.timing import FULL, QUICK, Patience
from sockproto.check.verdict import Report, Result, Verdict
from sockproto.cli.console import Console, ProgressLine, at_exit, leave, wrapped
from sockproto.cli.options import Seconds, address_options
from sockproto.cli.probing import tls_context
from sockproto.core.text import Address, parse_address
from sockproto.errors import CallFailed, OptionError, Refused, WriteFailed
from sockproto.plain.deadline import LONGEST_SECONDS, Deadline

STATUS = (
    "Exit status: 0 if nothing fails, 1 if something does or nothing was judged, 2 for wrong usage, 129,"
    " 130 and 143 after SIGHUP, Ctrl-C and SIGTERM, else as of the clients."
)


def _completed(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the cases and groups that begin so: of the protocol, if that stands before them."""
    before = [ctx.params.get("protocol"), *ctx.args]  # click leaves it there if the option has no value yet
    protocols = [word for word in before if word in PROTOCOLS] or PROTOCOLS
    datagrams = bool(ctx.params.get("udp"))
    names = [judged.identifier for protocol in protocols for judged in cases(protocol, datagrams)]
    both = dict.fromkeys([*(name.partition(".")[0] for name in names), *names])
    return [name for name in both if name.startswith(begun)]


@click.argument("protocol", type=click.Choice(PROTOCOLS), metavar="PROTOCOL")
@click.argument("address", required=False)
@click.option(
    "--start", metavar="COMMAND", help="Start the server, watch it and end it; {port} stands for its port."
)
@click.option("--quick", is_flag=True, help="Be done in 10 seconds, not in 120.")
@click.option(
    "--seconds",
    type=Seconds(),
    help="What all cases may take together; 0: no limit.  [default: 115; 8.5 if quick]",
)
@click.option(
    "--only",
    multiple=True,
    metavar="CASE",
    shell_complete=_completed,
    help="Run this case or group; * and ? as in a shell.",
)
@click.option(
    "--skip", multiple=True, metavar="CASE", shell_complete=_completed, help="Leave this case or group out."
)
@click.option("--list", "listing", is_flag=True, help="Show the cases, and run none.")
@click.option("--strict", is_flag=True, help="Count as a failure what the specification leaves open.")
@click.option(
    "--junit", "junit_file", type=click.Path(), metavar="FILE", help="Write JUnit's XML; - prints it."
)
@click.option("--html", "html_file", type=click.Path(), metavar="FILE", help="Write a page; - prints it.")
@address_options
def do_check(protocol: str, address: str | None, **given: Any) -> int:
    """Judge a server of PROTOCOL, in whatever language it is written: what does it get wrong?

    PROTOCOL is greeting, welcome, echo, command, discard, chargen, daytime, time or qotd; ADDRESS is
    HOST:PORT, [IPV6]:PORT or unix:PATH, and may be left out with --start.
    """
    where = _where(address, given)
    judged = chosen(cases(protocol, where.datagrams), given["only"], given["skip"])
    if given["listing"]:
        _list(protocol, judged, given["as_json"])
        return 0
    if address is None and not given["start"]:
        raise OptionError("ADDRESS is missing: say whom to judge, or --start 'COMMAND {port}'")
    if [given["junit_file"], given["html_file"]].count("-") + given["as_json"] > 1:
        raise OptionError("only one report can be printed: write the other ones to files")
    tls = tls_context(where, given)
    patience = QUICK if given["quick"] else FULL
    if given["seconds"] is not None:
        patience = replace(patience, run=given["seconds"] or LONGEST_SECONDS)
    files = {name: _opened(given[name]) for name in ("junit_file", "html_file") if given[name]}
    deadline = Deadline(patience.run)
    with _signals() as stopped:
        try:
            with _started(given["start"], where, patience, deadline) as started:
                target = _find(where, tls, given["connect_timeout"], started)
                context = CheckContext(protocol, target, patience, given["quick"], started)
                progress = CheckProgress(len(judged))
                report = run(context, judged, progress.heard, deadline)
                progress.clear()
        except KeyboardInterrupt:  # before anything was judged
            return stopped[0]
        status = _show(report.strict() if given["strict"] else report, files, given["as_json"])
    return stopped[0] if stopped else status


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Have a first signal end the check, with a report of what there is, and a second one the process.

    Gives:
        The exit status, once there was a signal.
    """
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        if stopped:
            leave(stopped[0])
        stopped.append(128 + number)
        raise KeyboardInterrupt

    before = {}
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            before[number] = signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, were in before.items():
            signal.signal(number, were)


def _find(where: Address, tls: Any, seconds: float, started: Started | None) -> ServerAddress:
    """Find the server; one that was started may not live as long."""
    try:
        return find(where.kind, where.host, where.port, tls, seconds)
    except CallFailed as error:
        if started is not None:
            started.wait(1)
            if how := started.ended:
                reason = f"the server ended when it was connected to ({how}){started.last_words()}"
                raise Refused(reason, str(where)) from error
        raise


def _where(address: str | None, given: dict[str, Any]) -> Address:
    """Say whom to judge; with nothing said, a free port of this machine."""
    if address is None:
        if given["unix"]:
            raise OptionError("ADDRESS is missing: --unix needs the path of the socket")
        if given["start"] and "{port}" not in given["start"]:
            raise OptionError("--start needs a {port} in COMMAND, or ADDRESS: where will the server listen?")
        return Address("udp" if given["udp"] else "tcp", "127.0.0.1", free_port())
    where = parse_address(address, given["udp"], given["unix"])
    if where.kind == "endpoint":
        raise OptionError(f"{address!r} can't be judged: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    return where


@contextlib.contextmanager
def _started(
    command: str | None, where: Address, patience: Patience, deadline: Deadline
) -> Iterator[Started | None]:
    """Have the server running, if we are to start it."""
    if command is None:
        yield None
        return
    if listens(where.kind, where.host, where.port):  # it would be judged instead
        raise OptionError("something listens there already: end it, or leave out ADDRESS to have a free port")
    at_exit(kill_all)
    with Started(command, where.port, patience.end) as started:
        started.wait_until_up(where.kind, where.host, where.port, deadline.left)
        yield started


def _show(report: Report, files: "dict[str, BinaryIO | None]", as_json: bool) -> int:
    """Show and write the report; give the exit status."""
    if "junit_file" in files:
        _write(files["junit_file"], junit(report))
    if "html_file" in files:
        from sockproto.check.page import html

        _write(files["html_file"], html(report).encode())
    console = Console(1)
    if as_json:
        console.line(json.dumps(json_object(report)).encode())
    elif None not in files.values():
        for line in text_lines(report):
            console.line(line.encode("utf-8", "backslashreplace"))
    judged = len(report.results) - report.count(Verdict.SKIP)
    return 1 if report.failed or not judged else 0


def _list(protocol: str, judged: list[Judged], as_json: bool) -> None:
    """Show the cases."""
    console = Console(1)
    found = [each.case(protocol) for each in judged]
    if as_json:
        objects = [
            {
                "case": case.identifier,
                "expectation": case.expectation,
                "source": case.source,
                "quick": case.quick,
            }
            for case in found
        ]
        console.line(json.dumps({"command": "check", "protocol": protocol, "cases": objects}).encode())
        return
    for case in found:
        meaning = wrapped(f"{case.expectation} ({case.source})", "    ")
        console.line(f"{case.identifier}\n{meaning}".encode())


def _opened(path: str) -> BinaryIO | None:
    """Open a file to write: before the check, which would be lost if that failed after it; None to print."""
    if path == "-":
        return None
    try:
        return open(path, "wb")
    except OSError as error:
        raise WriteFailed(f"can't write {path!r}: {error.strerror or error}") from error


def _write(file: BinaryIO | None, data: bytes) -> None:
    if file is None:
        Console(1).line(data.rstrip())
        return
    try:
        with file:
            file.write(data)
    except OSError as error:
        raise WriteFailed(f"can't write {file.name!r}: {error.strerror or error}") from error


class CheckProgress:
    """Shows on a terminal which case is run.

    Args:
        total: How many there are.
    """

    def __init__(self, total: int) -> None:
        self._line, self._total = ProgressLine(), total
        self._done = self._failed = 0
        self._show("it is asked what it says")

    def heard(self, judged: Judged, result: Result | None) -> None:
        """Take that a case begins, or how it ended."""
        if result is not None:
            self._done += 1
            self._failed += result.verdict is Verdict.FAIL
        else:
            self._show(judged.identifier)

    def _show(self, what: str) -> None:
        failed = f", {self._failed} fail" if self._failed else ""
        line = f"{self._done} of {self._total}{failed}: {what}"
        self._line.show(line[:79])

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()
