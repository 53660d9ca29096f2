"""The pages that explain (docs/topics/): what their listings print, and the tests that they name."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

ROOT = Path(__file__).parents[2]
TOPICS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs" / "topics").glob("*.md"))}
SHOWN = r"^ *print\(.+?\)  +# (.+)$"


def python_listings(page: str) -> list[str]:
    """Return the Python listings of a page."""
    return re.findall(r"^```python\n(.*?)^```$", TOPICS[page], re.MULTILINE | re.DOTALL)


class TopicTests(TestCase):
    def test_the_listings_print_what_their_comments_say(self) -> None:
        checked = 0
        for page in TOPICS:
            text = "".join(python_listings(page))
            if "print(" not in text or page in {"architecture.md", "limits.md"}:  # looked at in test_docs
                continue
            namespace: dict[str, Any] = {}
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, page, "exec"), namespace)
            self.assertEqual(printed.getvalue().splitlines(), re.findall(SHOWN, text, re.MULTILINE), page)
            checked += 1
        self.assertGreaterEqual(checked, 2)

    def test_the_files_that_they_name_exist(self) -> None:
        for page, text in TOPICS.items():
            for name in re.findall(r"`((?:tests|sockproto|benchmarks|examples)/[\w./]+)`", text):
                self.assertTrue((ROOT / name).exists(), f"{page}: {name}")
