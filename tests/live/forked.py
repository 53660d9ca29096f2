"""``sockproto`` and ``twistd``, forked from a process that has imported all they need.

Starting Python and importing Twisted is most of what a short command costs. A test of what a command does,
not of how it starts, takes a forked one: a process of its own, with its own descriptors and signals::

    with Forked([SOCKPROTO, "greet", where, "Michael"], stdout=subprocess.PIPE) as process:
        assert process.stdout.read() == b"Welcome!\nHello, Michael!\n"
"""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

PRELOADED = (
    "sockproto.cli.calling",
    "sockproto.cli.commands",
    "sockproto.cli.source",
    "sockproto.client",
    "sockproto.protocols.greeting",
    "sockproto.server.tap",
    "sockproto.server.service",
    "twisted.internet.epollreactor",
    "twisted.internet.ssl",
    "twisted.internet.task",
    "twisted.plugin",
    "twisted.scripts.twistd",
)
MAX_REQUEST = 1_000_000


@functools.cache
def _forker() -> socket.socket:
    """Start the process that forks; it ends when this one does, whose end of the pair is then closed."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_REQUEST)
    atexit.register(ours.close)
    with its:
        subprocess.Popen([sys.executable, __file__], stdin=its.fileno()).returncode = 0  # nobody waits for it
    return ours


class Forked(subprocess.Popen[Any]):
    """A command as ``Popen`` has it; what starts a program there asks for a fork here."""

    _null = -1

    def _get_devnull(self) -> int:
        if self._null == -1:
            self._null = os.open(os.devnull, os.O_RDWR)
        return self._null

    def _execute_child(self, arguments: Sequence[str], *given: Any) -> None:
        # executable, preexec_fn, close_fds, pass_fds, cwd, env, …, and the two ends of each pipe
        cwd, environment, pipes = given[4], given[5], given[9:15]
        wanted = (pipes[0], pipes[3], pipes[5])
        descriptors = [own if each == -1 else each for own, each in enumerate(wanted)]
        words, directory = [*map(os.fspath, arguments)], os.fspath(cwd or os.getcwd())
        request = json.dumps([words, directory, dict(environment or os.environ)])
        self._answers, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            socket.send_fds(_forker(), [request.encode()], [*descriptors, its.fileno()])
        self.pid = int(self._answers.recv(32))
        self._child_created = True
        for its_end, our_end in (pipes[0], pipes[1]), (pipes[3], pipes[2]), (pipes[5], pipes[4]):
            if our_end != -1:
                os.close(its_end)
        if self._null != -1:
            os.close(self._null)

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self._try_wait(0)
        return self.returncode

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if flags == os.WNOHANG and not select.select([self._answers], [], [], 0)[0]:
            return 0, 0
        status = int(self._answers.recv(32))
        self._answers.close()
        self.returncode = os.waitstatus_to_exitcode(status)
        return self.pid, status


def _serve(control: socket.socket) -> None:
    """Fork for each request, and tell the pid and in the end the status."""
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for ready in select.select([control.fileno(), *children], [], [])[0]:
            if ready in children:
                pid, answers = children.pop(ready)
                os.close(ready)
                with answers:
                    _say(answers, os.waitpid(pid, 0)[1])
                continue
            request, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, 4)
            if not request:
                return
            pid = os.fork()
            if not pid:
                _run(request, descriptors)
            for each in descriptors[:3]:
                os.close(each)
            answers = socket.socket(fileno=descriptors[3])
            _say(answers, pid)
            children[os.pidfd_open(pid)] = pid, answers


def _say(answers: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # who asked may have gone
        answers.send(b"%d" % number)


def _run(request: bytes, descriptors: list[int]) -> NoReturn:
    """Be the command, as if Python had just been started for it."""
    sys.argv, directory, environment = json.loads(request)
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    for number, each in enumerate(descriptors[:3]):
        os.dup2(each, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    status = 1
    try:
        _main()
        status = 0
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _status(code: object) -> int:
    """Say what Python says of what was given to ``sys.exit``, and give the status."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def _main() -> None:
    if os.path.basename(sys.argv[0]) == "twistd":
        from twisted.scripts.twistd import run

        run()
    else:
        from sockproto.cli import main

        main()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who test
    del sys.path[0]  # where this file is
    for name in PRELOADED:
        __import__(name)
    assert "twisted.internet.reactor" not in sys.modules  # its descriptors would be shared
    _serve(socket.socket(fileno=os.dup(0)))
