"""Nobody but ``sockproto.reactor`` touches a private name of Twisted's, or of a class of another module."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import TestCase

import sockproto

ROOT = Path(sockproto.__file__).parent.parent
FOLDERS = ("sockproto", "tests", "benchmarks", "examples", "tac", "twisted_plugins", "docs")
ALLOWED = "sockproto/reactor/"

# Documented, though they begin with an underscore: of named tuples, and of os.
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}
# Documented nowhere, though they don't: of transports and clocks.
UNDOCUMENTED = {"dataBuffer", "producerPaused", "rightNow", "streamingProducer"}
BY_NAME = {"delattr", "getattr", "hasattr", "patch", "setattr"}  # calls that take a name as a string


def is_private(name: str) -> bool:
    """Tell whether a name is its owner's affair."""
    if name in DOCUMENTED:
        return False
    return name in UNDOCUMENTED or (len(name) > 1 and name[0] == "_" and not name.endswith("__"))


def sources() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of all our Python, that of the documentation's pages included."""
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("docs/_build/"):
            continue
        if path.suffix in (".py", ".tac"):
            yield name, path.read_text("utf-8")
        elif path.suffix == ".md":
            for number, listing in enumerate(
                re.findall(r"```python\n(.+?)```", path.read_text("utf-8"), re.S)
            ):
                yield f"{name}, listing {number}", listing


def is_own(owner: ast.expr) -> bool:
    """Tell whether an expression is the object itself, or its class."""
    if isinstance(owner, ast.Call):
        owner = owner.func
        return isinstance(owner, ast.Name) and owner.id == "super"
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls")


def defined(tree: ast.AST) -> set[str]:
    """Return the private names that a module defines: its own, its classes' and its objects'."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            found.add(node.attr)
    return found


def touched(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Yield the names that a module touches: the line, the name, whether it is one of the object itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr, is_own(node.value)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from ((node.lineno, part, False) for part in alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from ((node.lineno, part, False) for part in names if part != "__future__")
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            function, name = node.func, node.args[1]
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if called in BY_NAME and isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, name.value, is_own(node.args[0])


def violations(texts: list[tuple[str, str]]) -> list[str]:
    """Return where a private name of another's is touched.

    A name is a module's own if the module defines it. What an object reads of itself must be defined in some
    module of ours: it may come from a base, but not from one of Twisted's.
    """
    trees = {path: ast.parse(text) for path, text in texts if not path.startswith(ALLOWED)}
    names = {path: defined(tree) for path, tree in trees.items()}
    ours = set().union(*names.values())
    return [
        f"{path}, line {line}: {name}"
        for path, tree in trees.items()
        for line, name, own in touched(tree)
        if is_private(name) and name not in (ours if own else names[path])
    ]


class PrivateNameTests(TestCase):
    def test_nobody_touches_anothers(self) -> None:
        found = violations(list(sources()))
        self.assertEqual(found, [])

    def test_what_is_found(self) -> None:
        for code in (
            "transport._tempDataLen",
            "transport.dataBuffer",
            "connection().remote._socket.close()",
            "from twisted.internet import _newtls",
            "from twisted.internet._newtls import startTLS",
            "import twisted.internet._newtls",
            "getattr(transport, '_tempDataLen', 0)",
            "test.patch(transport, '_tempDataLen', 0)",
            "class Mine(Connection):\n    def held(self): return self._tempDataLen",
            "class Mine(Connection):\n    def held(self): return super()._tempDataLen",
        ):
            self.assertEqual(len(violations([("some.py", code)])), 1, code)

    def test_what_is_allowed(self) -> None:
        for code in (
            "class Mine:\n    def __init__(self, other): self._x = other._x",
            "class Mine:\n    _x = 1\ndef function(mine): return mine._x",
            "row._replace(x=1)",
            "from __future__ import annotations",
            "thing.__class__.__name__",
            "_('translated')",
        ):
            self.assertEqual(violations([("some.py", code)]), [], code)
        base = "class Base:\n    def __init__(self): self._x = 1"
        heir = "class Heir(Base):\n    def get(self): return self._x"
        self.assertEqual(violations([("base.py", base), ("heir.py", heir)]), [])
        self.assertEqual(violations([("sockproto/reactor/x.py", "transport._tempDataLen")]), [])
