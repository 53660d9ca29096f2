"""The architecture that the file list shows: what imports what, and what importing does."""

import ast
import select
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import TestCase

import sockproto

ROOT = Path(sockproto.__file__).parent

# From the bottom up; a module imports only what stands above it. Those before "pending" import no Twisted.
LAYERS = [
    "interfaces",
    "errors",
    "conversation",
    "framing",
    "prefixed",
    "replies",
    "limits",
    "proxy",
    "rawhttp",
    "values",
    "address",
    "diagnosis",
    "check",
    "pending",
    "timetable",
    "stops",
    "outgoing",
    "journal",
    "ledger",
    "transport",
    "dialogue",
    "watch",
    "connection",
    "stream",
    "datagram",
    "definition",
    "commands",
    "protocols",
    "fitness",
    "catalog",
    "client",
    "ports",
    "listeners",
    "process",
    "epoll",
    "service",
    "parameters",
    "tap",
    "cli",
    "testing",
]
PACKAGES = {"check", "commands", "protocols", "rawhttp", "client", "cli", "testing"}
PURE = set(LAYERS[: LAYERS.index("pending")])


def imports(path: Path) -> set[str]:
    """Give the names of the modules that a file imports, wherever in it."""
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
    """Run code in an interpreter of its own; give what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout


class LayerTests(TestCase):
    def modules(self) -> dict[str, set[str]]:
        """Give the imports of each layer."""
        found: dict[str, set[str]] = {layer: set() for layer in LAYERS}
        for path in ROOT.rglob("*.py"):
            name = path.relative_to(ROOT).parts[0].removesuffix(".py")
            if name not in ("__init__", "__main__"):
                self.assertIn(name, LAYERS, f"{path} has no place in the layers")
                found[name] |= {*imports(path), "typing"}  # one at least: the file is there
        self.assertEqual([name for name, names in found.items() if not names], [])
        return found

    def test_imports_follow_the_layers(self) -> None:
        for name, names in self.modules().items():
            for imported in names:
                if imported.startswith("sockproto.") and imported.split(".")[1] in LAYERS:
                    below = LAYERS.index(imported.split(".")[1]) - LAYERS.index(name)
                    self.assertTrue(
                        below < 0 or (name in PACKAGES and below == 0), f"{name} imports {imported}"
                    )

    def test_the_fetcher_is_plain_standard_library(self) -> None:
        for imported in self.modules()["rawhttp"]:
            root, *rest = imported.split(".")
            self.assertIn(root, {"sockproto", *sys.stdlib_module_names}, imported)
            self.assertTrue(root != "sockproto" or rest[0] in ("rawhttp", "errors"), imported)
            self.assertNotIn(imported, ("http.client", "urllib.request"))

    def test_the_checker_shares_nothing_with_what_it_judges(self) -> None:
        for imported in self.modules()["check"]:
            root, *rest = imported.split(".")
            self.assertIn(root, {"sockproto", *sys.stdlib_module_names}, imported)
            self.assertTrue(root != "sockproto" or rest[0] in ("check", "errors"), imported)
            self.assertNotIn(root, ("asyncio", "socketserver"))

    def test_the_pure_modules_import_no_twisted(self) -> None:
        for name, names in self.modules().items():
            if name in PURE:
                self.assertEqual([n for n in names if n.split(".")[0] == "twisted"], [], name)

    def test_the_test_kit_knows_twisted_and_nothing_of_ours(self) -> None:
        for imported in self.modules()["testing"]:
            root, *rest = imported.split(".")
            self.assertIn(root, {"sockproto", "twisted", "zope", "hypothesis", *sys.stdlib_module_names})
            self.assertTrue(root != "sockproto" or rest[0] == "testing", imported)

    def test_no_module_is_named_after_what_it_exports(self) -> None:
        for path in ROOT.rglob("*.py"):
            defined = {node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")}
            self.assertNotIn(path.stem, defined, str(path))

    def test_the_front_door_lists_every_module_in_reading_order(self) -> None:
        listed = [
            line.split()[0].strip("/") for line in (sockproto.__doc__ or "").splitlines() if "  " in line
        ]
        self.assertEqual([name for name in listed if name in LAYERS], LAYERS)


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

    def test_type_checkers_are_told_every_name(self) -> None:
        told = {
            (node.module, alias.name)
            for node in ast.parse((ROOT / "__init__.pyi").read_text()).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        homes = {(f"sockproto.{module}", name) for name, module in vars(sockproto)["_HOMES"].items()}
        self.assertEqual(told, homes)

    def test_importing_any_module_installs_no_reactor(self) -> None:
        names = [
            ".".join(["sockproto", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
            for path in ROOT.rglob("*.py")
            if path.stem != "epoll" or hasattr(select, "epoll")
        ]
        self.assertGreater(len(names), 20)
        code = f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        self.assertEqual(run(code + "print('twisted.internet.reactor' in sys.modules)").strip(), "False")
