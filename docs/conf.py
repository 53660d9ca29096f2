"""How Sphinx builds the site: its pages are the Markdown that is read on a code host, as it stands.

.venv/bin/pip install -e '.[docs]' && .venv/bin/sphinx-build -W docs docs/_build
"""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

project = "sockproto"
author = "The sockproto authors"
copyright = "2026, The sockproto authors"
release = version = version_of("sockproto")
language = "en"

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
extensions = [
    "interfaces",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "_ext", "tutorial/listings"]
myst_heading_anchors = 4  # as a code host makes them

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
napoleon_custom_sections = [("Source", "returns_style")]
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "sockproto"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_domain_indices = False  # errors alone are documented as a module
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"

LINK = re.compile(r"(?<!!)\[(?P<text>[^\[\]]+)\]\((?P<target>[^()\s#:]+)(?P<anchor>#[^()\s]*)?\)")


def setup(app: Sphinx) -> None:
    """Have the pages changed as they are read; index pages each time, for the pages beside them."""
    app.connect("source-read", rewrite)
    app.connect("env-get-outdated", lambda app, env, *changes: list(filter(is_index, env.found_docs)))


def is_index(name: str) -> bool:
    """Tell whether a page is an index page, by its name."""
    return PurePosixPath(name).name == "index"


def rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    """Change the text of a page, before it is parsed, where a site needs other than a code host."""
    folder = (Path(app.srcdir) / name).parent
    source[0] = LINK.sub(lambda link: linked(link, folder, Path(app.srcdir)), source[0])
    if is_index(name):
        source[0] += contents(name, source[0], app.env.found_docs)


def linked(link: "re.Match[str]", folder: Path, pages: Path) -> str:
    """Return a link as the site has it.

    One to a folder leads to the folder's index page; where there is none it is plain text. One to a file
    that is no page leads to a copy of the file, which MyST sees to unless it is Markdown.
    """
    target = (folder / link["target"]).resolve()
    if target.is_dir():
        index = PurePosixPath(link["target"], "index.md")
        return f"[{link['text']}]({index})" if (folder / index).exists() else link["text"]
    if target.suffix == ".md" and pages not in target.parents and target.exists():
        return f"{{download}}`{link['text']} <{link['target']}>`"
    return link[0]


def contents(name: str, text: str, names: set[str]) -> str:
    """Return the contents of an index page's folder: what the page links, in its order; the rest is shown."""
    folder = PurePosixPath(name).parent
    pattern = re.compile(rf"{re.escape(f'{folder}/'.removeprefix('./'))}([^/]+|[^/]+/index)")
    inside = {found[1] for found in map(pattern.fullmatch, names - {name}) if found}
    linked = [target for target in re.findall(r"\]\(([^()\s#]+)\.md\)", text) if target in inside]
    rest = sorted(inside - {*linked})
    shown = ["", "```{toctree}", *rest, "```", ""] if rest else [""]
    return "\n".join(["", "```{toctree}", ":hidden:", "", *dict.fromkeys(linked), "```", *shown])
