"""UNIX sockets of servers that are no more, and what else may stand at their paths."""

import errno
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import TestCase

from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.server.descriptions import from_description
from sockproto.server.listeners import Listener
from sockproto.server.unixpaths import MAX_PATH_BYTES, clear

KINDS = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM}


class Failing:
    """Locks a path as Twisted does, and can't listen there."""

    def listenUNIX(self, path: str, *_: Any) -> None:
        os.symlink(str(os.getpid()), f"{path}.lock")
        raise CannotListenError(None, path, OSError(errno.EIO, "no"))


class PathTestCase(TestCase):
    def setUp(self) -> None:
        self.path = os.path.relpath(self.mktemp())
        self.lock = f"{self.path}.lock"

    def plan(self, kind: str, more: str = "") -> Listener:
        return from_description(
            "echo", f"{kind}:{self.path}{more}", EchoFactory, EchoDatagramProtocol, reactor
        )

    def leave(self, kind: int, owner: int | str | None = None) -> None:
        """Leave what a server that was killed does."""
        with socket.socket(socket.AF_UNIX, kind) as dead:
            dead.bind(self.path)
        if owner is not None:
            os.symlink(str(owner), self.lock)

    @inlineCallbacks
    def listens(self, kind: str) -> Any:
        listener = self.plan(kind)
        port = yield listener.listen(reactor, 0)
        self.assertTrue(stat.S_ISSOCK(os.stat(self.path).st_mode))
        listener.close()
        yield port.stopListening()
        self.assertFalse(os.path.lexists(self.path))
        self.assertFalse(os.path.lexists(self.lock))

    def fault(self, kind: str) -> str:
        return str(self.failureResultOf(self.plan(kind).listen(reactor, 0), CannotListenError).value)


class TakingOverTests(PathTestCase):
    @inlineCallbacks
    def test_whoever_the_lock_names(self) -> Any:
        for kind in KINDS:
            # Nobody's number, ours, that of another process which serves nothing here, and of init.
            for owner in None, 2**22 + 1, os.getpid(), os.getppid(), 1:
                for left in KINDS.values():
                    self.leave(left, owner)
                    yield self.listens(kind)

    @inlineCallbacks
    def test_a_lock_without_a_socket(self) -> Any:
        for owner in os.getpid(), os.getppid():
            os.symlink(str(owner), self.lock)
            yield self.listens("unix")

    @inlineCallbacks
    def test_a_socket_without_a_lock_where_none_is_wanted(self) -> Any:
        self.leave(socket.SOCK_STREAM)
        port = yield self.plan("unix", ":lockfile=0").listen(reactor, 0)
        self.assertFalse(os.path.lexists(self.lock))
        yield port.stopListening()

    @inlineCallbacks
    def test_a_live_server_keeps_it_and_notices_nothing(self) -> Any:
        for left in socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
            with socket.socket(socket.AF_UNIX, left) as server:
                server.bind(self.path)  # and does not listen yet
                for owner in os.getpid(), os.getppid(), 2**22 + 1:  # of another container, perhaps
                    os.symlink(str(owner), self.lock)
                    for kind in KINDS:
                        self.assertIn("Address already in use", self.fault(kind))
                        self.assertEqual(os.readlink(self.lock), str(owner))
                    os.unlink(self.lock)
                with socket.socket(socket.AF_UNIX, left) as client:
                    if left != socket.SOCK_DGRAM:
                        server.listen()
                    client.connect(self.path)
            os.unlink(self.path)
        yield None

    @inlineCallbacks
    def test_a_listener_of_ours_keeps_it(self) -> Any:
        port = yield self.plan("unix").listen(reactor, 0)
        self.assertIn("Address already in use", self.fault("unix"))
        self.assertEqual(os.readlink(self.lock), str(os.getpid()))
        yield port.stopListening()

    def test_our_lock_is_removed_where_listening_fails(self) -> None:
        self.failureResultOf(self.plan("unix").listen(Failing(), 0), CannotListenError)
        self.assertFalse(os.path.lexists(self.lock))


class InTheWayTests(PathTestCase):
    def test_what_is_no_socket_stays(self) -> None:
        ways: list[tuple[Callable[[], Any], str]] = [
            (lambda: os.mkdir(self.path), "a directory"),
            (lambda: os.close(os.open(self.path, os.O_CREAT)), "a file"),
            (lambda: os.symlink("nowhere", self.path), "a symbolic link"),
        ]
        for make, what in ways:
            make()
            for kind in KINDS:
                self.assertIn(f"{self.path} is {what}, no socket; remove it", self.fault(kind))
            self.assertTrue(os.path.lexists(self.path))
            self.assertFalse(os.path.lexists(self.lock))
            os.rmdir(self.path) if what == "a directory" else os.unlink(self.path)

    def test_what_is_no_lock_stays(self) -> None:
        os.symlink("precious", self.lock)
        self.assertIn(f"{self.lock} is no lock of a server's; remove it", self.fault("unix"))
        self.assertTrue(os.path.lexists(self.lock))

    def test_a_path_that_is_too_long(self) -> None:
        self.path = "x" * (MAX_PATH_BYTES + 1)
        for kind in KINDS:
            self.assertIn(f"more than {MAX_PATH_BYTES} bytes", self.fault(kind))
        clear("x" * MAX_PATH_BYTES)

    def test_a_directory_that_is_missing(self) -> None:
        self.path = f"{self.path}/socket"
        for kind in KINDS:
            self.assertIn("there is no directory", self.fault(kind))

    def test_a_directory_that_can_not_be_written(self) -> None:
        self.patch(os, "access", lambda *_, **__: False)  # root may write everywhere
        for kind in KINDS:
            self.assertIn("no file can be made in", self.fault(kind))

    @inlineCallbacks
    def test_an_abstract_name_leaves_nothing(self) -> Any:
        self.path = f"\0sockproto-{os.getpid()}"
        for kind in KINDS:
            listener = self.plan(kind)
            port = yield listener.listen(reactor, 0)
            listener.close()
            yield port.stopListening()

    @inlineCallbacks
    def test_modes(self) -> Any:
        for kind in KINDS:
            listener = self.plan(kind, ":mode=640")
            port = yield listener.listen(reactor, 0)
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o640)
            listener.close()
            yield port.stopListening()
