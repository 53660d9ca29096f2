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
from sockproto.errors import NameNotFound, Refused, Reset, TimedOut, Unreachable
from sockproto.plain.connecting import ATTEMPT_SECONDS, ConnectionAttempts, connect, connect_first
from sockproto.plain.deadline import Deadline
from sockproto.plain.failures import most_telling
from sockproto.plain.resolving import SocketAddress, families_in_turn, resolve
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

    def test_the_families_in_turn(self) -> None:
        """RFC 8305, section 4."""

        def family(name: str) -> str:
            return name[0]

        for found, tried in {
            "6a 6b 6c 4a 4b": "6a 4a 6b 4b 6c",
            "4a 4b 6a": "4a 6a 4b",
            "6a 6a 4a": "6a 4a",
            "4a 4b": "4a 4b",
        }.items():
            self.assertEqual(families_in_turn(found.split(), family), tried.split())

    def test_a_name_is_asked_for_in_ascii(self) -> None:
        asked: list[str] = []

        def nothing(host: str, *_: object) -> list[object]:
            asked.append(host)
            return []

        self.patch(socket, "getaddrinfo", nothing)
        self.assertRaises(NameNotFound, resolve, Address("tcp", "fa\xdf.example", 7))
        self.assertEqual(asked, ["xn--fa-hia.example"])
        error = self.assertRaises(NameNotFound, resolve, Address("tcp", "a\u200db", 7))
        self.assertEqual(error.reason, "no host name: a\\u200db")
        self.assertEqual(len(asked), 1)

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

    def full(self) -> SocketAddress:
        """Return an address that never answers: its backlog is full."""
        listener = self.listener(socket.AF_INET, ("127.0.0.1", 0), 0)
        for _ in range(16):
            client = socket.socket()
            self.addCleanup(client.close)
            client.settimeout(0.2)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                return at(listener.getsockname())
        raise AssertionError("the backlog takes too many")

    def free(self) -> SocketAddress:
        """Return an address that nobody listens on."""
        free = socket.socket()
        self.addCleanup(free.close)
        free.bind(("127.0.0.1", 0))
        return at(free.getsockname())

    @skipUnless(sys.platform == "linux", "elsewhere a full backlog refuses")
    def test_a_dead_address_does_not_hold_up_the_next(self) -> None:
        alive = self.listener(socket.AF_INET, ("127.0.0.1", 0))
        deadline = Deadline(60.0)
        with ConnectionAttempts([self.full(), at(alive.getsockname())], deadline) as attempts:
            first = next(iter(attempts))
            self.assertEqual(str(first.address), "{}:{}".format(*alive.getsockname()))
            self.assertTrue(ATTEMPT_SECONDS <= deadline.passed < 20, deadline.passed)
            dead, _ = attempts.begun
            self.assertTrue(dead.under_way)
            self.assertGreaterEqual(dead.seconds, ATTEMPT_SECONDS)
            late = dead.sock
            with first.take() as sock:
                self.assertEqual(sock.getpeername(), alive.getsockname())
                self.assertTrue(sock.getblocking())
        assert late is not None
        self.assertEqual(late.fileno(), -1)  # the loser is closed

    @skipUnless(sys.platform == "linux", "elsewhere a full backlog refuses")
    def test_all_that_fail_are_told_of_as_they_end(self) -> None:
        dead, gone = self.full(), self.free()
        with self.assertRaises(TimedOut) as caught:
            connect_first([dead, gone], Deadline(0.6))
        told = f"can't connect: {dead}: Connection timed out; {gone}: Connection refused"
        self.assertEqual(str(caught.exception), told)
        self.assertTrue(0.6 <= caught.exception.seconds < 20)
        with ConnectionAttempts([dead, gone], Deadline(0.6)) as attempts:
            self.assertEqual([each.address for each in attempts], [gone, dead])

    def test_after_a_failure_the_next_is_tried_at_once(self) -> None:
        alive = self.listener(socket.AF_INET, ("127.0.0.1", 0))
        addresses = [self.free() for _ in range(40)]
        deadline = Deadline(60.0)
        connect_first([*addresses, at(alive.getsockname())], deadline).close()
        self.assertLess(deadline.passed, 40 * ATTEMPT_SECONDS)

    def test_which_failure_is_the_host_s(self) -> None:
        for failures, kind in (
            ([Unreachable, Refused], Refused),
            ([Refused, Unreachable], Refused),
            ([TimedOut, Refused], TimedOut),
            ([TimedOut, Reset, Refused], Reset),
        ):
            self.assertIs(most_telling(failures), kind)

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
