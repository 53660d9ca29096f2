"""Finds every protocol: our own, one file each, and those of other packages; and says what is wrong with one.

::

    definitions()["echo"].factory()     # an EchoFactory
    search().broken                     # what could not be loaded, each with its reason

Twisted's ``getPlugins`` is not asked: it knows nothing of a module that failed once it has printed a
traceback, and it writes a cache. It finds the same definitions.
"""

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import twisted.plugins

from sockproto import protocols
from sockproto.core.text import escape
from sockproto.interfaces import IProtocolDefinition
from sockproto.server.validation import flaw

MAX_REASON = 300
"""Characters of a reason that are told: it may quote anything."""


class Found(NamedTuple):
    """A protocol, and where it was found.

    Attributes:
        definition: An ``IProtocolDefinition``.
        module: The name of the module.
        file: Its path, None if it has none.
    """

    definition: Any
    module: str
    file: str | None


class Broken(NamedTuple):
    """What could not be loaded; as text it is one line.

    Attributes:
        module: The name of the module.
        file: Its path, None if it has none.
        reason: What is wrong with it, such as ``can't be imported: …``, in printable characters.
    """

    module: str
    file: str | None
    reason: str

    def __str__(self) -> str:
        return f"{escape(self.module)} {self.reason}"


class Catalog(NamedTuple):
    """The protocols that were found.

    Attributes:
        found: Our protocols, then those of others, each in the order of their names.
        broken: What could not be loaded, in the order of the modules.
    """

    found: tuple[Found, ...]
    broken: tuple[Broken, ...]

    @property
    def definitions(self) -> dict[str, Any]:
        """The definitions, by name."""
        return {each.definition.name: each.definition for each in self.found}


def definitions() -> dict[str, Any]:
    """Return the definitions of all protocols that could be loaded, by name.

    Returns:
        ``IProtocolDefinition`` providers, ours first, in the order of their names.
    """
    return search().definitions


def find(name: str) -> Any:
    """Return the definition of a protocol; no module of others is imported for one of ours.

    Raises:
        KeyError: There is no protocol of that name.
    """
    for each in _ours():
        if each.definition.name == name:
            return each.definition
    return definitions()[name]


def search() -> Catalog:
    """Find all protocols.

    Ours are the ``DEFINITION`` of each file in ``sockproto.protocols``. Those of others are the
    ``IProtocolDefinition`` providers in the modules of every ``twisted/plugins`` directory on ``sys.path``. A
    name belongs to the first who has it: to us, then to the module whose own name comes first.
    """
    ours = list(_ours())
    theirs: list[Found] = []
    broken: list[Broken] = []
    modules = pkgutil.iter_modules(twisted.plugins.__path__, f"{twisted.plugins.__name__}.")
    for name in sorted(module.name for module in modules):
        for each in _in_plugin(name):
            fault = _fault([*ours, *theirs], each) if isinstance(each, Found) else each
            if isinstance(fault, Broken):
                broken.append(fault)
            elif all(each.definition is not other.definition for other in [*ours, *theirs]):
                theirs.append(each)
    broken += _hidden()
    theirs.sort(key=lambda each: str(each.definition.name))
    return Catalog((*ours, *theirs), tuple(broken))


def _hidden() -> Iterator[Broken]:
    """Find plugin directories that are packages, which hides what is in them from Twisted."""
    for directory in sys.path:
        plugins = Path(directory, "twisted", "plugins")
        marker = plugins / "__init__.py"
        if marker.exists() and str(marker) != twisted.plugins.__file__:
            yield Broken(str(plugins), str(marker), "is no plugin directory: remove its __init__.py")


def _ours() -> Iterator[Found]:
    for info in pkgutil.iter_modules(protocols.__path__, f"{protocols.__name__}."):
        yield Found(import_module(info.name).DEFINITION, info.name, _file(info.name))


def _in_plugin(name: str) -> Iterator[Any]:
    """Yield the definitions of a plugin module, or the reason why it has none."""
    try:
        module = import_module(name)
        values = {id(value): value for value in vars(module).values()}.values()  # each once
        found = [value for value in values if IProtocolDefinition.providedBy(value)]
    except (
        Exception,
        SystemExit,
    ) as error:  # SystemExit too: somebody else's module must not end this program
        yield Broken(name, _file(name), f"can't be imported: {_reason(error)}")
    else:
        for definition in found:
            yield Found(definition, name, _file(name))


def _file(module: str) -> str | None:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec is not None else None


def _fault(known: list[Found], each: Found) -> Broken | None:
    """Return what is wrong with a definition, beside those that were found before."""
    definition = each.definition
    try:
        reason = flaw(definition)
    except Exception as error:  # an attribute that is computed, by code that is not ours
        reason = _reason(error)
    if reason is None:
        reason = next(
            (
                f"the name {definition.name!r} is taken by {other.module}"
                for other in known
                if other.definition is not definition and other.definition.name == definition.name
            ),
            None,
        )
    if reason is None:
        return None
    return Broken(each.module, each.file, f"has a definition that can't be used: {_shown(reason)}")


def _reason(error: BaseException) -> str:
    """Return an exception as one printable line."""
    try:
        text = str(error)
    except Exception:  # of an exception that is not ours
        text = ""
    return _shown(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _shown(reason: str) -> str:
    """Return a reason as one printable line of some length."""
    text = escape(reason[:MAX_REASON])
    return text if len(reason) <= MAX_REASON else f"{text}…"
