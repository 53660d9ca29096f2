"""The version is one number in setup.cfg; what shows it elsewhere shows the same."""

import re
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path

from twisted.trial.unittest import TestCase

ROOT = Path(__file__).parents[1]
VERSION = version("sockproto")


class VersionTests(TestCase):
    def test_it_is_that_of_setup_cfg(self) -> None:
        setup = ConfigParser()
        setup.read(ROOT / "setup.cfg")
        self.assertEqual(setup["metadata"]["version"], VERSION)

    def test_no_module_has_one_of_its_own(self) -> None:
        for place in ROOT / "sockproto", ROOT / "twisted_plugins":
            for path in place.rglob("*.py"):
                self.assertNotIn(VERSION, path.read_text("utf-8"), path)

    def test_the_pages_and_files_that_show_it(self) -> None:
        pages = [path for path in (ROOT / "docs").rglob("*.md") if "measured" not in path.parts]
        shown = {
            path.name: re.findall(r"\bsockproto[: ](\d+\.\d+\.\d+)", path.read_text("utf-8"))
            for path in (*pages, *(path for path in (ROOT / "deploy").rglob("*") if path.is_file()))
        }
        self.assertEqual({number for numbers in shown.values() for number in numbers}, {VERSION})
        self.assertTrue(shown["kubernetes.yaml"])

    def test_the_changelog_begins_with_it(self) -> None:
        [number, *_] = re.findall(r"^## (\S+) \(", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
        self.assertEqual(number, VERSION)
