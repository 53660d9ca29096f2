"""What twistd's plugins load: their options, and the service that is made of these.

::

    options = Options()
    options.parseOptions(["--port", "0", "--protocol", "echo"])
    service = makeService(options)
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sockproto.errors import OptionError
from sockproto.server.catalog import Catalog, find, search
from sockproto.server.listeners import Listener
from sockproto.server.options import ServerOptions
from sockproto.server.parameters import described
from sockproto.server.service import ServerService

DEFAULT_PROTOCOL = "greeting"


class Options(ServerOptions):
    """The options of ``twistd sockproto``: any protocol of the catalog, searched for each instance."""

    catalog: Catalog
    longdesc = "Serve a small socket protocol, on TCP and UDP port 9999 of 127.0.0.1 unless told otherwise."

    def __new__(cls) -> "Options":
        """Make an instance of a class with the catalog's options: Twisted reads them from the class."""
        catalog = search()
        offered = tuple(catalog.definitions.values())
        names = ", ".join(catalog.definitions)
        rows = [["protocol", None, DEFAULT_PROTOCOL, f"one of {names}"], *described(offered)]
        members = {"catalog": catalog, "offered": offered, "optParameters": rows}
        return ServerOptions.__new__(type(cls.__name__, (cls,), members))

    def plan(self) -> list[Listener]:
        """Return what the options ask to listen on; finds the protocol first."""
        if self["protocol"] not in self.catalog.definitions:
            raise OptionError(self._unknown(self["protocol"]))
        self.definition = self.catalog.definitions[self["protocol"]]
        return super().plan()

    def _cause(self, error: Exception, options: Sequence[str]) -> str:
        # An option of a protocol that could not be found is not known either; that is not the cause.
        asked = [value for word, value in pairwise(options) if word == "--protocol"]
        asked += [word.partition("=")[2] for word in options if word.startswith("--protocol=")]
        unknown = [name for name in asked if name not in self.catalog.definitions]
        return self._unknown(unknown[-1]) if unknown else super()._cause(error, options)

    def _unknown(self, name: str) -> str:
        reasons = "".join(f"; {each}" for each in self.catalog.broken)  # the one that is wanted, perhaps
        return f"--protocol: there is no {name!r}; one of {', '.join(self.catalog.definitions)}{reasons}"


def options_for(protocol: str) -> type[ServerOptions]:
    """Make the options class of a plugin that serves one protocol, such as ``sockproto-echo``."""
    definition = find(protocol)
    members = {
        "definition": definition,
        "offered": (definition,),
        "tapname": f"sockproto-{protocol}",
        "longdesc": f"Serve {definition.name}: {definition.description}.",
        "optParameters": described([definition]),
    }
    return type("Options", (ServerOptions,), members)


def makeService(options: ServerOptions) -> ServerService:
    """Make the service of checked options; options that were never parsed mean the defaults."""
    options.served()
    return options.make_service(
        drain_seconds=options.limits.drain_seconds,
        owns_process=True,
        shows_log=_shows_log(options.parent or {}),
        lame_duck_seconds=options.lame_duck_seconds,
        log_connections=options.log_connections,
        hang_up=options.hang_up,
        admin=options["admin"],
    )


def _shows_log(twistd: Mapping[str, Any]) -> bool:
    """Return whether twistd's options have it write its log to standard output."""
    elsewhere = twistd.get("syslog") or twistd.get("logger") or twistd.get("logfile") not in (None, "-")
    return bool(twistd.get("nodaemon")) and not elsewhere
