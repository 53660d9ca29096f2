"""A reactor: Twisted's own for epoll, with less around each event.

::

    from sockproto.reactor.epoll import install

    install()  # before anything imports twisted.internet.reactor

or ``twistd --reactor=sockproto …``. Twisted gives each event a log context of its own, which tells whose it
is where a line is logged: five calls look up, copy, change and push it. Here the same context is made and
pushed in place. All else is inherited. Without ``select.epoll`` this can't be imported.
"""

from select import EPOLLIN, EPOLLOUT

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionFdescWentAway
from twisted.internet.main import installReactor
from twisted.python import context, log

from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {
    EPollReactor: ("_disconnectSelectable", "_doReadOrWrite", "_poller", "_selectables"),
    context: ("ContextTracker", "ThreadedContextTracker", "theContextTracker"),
}
if has_all(context, RELIES_ON[context]):
    RELIES_ON = {
        **RELIES_ON,
        context.ThreadedContextTracker: ("currentContext",),
        context.ContextTracker: ("contexts",),
    }


class LeanEPollReactor(EPollReactor):
    """Twisted's epoll reactor for unchanged Twisted code: the same events, each in the same log context."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not self._can_be_lean():
            self.doPoll = self.doIteration = super().doPoll  # type: ignore[method-assign]  # Twisted's own

    def _can_be_lean(self) -> bool:
        """Tell whether Twisted has all that is relied on here."""
        if not (has_all(self, RELIES_ON[EPollReactor]) and has_all(context, RELIES_ON[context])):
            return False
        tracker, tracked = context.ThreadedContextTracker, context.ContextTracker
        known = has_all(tracker, RELIES_ON[tracker])
        return known and has_all(tracked(), RELIES_ON[tracked])  # type: ignore[no-untyped-call]

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events, and handle them.

        In one piece: each call that is made for an event costs a tenth of all that the reactor does for it.

        Args:
            timeout: For so many seconds; None waits as long as it takes.

        Source:
            ``EPollReactor.doPoll``, ``_PollLikeMixin._doReadOrWrite``, ``twisted.python.log.callWithLogger``.
        """
        tracker = context.theContextTracker
        if type(tracker) is not context.ThreadedContextTracker:  # somebody's own: left to Twisted
            EPollReactor.doPoll(self, timeout)
            return
        selectables = self._selectables
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
        except InterruptedError:
            return
        contexts = tracker.currentContext().contexts
        around = tracker.getContext(log.ILogContext)
        for fd, event in events:
            selectable = selectables.get(fd)
            if selectable is None:  # gone, by an event before this one
                continue
            try:
                prefix = selectable.logPrefix()
            except KeyboardInterrupt:
                raise
            except BaseException:
                prefix = "(buggy logPrefix method)"
                log.err(system=prefix)
            # A new one for each event: what it starts in a thread takes it along.
            contexts.append({log.ILogContext: {**around, "system": prefix}})
            try:
                try:
                    if event != EPOLLIN and event != EPOLLOUT:  # both at once, or somebody has hung up
                        self._doReadOrWrite(selectable, fd, event)
                        continue
                    why: BaseException | None = None
                    is_read = False
                    try:
                        if selectable.fileno() == -1:
                            why = ConnectionFdescWentAway("File descriptor lost")
                        elif event == EPOLLIN:
                            why = selectable.doRead()
                            is_read = True
                        else:
                            why = selectable.doWrite()
                    except BaseException as error:
                        why = error
                        log.err()
                    if why:
                        self._disconnectSelectable(selectable, why, is_read)
                finally:
                    contexts.pop()
            except KeyboardInterrupt:
                raise
            except BaseException:
                log.err(system=prefix)

    doIteration = doPoll


def install() -> None:
    """Make it the reactor of this process.

    Raises:
        ReactorAlreadyInstalledError: There is one.
    """
    installReactor(LeanEPollReactor())
