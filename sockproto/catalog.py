"""Finds every protocol: our own, one file each, and those that other packages registered as plugins.

::

    definitions()["echo"].factory()     # an EchoFactory
"""

import pkgutil
from importlib import import_module
from typing import Any

from twisted.plugin import getPlugins

from sockproto import protocols
from sockproto.interfaces import IProtocolDefinition


def definitions() -> dict[str, Any]:
    """Give the definitions of all protocols, by name.

    Ours are the ``DEFINITION`` of each file in ``sockproto.protocols``. Those of other packages are
    found by Twisted's plugin system (``IProtocolDefinition`` and ``IPlugin``); they can't take a name of
    ours.

    Returns:
        ``IProtocolDefinition`` providers, ours first, in the order of their names.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(protocols.__path__, protocols.__name__ + "."):
        definition = import_module(module.name).DEFINITION
        found[definition.name] = definition
    for plugin in sorted(getPlugins(IProtocolDefinition), key=lambda plugin: plugin.name):
        found.setdefault(plugin.name, plugin)
    return found
