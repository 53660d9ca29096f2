"""HTML in which nothing stands unescaped: only here does text become markup, and mypy tells them apart.

::

    element("p", text("a < b"), class_="reason")    # <p class="reason">a &lt; b</p>
"""

import html
from collections.abc import Iterable
from typing import NewType

from sockproto.core.text import escape

Markup = NewType("Markup", str)


def text(content: str) -> Markup:
    """Return text as markup; control characters and those that turn the direction are written as escapes."""
    return Markup(html.escape(escape(content)))


def joined(parts: Iterable[Markup]) -> Markup:
    """Return several pieces of markup as one."""
    return Markup("".join(parts))


def element(name: str, /, *children: Markup, **attributes: str | int | bool) -> Markup:
    """Return an element.

    Args:
        name: Of the element.
        children: What is in it.
        attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``; ``True`` has no value,
            ``False`` leaves it out.
    """
    return Markup(f"{_opening(name, attributes)}{joined(children)}</{name}>")


def void(name: str, /, **attributes: str | int | bool) -> Markup:
    """Return an element that has no end, as ``meta``."""
    return _opening(name, attributes)


def _opening(name: str, attributes: dict[str, str | int | bool]) -> Markup:
    given = [_attribute(key, value) for key, value in attributes.items() if value is not False]
    return Markup(f"<{name}{''.join(given)}>")


def _attribute(key: str, value: str | int | bool) -> str:
    written = key.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{text(str(value))}"'
