"""The pages of docs/ against the code: their tables, listings, commands and links."""

import contextlib
import io
import os
import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import trustme
from twisted.trial.unittest import TestCase

from sockproto import errors
from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.reports import ORDERLY
from sockproto.core.conversation import CloseReason
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.core.session import Session
from sockproto.plain.diagnosis import STATUSES
from sockproto.rawhttp.arguments import options
from sockproto.server.tap import Options
from tests.test_structure import LAYERS

ROOT = Path(__file__).parents[2]
EVERY_PAGE = sorted(set((ROOT / "docs").rglob("*.md")) - set((ROOT / "docs" / "_build").rglob("*.md")))
# The how-tos and the tutorial are walked through elsewhere: live/test_howto*, test_tutorial.
PAGES = {
    path.relative_to(path.parents[path.name == "index.md"]).as_posix(): path.read_text("utf-8")
    for path in EVERY_PAGE
    if path.name == "examples.md" or not {"howto", "tutorial", "zh"} & set(path.parts)
}


# Their commands need servers, or what was installed: test_packaging, live/test_examples, live/test_reactor.
RUN_ELSEWHERE = {"examples.md", "reactor.md"}
HERE = [page for page in PAGES if page not in RUN_ELSEWHERE]

NOT_TOLD = {"help", "show_error"}  # known to everybody; for curl's sake alone


def table(page: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is *first*, without the headings."""
    lines = PAGES[page].split(f"\n| {first} |", 1)[1].splitlines()[2:]
    rows = lines[: next((number for number, line in enumerate(lines) if not line.startswith("|")), None)]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def is_told(kind: Any) -> bool:
    """Tell whether an error is one that ends a command with a status of its own."""
    if not isinstance(kind, type) or not issubclass(kind, errors.SockprotoError):
        return False
    return "status" in vars(kind) and kind is not errors.SockprotoError


def listings(page: str, language: str) -> list[str]:
    """Return the listings of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class TableTests(TestCase):
    def test_every_limit_with_its_default(self) -> None:
        expected = [
            [f"`--{limit.name.replace('_', '-')}`", f"`{limit.name}`", f"{limit.default:,g}"]
            for limit in fields(Limits)
        ]
        self.assertEqual([row[:3] for row in table("limits.md", "option")], expected)

    def test_every_close_reason(self) -> None:
        expected = [[f"`{reason}`", f"`{reason.name}`"] for reason in CloseReason]
        self.assertEqual([row[:2] for row in table("limits.md", "reason")], expected)

    def test_every_reason_for_which_a_datagram_is_dropped(self) -> None:
        listed = re.findall(r"^ +- (``.+)$", ConversationDatagramProtocol.__doc__ or "", re.MULTILINE)
        reasons = {name for line in listed for name in re.findall(r"``(.+?)``", line.partition(":")[0])}
        self.assertGreater(len(reasons), 10)
        named = {name for row in table("udp.md", "reason") for name in re.findall(r"`(.+?)`", row[0])}
        self.assertEqual(named, reasons)

    def test_every_event_of_the_log(self) -> None:
        code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "sockproto").rglob("*.py")))
        named = set(re.findall(r"""\bevent"?[=:] ?"(\w+)\"""", code))
        self.assertGreater(len(named), 10)
        self.assertEqual({row[0].strip("`") for row in table("logs.md", "event")}, named)

    def test_every_close_reason_that_is_as_it_should_be(self) -> None:
        text = PAGES["logs.md"].split("As they should end", 1)[1].split(")", 1)[1].split(".", 1)[0]
        self.assertEqual(set(re.findall(r"`(.+?)`", text)), {str(reason) for reason in ORDERLY})

    def test_every_exit_status(self) -> None:
        expected = {(str(kind.status), f"`{name}`") for name, kind in vars(errors).items() if is_told(kind)}
        rows = {(row[0], row[1]) for row in table("exit-statuses.md", "status") if row[1]}
        self.assertEqual(rows, expected)

    def test_every_outcome_of_a_probe(self) -> None:
        text = (ROOT / "docs" / "howto" / "probe.md").read_text("utf-8")
        rows = re.findall(r"^\| (`.+?) \| .+ \| ([\d, ]+) \|$", text, re.MULTILINE)
        found: dict[str, int] = {}
        for names, statuses in rows:
            found |= dict(zip(re.findall(r"`([^-].*?)`", names), map(int, statuses.split(", ")), strict=True))
        self.assertEqual(found, STATUSES)

    def test_every_option_of_fetch(self) -> None:
        text = (ROOT / "docs" / "howto" / "fetch.md").read_text("utf-8")
        rows = re.findall(r"^\| (`-.+?) \| ", text, re.MULTILINE)
        found = {option for row in rows for option in re.findall(r"`(--?[\w-]+)", row)}
        sets = options()
        self.assertEqual({sets[option] for option in found}, set(sets.values()) - NOT_TOLD)


class ListingTests(TestCase):
    def test_the_python_listings_run(self) -> None:
        for page in HERE:
            namespace: dict[str, Any] = {}
            with contextlib.redirect_stdout(io.StringIO()):
                for listing in listings(page, "python"):
                    exec(compile(listing, page, "exec"), namespace)

    def test_the_commands_parse(self) -> None:
        self.enter_folder_with_certificates()
        commands = [line for page in HERE for text in listings(page, "sh") for line in text.splitlines()]
        self.assertGreater(len(commands), 4)
        for command in commands:
            before, found, after = f"{command} ".partition(" sockproto ")
            if not found or "twistd" not in before:
                continue
            arguments = shlex.split(after)
            with contextlib.redirect_stdout(io.StringIO()):
                if "--explain" in arguments:
                    self.assertRaises(SystemExit, Options().parseOptions, arguments)
                else:
                    Options().parseOptions(arguments)

    def enter_folder_with_certificates(self) -> None:
        """Change to a folder that has the files which the commands name."""
        folder, issuer = Path(self.mktemp()), trustme.CA()
        folder.mkdir()
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder)
        made = issuer.issue_cert("localhost")
        made.private_key_pem.write_to_path("key.pem")
        made.cert_chain_pems[0].write_to_path("cert.pem")
        issuer.cert_pem.write_to_path("ca.pem")

    def test_explain_prints_what_the_page_shows(self) -> None:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), self.assertRaises(SystemExit):
            Options().parseOptions(["--explain"])
        self.assertIn(printed.getvalue(), listings("limits.md", "text"))

    def test_the_result_of_the_fuzzer_is_a_whole_run(self) -> None:
        result, parsed = (" ".join(text.split()) for text in listings("fuzz.md", "text"))
        self.assertRegex(result, r"^[1-9]\d{6,} inputs in \d+ conversations, .* no errors$")
        self.assertRegex(parsed, r"^[1-9]\d{6,} responses, .*; no other exception$")

    def test_the_table_of_the_fuzzers_says_what_their_results_say(self) -> None:
        results = [" ".join(text.split()) for text in listings("fuzz.md", "text")]
        for row, result in zip(table("fuzz.md", "what is fed"), results, strict=True):
            count, seconds = re.findall(r"^(\d+) .*?(\d+) seconds", result)[0]
            self.assertEqual(row[1:], [f"{int(count):,}", f"{seconds} s", "none"])


class ArchitectureTests(TestCase):
    page = PAGES["architecture.md"]

    def test_it_is_short(self) -> None:
        self.assertLessEqual(len(self.page.splitlines()), 80)

    def test_the_layers_are_those_that_are_held_to(self) -> None:
        self.assertEqual(listings("architecture.md", "text")[0].strip().split(" → "), LAYERS)

    def test_the_files_that_it_names_exist(self) -> None:
        names = set(re.findall(r"\b\w[\w/]*\.py\b", self.page.replace("\\_", "_")))
        self.assertGreater(len(names), 20)
        files = {path.as_posix() for place in ("sockproto", "tests") for path in (ROOT / place).rglob("*.py")}
        for name in names:
            self.assertTrue(any(path.endswith(f"/{name}") for path in files), name)

    def test_the_calls_of_the_drawing_exist(self) -> None:
        calls = re.findall(r"(\w+)\(", listings("architecture.md", "text")[1])
        self.assertGreater(len(calls), 6)
        for name in calls:
            self.assertTrue(hasattr(Session, name) or hasattr(Lines, name), name)

    def test_the_listing_prints_what_its_comments_say(self) -> None:
        [listing] = listings("architecture.md", "python")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(listing, "architecture.md", "exec"), {})
        said = re.findall(r"^print\(.+\) +# (.+?)(?:: .*)?$", listing, re.MULTILINE)
        self.assertEqual(printed.getvalue().splitlines(), said)


class LinkTests(TestCase):
    def test_links_lead_somewhere(self) -> None:
        for place in EVERY_PAGE:
            page, text = place.name, place.read_text("utf-8")
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = place.parent / (path or page)
                self.assertTrue(target.exists(), f"{page}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target.read_text("utf-8")), f"{page}: {link}")
