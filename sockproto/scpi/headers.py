"""The tree of the headers that an instrument knows, and what a received header means in it.

Pure; what a header stands for is anything that has a ``header`` and takes suffixes::

    tree = HeaderTree()
    tree.add(declared)                          # its header: [SOURce]:VOLTage
    tree.find(b"sour:volt", tree.root)          # declared, its suffixes, and the path for what comes next

Two rules make a tree of it. A header that begins without a colon is looked up where, in the same message, the
last node of the header before it was (SCPI-99, volume 1, 6.2.4; IEEE 488.2-1992, appendix A); nodes that were
not written there are not in that path either. A numeric suffix that is not written is 1 (6.2.5.2).
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, Protocol, TypeAlias

from sockproto.errors import DeclarationError, InstrumentError
from sockproto.scpi.notation import MAX_MNEMONIC_CHARACTERS, Mnemonic, ProgramHeader

KEPT_HEADERS = 1024
"""So many received headers are found without a search: each command is mostly written in one way."""

_HEADER = re.compile(rb"\*[A-Z]+\??|:?[A-Z][A-Z0-9_]*(?::[A-Z][A-Z0-9_]*)*\??")
_SUFFIXED = re.compile(rb"(.*[^0-9])([0-9]{1,9})")


class Declared(Protocol):
    """What is found: a command or a query."""

    header: ProgramHeader

    def parse_suffixes(self, suffixes: tuple[int, ...]) -> tuple[object, ...]:
        """Make the values of those numeric suffixes that are parameters; raise InstrumentError."""


class Node:
    """A node of the tree.

    Attributes:
        mnemonic: What it is called; None for the root.
        children: Those below it, by their forms; two of one form differ in whether they may be left out.
        query: What is declared to end here, with a question mark.
        command: The same without.
    """

    def __init__(self, mnemonic: Mnemonic | None = None) -> None:
        self.mnemonic = mnemonic
        self.children: dict[bytes, list[Node]] = {}
        self.query: Declared | None = None
        self.command: Declared | None = None

    def child(self, mnemonic: Mnemonic) -> "Node":
        """Return the node of a mnemonic below this one; make it if it is missing.

        Raises:
            DeclarationError: Another one has one of its forms.
        """
        for form in mnemonic.forms:
            for node in self.children.get(form, ()):
                if node.mnemonic == mnemonic:
                    return node
                if node.mnemonic is not None and node.mnemonic.long != mnemonic.long:
                    raise DeclarationError(
                        f"{mnemonic.long} and {node.mnemonic.long} are both {form.decode()}"
                    )
        node = Node(mnemonic)
        for form in mnemonic.forms:
            self.children.setdefault(form, []).append(node)
        return node


Position: TypeAlias = tuple[Node, tuple[int | None, ...]]
"""A node, and the numeric suffixes on the way to it: None for one that was not written."""

Path: TypeAlias = tuple[Position, ...]
"""Where a header is looked up: one place, or several where the same words may lead to different nodes."""


class FoundHeader(NamedTuple):
    """What a header means.

    Attributes:
        declared: What it stands for.
        suffixes: The values of the numeric suffixes that are parameters.
        path: Where the next header of the same message is looked up.
    """

    declared: Declared
    suffixes: tuple[object, ...]
    path: Path


class HeaderTree:
    """All headers of an instrument.

    Attributes:
        root: The path at the beginning of a message.
        declared: All that was added, in that order.
    """

    def __init__(self) -> None:
        self._top = Node()
        self.root: Path = ((self._top, ()),)
        self.declared: list[Declared] = []
        self.find = lru_cache(KEPT_HEADERS)(self._find)

    def add(self, declared: Declared) -> None:
        """Add a command or query.

        Raises:
            DeclarationError: There is one already that can be written alike.
        """
        header, node = declared.header, self._top
        for mnemonic in header.mnemonics:
            node = node.child(mnemonic)
        if (node.query if header.is_query else node.command) is not None:
            raise DeclarationError(f"there are two of {header}")
        if header.is_query:
            node.query = declared
        else:
            node.command = declared
        self.declared.append(declared)

    def require_unambiguous(self) -> None:
        """See that each spelling means one thing: call it once all are added.

        Raises:
            DeclarationError: One has two meanings.
        """
        for declared in self.declared:
            for spelling in _spellings(declared.header):
                others = {id(each): each for each, _ in self._ends(spelling, self.root)[0]}
                if len(others) > 1:
                    names = " and ".join(str(each.header) for each in others.values())
                    raise DeclarationError(f"{spelling.decode()} would be both {names}")

    def _find(self, header: bytes, path: Path) -> FoundHeader:
        """Return what a received header means.

        Args:
            header: As it was received.
            path: Where it is looked up, unless it begins with a colon or an asterisk.

        Raises:
            InstrumentError: It means nothing: -101, -111, -112, -113 or -114.
        """
        upper = header.upper()
        match = _HEADER.match(upper)
        if match is None or match.end() < len(upper):
            separated = match is not None and upper[match.end() - 1 :].startswith(b"?")
            raise InstrumentError(-111 if separated else -101)
        ends, before = self._ends(upper, path)
        wrong = InstrumentError(-113)
        for declared, suffixes in ends:
            try:
                values = declared.parse_suffixes(tuple([1 if each is None else each for each in suffixes]))
            except InstrumentError as error:
                wrong = error
            else:
                return FoundHeader(declared, values, path if upper.startswith(b"*") else before)
        if any(len(name) > MAX_MNEMONIC_CHARACTERS for name in re.split(b"[:?*]", upper)):
            wrong = InstrumentError(-112)
        raise wrong

    def _ends(self, header: bytes, path: Path) -> tuple[list[tuple[Declared, tuple[int | None, ...]]], Path]:
        """Return all that a header leads to, and where its last mnemonic was looked up."""
        if header.startswith((b":", b"*")):
            path = self.root
        places = before = path
        for name in header.removesuffix(b"?").removeprefix(b":").split(b":"):
            before = places
            places = tuple(_step(_with_left_out(places), name))
        is_query = header.endswith(b"?")
        ends = []
        for node, suffixes in _with_left_out(places):
            declared = node.query if is_query else node.command
            if declared is not None:
                ends.append((declared, suffixes))
        return ends, before


def _with_left_out(places: Iterable[Position]) -> Iterator[Position]:
    """Yield places, and those below them that are reached by nodes which are not written."""
    for node, suffixes in places:
        yield node, suffixes
        below = {id(child): child for children in node.children.values() for child in children}
        yield from _with_left_out(
            (child, (*suffixes, None))
            for child in below.values()
            if child.mnemonic is not None and child.mnemonic.optional
        )


def _step(places: Iterable[Position], name: bytes) -> Iterator[Position]:
    """Go on to the nodes of a name, with a numeric suffix or without."""
    suffixed = _SUFFIXED.fullmatch(name)
    for node, suffixes in places:
        for child in node.children.get(name, ()):
            yield child, (*suffixes, None)
        if suffixed is not None:
            for child in node.children.get(suffixed[1], ()):
                yield child, (*suffixes, int(suffixed[2]))


def _spellings(header: ProgramHeader) -> Iterator[bytes]:
    """Yield ways to write a header: with and without each node that is optional, short and long."""
    short, long = ([choose(m.forms, key=len) for m in header.mnemonics] for choose in (min, max))
    for forms in short, long:
        for written in product(*([True, False] if m.optional else [True] for m in header.mnemonics)):
            names = [form for form, is_written in zip(forms, written, strict=True) if is_written]
            yield b":".join(names) + b"?" * header.is_query
