"""The end of the process that a ``KeyboardInterrupt`` or a ``SystemExit`` asks for.

Reactors log whatever is raised in them, these two as well, and go on. Here they stop, in order: what drains
at a stop drains. Whatever the program does then, its status is the one that was asked for::

    except SystemExit as error:
        end_process(reactor, error)
"""

import atexit
import os
import sys
from contextlib import suppress
from typing import Any

from twisted.internet.base import ReactorBase
from twisted.internet.error import ReactorNotRunning

from sockproto.reactor.names import RelyingOn, has_all

RELIES_ON: RelyingOn = {atexit: ("_run_exitfuncs",)}

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""


def end_process(reactor: Any, error: BaseException) -> None:
    """Stop a reactor that runs, and have the process end with the status of *error*.

    Args:
        reactor: The reactor; if it is not a reactor, or doesn't run, the error goes to the caller.
        error: A ``KeyboardInterrupt``, or a ``SystemExit``, whose code may be a text for standard error.
    """
    if isinstance(reactor, ReactorBase) and reactor.running:
        with suppress(ReactorNotRunning):  # it stops already
            reactor.stop()
            atexit.register(_leave, _status(error))


def _status(error: BaseException) -> int:
    """Return the exit status with which Python ends for an error."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    code = error.code if isinstance(error, SystemExit) else 1
    if code is None or isinstance(code, int):
        return int(code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _leave(status: int) -> None:
    """End the process, after the usual work at its end; there is no other way to set its status."""
    atexit.unregister(_leave)
    if has_all(atexit, RELIES_ON[atexit]):
        atexit._run_exitfuncs()
    for stream in sys.stdout, sys.stderr:
        with suppress(Exception):
            stream.flush()
    os._exit(status)
