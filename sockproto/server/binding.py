"""The ports of several listeners, all or none.

::

    binding = Binding(listens_late, fails_late)
    binding.bind([tcp("echo", EchoFactory(), "127.0.0.1", 7777)], reactor)
    binding.open    # each listener, with its port
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure
from twisted.python.log import callWithContext

from sockproto.errors import ListenError
from sockproto.server.announcements import failure_line
from sockproto.server.listeners import Listener

TRIES = 16
"""How often another free port is chosen if not all listeners can have the first one."""


class Binding:
    """Opens the ports of listeners, all or none.

    Args:
        listens_late: Called with a listener and its port, where that was opened later than at once, as an
            endpoint of a third party may.
        fails_late: Called with the line that says why, where one could not be opened, later than at once; all
            others are closed then.

    Attributes:
        open: The listeners that listen, each with its port, in the order of the listeners.
        bound: Whether their ports are wanted: one that is opened later is closed at once if not.
    """

    def __init__(
        self, listens_late: Callable[[Listener, IListeningPort], None], fails_late: Callable[[str], None]
    ) -> None:
        self._listens_late, self._fails_late = listens_late, fails_late
        self._listeners: Sequence[Listener] = ()
        self._reactor: Any = None
        self.open: list[tuple[Listener, IListeningPort]] = []
        self.bound = False

    @property
    def complete(self) -> bool:
        """Whether all are wanted, and listen."""
        return self.bound and len(self.open) == len(self._listeners)

    def bind(self, listeners: Sequence[Listener], reactor: Any) -> None:
        """Open every port, or none.

        Args:
            listeners: The listeners. Those with port 0 share, if possible, the port that the first gets.
            reactor: What they listen with.

        Raises:
            ListenError: One of them can't listen.
        """
        self._listeners, self._reactor = listeners, reactor
        for tries_left in reversed(range(TRIES)):
            if self._bind(last=not tries_left):
                break

    def unbind(self) -> None:
        """Close the ports of a start that failed."""
        self.bound = False
        for listener, port in self.taken():
            stop(listener, port)

    def taken(self) -> list[tuple[Listener, IListeningPort]]:
        """Return those that are open, which are the caller's to close then."""
        opened, self.open = self.open, []
        return opened

    def _bind(self, last: bool) -> bool:
        """Open every port, or none; return False if another choice of a free port may help."""
        self.bound = True
        chosen = 0
        sharing: set[tuple[bool, str | None]] = set()
        for listener in self._listeners:
            if listener.port == 0:
                if (listener.datagrams, listener.interface) in sharing:  # another of its kind has that port
                    chosen = 0
                    sharing.clear()
                sharing.add((listener.datagrams, listener.interface))
            outcome: list[Any] = []
            # Twisted's own announcement is left blank, or each port would have two.
            listening = callWithContext({"log_format": ""}, listener.listen, self._reactor, chosen)
            listening.addBoth(outcome.append)
            if not outcome:
                listening.addCallback(lambda _, *late: self._late(*late), listener, outcome)
            elif not isinstance(outcome[0], Failure):
                self.open.append((listener, outcome[0]))
                if listener.port == 0:
                    chosen = outcome[0].getHost().port
            else:
                self.unbind()
                if not self._reactor.running:
                    self._reactor.iterate(0)  # ports close in the next turn, and there may be none
                if chosen and listener.port == 0 and not last:
                    return False
                raise ListenError(failure_line(listener, outcome[0]))
        return True

    def _late(self, listener: Listener, outcome: list[Any]) -> None:
        """A third-party endpoint has listened, or failed, later than at once."""
        [result] = outcome
        if not isinstance(result, Failure):
            self.open.append((listener, result))
            if self.bound:
                self._listens_late(listener, result)
            else:
                self.unbind()
        elif self.bound:
            self.unbind()
            self._fails_late(failure_line(listener, result))


def stop(listener: Listener, port: IListeningPort) -> "Deferred[Any]":
    """Stop listening; return a Deferred that fires when that is done."""
    listener.close()
    # ``stdio:`` returns a connection, not a port.
    stop: Callable[[], Any] = getattr(port, "stopListening", None) or cast("Any", port).loseConnection
    return maybeDeferred(stop)
