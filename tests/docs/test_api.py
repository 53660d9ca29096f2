"""The pages of docs/reference/api: every public name, once, with a docstring that says all of it."""

import ast
import builtins
import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase
from zope.interface import implementedBy
from zope.interface.interface import InterfaceClass

import sockproto
from sockproto import errors

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "reference" / "api").glob("*.md"))
FRONT_DOORS = ("", "client", "commands", "interfaces", "rawhttp", "scpi", "testing")
"""What is meant to be imported from; what the documents import beside it is public too."""

UNITS = re.compile(
    r"(?i)\b(bytes?|seconds?|port|numbers?|how (many|often|long)|status|connections?|messages?|names?|unit"
    r"|probability|permissions|pushes|replies|lines)\b"
)
"""What says what a number is of."""

CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def public(door: str) -> set[str]:
    """Return the names that can be imported from a front door."""
    module = import_module(f"sockproto.{door}".rstrip("."))
    if hasattr(module, "__all__"):
        return {f"{module.__name__}.{name}" for name in module.__all__}
    tree = ast.parse(Path(module.__file__ or "").read_text("utf-8"))
    found = {name.asname for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names}
    found |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return {f"{module.__name__}.{name}" for name in found if name}


def imported() -> set[str]:
    """Return the names that the listings of the pages, the examples and tac files import from us."""
    texts = [path.read_text("utf-8") for path in (ROOT / "tac").glob("*.tac")]
    examples = [path for path in (ROOT / "examples").rglob("*.py") if path.name != "__main__.py"]  # a tool
    texts += [path.read_text("utf-8") for path in examples]
    for part in "tutorial", "howto", "topics":
        texts += [path.read_text("utf-8") for path in (ROOT / "docs" / part).rglob("*.md")]
    found = set()
    for text in texts:
        for module, several, one in re.findall(
            r"^ *from (sockproto[\w.]*) import (?:\(([^)]*)\)|(.*))", text, re.M
        ):
            names = re.findall(r"\w+", re.sub(r"#.*| as \w+", "", several or one))
            found |= {f"{module}.{name}" for name in names}
    return found


def thing(path: str) -> Any:
    """Return what has that full name."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def listed() -> list[str]:
    """Return the full names that the pages have, as often as they have them."""
    text = "\n".join(path.read_text("utf-8") for path in PAGES)
    found = re.findall(r"^\.\. auto(?:class|exception|function|data|interface):: (\S+)$", text, re.M)
    assert text.count(".. automodule:: sockproto.errors\n") == 1
    return [*found, *sorted(public("errors"))]


class Part:
    """A function, or what makes an object of a class, and what is said of it.

    A parameter is explained where its name stands, or its type; not at all where others make the object.

    Args:
        name: Its full name.
        made: The function.
        said: The docstrings that may say it: its own, and its class'.
    """

    def __init__(self, name: str, made: Any, *said: Any) -> None:
        self.name, self.made = name, made
        self.own = inspect.getdoc(said[0])
        self.said = "\n".join(filter(None, (inspect.getdoc(each) for each in said if each)))

    def faults(self) -> Iterator[str]:
        """Yield what is not said."""
        if not self.own:
            yield f"{self.name}: no docstring"
            return
        signature = inspect.signature(self.made)
        for name, parameter in signature.parameters.items():
            if name in ("self", "cls") or name[0] == "_" or parameter.kind in CATCH_ALL:
                continue
            kind = inspect.formatannotation(parameter.annotation).rpartition(".")[2]
            if not re.search(rf"\b({name}|{re.escape(kind)})\b|\bMade by ``", self.said, re.I):
                yield f"{self.name}: {name} is not explained"
            elif re.fullmatch(r"(int|float)( \| None)?", str(parameter.annotation)) and not self.has_unit(
                name
            ):
                yield f"{self.name}: {name} has no unit"
            if re.search(rf"^ {{8,}}{name}: \S", self.own, re.M):
                yield f"{self.name}: {name} is part of the entry before it"
        returned = signature.return_annotation
        nothing = (None, "None", signature.empty, "NoReturn")
        if returned not in nothing and not re.search(r"(?i)\b(return|yield|tell|give)s?\b", self.said):
            yield f"{self.name}: what it returns is not said"
        for error in sorted(raised(self.made)):
            if not re.search(rf"\b({'|'.join(error.split())})\b", self.said):
                yield f"{self.name}: {error.split()[0]} is not said"

    def has_unit(self, name: str) -> bool:
        """Tell whether a number's name says what it is of, or its explanation."""
        entry = re.search(rf"^ +\*?{name}: .*(?:\n +[^:\n]+$)*", self.said, re.M)
        return bool(UNITS.search(name.replace("_", " ")) or UNITS.search(entry[0] if entry else self.said))


def raised(function: Any) -> set[str]:
    """Return the errors that a function raises in its own body, each with the names of its bases."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError):
        return set()
    found = set()
    for call in calls_raised(tree.body[0]):
        kind = getattr(errors, call, None) or getattr(builtins, call, None)
        if isinstance(kind, type) and kind is not AssertionError:
            found.add(" ".join(each.__name__ for each in kind.__mro__[:-1]))
    return found


def calls_raised(node: ast.AST) -> Iterator[str]:
    """Yield the names of what is raised in a node, but for the functions defined in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            yield ast.unparse(child.exc.func)
        if not isinstance(child, ast.FunctionDef):
            yield from calls_raised(child)


def parts(path: str) -> Iterator[Part]:
    """Yield what is to be said of a public name."""
    value = thing(path)
    if isinstance(value, InterfaceClass):
        yield Part(path, lambda: None, value)
        for name, each in value.namesAndDescriptions():
            yield Part(f"{path}.{name}", lambda: None, each)
    elif inspect.isfunction(value):
        yield Part(path, value, value)
    elif isinstance(value, type):
        own = vars(value).get("__init__", lambda: None)
        yield Part(path, own, value)
        for name, each in dict(vars(value)).items():
            made = getattr(each, "__func__", each)
            if inspect.isfunction(made) and is_ours(name) and made.__name__ != "<lambda>":
                bases = [vars(base).get(name) for base in value.__mro__[1:]]
                promised = [interface.get(name) for interface in implementedBy(value).flattened()]  # type: ignore[no-untyped-call]  # zope has no types
                yield Part(f"{path}.{name}", made, made, value, *bases, *promised)
            elif isinstance(each, property) and is_ours(name):
                yield Part(f"{path}.{name}", lambda: None, each)


def is_ours(name: str) -> bool:
    """Tell whether a method is public and not Twisted's, which explains its own."""
    return name[0] != "_" and name.islower()


class PageTests(TestCase):
    def test_every_public_name_is_there_once(self) -> None:
        names = listed()
        objects = Counter(map(id, map(thing, names)))
        again = [name for name in names if objects[id(thing(name))] > 1 and not isinstance(thing(name), int)]
        self.assertEqual(again, [])
        wanted = imported().union(*map(public, FRONT_DOORS))
        self.assertGreater(len(wanted), 150)
        self.assertEqual(sorted(name for name in wanted if id(thing(name)) not in objects), [])

    def test_each_has_all_of_it_in_its_docstring(self) -> None:
        faults = [fault for name in listed() for part in parts(name) for fault in part.faults()]
        self.assertEqual(faults, [])

    def test_the_pages_come_in_the_order_of_the_front_door(self) -> None:
        index = next(path for path in PAGES if path.name == "index.md").read_text("utf-8")
        pages = re.findall(r"^\| \[.+?\]\((\w+)\.md\)", index, re.M)
        self.assertEqual({*pages, "index"}, {path.stem for path in PAGES})
        order = re.findall(r"^(\w+)/?  ", sockproto.__doc__ or "", re.M)
        places = [
            order.index({"conversations": "core", "framings": "core"}.get(page, page)) for page in pages
        ]
        self.assertEqual(places, sorted(places))
