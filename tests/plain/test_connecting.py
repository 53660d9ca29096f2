"""Names, addresses and connections of plain sockets, each within its time."""

import errno
import os
import socket
import sys
import tempfile
import threading
from contextlib import ExitStack
from unittest import skipUnless

from twisted.trial.unittest import TestCase

from sockproto.core.text import Address
from sockproto.errors import NameNotFound, Refused, TimedOut, Unreachable
from sockproto.plain.connecting import connect, connect_first
from sockproto.plain.deadline import Deadline
from sockproto.plain.resolving import SocketAddress, resolve
from sockproto.plain.unix import temporary_name

HERE = Address("tcp", "127.0.0.1", 7)


def at(where: object, family: socket.AddressFamily = socket.AF_INET) -> SocketAddress:
    """Return the address of a stream."""
    return SocketAddress(family, socket.SOCK_STREAM, where)


class ResolveTests(TestCase):
    def test_each_address_once(self) -> None:
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 7, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 7)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 7)),
        ]
        self.patch(socket, "getaddrinfo", lambda *_: found)
        self.assertEqual([str(each) for each in resolve(HERE)], ["[::1]:7", "127.0.0.1:7"])

    def test_what_is_asked_for(self) -> None:
        asked: list[object] = []

        def nothing(*query: object) -> list[object]:
            asked.append(query)
            return []

        self.patch(socket, "getaddrinfo", nothing)
        self.assertRaises(NameNotFound, resolve, Address("udp", "h", 7), 10.0, socket.AF_INET6)
        self.assertEqual(asked, [("h", 7, socket.AF_INET6, socket.SOCK_DGRAM)])

    def test_a_unix_socket_is_not_looked_up(self) -> None:
        [found] = resolve(Address("unix-dgram", "/a\x1b"))
        self.assertEqual(found, SocketAddress(socket.AF_UNIX, socket.SOCK_DGRAM, "/a\x1b"))
        self.assertEqual(str(found), "unix:/a\\x1b")

    def test_no_such_name(self) -> None:
        for error in socket.gaierror(socket.EAI_NONAME, "Name unknown"), UnicodeError("label too long"):

            def fail(*_: object, error: Exception = error) -> None:
                raise error

            self.patch(socket, "getaddrinfo", fail)
            with self.assertRaises(NameNotFound) as caught:
                resolve(Address("tcp", "none\x1b", 7))
            self.assertTrue(str(caught.exception).startswith("none\\x1b has no address: "))
            self.assertEqual(caught.exception.phase, "name")

    def test_a_name_service_that_hangs(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        self.patch(socket, "getaddrinfo", lambda *_: release.wait(10))
        self.assertRaises(TimedOut, resolve, HERE, 0.01)


class ConnectTests(TestCase):
    def listener(self, family: socket.AddressFamily, where: object, backlog: int = 1) -> socket.socket:
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind(where)  # type: ignore[arg-type]  # what the family takes
        listener.listen(backlog)
        return listener

    def test_the_first_that_takes_it(self) -> None:
        listener = self.listener(socket.AF_INET, ("127.0.0.1", 0))
        free = socket.socket()
        self.addCleanup(free.close)
        free.bind(("127.0.0.1", 0))  # and doesn't listen
        addresses = [at(free.getsockname()), at(listener.getsockname())]
        with connect_first(addresses, Deadline(10.0)) as sock:
            self.assertEqual(sock.getpeername(), listener.getsockname())

    def test_none_takes_it(self) -> None:
        free = socket.socket()
        self.addCleanup(free.close)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        nonesuch = SocketAddress(socket.AF_INET, socket.SOCK_SEQPACKET, ("127.0.0.1", port))
        with self.assertRaises(Refused) as caught:
            connect_first([nonesuch, at(free.getsockname())], Deadline())
        told = f"127.0.0.1:{port}: "
        self.assertEqual(str(caught.exception).count(told), 2)
        self.assertTrue(str(caught.exception).endswith(f"{told}Connection refused"))
        self.assertRaises(Unreachable, connect_first, [nonesuch], Deadline())

    def test_no_time(self) -> None:
        self.assertRaises(TimedOut, connect_first, [at(("127.0.0.1", 7))], Deadline(0.0))

    @skipUnless(sys.platform == "linux", "elsewhere a full backlog refuses")
    def test_a_full_backlog_is_waited_for(self) -> None:
        with ExitStack() as stack:
            path = os.path.join(stack.enter_context(tempfile.TemporaryDirectory()), "s")
            listener = self.listener(socket.AF_UNIX, path, 0)
            connect(stack.enter_context(socket.socket(socket.AF_UNIX)), path, 1.0)
            last = stack.enter_context(socket.socket(socket.AF_UNIX))
            with self.assertRaises(TimeoutError) as caught:
                connect(last, path, 0.01)
            self.assertEqual(caught.exception.errno, errno.ETIMEDOUT)
            listener.accept()[0].close()
            connect(last, path, 10.0)
            self.assertEqual(last.gettimeout(), 10.0)


class TemporaryNameTests(TestCase):
    def test_two_can_be_bound_and_answered(self) -> None:
        with ExitStack() as stack:
            one, other = (stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) for _ in "ab")
            one.bind(stack.enter_context(temporary_name()))
            other.bind(stack.enter_context(temporary_name()))
            one.sendto(b"Hi", other.getsockname())
            self.assertEqual(other.recvfrom(10), (b"Hi", one.getsockname()))

    def test_elsewhere_it_is_a_path_that_is_removed(self) -> None:
        self.patch(sys, "platform", "darwin")
        with temporary_name() as name:
            self.assertTrue(os.path.isdir(os.path.dirname(name)))
        self.assertFalse(os.path.exists(os.path.dirname(name)))
