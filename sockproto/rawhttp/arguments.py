"""The command's arguments: curl's options, and what they mean for a fetch.

::

    wanted = parser("fetch").parse_args(["-o", "page.html", "http://example.com/"])
    fetch(wanted.url, options=fetch_options(wanted))
"""

import argparse
import re
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn

from sockproto.core.text import EMPTY, count, escape, seconds
from sockproto.errors import OptionError, WriteFailed
from sockproto.plain.deadline import LONGEST_SECONDS
from sockproto.rawhttp.connection import ConnectOptions
from sockproto.rawhttp.decoding import MAX_RATIO
from sockproto.rawhttp.options import MAX_REDIRECTS, FetchOptions
from sockproto.rawhttp.ranges import parse_ranges

USAGE: Final = 2


class _Parser(argparse.ArgumentParser):
    """Takes words as ``getopt`` does, and curl; errors are one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.arguments: list[argparse.Action] = []
        self.named: dict[str, argparse.Action] = {}
        super().__init__(*args, **kwargs)

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        """Keep what was added, for those who ask for it; a value may only be empty with ``type=str``."""
        action = super().add_argument(*args, **kwargs)
        if action.nargs != 0 and action.type is None:
            action.type = _filled
        self.arguments.append(action)
        self.named |= dict.fromkeys(action.option_strings, action)
        return action

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Write the words in the form in which argparse can't mistake them."""
        wanted, rest = super().parse_known_args(
            list(self._plain(sys.argv[1:] if args is None else args)), namespace
        )
        if rest:
            self.error(f"there is no use for {rest[0]!r}")
        if wanted.url is None:
            self.error("Missing argument 'URL'")
        return wanted, rest

    def _plain(self, args: Sequence[str]) -> Iterator[str]:
        """Join options and their values, which may begin with a hyphen; put the rest at the end."""
        words, rest = iter(args), list[str]()
        for word in words:
            if word == "--":
                rest += words
            elif word.startswith("--"):
                name, joined, value = word.partition("=")
                yield from self._option(name, value if joined else None, words)
            elif word.startswith("-") and word != "-":
                yield from self._letters(word[1:], words)
            else:
                rest.append(word)
        yield from ["--", *rest]

    def _letters(self, letters: str, words: Iterator[str]) -> Iterator[str]:
        """Read options of one letter, as in ``-sSo FILE`` or ``-oFILE``."""
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            if letters and name in self.named and self.named[name].nargs is None:
                yield from self._option(name, letters, words)
                return
            yield from self._option(name, None, words)

    def _option(self, name: str, value: str | None, words: Iterator[str]) -> Iterator[str]:
        action = self.named.get(name)
        if action is None:
            self.error(f"No such option {name!r}")
        if action.nargs == 0:
            if value is not None:
                self.error(f"{name}: takes no value")
            yield name
            return
        value = next(words, None) if value is None else value
        if value in (None, "--"):  # which argparse would lose
            self.error(f"{name}: needs a value, {action.metavar}")
        yield f"{action.option_strings[-1]}={value}"

    def print_help(self, file: Any = None) -> None:
        """Print the help; unlike argparse's own, fail where that can't be done."""
        try:
            print(self.format_help(), end="", file=file, flush=True)
        except OSError as error:
            raise WriteFailed(f"can't write to standard output: {error.strerror}") from error

    def error(self, message: str) -> NoReturn:
        """One line, as every error."""
        text = escape(message.removeprefix("argument "))
        self.exit(USAGE, f"{self.prog}: {text} ({self.prog} --help tells more)\n")


def parser(prog: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """Return what reads the arguments.

    Args:
        prog: What the command is called in its messages.
        epilog: The last line of its help.
    """
    return _parser(prog, epilog)


def actions() -> list[argparse.Action]:
    """Return all options and arguments."""
    return _parser("", None).arguments


def options() -> dict[str, str]:
    """Return the names of all options, each with the name of what it sets."""
    return {name: action.dest for action in actions() for name in action.option_strings}


def fetch_options(wanted: argparse.Namespace) -> FetchOptions:
    """Return what the arguments mean for a fetch."""
    headers = [*wanted.header]
    certificate, password = wanted.cert or (None, None)
    if wanted.range:
        headers.append(f"Range: bytes={wanted.range}")
    return FetchOptions(
        method="HEAD" if wanted.head else "GET",
        headers=headers,
        compressed=wanted.compressed,
        max_ratio=wanted.max_ratio or None,
        follow=wanted.location,
        max_redirects=wanted.max_redirs,
        fail=wanted.fail,
        max_bytes=wanted.max_filesize or None,
        max_seconds=wanted.max_time or None,
        proxy=wanted.proxy,
        no_proxy=wanted.noproxy,
        connect=ConnectOptions(
            connect_seconds=wanted.connect_timeout or None,
            read_seconds=wanted.read_timeout or None,
            family=wanted.family,
            authorities=wanted.cacert,
            insecure=wanted.insecure,
            certificate=certificate,
            key=wanted.key,
            password=password if wanted.password is None else wanted.password,
        ),
    )


def check_together(wanted: argparse.Namespace) -> None:
    """See that the options go together.

    Raises:
        OptionError: Some don't.
    """
    excluded = {
        "--include": "would put headers into the file",
        "--head": "asks for no body",
        "--range": "asks for another part",
        "--compressed": "asks for what can't be gone on with",
        "--no-clobber": "would write another file",
    }
    given = {name for name in excluded if getattr(wanted, name[2:].replace("-", "_")) not in (None, False)}
    if wanted.continue_at is not None and given:
        name = min(given)
        raise OptionError(f"not both --continue-at and {name}, which {excluded[name]}")
    own = {"range", "if-range"} if wanted.continue_at is not None else {"range"} if wanted.range else set()
    for line in wanted.header:
        if line.partition(":")[0].lower() in own:
            option = "--range" if wanted.range else "--continue-at"
            raise OptionError(f"not both {option} and --header {line!r}, which asks for another part")
    if wanted.range and wanted.compressed:
        raise OptionError("not both --range and --compressed: a part can't be decompressed")
    if wanted.key and not wanted.cert:
        raise OptionError("--key without --cert: whose key is it?")


def _parser(prog: str, epilog: str | None) -> _Parser:
    description = "Fetch a page over a bare socket."
    parser = _Parser(prog, description=description, epilog=epilog, allow_abbrev=False)
    add = parser.add_argument
    add(
        "url", metavar="URL", nargs="?", type=str
    )  # an empty one is a malformed URL, with curl's status for that
    add("-o", "--output", metavar="FILE", help="where the body goes; -: standard output")
    add("--no-clobber", action="store_true", help="replace no file; save beside it, with a number")
    add("-C", "--continue-at", metavar="OFFSET", type=_offset, help="go on there; -: where the file ends")
    add("-r", "--range", metavar="RANGE", type=_range, help="ask for a part, such as 0-499, 500- or -500")
    add("-R", "--remote-time", action="store_true", help="give the file the page's time")
    add("-I", "--head", action="store_true", help="ask for the headers alone")
    add("-i", "--include", action="store_true", help="put the headers before the body")
    add("-H", "--header", metavar="LINE", action="append", default=[], help="send 'Name: value'; repeatable")
    add("-f", "--fail", action="store_true", help="status 400 and more is a failure (22)")
    add("-s", "--silent", action="store_true", help="print no headers and no progress bar")
    add("-S", "--show-error", action="store_true", help="errors are always shown")
    add("-v", "--verbose", action="store_true", help="show the conversation on standard error")
    add("-w", "--write-out", metavar="FORMAT", help="print %%{http_code}, %%{time_total} … afterwards")
    add("-L", "--location", action="store_true", default=True, help="follow redirects (the default)")
    add("--no-location", action="store_false", dest="location", help="follow no redirects")
    add("--max-redirs", metavar="N", type=_number(count, -1), default=MAX_REDIRECTS, help="-1: any number")
    add("--max-filesize", metavar="BYTES", type=_number(count), help="longest body, decompressed")
    add("--max-time", metavar="SECONDS", type=_number(_seconds), help="for all of it")
    add("--connect-timeout", metavar="SECONDS", type=_number(_seconds), default=60.0, help="(60)")
    add("--read-timeout", metavar="SECONDS", type=_number(_seconds), default=60.0, help="of silence (60)")
    add("--compressed", action="store_true", help="ask for gzip and deflate, and undo them")
    ratio = "how much larger that may make it (200, from 16 MiB on); 0: any"
    add("--max-ratio", metavar="N", type=_number(count), default=MAX_RATIO, help=ratio)
    add("-x", "--proxy", metavar="URL", type=str, help="an HTTP proxy, not the environment's; '': none")
    add("--noproxy", metavar="HOSTS", type=str, help="no proxy for these, between commas; *: for none")
    add("--cacert", metavar="FILE", help="trust these certificates, not the system's")
    add("-k", "--insecure", action="store_true", help="trust any certificate")
    add(
        "-E",
        "--cert",
        metavar="FILE",
        type=_certificate,
        help="show this certificate (PEM, with its key); FILE:PASSWORD",
    )
    add("--key", metavar="FILE", help="the key of --cert, if it is elsewhere")
    add("--pass", metavar="PASSWORD", type=str, dest="password", help="of the key")
    four, six = socket.AF_INET, socket.AF_INET6
    add("-4", "--ipv4", action="store_const", const=four, default=0, dest="family", help="IPv4 alone")
    add("-6", "--ipv6", action="store_const", const=six, dest="family", help="IPv6 alone")
    return parser


def _certificate(text: str) -> tuple[str, str | None]:
    r"""Read ``FILE`` or ``FILE:PASSWORD``; a colon of the file's name is written ``\:``."""
    match = re.fullmatch(r"((?:\\.|[^:\\]|\\$)*)(?::(.*))?", text, re.DOTALL)
    assert match is not None
    return _filled(re.sub(r"\\([:\\])", r"\1", match[1])), match[2]


def _filled(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError(EMPTY)
    return text


def _number(convert: Callable[..., Any], *bounds: int) -> Callable[[str], Any]:
    """Return a function that reads a number for argparse, which reports only its own errors."""

    def number(text: str) -> Any:
        try:
            return convert(text, *bounds)
        except OptionError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return number


def _seconds(text: str) -> float:
    return min(seconds(text), LONGEST_SECONDS)


def _offset(text: str) -> int:
    return -1 if text == "-" else int(_number(count)(text))


def _range(text: str) -> str:
    try:
        return ",".join(map(str, parse_ranges(text)))
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
