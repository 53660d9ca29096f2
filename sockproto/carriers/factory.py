"""The factory of a listener: makes a conversation and its carrier for each connection.

::

    reactor.listenTCP(7, EchoFactory(limits=Limits(idle_seconds=30)))
"""

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory

from sockproto.carriers.arguments import require_protocol_fit
from sockproto.carriers.registry import Registry, Statistics
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.access import Access
from sockproto.core.faults.plan import FaultPlan, Faults, GivenFaults
from sockproto.core.limits import Limits
from sockproto.core.proxy import Trust
from sockproto.core.script import EXITS
from sockproto.reactor.alpn import go_on_without_alpn
from sockproto.reactor.exits import end_process


class ConversationFactory(Factory):
    """Makes a conversation and its carrier for each connection.

    An ordinary ``IProtocolFactory``: other people's endpoints and wrappers take it.

    Args:
        args: Positional arguments of the conversation.
        limits: The limits of what the peers may use, all together and each.
        framing: Called with the longest message in bytes, returns the framing; None: the protocol's own.
        clock: The clock of its timers; None: the global reactor.
        proxy_from: Networks of the proxies whose PROXY header tells the client's address; then every
            connection must begin with such a header. None: there are no proxies.
        access: The addresses that may connect; None: all.
        faults: The faults of its connections, such as ``"delay=0.2"``; None: no faults.
        kwargs: Keyword arguments of the conversation.

    Attributes:
        protocol: The class of protocol it makes.
        name: The protocol's name in the log; if empty, a short form of the name of the protocol's class.
        limits: The limits of what the peers may use.
        faults: The faults of its connections; None: no faults.
        registry: Its connections and their statistics.
        worker: The number of the worker that serves it, if ``sockproto serve`` has several; else None.
        ignores_address: Whether ``buildProtocol`` needs no address; then the ports of
            ``flush_after_reads`` make none. A subclass that overrides ``buildProtocol`` gets one.

    Raises:
        TypeError: The signature of the conversation, or of the carrier, doesn't accept these arguments. Wrong
            values are found at once by the conversations of this package, else at the first connection.
        ValueError: A network in *proxy_from* is not valid, or *faults* are wrong.
    """

    protocol: type[ConversationProtocol] = ConversationProtocol
    name = ""
    worker: int | None = None
    noisy = False
    ignores_address = True

    def __init__(
        self,
        *args: Any,
        limits: Limits | None = None,
        framing: Callable[[int], Any] | None = None,
        clock: IReactorTime | None = None,
        proxy_from: Iterable[str] | None = None,
        access: Access | None = None,
        faults: GivenFaults = None,
        **kwargs: Any,
    ) -> None:
        if framing is not None and not callable(framing):
            raise TypeError(f"framing must be a class such as Lines, not {framing!r}")
        go_on_without_alpn()  # before somebody has a TLS context made for this factory's port
        self.limits = limits = Limits.given(limits)
        self.registry = Registry(limits, clock, Access.given(access))
        self._framing, self._args, self._kwargs = framing, args, kwargs
        self._proxies = None if proxy_from is None else Trust(proxy_from)
        self.faults = Faults.given(faults)
        self._plan = None if self.faults is None else FaultPlan(self.faults, self.statistics.faults)
        self._plain = self._proxies is None and self._plan is None
        # Wrong arguments show here, not at the first connection.
        require_protocol_fit(self.protocol, ConversationProtocol, args, kwargs, **self._carriers())

    @property
    def statistics(self) -> Statistics:
        """The statistics of its connections."""
        return self.registry.statistics

    def buildProtocol(self, addr: IAddress | None) -> ConversationProtocol:
        """Make the protocol for a connection."""
        kind = self.protocol
        try:
            if kind.__init__ is ConversationProtocol.__init__ and self._plain:
                # What that does, without looking at its arguments for each connection.
                protocol = kind.__new__(kind)
                framing = (self._framing or kind.framing)(self.limits.max_message_bytes)
                protocol.prepare(kind.conversation(*self._args, **self._kwargs), framing, self.registry)
            else:
                protocol = kind(*self._args, **self._carriers(), **self._kwargs)
                if self._plan is not None:
                    self._plan.inject(protocol.session)
        except EXITS as error:
            end_process(self.registry.clock, error)
            raise
        protocol.factory = self
        return protocol

    def _carriers(self) -> dict[str, Any]:
        """Return the arguments of a protocol that are not meant for its conversation."""
        return {"registry": self.registry, "framing": self._framing, "proxies": self._proxies}

    def drain(self) -> "Deferred[None]":
        """Let every connection answer what it has received; the Deferred fires when all are closed."""
        return self.registry.drain()

    def abort(self) -> int:
        """Cut every connection that is still open; return how many there were."""
        return self.registry.abort()

    def stopFactory(self) -> None:
        """The last port has stopped listening."""
        self.registry.log.flush()
