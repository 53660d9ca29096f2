"""Copies figures of docs/reference/measured/performance.md into the READMEs.

::

    python -m benchmarks.readme
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PERFORMANCE = ROOT / "docs" / "reference" / "measured" / "performance.md"
PEERS = ("Twisted", "asyncio", "uvloop")
HEADING = "| | " + " | ".join(f"× {peer}" for peer in PEERS) + " |"
# The rows that are shown, by their names in that page; what README.zh.md calls them.
ROWS = {
    "Echo, 1 KiB, 10 connections": "回显，1 KiB，10 个连接",
    "Greetings, depth 100, 10 connections": "问候，每批 100 行，10 个连接",
    "UDP echo, 64 B, 10 clients": "UDP 回显，64 B，10 个客户端",
    "Connect, echo 64 B, close, 10 at once": "连接、回显 64 B、关闭，10 个并发",
}
READMES = {
    ROOT / "README.md": {name: name for name in ROWS},
    ROOT / "README.zh.md": ROWS,
}


def figures(page: str) -> dict[str, list[str]]:
    """Return the multiples of each row of the page's first table, one for each of PEERS.

    Raises:
        ValueError: The first columns of the table are not those of PEERS.
    """
    heading, _, *rows = (
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in table_lines(page)
    )
    peers = [cell.split(",")[0] for cell in heading[1 : 1 + len(PEERS)]]
    if peers != [f"× {peer}" for peer in PEERS]:
        raise ValueError(f"the columns are {peers}")
    return {row[0]: [cell.strip("| ") for cell in row[1 : 1 + len(PEERS)]] for row in rows}


def table_lines(page: str) -> list[str]:
    """Return the lines of the first table of a page."""
    found = re.search(r"(?:^\|.*\n)+", page, re.MULTILINE)
    return found[0].splitlines() if found else []


def rewritten(text: str, names: dict[str, str], known: dict[str, list[str]]) -> str:
    """Return the text of a README with the figures in its table."""
    rows = "".join(f"| {shown} | {' | '.join(known[name])} |\n" for name, shown in names.items())
    head = f"{HEADING}\n| --- | ---: | ---: | ---: |\n"
    return re.sub(rf"^{re.escape(head)}(?:\|.*\n)*", head + rows, text, flags=re.MULTILINE)


if __name__ == "__main__":
    known = figures(PERFORMANCE.read_text("utf-8"))
    for path, names in READMES.items():
        path.write_text(rewritten(path.read_text("utf-8"), names, known), "utf-8")
