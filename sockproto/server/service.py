"""A Twisted service that listens, all or nothing, drains and stops.

::

    service = ServerService([tcp("echo", EchoFactory(), "127.0.0.1", 7777)])
    service.setServiceParent(application)
"""

import gc
import sys
from collections.abc import Callable, Generator, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    inlineCallbacks,
    succeed,
)
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sockproto.carriers.reports import Reports
from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits
from sockproto.core.text import escape
from sockproto.errors import ListenError
from sockproto.server.administration import admin_listener
from sockproto.server.announcements import announce
from sockproto.server.binding import Binding, stop
from sockproto.server.listeners import Listener
from sockproto.server.notify import Notifier
from sockproto.server.process import raise_descriptor_limit, take_signals

AT_ONCE = 1e-9
"""How many seconds are left for answers after a second signal has ended the lame-duck time."""


class ServerService(Service):
    """Listens on all of its listeners, or on none. After a stop it can be started again.

    Args:
        listeners: The listeners. Those with port 0 share, if possible, the port that the first of them gets:
            TCP and UDP, and several addresses.
        reactor: The reactor; None: the global reactor, when the service starts.
        drain_seconds: How many seconds answers may take once the service stops; 0: no limit.
        lame_duck_seconds: How many seconds it goes on serving, though not ``ready``, once it should
            stop. Load balancers need this time to notice, and to send no more (0: it stops at once).
        owns_process: Whether the process serves nothing else. Then a second signal during the stop
            ends the wait, the limit of open files is raised at the start, the garbage collector leaves alone
            what exists then (``gc.freeze``), and the reason why it can't start is also written to standard
            error, which twistd sends to its log.
        shows_log: Whether the log goes to the same place as standard error, as under ``twistd -n``. Then
            the reason why it can't start is written to standard error only.
        log_connections: Which connections' ends are logged: ``all``, ``failed`` (those that did not end
            as they should) or ``none``; None: as set in each factory's registry, by default ``all``.
        hang_up: What SIGHUP calls instead of ending a service that owns its process.
        admin: Where to serve the ``AdminResource`` of this service: the description of a stream endpoint, or
            the number of a port of 127.0.0.1; None: nowhere. It is the last port to close.

    Attributes:
        listeners: The listeners.
        hang_up: Called on SIGHUP, if not None.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        reactor: Any = None,
        drain_seconds: float = Limits.drain_seconds,
        owns_process: bool = False,
        shows_log: bool = False,
        lame_duck_seconds: float = 0.0,
        log_connections: str | None = None,
        hang_up: Callable[[], object] | None = None,
        admin: str | None = None,
    ) -> None:
        self.log = Logger("sockproto")  # a class's own would have the long name of the class
        self.hang_up = hang_up
        self.listeners = list(listeners)
        for listener in self.listeners:
            if log_connections is not None and not listener.datagrams:
                listener.server.registry.reports = Reports(log_connections)
        self._admin = admin
        self._own: list[Listener] = []  # those for the operator alone, such as the admin site
        self._drain_seconds = drain_seconds
        self._lame_duck_seconds = lame_duck_seconds
        self._owns_process = owns_process
        self._shows_log = shows_log
        self._binding = Binding(self._listens_late, self._fails_late)
        self._reactor = reactor
        self._names: dict[Listener, str] = {}  # once they listen
        self._stopping: Deferred[Any] = succeed(None)
        self._abort: Callable[[], None] = lambda: None  # what a second signal asks for, once a stop has begun
        self._is_cut = False
        self._notifier: Notifier | None = None  # once the process is its own

    def privilegedStartService(self) -> None:
        """Listen, while there may still be the right to ports below 1024.

        Raises:
            ListenError: One of the listeners can't listen; then none listens.
        """
        if not self._stopping.called:
            raise ListenError("sockproto: still stopping; start it when stopService's Deferred has fired")
        Service.privilegedStartService(self)
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        if self._admin is not None:
            self._own = [admin_listener(self, self._admin, self._reactor)]
        self._is_cut = False
        try:
            self._binding.bind([*self.listeners, *self._own], self._reactor)
        except ListenError as error:
            if self._owns_process and sys.stderr is not sys.__stderr__:
                print(error, file=sys.__stderr__)
                if self._shows_log:
                    error.code = error.status  # which Python doesn't print
            raise
        if self._owns_process:
            take_signals(self._reactor, self._cut, self.hang_up)
        for listener, port in self._binding.open:
            self._announce(listener, port)
        if self._owns_process:
            self._claim_descriptors()
            # Each full collection would look at all modules again: 20 to 40 ms in which nobody is answered.
            gc.freeze()
            self._notifier = Notifier(self._reactor, lambda: f"{self.connections} connections open")
            if self.ready:
                self._notifier.ready()

    @property
    def ready(self) -> bool:
        """Whether it serves and goes on serving: every listener is bound, and no stop has begun."""
        return self._binding.complete

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return sum(server.statistics.open for server in self._servers())

    def name_of(self, listener: Listener) -> str:
        """Return the address at which a listener listens, or last listened, as people write it."""
        return self._names.get(listener, escape(listener.where))

    @property
    def ports(self) -> list[IListeningPort]:
        """The open ports, in the order of the listeners."""
        return [port for _, port in self._served()]

    def _served(self) -> list[tuple[Listener, IListeningPort]]:
        """Return what the listeners have opened, without what is for who runs the service."""
        return [(listener, port) for listener, port in self._binding.open if listener not in self._own]

    def startService(self) -> None:
        """Listen, if ``privilegedStartService`` has not been called.

        Raises:
            ListenError: One of the listeners can't listen; then none listens.
        """
        if not self._binding.bound:
            self.privilegedStartService()
        Service.startService(self)

    def stopService(self) -> "Deferred[Any]":
        """Stop accepting after ``lame_duck_seconds``; answer the messages that came completely; close.

        Connections still open after ``drain_seconds`` are aborted. One line in the log sums it up.

        Returns:
            A Deferred that fires when no port and no connection is open any more.
        """
        Service.stopService(self)
        if self._binding.bound:
            self._binding.bound = False
            self._stopping = self._stop()
        stopped: Deferred[Any] = Deferred()
        self._stopping.addBoth(stopped.callback)  # one for each who asks
        return stopped

    def _stop(self) -> "Deferred[Any]":
        """Go on as before for a while where that is asked for, then drain."""
        if self._notifier is not None:
            self._notifier.stopping()
        return self._go_down().addBoth(lambda _: self._close())

    def _go_down(self) -> "Deferred[Any]":
        if self._is_cut or not self._lame_duck_seconds:
            return self._drain(AT_ONCE if self._is_cut else self._drain_seconds)
        seconds = self._lame_duck_seconds
        self.log.info("stops in {seconds:g} seconds", event="stopping", seconds=seconds)
        lame = deferLater(self._reactor, self._lame_duck_seconds, lambda: self._drain_seconds)
        self._abort = lame.cancel
        lame.addErrback(lambda failure: failure.trap(CancelledError) and AT_ONCE)
        return lame.addCallback(self._drain)

    def _cut(self) -> None:
        """End the waiting of the stop; it may come in the turn before that begins."""
        self._is_cut = True
        self._abort()

    def _close(self) -> "Deferred[Any]":
        """Close what is still open."""
        opened = self._binding.taken()
        closing = [stop(listener, port) for listener, port in opened if listener in self._own]
        return DeferredList(closing).addCallback(lambda _: None)

    def _servers(self) -> list[Any]:
        """Return what answers, each once: one may have several ports."""
        return list(dict.fromkeys(listener.server for listener in self.listeners))

    @inlineCallbacks
    def _drain(self, seconds: float) -> Generator[Any, Any, None]:
        """Answer what has come; cut what is left after *seconds* seconds; 0: cut nothing."""
        began = self._reactor.seconds()
        opened = self._served()
        servers = self._servers()
        closing = [stop(listener, port) for listener, port in opened if not listener.datagrams]

        def cut() -> int:
            return sum(server.statistics.closed[CloseReason.DRAIN_ABORTED] for server in servers)

        def abort() -> None:
            for server in servers:
                server.abort()

        cut_before = cut()
        deadline = self._reactor.callLater(seconds, abort) if seconds else None
        self._abort = abort
        yield deferLater(self._reactor, 0)  # one turn more, in which what has come is read
        connections = self.connections
        yield DeferredList([server.drain() for server in servers])
        if deadline is not None and deadline.active():
            deadline.cancel()
        # Ports for datagrams stay open until the last answer is sent.
        closing += [stop(listener, port) for listener, port in opened if listener.datagrams]
        yield DeferredList(closing)
        self.log.info(
            "stopped in {seconds:.1f} seconds: {connections} connections closed, {aborted} cut",
            event="stopped",
            connections=connections - (cut() - cut_before),
            aborted=cut() - cut_before,
            seconds=self._reactor.seconds() - began,
        )

    def _announce(self, listener: Listener, port: IListeningPort) -> None:
        """Say what is served where, and keep the name of that."""
        self._names[listener] = listener.name_of(port)
        announce(self.log, listener, port)

    def _claim_descriptors(self) -> None:
        """Have the system allow as many open files as there may be connections, or allow fewer of these."""
        servers = [listener.server for listener in self.listeners if not listener.datagrams]
        limits = [server.limits.max_connections for server in servers]
        wanted = sum(limits) if all(limits) else 0
        fit = raise_descriptor_limit(wanted) if servers else wanted
        if wanted and fit >= wanted:
            return
        for server in servers:
            server.registry.admission.restrict(max(fit // len(servers), 1))
        if wanted:
            self.log.warn(
                "the limit of open files leaves room for {fit} connections, not for {wanted}; "
                "raise it (ulimit -n) or lower --max-connections to {fit}",
                event="too_few_files",
                fit=fit,
                wanted=wanted,
            )

    def _listens_late(self, listener: Listener, port: IListeningPort) -> None:
        """The endpoint of a third party has listened, later than at once."""
        self._announce(listener, port)
        if self.ready and self._notifier is not None:
            self._notifier.ready()

    def _fails_late(self, line: str) -> None:
        """It has failed: nothing listens any more."""
        self.log.critical("{line}", event="listen_failed", line=line)
        self._reactor.stop()
