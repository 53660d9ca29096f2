"""The pages of docs/tutorial, those of docs/zh/tutorial, and the files that they show.

A fenced block shows a file if the line before it is a link to the file, with the file's name, and a colon::

    [`echo.py`](listings/echo.py):

A file that is shown in parts says where the later ones begin: ``…, from `class Phonebook`:``. Each part ends
where the next one begins. Write the captions and empty blocks; then copy the files into the pages::

    .venv/bin/python -m tests.tutorial

The Chinese pages have the same blocks in the same order, which are copied as well: write as many empty ones.

``tests/docs/test_tutorial.py`` fails where a block is not its file; ``tests/live/test_tutorial.py`` runs what
the pages tell the reader to run.
"""

import re
from pathlib import Path

DIRECTORY = Path(__file__).parent.parent / "docs" / "tutorial"
LISTINGS = DIRECTORY / "listings"
PAGES = sorted(DIRECTORY.glob("*.md"))
CHINESE = DIRECTORY.parent / "zh" / "tutorial"

# What a reader's commands leave there.
MADE = {".venv", "__pycache__", "_trial_temp", "_trial_temp.lock", "dropin.cache",
        "phonebook.sock", "phonebook.sock.lock", "greeting.pid", "key.pem", "cert.pem"}  # fmt: skip
LANGUAGES = {".py": "python", ".service": "ini", ".socket": "ini"}

CAPTION = r"\[`(?P<name>[^`]+)`\]\(listings/(?P=name)\)(?:, from `(?P<begin>[^`]+)`)?:"
SHOWN = re.compile(rf"^{CAPTION}\n\n```\w*\n(?:.*?\n)??```\n", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```\w*\n(?:.*?\n)??```\n", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Return the text of every file to be shown, by its path."""
    found = {}
    for path in sorted(LISTINGS.rglob("*")):
        relative = path.relative_to(LISTINGS)
        if path.is_file() and not MADE & {*relative.parts} and path.suffix != ".pyc":
            found[str(relative)] = path.read_text("utf-8")
    return found


def rewritten(page: str) -> str:
    """Return a page with the files as they are now.

    Raises:
        ValueError: A file doesn't have the line at which a part of it is to begin, or not once.
    """
    captions = list(SHOWN.finditer(page))

    def block(caption: re.Match[str]) -> str:
        name, begin = caption["name"], caption["begin"]
        text = (LISTINGS / name).read_text("utf-8")
        others = [position(text, other["begin"]) for other in captions if other["name"] == name]
        start = position(text, begin)
        end = min((other for other in others if other > start), default=len(text))
        head = caption[0].split("\n", 1)[0]
        language = LANGUAGES.get(Path(name).suffix, "text")
        return f"{head}\n\n```{language}\n{text[start:end].strip()}\n```\n"

    return SHOWN.sub(block, page)


def position(text: str, begin: str | None) -> int:
    """Return where in a file a part begins."""
    if begin is None:
        return 0
    [found] = re.finditer(rf"^{re.escape(begin)}", text, re.MULTILINE)
    return found.start()


def shown(page: str) -> list[tuple[str, str | None]]:
    """Return the files that a page shows, and where the parts of them begin."""
    return [(caption["name"], caption["begin"]) for caption in SHOWN.finditer(page)]


def translated(page: str, original: str) -> str:
    """Return a Chinese page with the blocks of the English one.

    Raises:
        ValueError: One has more of them than the other.
    """
    blocks = BLOCK.findall(original)
    if (count := len(BLOCK.findall(page))) != len(blocks):
        raise ValueError(f"{count} blocks, where the English page has {len(blocks)}")
    return BLOCK.sub(lambda _: blocks.pop(0), page)


def told(page: str) -> str:
    """Return a page without the files that it shows: what is left are commands, and what they print."""
    return SHOWN.sub("", page)


if __name__ == "__main__":
    for path in PAGES:
        text = rewritten(path.read_text("utf-8"))
        path.write_text(text, "utf-8")
        chinese = CHINESE / path.name
        chinese.write_text(translated(chinese.read_text("utf-8"), text), "utf-8")
