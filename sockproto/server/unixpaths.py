"""The paths of UNIX sockets: what a server that was killed has left there, and what stands in the way.

::

    clear("/run/echo")     # no server listens there, and no file is left of one
"""

import errno
import os
import re
import socket
import stat
from contextlib import suppress

from twisted.internet.error import CannotListenError

MAX_PATH_BYTES = 107
"""The longest path of a UNIX socket (unix(7): 108 with the zero at its end)."""


class PathError(OSError):
    """A UNIX socket can't be at its path; the text says why, and what to do."""


def clear(path: str) -> None:
    """Remove what an ended server has left at a UNIX socket's path: its socket, and Twisted's lock.

    Twisted's lock names the process that has it. It alone says little: after a hard kill another process may
    have that number, and in a container, where each run has the same, we do. So the socket is asked: a
    connection of the wrong type is tried, which no server notices.

    Args:
        path: The path of the socket; an abstract name begins with a zero byte and leaves no file behind.

    Raises:
        CannotListenError: Somebody listens there, or something is in the way that is not for us to remove.
    """
    if path.startswith("\0"):
        return
    try:
        _check(path)
        _unlock(f"{path}.lock")
    except OSError as error:
        raise CannotListenError(None, path, error) from error


def forget_lock(path: str) -> None:
    """Remove the lock that this process has on a path: Twisted leaves it behind where it can't listen."""
    lock = f"{path}.lock"
    with suppress(OSError):
        if os.readlink(lock) == str(os.getpid()):
            os.unlink(lock)


def _check(path: str) -> None:
    """Have nothing at the path."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise PathError(f"the path has more than {MAX_PATH_BYTES} bytes; take a shorter one")
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise PathError(f"there is no directory {directory}; make it, or take another path")
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        raise PathError(f"no file can be made in {directory}: {os.strerror(errno.EACCES)}; take another path")
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise PathError(f"{path} is {_kind(mode)}, no socket; remove it, or take another path")
    if is_dead(path):
        _remove(path)
    else:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def is_dead(path: str) -> bool:
    """Tell whether no process has the socket at a path any more.

    Raises:
        PathError: It can't be told.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except PermissionError as error:
            raise PathError(
                f"{path} is somebody else's; if no server listens there, remove it and {path}.lock"
            ) from error
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
    return False


def _unlock(lock: str) -> None:
    """Remove the lock of a server that has ended."""
    try:
        owner = os.readlink(lock)
    except FileNotFoundError:
        return
    except OSError as error:
        owner = ""
        if error.errno != errno.EINVAL:  # EINVAL: it is not a symbolic link
            raise
    if not re.fullmatch("[0-9]+", owner):
        raise PathError(f"{lock} is no lock of a server's; remove it, or take another path")
    _remove(lock)


def _remove(path: str) -> None:
    try:
        with suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise PathError(f"{path} is left of a server that is no more; remove it: {error.strerror}") from error


def _kind(mode: int) -> str:
    """Return what a file is, in words."""
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a symbolic link" if stat.S_ISLNK(mode) else "a file"
