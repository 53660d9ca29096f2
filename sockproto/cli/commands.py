"""The commands: what is typed, and what is made of it.

Each asks ``sockproto.client``, or ``sockproto.plain``, and shows what came; none knows how::

    run(["greet", "127.0.0.1:9999", "Michael"])     # 0
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import click

from sockproto.cli.answers import ERROR, Answers, Pattern, Rule
from sockproto.cli.console import complain, leave, size_of
from sockproto.cli.fetching import EXAMPLE, fetch, fetch_options
from sockproto.cli.listing import EXIT_STATUS, do_protocols
from sockproto.cli.options import (
    Count,
    Group,
    Passing,
    PossiblyEmpty,
    call_options,
    refuse_unused,
    speaks_tls,
)
from sockproto.cli.probing import do_probe
from sockproto.cli.report import CallReport, TransferProgress, json_value
from sockproto.cli.serving import serve, serve_options
from sockproto.core.text import Address, parse_address
from sockproto.errors import OptionError, SockprotoError, WriteFailed

EXAMPLES = {
    "greet": "sockproto greet 127.0.0.1:9999 Michael Tracy",
    "echo": "sockproto echo 127.0.0.1:7 - <file >copy",
    "welcome": "sockproto welcome 127.0.0.1:13",
    "command": "sockproto command 127.0.0.1:9999 /version '/echo Repeat this'",
    "probe": "sockproto probe --wait 30 127.0.0.1:9999",
    "check": "sockproto check echo 127.0.0.1:7 --html report.html",
    "fetch": EXAMPLE,
    "serve": "sockproto serve --port 9999 --protocol echo",
    "protocols": "sockproto protocols --json",
    "completion": 'eval "$(sockproto completion bash)"',
}
DEFAULT_ADDRESS = "127.0.0.1:9999"


def run(arguments: Sequence[str]) -> int:
    """Run a command; return its exit status."""
    try:
        typed = list(arguments)
        status = sockproto.main(typed, prog_name="sockproto", standalone_mode=False, obj=tuple(typed))
    except click.ClickException as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(error.format_message(), err=True)
        else:
            context = getattr(error, "ctx", None)
            where = context.command_path if context is not None else "sockproto"
            complain(f"{where}: {_wrong(error)} ({where} --help tells more)")
        return 2
    except OSError as error:  # of click, whose help and version are printed without a Console
        complain(f"sockproto: can't write: {error.strerror or error}")
        return WriteFailed.status
    except SockprotoError as error:
        where = " ".join(["sockproto", *arguments[:1]])
        more = f" ({where} --help tells more)" if isinstance(error, OptionError) else ""
        complain(f"{where}: {error}{more}")
        return error.status
    except Exception as error:  # a bug of ours; its traceback helps nobody who only uses the command
        complain(f"sockproto: internal error, please report it: {type(error).__name__}: {error}")
        return 1
    return status if isinstance(status, int) else 0


def _wrong(error: click.ClickException) -> str:
    """Return what is wrong in the form of all our commands: the option, a colon, what it must be."""
    text = error.format_message().rstrip(".")
    parameter = error.param if isinstance(error, click.BadParameter) else None
    if parameter is None or isinstance(error, click.MissingParameter):
        return text
    name = (
        parameter.opts[-1]
        if isinstance(parameter, click.Option)
        else parameter.human_readable_name.strip("[].")
    )
    return f"{name}: {error.message.rstrip('.')}"


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sockproto", message="sockproto %(version)s")
def sockproto() -> None:
    """Talk to small socket servers, probe them, and serve some.

    ADDRESS is HOST:PORT, [IPV6]:PORT, unix:PATH, or any Twisted client endpoint description.
    Exit statuses are curl's.
    """


def command(function: Callable[..., Any], note: str = "") -> click.Command:
    """Make a command of a function, with its example, and perhaps a note, at the end of the help."""
    name = function.__name__.removeprefix("do_")
    return sockproto.command(name, epilog=f"Example:  {EXAMPLES[name]}\n\n{note}")(function)


class Request:
    """What the options of a client's command say.

    Args:
        name: The command's name.
        address: As it was typed.
        given: The options.
        meant: What the address may have been meant for, if that was not given; "" if it was.
    """

    def __init__(self, name: str, address: str, given: dict[str, Any], meant: str = "") -> None:
        from sockproto.client import TLS

        self.address = _address(address, given, meant)
        if not self.address.datagrams:
            refuse_unused("tries", "for datagrams; give --udp too")
        self.report = CallReport(name, str(self.address), given["as_json"], given["hex"])
        tls = None
        if speaks_tls(given):
            tls = TLS(given["cacert"], given["insecure"], certificate=given["cert"], key=given["key"])
            if self.address.datagrams:
                raise OptionError("TLS is for streams, not for datagrams")
        self.options = {
            "tls": tls,
            "connect_seconds": given["connect_timeout"],
            "reply_seconds": given["reply_timeout"],
            "tries": given["tries"],
            "trace": self.report.trace,
        }

    def hold(
        self,
        begin: Callable[[Any], Any],
        asyncio: bool = False,
        partial: Callable[[Any], dict[str, Any]] | None = None,
    ) -> Any:
        """Run it; a failure, and for JSON a signal, is reported with what *partial* makes of what came."""
        from sockproto.cli.calling import hold

        def figures(came: Any) -> dict[str, Any]:
            return partial(came) if partial else {}

        def interrupted(number: int, came: Any) -> NoReturn:
            self.report.interrupted(number, **figures(came))
            leave(128 + number)

        try:
            return hold(begin, asyncio, interrupted if self.report.as_json else None)
        except SockprotoError as error:
            self.report.failed(error, **figures(getattr(error, "partial", None)))
            raise


def _address(text: str, given: dict[str, Any], meant: str) -> Address:
    """Parse an address; if it is not one, guess what the word was *meant* for."""
    try:
        return parse_address(text, given["udp"], given["unix"])
    except OptionError as error:
        if not meant:
            raise
        context = click.get_current_context()
        typed = f"{context.command_path} {DEFAULT_ADDRESS} {shlex.quote(text)}"
        raise click.UsageError(f"{error}; if it is the {meant}, write: {typed}", context) from error


def _words(words: Sequence[str], reactor: Any) -> Iterator[Any]:
    """Yield what was typed as bytes; ``-`` is the lines of standard input."""
    from sockproto.cli.source import Source

    for word in words:
        if word == "-":
            yield from Source(reactor).lines()
        else:
            yield os.fsencode(word)


@command
@click.argument("address")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=PossiblyEmpty())  # refused in its own words
@click.option("--lines", is_flag=True, help="End each name with a newline, for a server that reads lines.")
@click.option("--no-welcome", is_flag=True, help="Don't wait for a welcome.")
@call_options
def do_greet(address: str, names: tuple[str, ...], lines: bool, no_welcome: bool, **given: Any) -> None:
    """Give names to a greeting server, and print what it says.

    A NAME of - stands for the lines of standard input. Without any NAME, standard input is read too, unless
    it is a terminal.
    """
    from sockproto.client import greet
    from sockproto.client.conversations.greeting import GreetingClient

    for name in names:
        GreetingClient.check(os.fsencode(name))
    call = Request("greet", address, given, "" if names else "NAME")
    if call.address.datagrams:
        refuse_unused("lines", "for streams; a datagram is one name")
        refuse_unused("no_welcome", "for streams; with datagrams there is none")
    call.hold(
        lambda reactor: greet(
            call.address,
            _words(names or (() if os.isatty(0) else ("-",)), reactor),
            welcome=None if no_welcome else b"Welcome!",
            newline=b"\n" if lines else b"",
            heard=call.report.reply,
            reactor=reactor,
            **call.options,
        )
    )
    call.report.done()


@command
@click.argument("address")
@click.argument("text", required=False, type=PossiblyEmpty(), metavar="TEXT")
@call_options
def do_echo(address: str, text: str | None, **given: Any) -> None:
    """Send TEXT to an echo server, and print what comes back, which must be the same.

    TEXT is sent exactly as given, nothing added; - stands for standard input, of any length.
    A lone "sockproto echo -" sends standard input to 127.0.0.1:9999.
    """
    from sockproto.cli.source import PIECE_BYTES, Source
    from sockproto.client import echo

    if text is None and address == "-":
        address, text = DEFAULT_ADDRESS, "-"
    call = Request("echo", address, given, "TEXT" if text is None else "")
    if text is None or not (text or call.address.datagrams):
        missing = "what to send is missing: give TEXT, or - for standard input"
        raise click.UsageError(missing, click.get_current_context())
    typed = text == "-" and os.isatty(0)  # then the terminal is busy
    progress = TransferProgress(size_of(0) if text == "-" else len(text), visible=not typed)
    came = 0

    def heard(data: bytes) -> None:
        nonlocal came
        came += len(data)
        call.report.data(data)
        progress.add(len(data))

    def begin(reactor: Any) -> Any:
        size = 1_024 if call.address.datagrams else PIECE_BYTES
        pieces = Source(reactor).pieces(size) if text == "-" else [os.fsencode(text or "")]
        return echo(call.address, pieces, heard=heard, reactor=reactor, **call.options)

    call.hold(begin, partial=lambda _: {"bytes": came})
    progress.clear()
    call.report.done(bytes=came, same=True)


@command
@click.argument("address")
@click.option(
    "--request",
    type=PossiblyEmpty(),
    default="",
    help="The datagram that asks for the text (--udp), sent exactly as given.  [default: empty]",
)
@call_options
def do_welcome(address: str, request: str, **given: Any) -> None:
    """Print what a server says until it closes, as welcome, qotd, daytime and chargen do."""
    from sockproto.client import welcome

    call = Request("welcome", address, given)
    if not call.address.datagrams:
        refuse_unused("request", "for datagrams; give --udp too")
    as_json = given["as_json"]

    def told(text: bytes | None) -> dict[str, Any]:
        return {"text": json_value(text)} if as_json and text is not None else {}

    text = call.hold(
        lambda reactor: welcome(
            call.address,
            request=os.fsencode(request),
            heard=None if as_json else call.report.data,
            reactor=reactor,
            **call.options,
        ),
        partial=told,
    )
    call.report.done(**told(text))


@command
@click.argument("address")
@click.argument("lines", nargs=-1, metavar="[LINE]...")
@click.option(
    "--prefix",
    type=PossiblyEmpty(),
    default="/",
    show_default=True,
    help="What every command begins with; '' for nothing.",
)
@click.option(
    "--answers",
    type=Rule(),
    metavar="all|query|prefix|N",
    help="Which lines get a line as their answer: all, those with a ? (query), those with the prefix; or N: "
    "so many lines each.  [default: as the server's /help json lets it be known, else prefix]",
)
@click.option(
    "--greeting",
    type=Count(0),
    default=0,
    help="Wait for so many lines before the first line is sent.  [default: 0]",
)
@click.option("--fail", is_flag=True, help="End with status 22 if a line that comes begins with error:")
@click.option("--fail-pattern", type=Pattern(), help="As --fail, if this regular expression is found in one.")
@click.option(
    "--expect",
    type=Pattern(),
    multiple=True,
    help="End with status 8 unless this regular expression is found in a line that comes; repeatable.",
)
@call_options
def do_command(address: str, lines: tuple[str, ...], prefix: str, **given: Any) -> None:
    """Send lines to a command server, and print its replies.

    LINE may be - for the lines of standard input. Without any, a terminal gets a prompt, with history and the
    completion of what the server's /help lists; anything else is read as a script.
    """
    from sockproto.client import converse_lines

    call = Request("command", address, given, "" if lines else "LINE")
    as_json = given["as_json"]
    if call.address.datagrams:
        refuse_unused("greeting", "for streams; with datagrams there is none")
    if not lines and not as_json and _is_interactive():
        from sockproto.cli.prompt import talk

        for name in "answers", "greeting", "fail", "fail_pattern", "expect":
            refuse_unused(name, "for lines; a prompt shows what comes as it comes")
        call.hold(lambda reactor: talk(call.address, reactor, call.options, prefix), asyncio=True)
        return
    fail = [Pattern()(ERROR)] if given["fail"] else []
    fail += [given["fail_pattern"]] if given["fail_pattern"] else []
    answers = Answers(call.report, prefix, fail, given["expect"])
    said = call.hold(
        lambda reactor: converse_lines(
            call.address,
            _words(lines or ("-",), reactor),
            None if as_json else answers.heard,
            prefix,
            given["answers"],
            given["greeting"],
            None if as_json or given["answers"] else answers.unanswered,
            reactor=reactor,
            **call.options,
        ),
        partial=lambda said: answers.told(said) if said else {},
    )
    told = answers.told(said) if as_json else {}
    try:
        answers.check(str(call.address))
    except SockprotoError as error:
        call.report.failed(error, **told)
        raise
    call.report.done(**told)


def _is_interactive() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def check() -> click.Command:
    """Make the command that judges servers; to load it takes longer than all the others."""
    from sockproto.cli.checking import STATUS, do_check

    return command(do_check, STATUS)


command(do_probe)
sockproto.later["check"] = check
command(do_protocols, EXIT_STATUS)


@sockproto.command("fetch", cls=Passing, taken=fetch_options, epilog=f"Example:  {EXAMPLES['fetch']}")
def do_fetch(words: tuple[str, ...]) -> int:
    """Fetch a page over a bare socket, with curl's options."""
    return fetch(words)


@sockproto.command("serve", cls=Passing, taken=serve_options, epilog=f"Example:  {EXAMPLES['serve']}")
def do_serve(words: tuple[str, ...]) -> int:
    """Serve a protocol on TCP and UDP.

    The same as twistd -n sockproto, but on the lean reactor, without a pid file, with the log on standard
    output, and with the exit status 2 for a wrong option.
    """
    return serve(words)


@command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def do_completion(shell: str) -> None:
    """Print what makes a shell complete the commands and options of sockproto."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(sockproto, {}, "sockproto", "_SOCKPROTO_COMPLETE").source())
