"""How a case is written, found and chosen.

A case is a function of a ``Subject``. It returns if the server is right, and raises ``Failed``, ``Open`` or
``Skipped`` if not; the ``StreamClient`` and ``DatagramClient`` that it uses raise ``Failed`` for whatever is
not as it should be. Its name and its file's are its identifier, its docstring is what is expected::

    @case("echo")
    def the_same_comes_back(subject: Subject) -> None:
        \"\"\"What is sent comes back, in order.\"\"\"
        stream = subject.open()
        stream.send(b"Hello")
        stream.expect(b"Hello")
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TypeAlias

from sockproto.check.script import SCRIPT
from sockproto.check.script.dialogue import ProtocolScript
from sockproto.check.subject import Subject
from sockproto.check.verdict import Case
from sockproto.errors import OptionError

GROUPS = (
    "meaning",
    "splits",
    "pipelining",
    "half_close",
    "never_reads",
    "slow",
    "binary",
    "long_messages",
    "resets",
    "many",
    "datagrams",
    "loops",
    "shutdown",
)
"""The files of ``cases``, in the order in which they are run."""

SCRIPTED = (
    "meaning",
    "splits",
    "pipelining",
    "half_close",
    "never_reads",
    "slow",
    "long_messages",
    "many",
    "shutdown",
)
"""Those of ``cases.scripted``."""

TUTORIALS = "the socket tutorials"
SENSE = "common sense"
RFCS = {
    "echo": "RFC 862",
    "discard": "RFC 863",
    "chargen": "RFC 864",
    "qotd": "RFC 865",
    "daytime": "RFC 867",
    "time": "RFC 868",
    SCRIPT: "the script",
}
"""Where the protocols are specified that have an RFC, or a script; the others: the socket tutorials."""

Judge: TypeAlias = Callable[[Subject], None]


@dataclass(frozen=True)
class Judged:
    """A case and how it is judged.

    Attributes:
        identifier: Its group and its name.
        expectation: What a right server does.
        source: Who says so; what the protocol is specified in, if empty.
        protocols: Of which protocols.
        judge: The function.
        datagrams: Whether of datagrams, not of streams.
        quick: Whether ``--quick`` runs it.
        half_closes: Whether it half-closes, which TLS can't.
        basic: Whether others say nothing new where it fails.
        independent: Whether it says something even where the basic one fails.
        needs: What a script must have for it, a property of ``ProtocolScript``; nothing if empty.
        single: Whether it says something where only one message of a connection is answered.
    """

    identifier: str
    expectation: str
    source: str
    protocols: tuple[str, ...]
    judge: Judge
    datagrams: bool
    quick: bool
    half_closes: bool
    basic: bool
    independent: bool
    needs: str
    single: bool

    @property
    def group(self) -> str:
        """Its file's name."""
        return self.judge.__module__.rpartition(".")[2]

    def case(self, protocol: str) -> Case:
        """Return it as it stands in a report about a protocol."""
        source = self.source or RFCS.get(protocol, TUTORIALS)
        return Case(self.identifier, self.expectation, source, self.quick)


_registry: list[Judged] = []


def case(
    *protocols: str,
    source: str = "",
    datagrams: bool = False,
    quick: bool = True,
    half_closes: bool = False,
    basic: bool = False,
    independent: bool = False,
    needs: str = "",
    single: bool = False,
) -> Callable[[Judge], Judge]:
    """Make a case of a function; see ``Judged``. Its docstring, in one line, is what is expected."""

    def register(judge: Judge) -> Judge:
        group = judge.__module__.rpartition(".")[2]
        expectation = " ".join((judge.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")
        _registry.append(
            Judged(
                f"{group}.{judge.__name__}".replace("_", "-"),
                expectation,
                source,
                protocols,
                judge,
                datagrams,
                quick,
                half_closes,
                basic,
                independent or group == "meaning",
                needs,
                single,
            )
        )
        return judge

    return register


def cases(protocol: "str | ProtocolScript", datagrams: bool = False) -> list[Judged]:
    """Return the cases of a protocol, or of what a script says, in order."""
    for group in (*GROUPS, *(f"scripted.{group}" for group in SCRIPTED)):
        import_module(f"sockproto.check.cases.{group}")
    if isinstance(protocol, str):
        return [each for each in _registry if protocol in each.protocols and each.datagrams == datagrams]
    found = [each for each in _registry if SCRIPT in each.protocols and not datagrams]
    found = [each for each in found if not each.needs or getattr(protocol, each.needs)]
    return sorted(found, key=lambda each: GROUPS.index(each.group))


def chosen(found: Iterable[Judged], only: Sequence[str], skip: Sequence[str]) -> list[Judged]:
    """Return those to run.

    Args:
        found: All there are.
        only: Identifiers or groups, with ``*`` and ``?`` as in a shell; all if empty.
        skip: Likewise, what not to run.

    Raises:
        OptionError: One of them is the name of nothing.
    """
    found = list(found)
    for pattern in (*only, *skip):
        if not any(_named(each, [pattern]) for each in found):
            reason = "--list shows them; write GROUP or GROUP.NAME, with * and ? as in a shell"
            raise OptionError(f"{pattern!r} names no case of this protocol: {reason}")
    left = [each for each in found if (not only or _named(each, only)) and not _named(each, skip)]
    if not left:
        raise OptionError("no case is left: --skip names all that --only does")
    return left


def _named(judged: Judged, patterns: Iterable[str]) -> bool:
    group = judged.identifier.partition(".")[0]
    return any(fnmatchcase(each, pattern) for pattern in patterns for each in (judged.identifier, group))
