"""Zope interfaces as autodoc shows classes: by their names in signatures, and with a directive.

.. autointerface:: sockproto.interfaces.IConversation
"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.util.docutils import SphinxDirective
from zope.interface import Attribute
from zope.interface.interface import Method


def lines(path: str, config: Any) -> Iterator[str]:
    """Yield an interface's description as reStructuredText.

    Args:
        path: Its full name.
        config: Sphinx', which says how docstrings are read.
    """
    module, _, name = path.rpartition(".")
    interface = getattr(import_module(module), name)
    yield f".. py:class:: {path}"
    yield ""
    yield from documented(interface, 1, config)
    for member, each in interface.namesAndDescriptions():
        if isinstance(each, Method):
            yield f"   .. py:method:: {member}{signature(each)}"
        elif isinstance(each, Attribute):
            yield f"   .. py:attribute:: {member}"
        yield ""
        yield from documented(each, 2, config)


def signature(method: Any) -> str:
    """Return the parameters of an interface's method, as they are written."""
    return str(method.getSignatureString())


def documented(described: Any, depth: int, config: Any) -> Iterator[str]:
    """Yield the lines of a docstring, indented."""
    text = inspect.cleandoc(described.__doc__ or "")
    for line in GoogleDocstring(text, config).lines():
        yield f"{'   ' * depth}{line}".rstrip()
    yield ""


class InterfaceDirective(SphinxDirective):
    """The directive."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what it stands for."""
        text = StringList(list(lines(self.arguments[0], self.config)), source=self.arguments[0])
        made = nodes.Element()
        self.state.nested_parse(text, self.content_offset, made)
        return made.children


def named(app: Sphinx, domain: str, kind: str, content: addnodes.desc_content) -> None:
    """Have an interface that is a type shown by its name."""
    for node in list(content.findall(nodes.Text)):
        if "<InterfaceClass " in node:
            node.parent.replace(node, nodes.Text(re.sub(r"<InterfaceClass (?:\w+\.)*(\w+)>", r"\1", node)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Have the directive, and what is shown of all classes."""
    app.add_directive("autointerface", InterfaceDirective)
    app.connect("object-description-transform", named, priority=900)  # when the types are there
    described: Any = PythonDomain.directives["class"]  # which shares its fields with all others
    for field in described.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    return {"parallel_read_safe": True}
