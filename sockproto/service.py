"""Listening, all or nothing, and stopping: a Twisted service.

::

    service = ServerService([tcp("echo", EchoFactory(), "127.0.0.1", 7777)])
    service.setServiceParent(application)
"""

import errno
import os
from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockproto.errors import ListenError
from sockproto.journal import escape
from sockproto.listeners import Listener

TRIES = 16
"""So often a free port is chosen anew if it turns out that not all listeners can have it."""

ADVICE = {
    errno.EACCES: "ports below 1024 need root's rights or CAP_NET_BIND_SERVICE; take a higher one",
    errno.EADDRINUSE: "something listens there already; stop it, or take another",
    errno.EADDRNOTAVAIL: "this machine has no such address; take one that it has",
}


class ServerService(Service):
    """Listens on all of its listeners, or on none. After a stop it can be started again.

    Args:
        listeners: What to listen on. Those with port 0 share the port that the first of them is given.
        reactor: What to listen with; the global reactor, when the service starts, if None.

    Attributes:
        listeners: What to listen on.
        ports: What it listens on now: an ``IListeningPort`` for each listener, in their order.
    """

    log = Logger("sockproto")

    def __init__(self, listeners: Sequence[Listener], reactor: Any = None) -> None:
        self.listeners = list(listeners)
        self.ports: list[IListeningPort] = []
        self._reactor = reactor
        self._bound = False

    def privilegedStartService(self) -> None:
        """Listen, while there may still be the right to ports below 1024.

        Raises:
            ListenError: One of the listeners can't; none listens then.
        """
        Service.privilegedStartService(self)
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        for tries_left in reversed(range(TRIES)):
            if self._bind(last=not tries_left):
                break
        for listener, port in zip(self.listeners, self.ports, strict=False):
            self.log.info("{protocol} on {where}", protocol=listener.protocol, where=listener.name_of(port))

    def startService(self) -> None:
        """Listen, if ``privilegedStartService`` has not been called.

        Raises:
            ListenError: One of the listeners can't; none listens then.
        """
        if not self._bound:
            self.privilegedStartService()
        Service.startService(self)

    def stopService(self) -> "Deferred[Any]":
        """Stop listening, and close the connections once what they were sent is delivered.

        Returns:
            A Deferred that fires when no port is open any more.
        """
        Service.stopService(self)
        return self._unbind()

    def _bind(self, last: bool) -> bool:
        """Open every port, or none; gives False if another choice of a free port may help."""
        self._bound = True
        chosen = 0
        for listener in self.listeners:
            outcome: list[Any] = []
            listening = listener.listen(self._reactor, chosen).addBoth(outcome.append)
            if not outcome:
                listening.addCallback(lambda _, *late: self._late(*late), listener, outcome)
            elif not isinstance(outcome[0], Failure):
                self.ports.append(outcome[0])
                if listener.port == 0:
                    chosen = outcome[0].getHost().port
            else:
                self._unbind()
                if not self._reactor.running:
                    self._reactor.iterate(0)  # ports close in the next turn, and there may be none
                if chosen and listener.port == 0 and not last:
                    return False
                raise ListenError(_line(listener, outcome[0]))
        return True

    def _late(self, listener: Listener, outcome: list[Any]) -> None:
        """An endpoint of somebody else's took its time to listen, or to fail."""
        [result] = outcome
        if not isinstance(result, Failure):
            self.ports.append(result)
            if not self._bound:
                self._unbind()
        elif self._bound:
            self.log.critical("{line}", line=_line(listener, result))
            self._unbind()
            self._reactor.stop()

    def _unbind(self) -> "Deferred[Any]":
        self._bound = False
        ports, self.ports = self.ports, []
        closing = [maybeDeferred(port.stopListening) for port in ports]
        for listener, _ in zip(self.listeners, ports, strict=False):
            listener.close()
        return DeferredList(closing)


def _line(listener: Listener, failure: Failure) -> str:
    """Give what a person is told: address, port, reason, and what to do."""
    error = failure.value
    if isinstance(error, CannotListenError):
        error = error.socketError
    number = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(number) if number is not None else escape(str(error))
    advice = f" ({ADVICE[number]})" if number in ADVICE else ""
    return f"sockproto: {listener.protocol} can't listen on {listener.where}: {reason}{advice}"
