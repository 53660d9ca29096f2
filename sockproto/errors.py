"""The errors of sockproto; whose fault it was is in the type.

::

    SockprotoError
    ├── LocalError            ours, or that of whoever configured us
    │   ├── OptionError       a wrong option or description
    │   ├── ListenError       a port that can't be had
    │   └── ActionError       a conversation gave something that is no action
    └── RemoteError           the peer's
        ├── MessageTooLong    a message past the limit
        ├── ProxyHeaderInvalid  what came first is no PROXY header
        └── SendRefused       the peer doesn't read, or is gone

"Need more bytes" is no error, and has none.

::

    try:
        service.startService()
    except ListenError as error:
        print(error)            # greeting: can't listen on TCP 127.0.0.1:80: Permission denied …
"""


class SockprotoError(Exception):
    """Every error that sockproto raises on purpose."""


class LocalError(SockprotoError):
    """The fault is on this side: a configuration, a program that embeds us."""


class RemoteError(SockprotoError):
    """The fault is on the peer's side."""


class OptionError(LocalError, ValueError):
    """An option or a description of a listener is wrong; the text says which and what to do."""


class ListenError(SystemExit, LocalError):
    """A port can't be had.

    It is an exception of both kinds so that twistd does what its users expect: for an ``Exception`` it
    removes its pid file and tells the parent of a daemon; for a ``SystemExit`` Python prints the one
    line on standard error, without a traceback, and the exit status is 1.
    """


class ActionError(LocalError, TypeError):
    """A conversation gave something that is no action.

    Args:
        action: What it gave.
    """

    def __init__(self, action: object) -> None:
        super().__init__(f"{action!r} is no action: give bytes, CLOSE, ABORT, Sleep or Wait")


class MessageTooLong(RemoteError):
    """A message is longer than the limit.

    Attributes:
        limit: The most bytes a message may have; its terminator doesn't count.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"message longer than {limit} bytes")
        self.limit = limit


class ProxyHeaderInvalid(RemoteError):
    """What the connection began with is no header of the PROXY protocol."""


class SendRefused(RemoteError):
    """A pushed message was not taken: the peer has too much unread, or the connection is over."""
