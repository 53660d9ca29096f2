"""The pages of docs/tutorial show the files that are beside them, all of them, as they are."""

import re
from itertools import pairwise

from twisted.trial.unittest import TestCase

from tests.docs.test_readme import INSTALLS, ROOT
from tests.listings import listings
from tests.tutorial import CHINESE, DIRECTORY, LISTINGS, PAGES, files, rewritten, shown, told, translated

MAX_LINES = 42
TEXTS = {path.name: path.read_text("utf-8") for path in PAGES}


def reached(names: dict[str, str], commands: str) -> set[str]:
    """Return the files that commands name, those that these import, and so on."""
    found: set[str] = set()
    texts = [commands]
    while texts:
        text = texts.pop()
        for name, content in names.items():
            module = name.removesuffix(".py").replace("/", ".")
            imported = rf"|^ *from {re.escape(module)} import|twisted\.trial {re.escape(module)}$"
            if name not in found and re.search(rf"(?<![\w/]){re.escape(name)}\b{imported}", text, re.M):
                found.add(name)
                texts.append(content)
    return found


class PageTests(TestCase):
    def test_each_page_has_its_files_as_they_are(self) -> None:
        for name, text in TEXTS.items():
            self.assertEqual(rewritten(text), text, f"{name} is old: python -m tests.tutorial")

    def test_every_file_is_shown_once_from_its_first_line(self) -> None:
        parts = [part for text in TEXTS.values() for part in shown(text)]
        self.assertEqual(len(set(parts)), len(parts))
        self.assertEqual({name for name, begin in parts if begin is None}, set(files()))
        self.assertLessEqual({name for name, begin in parts}, set(files()))

    def test_every_file_is_run(self) -> None:
        commands = "\n".join(
            listing.text for text in TEXTS.values() for listing in listings(told(text))
            if listing.language == "sh"
        )  # fmt: skip
        units = {"phonebook.service", "phonebook.socket"}  # by a test of their own
        self.assertEqual(reached(files(), commands) | units, set(files()))

    def test_no_listing_is_long(self) -> None:
        for name, text in TEXTS.items():
            for block in re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
                self.assertLessEqual(block.count("\n"), MAX_LINES, f"{name}: {block[:80]}")

    def test_what_is_no_file_is_a_command_or_what_it_prints(self) -> None:
        for name, text in TEXTS.items():
            self.assertLessEqual({listing.language for listing in listings(told(text))}, {"sh", "text"}, name)

    def test_the_index_lists_the_pages_in_their_order(self) -> None:
        pages = [name for name in TEXTS if name != "index.md"]
        self.assertEqual(re.findall(r"^\| \[.+?\]\((.+?)\)", TEXTS["index.md"], re.MULTILINE), pages)
        for page, following in pairwise(pages):
            self.assertIn(f"]({following})", TEXTS[page])

    def test_it_is_installed_as_the_readme_says_from_where_its_files_are(self) -> None:
        [install] = listings(TEXTS["index.md"])
        directory, _, rest = install.text.strip().removeprefix("cd ").partition(" && ")
        self.assertEqual(ROOT / directory, LISTINGS)
        path = "../../.."
        self.assertEqual((LISTINGS / path).resolve(), ROOT)
        self.assertIn(rest.replace(f"'{path}[tls]'", "."), INSTALLS[0])
        self.assertEqual(DIRECTORY, LISTINGS.parent)


class ChinesePageTests(TestCase):
    def setUp(self) -> None:
        self.texts = {path.name: path.read_text("utf-8") for path in CHINESE.glob("*.md")}

    def test_each_page_has_the_listings_commands_and_outputs_of_the_english_one(self) -> None:
        self.assertEqual(set(self.texts), set(TEXTS))
        for name, text in self.texts.items():
            self.assertEqual(translated(text, TEXTS[name]), text, f"{name} is old: python -m tests.tutorial")

    def test_each_file_is_linked_where_it_is_shown(self) -> None:
        for name, text in self.texts.items():
            captions = re.findall(
                r"^\[`(.+?)`\]\(\.\./\.\./tutorial/listings/\1\).*\n\n```", text, re.MULTILINE
            )
            self.assertEqual(captions, [file for file, _ in shown(TEXTS[name])], name)

    def test_it_has_the_headings_of_the_english_one_and_leads_on_as_it_does(self) -> None:
        for name, text in self.texts.items():
            for pattern in "^#+ ", r"\]\((\d-[\w-]+\.md)\)":
                ours, theirs = (re.findall(pattern, told(each), re.MULTILINE) for each in (text, TEXTS[name]))
                self.assertEqual(ours, theirs, name)
