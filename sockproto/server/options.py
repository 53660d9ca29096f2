"""The options of a server on a command line: which there are, and what to listen on by them.

::

    class EchoOptions(ServerOptions):
        definition = DEFINITION

    options.parseOptions(["--port", "0"])
    options.listeners       # the planned listeners
"""

import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import partial
from importlib.metadata import version
from itertools import chain
from typing import Any, ClassVar, NoReturn

from twisted.internet.protocol import Factory
from twisted.python import usage

from sockproto.core.limits import Limits
from sockproto.core.proxy import LOOPBACK_NETWORKS, Trust
from sockproto.core.text import EMPTY, count, escape, port_number, seconds
from sockproto.errors import OptionError, WriteFailed
from sockproto.server.access import AccessOptions
from sockproto.server.addressing import addresses
from sockproto.server.administration import planned_admin
from sockproto.server.descriptions import from_descriptions
from sockproto.server.endpoints import MAX_BACKLOG
from sockproto.server.explaining import explanation
from sockproto.server.factories import Factories, prepared
from sockproto.server.faults import fault_help
from sockproto.server.listeners import BACKLOG, Listener, tcp, udp
from sockproto.server.logs import connections
from sockproto.server.parameters import typed
from sockproto.server.service import ServerService

DEFAULT_PORT = 9999
LOOPBACK = "127.0.0.1"

LIMITS = frozenset(typed(limit.name) for limit in fields(Limits))
"""The options that set a limit."""


class ServerOptions(AccessOptions):
    """The options of a server whose protocol is given.

    A wrong one ends the program with one line and the exit status 1.
    """

    definition: Any = None
    offered: ClassVar[tuple[Any, ...]] = ()  # the definitions whose options can be given
    tapname: ClassVar[str] = "sockproto"
    shown: ClassVar[tuple[str, ...]] = ("lame-duck-seconds", "log-connections")  # with --explain, if given

    synopsis = "[options]"
    optFlags: ClassVar[list[list[Any]]] = [
        ["tcp-only", None, "serve TCP, not UDP"],
        ["udp-only", None, "serve UDP, not TCP"],
        ["proxy-protocol", None, "take the client's address from a PROXY header, which must come first"],
        ["explain", None, "print what would be served, to whom and under which limits; then exit"],
    ]
    optParameters: ClassVar[list[list[Any]]] = [
        ["port", "p", None, f"port for TCP and UDP; 0 takes a free one  [default: {DEFAULT_PORT}]"],
        ["backlog", None, None, f"connections that wait to be accepted, at most  [default: {BACKLOG}]"],
        ["admin", None, None, "serve metrics, health and a page here: a port of 127.0.0.1 or an endpoint"],
        ["lame-duck-seconds", None, None, "time to go on after a signal, no longer ready  [default: 0]"],
        ["log-connections", None, None, "ends that are logged: all, failed or none  [default: all]"],
        *(
            [
                typed(limit.name),
                None,
                None,
                f"{limit.metadata['help']}; 0: no limit  [default: {limit.default:g}]",
            ]
            for limit in fields(Limits)
        ),
    ]

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        AccessOptions.__init__(self)
        self["interface"] = []
        self["listen"] = []
        self["proxy-from"] = []
        self.listeners: list[Listener] | None = None
        self.admin_listeners: list[Listener] = []
        self.hang_up: Callable[[], object] | None = None  # what SIGHUP calls, instead of ending the server

    def __setitem__(self, name: str, value: Any) -> None:
        """Take the value of an option; refuse another one, as nginx does with its directives.

        Twisted has the second replace the first, of an ``--admin`` too. Of a limit the last counts: the same
        list of limits may be given to every server, and one more after it.

        Raises:
            OptionError: The option was given before, with another value.
        """
        first = self._given.setdefault(name, value)
        is_typed = isinstance(value, str)  # what is repeatable is a list
        if is_typed and first != value and name not in LIMITS:
            raise OptionError(f"--{name} is given twice, as {first!r} and as {value!r}; give it once")
        super().__setitem__(name, value)

    def opt_interface(self, address: str) -> None:
        """Address or host name to serve instead of 127.0.0.1; may be given more than once."""
        self["interface"].append(address)

    opt_i = opt_interface

    def opt_listen(self, description: str) -> None:
        """Listen here: a Twisted server endpoint, udp:PORT:interface=ADDR or unix-dgram:PATH; repeatable."""
        self["listen"].append(description)

    def opt_proxy_from(self, network: str) -> None:
        """Network whose PROXY headers are believed, instead of this machine's own addresses; repeatable."""
        self["proxy-from"].append(network)

    def opt_version(self) -> None:
        """Print the version of sockproto and exit."""
        self._show(f"sockproto {version('sockproto')}")

    def _show(self, text: str) -> NoReturn:
        """Print it and exit."""
        try:
            if sys.stdout is None:  # it was closed when we were started
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            print(text, flush=True)
        except OSError as error:
            # What was not written would be tried again, and fail with a traceback, when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            if not isinstance(error, BrokenPipeError):  # as of head, which has seen enough
                raise WriteFailed(f"can't write: {error.strerror}") from None
        raise SystemExit(0)

    def parseOptions(self, options: Any = None) -> None:
        """Take the command line.

        Raises:
            SystemExit: An option is wrong; its text is the line for standard error.
        """
        try:
            usage.Options.parseOptions(self, options)
        except WriteFailed as error:
            raise SystemExit(f"{self.tapname}: {error}") from error
        except (usage.UsageError, OptionError) as error:
            text = escape(self._cause(error, options or ()))  # in which others may have a word
            raise SystemExit(f"{self.tapname}: {text} (twistd {self.tapname} --help tells more)") from None

    def _cause(self, error: Exception, options: Sequence[str]) -> str:
        """Return why the options can't be taken."""
        return str(error)

    def parseArgs(self, *words: str) -> None:
        """Refuse positional arguments: none are known."""
        if words:
            raise OptionError(f"there is no use for {words[0]!r}; every option begins with --")

    def postOptions(self) -> None:
        """Check the options and plan the listeners."""
        if "help" in self["fault"]:
            self._show(fault_help())
        self._refuse_empty()
        self.listeners = self.plan()
        if self["explain"]:
            self._show(explanation([*self.listeners, *self.admin_listeners], self.limits, self.settings()))

    def served(self) -> list[Listener]:
        """Return what to listen on; plan it, if the options were never parsed."""
        if self.listeners is None:
            self.listeners = self.plan()
        return self.listeners

    def make_service(self, **arguments: Any) -> ServerService:
        """Make what serves, given the arguments of ``ServerService`` besides the listeners."""
        return ServerService(self.served(), **arguments)

    def plan(self) -> list[Listener]:
        """Return what the options ask to listen on.

        Raises:
            OptionError: They don't fit each other or the protocol.
        """
        self.limits = self._limits()
        self.lame_duck_seconds = _named("--lame-duck-seconds", seconds, self["lame-duck-seconds"] or "0")
        self.log_connections = _named("--log-connections", connections, self["log-connections"] or "all")
        if self["admin"] is not None:
            self.admin_listeners = [_named("--admin", planned_admin, self["admin"], Factory(), None)]
        factories = self._factories()
        planned = [*(self._described(factories) if self["listen"] else self._at_ports(factories))]
        self._refuse_without_effect(planned)
        return [listener for _, listener in planned]

    def _factories(self) -> Factories:
        """Return what makes what answers."""
        access = self.access()
        arguments = prepared(self.definition, dict(self._arguments()))
        arguments = {**arguments, "limits": self.limits, **({"access": access} if access else {})}
        proxied = bool(self["proxy-protocol"])
        own = (self._framing(), self._trusted(), proxied, self.faults())
        return Factories(self.definition, arguments, *own)

    def _described(self, factories: Factories) -> Iterable[tuple[str, Listener]]:
        """Yield the description and the plan of each listener of ``--listen``."""
        for name in ("port", "interface", "backlog", "tcp-only", "udp-only"):
            if self[name]:
                raise OptionError(f"--{name} does not go with --listen, whose description says it all")
        from twisted.internet import reactor

        authorities = self.authorities()
        for text in self["listen"]:
            answers = (partial(factories.stream, text), partial(factories.datagrams, text))
            given = (self.definition.name, text, *answers, reactor, authorities)
            for listener in _named("--listen", from_descriptions, *given):
                yield text, listener

    def _at_ports(self, factories: Factories) -> Iterable[tuple[str, Listener]]:
        """Yield the description and the plan of each listener of ``--port`` and ``--interface``."""
        if self["tcp-only"] and self["udp-only"]:
            raise OptionError("--tcp-only and --udp-only leave nothing to serve; give one of them")
        protocol = self.definition.name
        port = _named("--port", port_number, str(DEFAULT_PORT) if self["port"] is None else self["port"])
        backlog = self._backlog()
        found = [_named("--interface", addresses, given) for given in self["interface"] or [LOOPBACK]]
        for address in dict.fromkeys(chain.from_iterable(found)):
            if not self["udp-only"]:
                where = f"tcp:{port}"
                yield where, tcp(protocol, factories.stream(where), address, port, backlog)
            if not self["tcp-only"]:
                where = f"udp:{port}"
                yield where, udp(protocol, factories.datagrams(where), address, port)

    def _refuse_without_effect(self, planned: list[tuple[str, Listener]]) -> None:
        """Refuse what has no effect on any listener: datagrams have no connection, nor a PROXY header.

        Limits are taken all the same: the same list of them may be given to every server.
        """
        listeners = [listener for _, listener in planned]
        self.require_effect(planned)
        for name in "proxy-protocol", "backlog", "framing":
            if self.get(name) and all(listener.datagrams for listener in listeners):
                raise OptionError(f"--{name} does not fit datagrams; leave it out or serve streams too")
        if self["client-ca"] and not any(listener.tls for listener in listeners):
            raise OptionError(
                "--client-ca goes with --listen ssl:PORT:privateKey=FILE:certKey=FILE; give one"
            )

    def _limits(self) -> Limits:
        given = {}
        for limit in fields(Limits):
            text = self[typed(limit.name)]
            if text is not None:
                convert = seconds if limit.name.endswith("_seconds") else count
                given[limit.name] = _named(f"--{typed(limit.name)}", convert, text)
        return Limits(**given)

    def _trusted(self) -> list[str]:
        """Return the networks whose PROXY headers are believed."""
        if self["proxy-from"] and not self._proxied():
            raise OptionError("--proxy-from goes with --proxy-protocol or --listen haproxy:…; give one")
        for network in self["proxy-from"]:
            _named("--proxy-from", Trust, [network])
        return self["proxy-from"] or LOOPBACK_NETWORKS

    def _proxied(self) -> bool:
        """Return whether any listener reads PROXY headers."""
        return bool(self["proxy-protocol"]) or any(text.startswith("haproxy:") for text in self["listen"])

    def settings(self) -> Iterable[tuple[str, str]]:
        """Yield the name and the value of each option that was given and is no listener's and no limit."""
        yield from self.restrictions()
        if self._proxied():
            yield "proxy-from", ", ".join(self._trusted())
        for name in self.shown:
            if self[name] is not None:
                yield name, self[name]

    def _arguments(self) -> Iterable[tuple[str, Any]]:
        """Yield the conversation's arguments that were given as options."""
        fitting = {option.name: option for option in self.definition.options}
        offered = chain.from_iterable(definition.options for definition in self.offered)
        for name in dict.fromkeys(option.name for option in offered):
            if self.get(name) is None:
                continue
            if name not in fitting:
                raise OptionError(f"--{name} does not fit the protocol {self.definition.name}; leave it out")
            yield fitting[name].argument, _named(f"--{name}", fitting[name].convert, self[name])

    def _framing(self) -> Any:
        word, framings = self.get("framing"), self.definition.framings
        if word is None:
            return next(iter(framings.values()), None)
        if word in framings:
            return framings[word]
        if not framings:
            raise OptionError(f"--framing does not fit the protocol {self.definition.name}; leave it out")
        known = " or ".join(framings)
        raise OptionError(f"--framing of the protocol {self.definition.name} is {known}, not {word!r}")

    def _backlog(self) -> int:
        text = self["backlog"]
        return BACKLOG if text is None else _named("--backlog", count, text, 1, MAX_BACKLOG)

    def _refuse_empty(self) -> None:
        """Refuse empty values, as of an unset variable of a shell; of a protocol's own options it decides."""
        own = {option.name for definition in self.offered for option in definition.options}
        for name, value in self.items():
            if name not in own and "" in (value if isinstance(value, list) else [value]):
                raise OptionError(f"--{name}: {EMPTY}")


def _named(option: str, call: Any, *args: Any) -> Any:
    """Call what reads an option's value; have its error name the option."""
    try:
        return call(*args)
    except ValueError as error:  # an OptionError is one
        raise OptionError(f"{option}: {error}") from error
    except Exception as error:  # of code that is not ours
        raise OptionError(f"{option}: {type(error).__name__}: {error}") from error
