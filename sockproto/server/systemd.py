"""The sockets that systemd has opened for this process, and what each of them is in truth.

::

    for passed in passed_sockets("name=echo"):
        passed.kind, passed.copy()      # "TCP 127.0.0.1:7", a socket.socket

Any program that follows sd_listen_fds(3) may pass them: systemd, systemd-socket-activate, podman. What the
description says of a socket's family is not believed: the socket itself is asked.
"""

import os
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sockproto.core.text import join_host_port
from sockproto.errors import OptionError
from sockproto.server.endpoints import arguments

FIRST = 3
"""The number of the first descriptor that is passed (sd-daemon.h: ``SD_LISTEN_FDS_START``)."""

FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
UNNAMED = "unknown"
"""What sd_listen_fds_with_names(3) calls all of them where LISTEN_FDNAMES is not set."""

FILES = {
    stat.S_IFIFO: "a FIFO or pipe",
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
}


@dataclass(frozen=True)
class PassedSocket:
    """A socket that can be served.

    Attributes:
        descriptor: Its number. It stays open: the listener uses a duplicate.
        datagrams: Whether it is for datagrams.
        host: The numeric address; None of a UNIX socket.
        where: As people write it, such as ``TCP 127.0.0.1:9999``.
    """

    descriptor: int
    datagrams: bool
    host: str | None
    where: str

    def copy(self) -> socket.socket:
        """Return a copy of the socket, which never blocks.

        Raises:
            OSError: The descriptor was closed in the meantime.
        """
        copied = socket.socket(fileno=os.dup(self.descriptor))
        copied.setblocking(False)
        return copied


def passed_sockets(text: str, environment: Mapping[str, str] | None = None) -> list[PassedSocket]:
    """Find the sockets that a description means.

    Args:
        text: What follows ``systemd:`` in it: ``name=NAME`` or ``index=NUMBER``, from 0. A name may be that
            of several, as of all the sockets of one unit. ``domain=FAMILY``, which Twisted asks for, may
            be there.
        environment: The variables of sd_listen_fds(3); those that this process was started with if None.

    Returns:
        One or more.

    Raises:
        OptionError: There is no such socket, or it can't be served.
    """
    given = arguments(text, ("domain", "index", "name"))
    if not hasattr(socket, f"AF_{given.get('domain', 'UNIX')}"):
        raise OptionError(f"there is no domain {given['domain']!r}; leave it out, the socket itself is asked")
    if ("index" in given) == ("name" in given):
        raise OptionError("say name=NAME or index=NUMBER, one of them")
    names = _names(started_with() if environment is None else environment)
    for number in range(FIRST, FIRST + len(names)):
        with suppress(OSError):  # as sd_listen_fds does: none of ours is for the processes that we start
            os.set_inheritable(number, False)
    if "name" in given:
        wanted = [number for number, name in enumerate(names) if name == given["name"]]
    else:
        wanted = [number for number in range(len(names)) if str(number) == given["index"]]
    if not wanted:
        passed = ", ".join(f"index={number} name={name}" for number, name in enumerate(names))
        raise OptionError(f"systemd has passed no such socket to this process, but {passed}")
    return [_asked(FIRST + number) for number in wanted]


def started_with() -> Mapping[str, str]:
    """Return the variables that this process was started with; Twisted removes some when it is imported."""
    if "LISTEN_PID" in os.environ:
        return os.environ
    try:
        with open("/proc/self/environ", encoding="utf-8", errors="surrogateescape") as initial:
            variables = (line.partition("=") for line in initial.read().split("\0"))
            return {name: value for name, _, value in variables}
    except OSError:  # no Linux, and so no systemd
        return os.environ


def _names(environment: Mapping[str, str]) -> list[str]:
    """Return the name of each socket that was passed, in their order: the checks of sd_listen_fds(3)."""
    none = "systemd has passed no such socket to this process"
    pid, passed = environment.get("LISTEN_PID"), environment.get("LISTEN_FDS")
    if pid is None or passed is None:
        raise OptionError(f"{none}: LISTEN_PID and LISTEN_FDS are not set")
    if pid != str(os.getpid()):
        raise OptionError(f"{none}, {os.getpid()}, but to process {pid} (LISTEN_PID)")
    most = os.sysconf("SC_OPEN_MAX")
    if not (passed.isascii() and passed.isdecimal() and len(passed) < 20 and 0 < int(passed) <= most):
        raise OptionError(f"{none}: LISTEN_FDS is {passed!r}")
    names = environment.get("LISTEN_FDNAMES") or ":".join([UNNAMED] * int(passed))
    if names.count(":") + 1 != int(passed):
        raise OptionError(f"{none}: LISTEN_FDNAMES is {names!r}, but LISTEN_FDS {passed}")
    return names.split(":")


def _asked(descriptor: int) -> PassedSocket:
    """Ask a descriptor what it is."""
    what = f"systemd has passed descriptor {descriptor}, but it is"
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError as error:
        raise OptionError(f"{what} closed") from error
    if not stat.S_ISSOCK(mode):
        raise OptionError(f"{what} {FILES.get(stat.S_IFMT(mode), 'something')} that is no socket")
    with socket.socket(fileno=os.dup(descriptor)) as asked:
        fault = _fault(asked)
        if fault:
            raise OptionError(f"{what} {fault}")
        name = asked.getsockname()
        datagrams = asked.type == socket.SOCK_DGRAM
        if asked.family == socket.AF_UNIX:
            path = os.fsdecode(name)
            where = f"unix{'-dgram' if datagrams else ''}:{path.replace(chr(0), '@')}"
            return PassedSocket(descriptor, datagrams, None, where)
        where = f"{'UDP' if datagrams else 'TCP'} {join_host_port(*name[:2])}"
        return PassedSocket(descriptor, datagrams, name[0], where)


def _fault(asked: socket.socket) -> str:
    """Return why a socket can't be served; empty where it can."""
    if asked.family not in FAMILIES:
        return f"a socket of the family {_word(asked.family)}; serve {', '.join(map(_word, FAMILIES))}"
    if asked.type not in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        return f"a socket of the type {_word(asked.type)}; serve ListenStream= or ListenDatagram="
    if _peer(asked):
        return "connected to a peer; a server needs the listening socket: Accept=no in the .socket unit"
    if asked.type == socket.SOCK_STREAM and not asked.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "a socket that doesn't listen"
    if not asked.getsockname() or asked.getsockname()[1:2] == (0,):
        return "a socket without an address"
    return ""


def _peer(asked: socket.socket) -> bool:
    """Tell whether a socket is connected."""
    try:
        asked.getpeername()
    except OSError:
        return False
    return True


def _word(number: int) -> str:
    """Return what a family or a type is called."""
    return str(getattr(number, "name", number))
