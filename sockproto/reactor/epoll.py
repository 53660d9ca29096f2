"""A reactor: Twisted's own for epoll, with less around each event.

::

    from sockproto.reactor.epoll import install

    install()  # before anything imports twisted.internet.reactor

or ``twistd --reactor=sockproto …``. Twisted sets a separate log context for each event, which tells whose it
is where a line is logged: five calls look up, copy, change and push it. Here the same context is made and
pushed in place; and timers are looked at only where one may be due. All else is inherited. Without
``select.epoll`` this can't be imported.
"""

from select import EPOLLIN
from typing import Any

from twisted.internet import base
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionFdescWentAway
from twisted.internet.main import installReactor
from twisted.python import context, log

from sockproto.reactor import contexts
from sockproto.reactor.connections import TCPConnection
from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {
    EPollReactor: (
        "_cancellations",
        "_disconnectSelectable",
        "_doReadOrWrite",
        "_justStopped",
        "_newTimedCalls",
        "_pendingTimedCalls",
        "_poller",
        "_reads",
        "_selectables",
        "_started",
        "_writes",
        "threadCallQueue",
    ),
    base: ("_topHandler",),
}

LONGEST_TIMEOUT = 2_147_483
"""Seconds: in milliseconds as many as epoll takes."""


class LeanEPollReactor(EPollReactor):
    """Twisted's epoll reactor for unchanged Twisted code: the same events, each in the same log context."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if self._can_be_lean():
            self.doPoll = self.doIteration = self._lean_poll  # type: ignore[method-assign]  # else Twisted's own
            self.mainLoop = self._lean_loop  # type: ignore[method-assign]
            self.addReader = self._lean_add  # type: ignore[method-assign]
            self.removeReader = self._lean_remove  # type: ignore[method-assign]

    def _can_be_lean(self) -> bool:
        """Tell whether Twisted has all that is relied on here."""
        known = has_all(self, RELIES_ON[EPollReactor]) and has_all(base, RELIES_ON[base])
        return known and contexts.are_known()

    def _lean_add(self, reader: Any) -> None:
        """Tell *reader* of what can be read; where it is not new, or no socket, as Twisted does."""
        fd = reader.fileno()
        if fd in self._selectables or fd < 0:
            EPollReactor.addReader(self, reader)
            return
        try:
            self._poller.register(fd, EPOLLIN)
        except OSError:
            EPollReactor.addReader(self, reader)
            return
        self._reads.add(fd)
        self._selectables[fd] = reader

    def _lean_remove(self, reader: Any) -> None:
        """Tell *reader* no more; where it writes too, or is no socket, as Twisted does."""
        fd = reader.fileno()
        if fd not in self._reads or fd in self._writes:
            EPollReactor.removeReader(self, reader)
            return
        del self._selectables[fd]
        self._poller.unregister(fd)
        self._reads.remove(fd)

    def _lean_loop(self) -> None:
        """Turn until stopped; timers are looked at only where one may be due.

        Source:
            ``ReactorBase.mainLoop``.
        """
        seconds = self.seconds
        while self._started:
            with base._topHandler:
                while self._started:
                    calls: list[Any] = self._pendingTimedCalls
                    changed = self.threadCallQueue or self._newTimedCalls or self._justStopped
                    timeout = calls[0].time - seconds() if calls else None
                    if changed or self._cancellations or (timeout is not None and timeout <= 0):
                        self.runUntilCurrent()
                        timeout = self.timeout()
                    elif timeout is not None and timeout > LONGEST_TIMEOUT:
                        timeout = LONGEST_TIMEOUT
                    self.doIteration(self.running and timeout)
        super().mainLoop()  # says that it is over

    def _lean_poll(self, timeout: float | None) -> None:
        """Wait for events, and handle them.

        In one piece: each call that is made for an event costs a tenth of all that the reactor does for it.

        Args:
            timeout: How many seconds to wait; None: no limit.

        Source:
            ``EPollReactor.doPoll``, ``_PollLikeMixin._doReadOrWrite``, ``twisted.python.log.callWithLogger``.
        """
        stack = contexts.stack()
        if stack is None:  # somebody's own: left to Twisted
            EPollReactor.doPoll(self, timeout)
            return
        selectables = self._selectables
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
        except InterruptedError:
            return
        key = log.ILogContext
        around = stack[-1].get(key) or context.get(key)
        for fd, event in events:
            selectable = selectables.get(fd)
            if selectable is None:  # gone, by an event before this one
                continue
            ours = type(selectable) is TCPConnection  # which has a descriptor as long as it reads
            try:
                prefix = selectable.logstr if ours else selectable.logPrefix()
            except KeyboardInterrupt:
                raise
            except BaseException:
                prefix = "(buggy logPrefix method)"
                log.err(system=prefix)
            stack.append({key: {**around, "system": prefix}})
            try:
                try:
                    if event != EPOLLIN:  # seldom: Twisted's way
                        self._doReadOrWrite(selectable, fd, event)
                        continue
                    is_read = False
                    try:
                        if not ours and selectable.fileno() == -1:
                            why: Any = ConnectionFdescWentAway("File descriptor lost")
                        else:
                            why = selectable.doRead()
                            is_read = True
                    except BaseException as error:
                        why = error
                        log.err()
                    if why:
                        self._disconnectSelectable(selectable, why, is_read)
                finally:
                    stack.pop()
            except KeyboardInterrupt:
                raise
            except BaseException:
                log.err(system=prefix)


def install() -> None:
    """Make it the reactor of this process.

    Raises:
        ReactorAlreadyInstalledError: There is one.
    """
    installReactor(LeanEPollReactor())
