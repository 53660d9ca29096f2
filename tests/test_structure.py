"""The architecture that the file list shows: what imports what, and what importing does."""

import ast
import re
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from twisted.trial.unittest import TestCase

import sockproto
from sockproto import errors
from tests.hanging import TIMEOUT

ROOT = Path(sockproto.__file__).parent

# Folders are layers: what stands in a line imports from the lines before it, and from itself.
LAYERS = [
    "errors interfaces",
    "core reactor",
    "plain carriers testing",
    "commands rawhttp check admin",
    "scpi",
    "protocols",
    "server client",
    "workers",
    "cli",
]
FLOOR = {name: floor for floor, line in enumerate(LAYERS) for name in line.split()}
ONLY = {  # of ours, for those who could know more
    "reactor": "",
    "testing": "reactor",
    "plain": "errors core.text",
    "rawhttp": "errors core.text plain",
    "check": "errors core.pattern core.text plain",
}
SAME_NAME = {
    "Reset": "an error of a call; a step in the scripts of the test kit, which has its own front door"
}
"""Names that two public classes have, and why."""

NO_TWISTED = "errors interfaces core plain rawhttp check"


def imports(path: Path) -> set[str]:
    """Return the names of the modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"relative import in {path}"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def run(code: str) -> str:
    """Run code in an interpreter of its own; return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=TIMEOUT
    ).stdout


def of_ours(name: str) -> bool:
    """Tell whether an imported name is a module of sockproto's."""
    return name.startswith("sockproto.") and name.split(".")[1] in FLOOR


class LayerTests(TestCase):
    def modules(self, names: Iterable[str] = FLOOR) -> Iterator[tuple[str, Path, set[str]]]:
        """Yield the layer, path and imports of every module of some layers."""
        seen = set()
        for path in ROOT.rglob("*.py"):
            layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
            if layer in names:
                seen.add(layer)
                yield layer, path, imports(path)
            elif layer not in ("__init__", "__main__"):
                self.assertIn(layer, FLOOR, f"{path} has no place in the layers")
        self.assertEqual(seen, set(names))

    def test_imports_point_downwards(self) -> None:
        for layer, path, names in self.modules():
            for imported in filter(of_ours, names):
                other = imported.split(".")[1]
                self.assertTrue(FLOOR[other] < FLOOR[layer] or other == layer, f"{path} imports {imported}")

    def test_those_that_could_know_more_know_only_what_they_need(self) -> None:
        for layer, path, names in self.modules(ONLY):
            allowed = [f"sockproto.{name}" for name in (layer, *ONLY[layer].split())]
            for imported in filter(of_ours, names):
                known = any(f"{imported}.".startswith(f"{name}.") for name in allowed)
                self.assertTrue(known or imported == "sockproto.core", f"{path} imports {imported}")

    def test_what_is_pure_or_plain_knows_no_twisted(self) -> None:
        for _, path, names in self.modules(NO_TWISTED.split()):
            for imported in names:
                root = imported.split(".")[0]
                self.assertIn(
                    root, {"sockproto", "zope", "regex", "tomli", *sys.stdlib_module_names}, str(path)
                )
                self.assertNotIn(
                    imported, ("http.client", "urllib.request", "asyncio", "socketserver"), str(path)
                )

    def test_no_modules_of_a_layer_import_each_other_in_a_circle(self) -> None:
        graph: dict[str, set[str]] = {}
        for _, path, names in self.modules():
            parts = path.relative_to(ROOT.parent).with_suffix("").parts
            graph[".".join(parts).removesuffix(".__init__")] = names
        sorter = TopologicalSorter({name: names & set(graph) - {name} for name, names in graph.items()})
        sorter.prepare()

    def test_no_module_is_named_after_what_it_exports(self) -> None:
        for path in ROOT.rglob("*.py"):
            defined = {node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")}
            self.assertNotIn(path.stem, defined, str(path))

    def test_the_front_doors_of_check_and_server_name_each_of_their_modules_in_one_row(self) -> None:
        for layer in ROOT / "check", ROOT / "server":
            modules = {path.stem for path in layer.glob("*.py")} - {"__init__"}
            table = ast.get_docstring(ast.parse((layer / "__init__.py").read_text())) or ""
            self.assertEqual(modules - set(re.findall(r"\w+", table)), set())
            rows = re.findall(r"^(\w+)/?  ", table, re.MULTILINE)
            self.assertEqual(len(rows), len(set(rows)))

    def test_no_two_public_classes_have_the_same_name(self) -> None:
        modules: dict[str, list[str]] = {}
        for _, path, _ in self.modules():
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    name = node.name
                elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                    name = ast.unparse(node.target)
                else:
                    continue
                modules.setdefault(name, []).append(str(path.relative_to(ROOT)))
        same = {name: where for name, where in modules.items() if len(where) > 1 and name[0] != "_"}
        self.assertEqual(set(same), set(SAME_NAME), same)

    def test_the_front_door_lists_every_layer_in_reading_order(self) -> None:
        listed = [
            line.split()[0].strip("/") for line in (sockproto.__doc__ or "").splitlines() if "  " in line
        ]
        self.assertEqual([name for name in listed if name in FLOOR], list(FLOOR))


class ImportTests(TestCase):
    def test_the_front_door_loads_no_twisted(self) -> None:
        self.assertEqual(
            run(
                "import sys, sockproto; print([m for m in sys.modules if m.split('.')[0] == 'twisted'])"
            ).strip(),
            "[]",
        )

    def test_the_front_door_gives_every_name(self) -> None:
        for name in vars(sockproto)["__all__"]:
            self.assertIsNotNone(getattr(sockproto, name))
            self.assertIn(name, dir(sockproto))
        self.assertRaises(AttributeError, getattr, sockproto, "Nonesuch")

    def test_the_front_door_gives_every_error(self) -> None:
        for name, error in vars(errors).items():
            if isinstance(error, type):
                self.assertIs(getattr(sockproto, name), error)

    def test_type_checkers_are_told_where_every_name_is(self) -> None:
        told = {
            node.module
            for node in ast.walk(ast.parse((ROOT / "__init__.py").read_text()))
            if isinstance(node, ast.ImportFrom) and [alias.name for alias in node.names] == ["*"]
        }
        self.assertEqual(told, {f"sockproto.{module}" for module in vars(sockproto)["_NAMES"]})

    def test_the_plain_fetcher_loads_the_standard_library_alone(self) -> None:
        code = "import sys, sockproto.rawhttp; print(*{name.split('.')[0] for name in sys.modules})"
        before = set(run("import sys; print(*{name.split('.')[0] for name in sys.modules})").split())
        loaded = set(run(code).split()) - before - {"sockproto"}
        self.assertEqual(loaded - sys.stdlib_module_names, set())
        self.assertNotIn("ssl", loaded)  # before there is a URL that needs it

    def test_a_name_that_needs_no_twisted_loads_none(self) -> None:
        code = "import sys; from sockproto import Lines, Limits; print('twisted' in sys.modules)"
        self.assertEqual(run(code).strip(), "False")

    def test_importing_any_module_installs_no_reactor(self) -> None:
        names = [
            ".".join(["sockproto", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
            for path in ROOT.rglob("*.py")
            if path.stem != "epoll" or hasattr(select, "epoll")
        ]
        self.assertGreater(len(names), 20)
        code = f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        self.assertEqual(run(code + "print('twisted.internet.reactor' in sys.modules)").strip(), "False")
