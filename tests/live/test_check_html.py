"""The page of a check's report in a browser, headless Chromium: what is to be seen, and that it fits."""

import json
import re
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from sockproto.check.page import html
from sockproto.check.verdict import Report
from tests.live.server import need
from tests.reports import FAULTY, LOST, PASSING, SERVER, hostile, large

START_SECONDS = 60.0
PHONE, DESKTOP = 390, 1280  # pixels
REPORTS = {"faulty": FAULTY, "hostile": hostile(), "large": large()}

# The pages stand in frames as they are, policy and all; this script, outside, looks at them and unfolds them.
FRAMES = """<!DOCTYPE html><title>frames</title>%s<script>
const look = frame => {
  const page = frame.contentDocument, root = page.documentElement, before = page.body.innerText;
  const width = root.scrollWidth;
  const summaries = [...page.querySelectorAll("summary")].filter(each => !each.parentNode.open);
  summaries.forEach(each => each.click());
  const drawn = page.querySelector(".strip svg");
  return {
    name: frame.name, room: root.clientWidth, width, unfolded: root.scrollWidth, summaries: summaries.length,
    before, after: page.body.innerText, tall: page.querySelector("h1").getBoundingClientRect().height,
    ground: getComputedStyle(root).backgroundColor,
    styled: getComputedStyle(page.querySelector(".verdict")).borderRadius,
    drawn: drawn ? drawn.getBoundingClientRect().width : 0,
    focusable: summaries.every(each => (each.focus(), page.activeElement === each)),
    foreign: page.querySelectorAll("script, img, iframe, object, link, [style], [onload], [onclick]").length,
  };
};
onload = () => {
  const found = [...document.querySelectorAll("iframe")].map(look);
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(found);
};
</script>"""


def browse(path: Path) -> tuple[str, str]:
    """Open a file; return what the browser then has, and what it complains of."""
    need("chromium")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr")
    command = (
        "chromium",
        *options,
        f"--user-data-dir={path.parent / 'profile'}",
        "--dump-dom",
        path.as_uri(),
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=True)
    return ran.stdout, "\n".join(line for line in ran.stderr.splitlines() if "CONSOLE" in line)


def frame(name: str, report: Report, width: int, scheme: str = "light") -> str:
    """Return a frame of that width with a page in it."""
    shape = f"width:{width}px;height:800px;border:0;color-scheme:{scheme}"
    return f'<iframe name="{name} {width} {scheme}" style="{shape}" srcdoc="{escape(html(report))}"></iframe>'


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What there is to be seen of the pages, by name, width and colours."""
    frames = [frame(name, report, width) for name, report in REPORTS.items() for width in (PHONE, DESKTOP)]
    frames.append(frame("faulty", FAULTY, PHONE, "dark"))
    path = tmp_path_factory.mktemp("frames") / "frames.html"
    path.write_text(FRAMES % "".join(frames), encoding="utf-8")
    dom, _ = browse(path)
    [found] = re.findall(r"<pre>(.*?)</pre>", dom, re.DOTALL)
    return {each["name"]: each for each in json.loads(unescape(found))}


def test_a_file_is_opened_without_a_complaint(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html(FAULTY), encoding="utf-8")
    dom, complaints = browse(path)
    assert complaints == ""
    text = unescape(re.sub("<[^>]*>", "", re.sub("<style>.*?</style>", "", dom, flags=re.DOTALL)))
    assert "2 of 34 cases fail, 1 not judged." in text
    assert all(told in text for result in FAULTY.results for told in (result.case.identifier, result.reason))


def test_no_page_is_wider_than_its_window(seen: dict[str, dict[str, Any]]) -> None:
    assert len(seen) == 2 * len(REPORTS) + 1
    for name, page in seen.items():
        assert page["styled"] == "10px", name  # the policy lets the style through
        assert int(name.split()[1]) - 20 <= page["room"] <= int(name.split()[1])
        assert (page["width"], page["unfolded"]) == (page["room"], page["room"]), name


def test_what_fails_is_seen_at_once_and_what_passes_when_unfolded(seen: dict[str, dict[str, Any]]) -> None:
    for name in (f"faulty {PHONE} light", f"faulty {DESKTOP} light"):
        page = seen[name]
        for told in (
            "2 of 34 cases fail, 1 not judged.",
            LOST.reason,
            LOST.case.source,
            "differ",
            *SERVER.values(),
        ):
            assert told in page["before"], (name, told)
        for told in (PASSING[1].case.identifier, "1,048,576 bytes 0123456789", "30 31 32 33 34 35 36 37"):
            assert told not in page["before"], (name, told)
            assert told in page["after"], (name, told)
        assert page["summaries"] > len({result.case.group for result in PASSING})
        assert page["focusable"]
        assert page["drawn"] > 200


def test_a_hostile_peer_is_only_quoted(seen: dict[str, dict[str, Any]]) -> None:
    for width in (PHONE, DESKTOP):
        page = seen[f"hostile {width} light"]
        assert page["foreign"] == 0
        assert "</code><script>alert('x')</script>]]>" in page["after"]


def test_dark_where_one_wants_it(seen: dict[str, dict[str, Any]]) -> None:
    assert seen[f"faulty {PHONE} light"]["ground"] == "rgb(247, 246, 243)"
    assert seen[f"faulty {PHONE} dark"]["ground"] == "rgb(25, 26, 28)"
