"""The pages of measured figures: what was found comes first, and every table can be read on a telephone."""

import re
from pathlib import Path

from twisted.trial.unittest import TestCase

from benchmarks.pages import MEASURED, MOST_COLUMNS, has_section, rows, write_section

# index.md lists the pages, and has no figures.
PAGES = {path.name: path.read_text("utf-8") for path in sorted(MEASURED.glob("*.md")) if path.stem != "index"}
PICTURE = re.compile(r"!\[[^\]]+\]\(([^)\s]+\.svg)\)")
DATED = re.compile(r"^(Measured on )?\d{4}-\d\d-\d\d\b", re.MULTILINE)
# It is not measured, but printed from the tests, and compared with them in each run.
UNDATED = {"fetch-behaviours.md"}


def blocks(text: str) -> list[str]:
    """Return the paragraphs, tables and pictures of a page, without its title, listings and comments."""
    bare = re.sub(r"^```.*?^```$|<!--.*?-->", "", text, flags=re.MULTILINE | re.DOTALL)
    return [block.strip() for block in re.split(r"\n\s*\n", bare)[1:] if block.strip()]


def columns(block: str) -> int:
    """Return how wide a table is; 0 if a block is none."""
    found = re.search(r"^\|( *:?-+:? *\|)+ *$", block, re.MULTILINE)
    return found[0].count("|") - 1 if found else 0


def begins_with_a_sentence(block: str) -> bool:
    """Tell whether a block is a paragraph with a sentence."""
    return re.match(r"[A-Z`].+\w[)`]?\.$", block, re.DOTALL) is not None


class PageTests(TestCase):
    def test_each_begins_with_what_was_found_then_a_table_or_a_picture(self) -> None:
        self.assertGreater(len(PAGES), 7)
        for name, text in PAGES.items():
            found = blocks(text)
            number = next(
                (at for at, block in enumerate(found) if columns(block) or PICTURE.match(block)), len(found)
            )
            self.assertIn(number, (1, 2), f"{name}: no table or picture after one or two paragraphs")
            self.assertLessEqual(columns(found[number]), MOST_COLUMNS, name)
            self.assertTrue(all(map(begins_with_a_sentence, found[:number])), f"{name}: {found[0]}")

    def test_no_table_is_wider_than_a_telephone(self) -> None:
        for name, text in PAGES.items():
            wide = [block.splitlines()[0] for block in blocks(text) if columns(block) > MOST_COLUMNS]
            self.assertEqual(wide, [], name)

    def test_each_says_when_it_was_measured(self) -> None:
        for name in set(PAGES) - UNDATED:
            self.assertRegex(PAGES[name], DATED, name)

    def test_pictures_have_colours_for_the_dark_and_are_no_wider_than_a_telephone(self) -> None:
        pictures = [picture for text in PAGES.values() for picture in PICTURE.findall(text)]
        self.assertGreater(len(pictures), 0)
        for picture in pictures:
            drawn = (MEASURED / picture).read_text("utf-8")
            self.assertIn("prefers-color-scheme:dark", drawn)
            [width] = re.findall(r'<svg [^>]*\bwidth="(\d+)"', drawn)
            self.assertLessEqual(int(width), 400, picture)


class WriterTests(TestCase):
    def test_a_table_that_is_too_wide_is_not_written(self) -> None:
        self.assertEqual(rows(["", "a"], [["b", "1"]]), "|  | a |\n| --- | ---: |\n| b | 1 |")
        self.assertRaises(ValueError, rows, [""] * (MOST_COLUMNS + 1), [])

    def test_a_text_has_its_place_and_leaves_the_others_theirs(self) -> None:
        path = Path(self.mktemp())
        self.assertFalse(has_section(path, "one"))
        path.write_text("# A\n\n<!-- one: written by a script -->\nold\n<!-- end of one -->\n\nLast\n")
        self.assertTrue(has_section(path, "one"))
        write_section(path, "one", "new")
        write_section(path, "two", "more")
        self.assertEqual(
            path.read_text(),
            "# A\n\n<!-- one: written by a script -->\nnew\n<!-- end of one -->\n\nLast\n\n"
            "<!-- two: written by a script -->\nmore\n<!-- end of two -->\n",
        )
