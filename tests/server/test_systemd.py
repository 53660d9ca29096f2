"""Sockets that somebody else has opened and passed: each is asked what it is, and stays its owner's."""

import fcntl
import os
import select
import socket
import stat
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from sockproto.errors import ListenError, OptionError
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.server import systemd
from sockproto.server.descriptions import from_description, from_descriptions
from sockproto.server.listeners import Listener, tcp
from sockproto.server.service import ServerService
from sockproto.server.systemd import passed_sockets
from tests.hanging import TIMEOUT

LOOPBACK = "127.0.0.1"


class RunningReactor:
    """The reactor, seen as running: trial forbids what the service does before it runs."""

    running = True

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


class PassingTestCase(TestCase):
    def setUp(self) -> None:
        # From there on numbers are free, and stay so while the test opens some: they are the lowest ones.
        self.first = max(map(int, os.listdir("/dev/fd"))) + 50
        self.patch(systemd, "FIRST", self.first)
        self.patch(os, "environ", dict(os.environ))

    def opened(self, family: int, kind: int, address: Any = None) -> socket.socket:
        """Open a socket, which lives as long as the test."""
        made = socket.socket(family, kind)
        self.addCleanup(made.close)
        if address is not None:
            made.bind(address)
        return made

    def listening(self, family: int = socket.AF_INET, address: Any = (LOOPBACK, 0)) -> socket.socket:
        made = self.opened(family, socket.SOCK_STREAM, address)
        made.listen()
        return made

    def pass_on(self, *passed: Any, names: str | None = None) -> None:
        """Have descriptors as systemd leaves them."""
        for number, each in enumerate(passed):
            copy = fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, self.first + number)
            self.assertEqual(copy, self.first + number)
            self.addCleanup(os.close, copy)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(passed)))
        if names is not None:
            os.environ["LISTEN_FDNAMES"] = names

    def plan(self, description: str) -> Listener:
        return from_description("echo", description, EchoFactory, EchoDatagramProtocol, reactor)

    def fault(self, text: str) -> str:
        return str(self.assertRaises(OptionError, passed_sockets, text))


class WhatIsPassedTests(PassingTestCase):
    def test_the_socket_itself_is_asked(self) -> None:
        path = self.mktemp()
        stream = self.listening()
        port = stream.getsockname()[1]
        datagrams = self.opened(socket.AF_INET, socket.SOCK_DGRAM, (LOOPBACK, port))
        unix_stream = self.listening(socket.AF_UNIX, path)
        unix_datagrams = self.opened(socket.AF_UNIX, socket.SOCK_DGRAM, f"{path}d")
        self.pass_on(stream, datagrams, unix_stream, unix_datagrams)
        for domain in "", "domain=INET:", "domain=INET6:", "domain=UNIX:":
            found = [self.plan(f"systemd:{domain}index={index}") for index in range(4)]
            self.assertEqual(
                [(each.where, each.datagrams, each.interface) for each in found],
                [
                    (f"TCP {LOOPBACK}:{port}", False, LOOPBACK),
                    (f"UDP {LOOPBACK}:{port}", True, LOOPBACK),
                    (f"unix:{path}", False, None),
                    (f"unix-dgram:{path}d", True, None),
                ],
            )

    def test_an_ipv6_socket(self) -> None:
        self.pass_on(self.listening(socket.AF_INET6, ("::1", 0)))
        self.assertEqual(self.plan("systemd:domain=INET:index=0").interface, "::1")

    def test_an_abstract_name(self) -> None:
        self.pass_on(self.listening(socket.AF_UNIX, f"\0sockproto-{os.getpid()}"))
        self.assertEqual(self.plan("systemd:index=0").where, f"unix:@sockproto-{os.getpid()}")

    def test_a_name_may_be_of_several(self) -> None:
        self.pass_on(*(self.listening() for _ in range(3)), names="web:admin:web")
        self.assertEqual(
            [each.descriptor for each in passed_sockets("name=web")], [self.first, self.first + 2]
        )
        self.assertEqual([each.descriptor for each in passed_sockets("name=admin")], [self.first + 1])
        found = from_descriptions("echo", "systemd:name=web", EchoFactory, EchoDatagramProtocol, reactor)
        self.assertEqual(len({listener.server for listener in found}), 2)
        self.assertRaises(OptionError, self.plan, "systemd:name=web")

    def test_without_names_all_are_unknown(self) -> None:
        self.pass_on(self.listening())
        self.assertEqual(len(passed_sockets("name=unknown")), 1)
        self.assertIn("index=0 name=unknown", self.fault("name=web"))

    def test_as_twisted_writes_it(self) -> None:
        self.pass_on(self.listening(), names="web")
        self.assertEqual(len(passed_sockets("INET:0")), 1)
        self.assertEqual(len(passed_sockets("INET:name=web")), 1)

    def test_wrong_descriptions(self) -> None:
        self.pass_on(self.listening(), names="web")
        for text in (
            "",
            "domain=INET",
            "index=0:name=web",
            "index=1",
            "index=-1",
            "index=x",
            "name=",
            "port=1",
        ):
            self.fault(text)
        self.assertIn("'CLUB'", self.fault("domain=CLUB:index=0"))

    def test_they_are_for_no_other_process(self) -> None:
        self.pass_on(self.listening())
        os.environ["LISTEN_PID"] = str(os.getppid())
        self.assertIn(f"to process {os.getppid()}", self.fault("index=0"))

    def test_wrong_variables(self) -> None:
        self.pass_on(self.listening())
        for count in "", "0", "-1", "x", "1.0", "9" * 30, str(2**31):
            os.environ["LISTEN_FDS"] = count
            self.assertIn("LISTEN_FDS", self.fault("index=0"))
        del os.environ["LISTEN_FDS"]
        self.assertIn("not set", self.fault("index=0"))

    def test_names_that_are_not_as_many(self) -> None:
        self.pass_on(self.listening(), names="web:admin")
        self.assertIn("LISTEN_FDNAMES", self.fault("name=web"))

    def test_processes_that_we_start_have_none(self) -> None:
        self.pass_on(self.listening())
        os.set_inheritable(self.first, True)
        passed_sockets("index=0")
        self.assertFalse(os.get_inheritable(self.first))

    def test_what_can_not_be_served_is_said(self) -> None:
        connected, peer = socket.socketpair()
        self.addCleanup(connected.close)
        self.addCleanup(peer.close)
        calling = self.opened(socket.AF_INET, socket.SOCK_DGRAM)
        calling.connect((LOOPBACK, 9))
        ends = [os.fdopen(end, "rb") for end in os.pipe()]
        file = os.fdopen(os.open(self.mktemp(), os.O_CREAT), "rb")
        for each in (*ends, file):
            self.addCleanup(each.close)
        for passed, words in [
            (connected, "Accept=no"),
            (calling, "Accept=no"),
            (self.opened(socket.AF_INET, socket.SOCK_STREAM, (LOOPBACK, 0)), "doesn't listen"),
            (self.opened(socket.AF_INET, socket.SOCK_DGRAM), "without an address"),
            (self.opened(socket.AF_UNIX, socket.SOCK_DGRAM), "without an address"),
            (self.opened(socket.AF_UNIX, socket.SOCK_SEQPACKET), "SOCK_SEQPACKET"),
            (ends[0], "a FIFO or pipe"),
            (file, "a file"),
        ]:
            self.first += 1
            self.patch(systemd, "FIRST", self.first)
            self.pass_on(passed)
            self.assertIn(words, self.fault("index=0"))

    def test_a_closed_descriptor(self) -> None:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
        self.assertIn("closed", self.fault("index=0"))

    def test_datagrams_have_no_proxy_header(self) -> None:
        self.pass_on(self.opened(socket.AF_INET, socket.SOCK_DGRAM, (LOOPBACK, 0)), self.listening())
        self.assertRaises(OptionError, self.plan, "haproxy:systemd:index=0")
        asked: list[bool] = []

        def make_factory(proxied: bool = False) -> Any:
            asked.append(proxied)
            return EchoFactory()

        from_description("echo", "haproxy:systemd:index=1", make_factory, EchoDatagramProtocol, reactor)
        from_description("echo", "systemd:index=1", make_factory, EchoDatagramProtocol, reactor)
        self.assertEqual(asked, [True, False])


class ServingTests(PassingTestCase):
    def serve(self, *listeners: Listener, seen_as: Any = reactor) -> ServerService:
        service = ServerService(listeners, seen_as)
        self.addCleanup(service.stopService)
        return service

    @inlineCallbacks
    def asked(self, kind: int, family: int, where: Any) -> Any:
        """See that a request comes back."""

        def ask() -> bytes:
            with socket.socket(family, kind) as client:
                client.settimeout(TIMEOUT)
                if kind == socket.SOCK_DGRAM and family == socket.AF_UNIX:
                    client.bind("")  # the system gives it an abstract name
                client.connect(where)
                client.sendall(b"Michael")
                return client.recv(100)

        self.assertEqual((yield deferToThread(ask)), b"Michael")

    @inlineCallbacks
    def serves_again_and_again(self, opened: socket.socket) -> Any:
        self.pass_on(opened)
        service = self.serve(self.plan("systemd:index=0"))
        descriptors = set(os.listdir("/proc/self/fd"))
        for _ in range(3):
            service.startService()
            yield self.asked(opened.type, opened.family, opened.getsockname())
            yield service.stopService()
            os.fstat(self.first)
        self.assertLessEqual(set(os.listdir("/proc/self/fd")) - descriptors, {*map(str, range(self.first))})
        if opened.type == socket.SOCK_STREAM:
            # It still listens, for whoever has it.
            with socket.socket(opened.family) as client:
                client.connect(opened.getsockname())
                self.assertTrue(select.select([opened], [], [], TIMEOUT)[0])

    def test_tcp(self) -> Any:
        return self.serves_again_and_again(self.listening())

    def test_ipv6(self) -> Any:
        return self.serves_again_and_again(self.listening(socket.AF_INET6, ("::1", 0)))

    def test_udp(self) -> Any:
        return self.serves_again_and_again(self.opened(socket.AF_INET, socket.SOCK_DGRAM, (LOOPBACK, 0)))

    @inlineCallbacks
    def test_udp_on_all_addresses_answers_from_the_one_that_was_asked(self) -> Any:
        opened = self.opened(socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 0))
        self.pass_on(opened)
        self.serve(self.plan("systemd:index=0")).startService()
        yield self.asked(socket.SOCK_DGRAM, socket.AF_INET, ("127.0.0.2", opened.getsockname()[1]))

    def test_an_abstract_unix_socket(self) -> Any:
        return self.serves_again_and_again(self.listening(socket.AF_UNIX, f"\0sockproto-a-{os.getpid()}"))

    @inlineCallbacks
    def file_stays(self, opened: socket.socket) -> Any:
        path = opened.getsockname()
        os.chmod(path, 0o600)
        yield self.serves_again_and_again(opened)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_the_file_of_a_unix_socket_stays_as_it_is(self) -> Any:
        return self.file_stays(self.listening(socket.AF_UNIX, self.mktemp()))

    def test_the_file_of_a_unix_datagram_socket_stays_as_it_is(self) -> Any:
        return self.file_stays(self.opened(socket.AF_UNIX, socket.SOCK_DGRAM, self.mktemp()))

    @inlineCallbacks
    def test_a_failed_start_leaves_it_open(self) -> Any:
        opened, held = self.listening(), self.listening()
        self.pass_on(opened)
        busy = tcp("echo", EchoFactory(), LOOPBACK, held.getsockname()[1])
        failing = self.serve(self.plan("systemd:index=0"), busy, seen_as=RunningReactor())
        self.assertRaises(ListenError, failing.startService)
        service = self.serve(self.plan("systemd:index=0"))
        service.startService()
        yield self.asked(socket.SOCK_STREAM, socket.AF_INET, opened.getsockname())

    def test_one_that_was_closed_in_the_meantime(self) -> None:
        opened = self.listening()
        self.pass_on(opened)
        listener = self.plan("systemd:index=0")
        with open(os.devnull) as other:
            os.dup2(other.fileno(), self.first)
        error = self.assertRaises(ListenError, self.serve(listener, seen_as=RunningReactor()).startService)
        self.assertIn(f"TCP {LOOPBACK}:{opened.getsockname()[1]}", str(error))
