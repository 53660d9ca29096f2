"""``sockproto check``: judges a server, and shows what was found.

::

    run(["check", "echo", "127.0.0.1:7"])       # of ``commands``, which makes a command of do_check
"""

import contextlib
import json
import os
import shlex
import signal
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import click

from sockproto.check.context import CheckContext
from sockproto.check.habit import FRAMINGS
from sockproto.check.junit import junit_xml
from sockproto.check.registry import Judged, cases, chosen
from sockproto.check.running import run
from sockproto.check.script import SCRIPT
from sockproto.check.script.dialogue import ProtocolScript
from sockproto.check.script.reading import read
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.started import Started, kill_all, listens
from sockproto.check.target import ServerAddress, find, free_port
from sockproto.check.timing import FULL, QUICK, Patience
from sockproto.check.verdict import Report, Result
from sockproto.cli.console import Console, at_exit, leave, wrapped
from sockproto.cli.options import Seconds, Word, address_options
from sockproto.cli.probing import tls_context
from sockproto.cli.verdicts import ReportFile, Verdicts
from sockproto.core.text import Address, parse_address
from sockproto.errors import CallFailed, OptionError, Refused, WriteFailed
from sockproto.plain.deadline import LONGEST_SECONDS, Deadline
from sockproto.plain.signals import ENDING

STATUS = (
    "Exit status: 0 if nothing fails, 1 if something does or not all was judged, 2 for wrong usage, 129,"
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


class SpokenProtocol(click.Choice[str]):
    """The name of a protocol; where a script says what is spoken, what stands in its place is ADDRESS."""

    def __init__(self) -> None:
        super().__init__(PROTOCOLS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return it, if there is such a protocol."""
        scripted = ctx is not None and isinstance(ctx.params.get("script"), str)
        return value if scripted else super().convert(value, param, ctx)


@click.argument("protocol", type=SpokenProtocol(), metavar="PROTOCOL", required=False)
@click.argument("address", required=False)
@click.option(
    "--script",
    type=click.Path(),
    metavar="FILE",
    is_eager=True,  # before PROTOCOL
    help="Judge your own protocol: FILE says what is sent and what is due; give no PROTOCOL.",
)
@click.option(
    "--start", metavar="COMMAND", help="Start the server, watch it and end it; {port} stands for its port."
)
@click.option("--quick", is_flag=True, help="Take 10 seconds at most instead of 120.")
@click.option(
    "--seconds",
    type=Seconds(),
    help="Time for all cases together; 0: no limit.  [default: 115, or 8.5 with --quick; more as long as"
    " nothing has failed]",
)
@click.option(
    "--framing",
    type=Word(FRAMINGS),
    help="How a greeting server must tell names apart.  [default: whichever way it does]",
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
@click.option("--label", metavar="TEXT", help="What reports call it, to tell them apart.")
@click.option("--strict", is_flag=True, help="Count as a failure what the specification leaves open.")
@click.option(
    "--junit", "junit_file", type=click.Path(), metavar="FILE", help="Write JUnit's XML; - prints it."
)
@click.option("--html", "html_file", type=click.Path(), metavar="FILE", help="Write a page; - prints it.")
@address_options
def do_check(protocol: str | None, address: str | None, **given: Any) -> int:
    """Judge a server of PROTOCOL, in whatever language it is written: what does it get wrong?

    PROTOCOL is greeting, welcome, echo, command, discard, chargen, daytime, time or qotd; ADDRESS is
    HOST:PORT, [IPV6]:PORT or unix:PATH, and may be left out with --start.
    """
    script, address = _script(protocol, address, given)
    name = protocol if script is None else SCRIPT
    assert name is not None
    where = _where(address, given)
    if script is not None and where.datagrams:
        raise OptionError(f"--script judges streams: {address!r} takes datagrams")
    if given["framing"] and (protocol != "greeting" or where.kind not in ("tcp", "unix")):
        raise OptionError("--framing is for the greeting on streams: other servers have one")
    judged = chosen(cases(script or name, where.datagrams), given["only"], given["skip"])
    if given["listing"]:
        judged = [each for each in judged if each.quick or not given["quick"]]
        _list(name, judged, given["as_json"])
        return 0
    if address is None and not given["start"]:
        raise OptionError("ADDRESS is missing: say whom to judge, or --start 'COMMAND {port}'")
    _see_reports(given)
    tls = tls_context(where, given)
    patience = QUICK if given["quick"] else FULL
    if given["seconds"] is not None:
        patience = replace(patience, run=given["seconds"] or LONGEST_SECONDS, more=0)
    deadline = Deadline(patience.run)
    form = "json" if given["as_json"] else "text"
    form = "" if "-" in (given["junit_file"], given["html_file"]) else form
    with _files(given) as files, _signals() as stopped:
        shown = Verdicts(len(judged), form, given["strict"], kept=bool(files))

        def heard(each: Judged, result: Result | None) -> None:
            if stopped:  # the exception was raised where it is swallowed, as in a destructor
                raise KeyboardInterrupt
            shown.heard(each, result)

        try:
            with _started(given["start"], where, patience, deadline) as started:
                target = _find(where, tls, given["connect_timeout"], started)
                context = CheckContext(
                    name,
                    target,
                    patience,
                    given["quick"],
                    started,
                    framing=given["framing"] or "",
                    script=script,
                )
                shown.begin()
                report = run(context, judged, heard, deadline)
        except KeyboardInterrupt:  # before anything was judged
            return stopped[0]
        finally:
            shown.clear()
        status = _show(report, shown, files, given)
    return stopped[0] if stopped else status


def _script(
    protocol: str | None, address: str | None, given: dict[str, Any]
) -> tuple[ProtocolScript | None, str | None]:
    """Return what a script says, None without one, and ADDRESS.

    Raises:
        OptionError: PROTOCOL and a script are given, or neither is; the script is wrong.
    """
    if not given["script"]:
        if protocol is None:
            names = ", ".join(PROTOCOLS)
            raise OptionError(f"PROTOCOL is missing. Choose from: {names}; or say --script FILE")
        return None, address
    if address is not None:
        raise OptionError("PROTOCOL is left out with --script: sockproto check --script FILE HOST:PORT")
    if given["udp"]:
        raise OptionError("--script judges streams: it can't be used with --udp")
    return read(given["script"]), protocol


def _see_reports(given: dict[str, Any]) -> None:
    """Check that no two reports go to the same place.

    Raises:
        OptionError: Two have the same.
    """
    names = [given[name] for name in ("junit_file", "html_file") if given[name]]
    if names.count("-") + given["as_json"] > 1:
        raise OptionError("only one report can be printed: write the other ones to files")
    if len({os.path.realpath(name) for name in names}) < len(names):
        raise OptionError("--junit and --html name the same file: one report would take the other's place")


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Have a first signal end the check, with a report of what there is, and a second one the process.

    Yields:
        The exit status, once there was a signal.
    """
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        if stopped:
            leave(stopped[0])
        stopped.append(128 + number)
        raise KeyboardInterrupt

    before = {}
    for number in ENDING:
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


@contextlib.contextmanager
def _files(given: dict[str, Any]) -> Iterator[dict[str, ReportFile]]:
    """Have the files for reports; what is not written is as it was."""
    files: dict[str, ReportFile] = {}
    try:
        for name in "junit_file", "html_file":
            if given[name] not in (None, "-"):
                files[name] = ReportFile(given[name])
        yield files
    finally:
        for file in files.values():
            file.drop()


def _show(report: Report, shown: Verdicts, files: dict[str, ReportFile], given: dict[str, Any]) -> int:
    """Show and write the report, as much of it as can be; return the exit status."""
    report = replace(report, label=given["label"] or "", version=version("sockproto"), command=_typed())
    report = report.strict() if given["strict"] else report
    forms = {"junit_file": junit_xml, "html_file": _page}
    failed: list[str] = []
    for name, file in files.items():
        try:
            file.write(forms[name](report))
        except WriteFailed as error:
            failed.append(str(error))
    printed = [form(report).rstrip() for name, form in forms.items() if given[name] == "-"]
    try:
        shown.end(report, printed[0] if printed else None)
    except WriteFailed as error:
        failed.append(str(error))
    if failed:
        raise WriteFailed("; ".join(failed))
    return 0 if report.complete and not report.failed else 1


def _typed() -> str:
    """Return the command as it was typed, so that a shell takes it."""
    return shlex.join(["sockproto", *(click.get_current_context().obj or ())])


def _page(report: Report) -> bytes:
    from sockproto.check.page import html

    return html(report).encode()


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
