"""The site, built once: links, search, the API's names; and in headless Chromium, that each page fits.

More by hand: ``python -m pytest -m long tests/docs/test_site.py``.
"""

import json
import re
import subprocess
import sys
import threading
import zlib
from functools import partial
from html import unescape
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import sockproto
from tests.docs.test_api import imported, listed, thing
from tests.docs.test_docs import EVERY_PAGE, ROOT
from tests.live.server import need

pytestmark = pytest.mark.long

BUILD_SECONDS = BROWSE_SECONDS = 180.0
PHONE, DESKTOP = 390, 1280  # pixels
FRAMES_AT_ONCE = 24
SEARCHED = ("amplif", "backlog", "drain", "netstr", "prometheus", "greet")
"""Words that somebody looks for, as the index has them."""

LOOKED_AT = """<!DOCTYPE html><title>frames</title>%s<script>
const look = frame => {
  const page = frame.contentDocument, root = page.documentElement;
  const wide = [...page.querySelectorAll("article *")].filter(each =>
    !each.closest(".table-wrapper, pre, .sig, svg") &&
    each.getBoundingClientRect().right > root.clientWidth + 1);
  const cells = [...page.querySelectorAll("article td")].map(each => each.getBoundingClientRect().width);
  return {
    name: frame.name, room: root.clientWidth, width: root.scrollWidth,
    wide: wide.slice(0, 3).map(each => each.outerHTML.slice(0, 90)),
    narrowest: Math.min(999, ...cells),
    text: parseFloat(getComputedStyle(page.querySelector("article td") || page.body).fontSize),
    ground: getComputedStyle(page.body).backgroundColor,
  };
};
onload = () => {
  const found = [...document.querySelectorAll("iframe")].map(look);
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(found);
};
</script>"""


class Page(HTMLParser):
    """The links of a page, and what can be linked in it.

    Args:
        text: Its HTML.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.anchors.add(given.get("id") or "")
        self.links += [link for name in ("href", "src") if (link := given.get(name))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built without a warning."""
    made = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(ROOT / "docs"), str(made)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert (ran.stderr, ran.returncode) == ("", 0)
    return made


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """The pages of the site, by their path."""
    return {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
    }


def followed(page: str, link: str) -> tuple[str, str]:
    """Return the path in the site to which a link on a page leads, and its anchor."""
    path, _, anchor = unquote(link).partition("#")
    where = (Path("/", page).parent / path.partition("?")[0]) if path else Path("/", page)
    return str(where.resolve()).lstrip("/"), anchor


def local(link: str) -> bool:
    """Tell whether a link stays in the site."""
    return not re.match(r"(?:\w+:|//)", link)


def test_each_page_of_the_sources_is_there_and_can_be_reached(pages: dict[str, Page]) -> None:
    wanted = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in EVERY_PAGE}
    listings = {name for name in wanted if name.startswith("tutorial/listings/")}
    reached, left = set(), ["index.html"]
    while left:
        name = left.pop()
        if name not in reached and name in pages:
            reached.add(name)
            left += [followed(name, link)[0] for link in pages[name].links if local(link)]
    assert wanted - listings - reached == set()


def test_each_link_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    broken = []
    for name, page in pages.items():
        if name == "_modules/index.html":  # it lists what is Python's own too
            continue
        for link in filter(local, page.links):
            path, anchor = followed(name, link)
            if not (site / path).exists() or (anchor and path in pages and anchor not in pages[path].anchors):
                broken.append((name, link))
    assert broken == []


def test_what_is_looked_for_is_found(site: Path) -> None:
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    for word in SEARCHED:
        assert any(re.match(word, term) for term in index["terms"]), word
    assert index["filenames"]


def test_the_inventory_has_every_public_name_once(site: Path) -> None:
    lines = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode().splitlines()
    found: dict[int, list[str]] = {}
    for line in lines:
        name, kind, _, where, _ = line.split(" ", 4)
        # What is defined elsewhere is there under that name too, which leads to where it is explained.
        if kind in ("py:class", "py:exception", "py:function", "py:data") and where.endswith("#$"):
            found.setdefault(id(thing(name)), []).append(name)
    wanted = {f"sockproto.{name}" for name in sockproto.__all__} | imported() | set(listed())
    assert sorted(name for name in wanted if id(thing(name)) not in found) == []
    assert [
        names for names in found.values() if len(names) > 1 and not isinstance(thing(names[0]), int)
    ] == []


@pytest.fixture(scope="module")
def seen(site: Path, pages: dict[str, Page], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What there is to be seen of each page, on a telephone and a desktop, in light and dark."""
    need("chromium")
    handler = partial(Quiet, directory=str(site))
    names = [name for name in pages if not name.startswith(("_modules", "_static", "genindex", "search"))]
    frames = [
        f'<iframe name="{name} {width} {scheme}" src="/{name}" '
        f'style="width:{width}px;height:800px;border:0;color-scheme:{scheme}"></iframe>'
        for name in names
        for width, scheme in ((PHONE, "light"), (DESKTOP, "dark"))
    ]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        found: list[Any] = []
        for begin in range(0, len(frames), FRAMES_AT_ONCE):
            text = LOOKED_AT % "".join(frames[begin : begin + FRAMES_AT_ONCE])
            (site / "frames.html").write_text(text, "utf-8")
            found += looked(server.server_port, tmp_path_factory.mktemp("profile"))
        (site / "frames.html").unlink()
        server.shutdown()
        thread.join()
    return found


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def looked(port: int, profile: Path) -> list[Any]:
    """Return what Chromium sees of the frames."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}")
    command = ("chromium", *options, "--dump-dom", f"http://127.0.0.1:{port}/frames.html")
    ran = subprocess.run(command, capture_output=True, text=True, timeout=BROWSE_SECONDS, check=True)
    [found] = re.findall(r"<pre>(.*?)</pre>", ran.stdout, re.DOTALL)
    return list(json.loads(unescape(found)))


def test_no_page_is_wider_than_its_window(seen: list[Any], pages: dict[str, Page]) -> None:
    assert len(seen) > 100
    wide = [(page["name"], page["wide"]) for page in seen if page["width"] > page["room"] or page["wide"]]
    assert wide == []


def test_tables_can_be_read(seen: list[Any]) -> None:
    assert [(page["name"], page["narrowest"]) for page in seen if page["narrowest"] < 40] == []
    assert [(page["name"], page["text"]) for page in seen if page["text"] < 12] == []


def test_dark_is_dark_and_light_is_light(seen: list[Any]) -> None:
    for page in seen:
        shades = [int(shade) for shade in re.findall(r"\d+", page["ground"])[:3]]
        dark = page["name"].endswith("dark")
        assert (max(shades) < 60) if dark else (min(shades) > 200), (page["name"], page["ground"])
