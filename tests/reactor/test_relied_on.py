"""Without a private name of Twisted's, its own behaviour takes the place of ours: each is taken away."""

import ast
import importlib
import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from typing import Any
from unittest.mock import patch

from twisted.internet import tcp, udp, unix
from twisted.internet.abstract import FileDescriptor
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import LogPublisher
from twisted.trial.unittest import TestCase

from sockproto import reactor
from sockproto.reactor import alpn, buffers, clocks, datagrams, observers, ports
from sockproto.testing import connect
from tests.test_private_names import defined, is_private, touched

FOLDER = Path(reactor.__file__).parent
MODULES = [path.stem for path in FOLDER.glob("*.py") if path.stem != "epoll" or hasattr(select, "epoll")]


def table(name: str) -> dict[Any, tuple[str, ...]]:
    """Return what a module of the package says that it relies on."""
    module = importlib.import_module(f"{reactor.__name__}.{name}")
    return dict(getattr(module, "RELIES_ON", {}))


@contextmanager
def without(owner: Any, name: str) -> Iterator[None]:
    """Take a name away from a class or a module, and from the instances that are made meanwhile."""
    with ExitStack() as stack:
        if isinstance(owner, type):
            make = owner.__init__  # type: ignore[misc]  # nobody's subclass is asked

            def made(instance: Any, *args: Any, **kwargs: Any) -> None:
                make(instance, *args, **kwargs)
                vars(instance).pop(name, None)

            stack.enter_context(patch.object(owner, "__init__", made))
        for each in getattr(owner, "__mro__", (owner,)):
            if name in vars(each):
                stack.callback(setattr, each, name, vars(each)[name])
                delattr(each, name)
        yield


class Reactor(PosixReactorBase):
    """Opens Twisted's own ports, and says so."""

    def __init__(self) -> None:
        pass

    def listenUDP(self, *arguments: Any) -> Any:
        return "Twisted's own"

    def adoptDatagramPort(self, *arguments: Any) -> Any:
        return "Twisted's own"


class Descriptors(Clock):
    """Tells nobody of anything."""

    def addReader(self, reader: Any) -> None:
        pass


class FallbackTests(TestCase):
    def test_every_module_is_known(self) -> None:
        tested = {"buffers", "clocks", "connections", "contexts", "datagrams"}
        tested |= {"alpn", "epoll", "exits", "flushing", "observers", "ports"}
        # Not everywhere is there an epoll, and not always had Twisted the fault that alpn mends.
        self.assertEqual({name for name in MODULES if table(name)} | {"alpn", "epoll"}, tested)

    def test_the_page_lists_every_name(self) -> None:
        listed = reactor.__doc__ or ""
        for module in MODULES:
            for names in table(module).values():
                self.assertIn(f"\n{module} ", listed)
                for name in names:
                    self.assertIn(f"``{name}``", listed)

    def test_no_other_is_relied_on(self) -> None:
        for module in MODULES:
            tree = ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))
            known = defined(tree).union(*table(module).values())
            found = {name for _, name, _ in touched(tree) if is_private(name)}
            self.assertEqual(found - known, set(), module)

    def test_a_port_keeps_its_transports(self) -> None:
        for owner, names in [*table("connections").items(), *table("flushing").items()]:
            for name in names:
                for kind in tcp.Port, unix.Port:
                    port = kind.__new__(kind)
                    with without(owner, name):
                        self.assertIs(ports.flush_after_reads(port).transport, kind.transport, name)
                    self.assertIsNot(ports.flush_after_reads(port).transport, kind.transport, name)

    def test_a_port_accepts_as_twisteds_does(self) -> None:
        def accepts_itself(lacking: str = "") -> bool:
            port: Any = tcp.Port(0, Factory(), interface="127.0.0.1", reactor=Descriptors())
            port.startListening()
            self.addCleanup(port.socket.close)
            with without(tcp.Port, lacking):
                vars(port).pop(lacking, None)
                return "doRead" not in vars(ports.flush_after_reads(port))

        self.assertFalse(accepts_itself())
        for name in table("ports")[tcp.Port]:
            self.assertTrue(accepts_itself(name), name)
        self.patch(ports, "RELIES_ON", {**table("ports"), socket: ("_nonesuch",)})
        self.assertTrue(accepts_itself())

    def test_a_datagram_port_is_the_reactors(self) -> None:
        def listen() -> Any:
            return datagrams.listen_udp(Reactor(), 0, DatagramProtocol(), "127.0.0.1", 100)

        def adopt() -> Any:
            bound = socket(AF_INET, SOCK_DGRAM)
            self.addCleanup(bound.close)
            return datagrams.adopt_udp(Reactor(), bound, DatagramProtocol(), 100)

        self.patch(datagrams.DatagramPort, "startListening", lambda self: None)
        for name in table("datagrams")[udp.Port]:
            for opened in listen, adopt:
                with without(udp.Port, name):
                    self.assertEqual(opened(), "Twisted's own", name)
                self.assertIsInstance(opened(), datagrams.DatagramPort, name)

    def test_each_turn_is_twisteds(self) -> None:
        if "epoll" not in MODULES:
            self.skipTest("there is no epoll")
        from twisted.internet.epollreactor import EPollReactor

        from sockproto.reactor import epoll

        lean: Any = epoll.LeanEPollReactor()
        self.addCleanup(lean.waker.connectionLost, None)
        turns: list[Any] = []
        for method in "doPoll", "doIteration":
            self.patch(EPollReactor, method, lambda reactor, timeout: turns.append(timeout))
        self.patch(EPollReactor, "installWaker", lambda reactor: None)  # it would need the names
        for owner, names in [*table("epoll").items(), *table("contexts").items()]:
            for name in names:
                with without(owner, name):
                    made: Any = epoll.LeanEPollReactor()
                    made.doPoll(1)
                    made.doIteration(2)
                    self.assertEqual(turns, [1, 2], name)
                    self.assertNotIn("mainLoop", vars(made))
                    turns.clear()
        lean.doIteration(0)
        self.assertEqual(turns, [])

    def test_nobody_can_tell_what_is_unsent(self) -> None:
        for owner, names in table("buffers").items():
            for name in names:
                transport = self.unsending(owner)
                self.assertIsNotNone(buffers.unsent_bytes(transport), name)
                with without(owner, name):
                    vars(transport).pop(name, None)
                    self.assertIsNone(buffers.held_bytes(transport), name)
                    self.assertIsNone(buffers.unsent_bytes(transport), name)

    def unsending(self, kind: Any) -> Any:
        """Return a transport of some kind, connected in memory."""
        if kind is FileDescriptor:
            return connect(Protocol()).transport
        from twisted.internet.ssl import CertificateOptions
        from twisted.protocols.tls import TLSMemoryBIOFactory

        factory = TLSMemoryBIOFactory(CertificateOptions(), True, Factory.forProtocol(Protocol))
        return connect(factory).protocol

    def test_in_memory_what_is_unsent_is_counted(self) -> None:
        for name in table("buffers")[FileDescriptor]:
            remote = connect(Protocol(), kernel_bytes=10)
            with patch("sockproto.reactor.memory.held_bytes", lambda transport: None):
                remote.transport.write(b"x" * 15)
                remote.transport.writeSequence([b"y" * 5, b"z"])
                remote.run()
                self.assertEqual(remote.transport.held, 11, name)
                self.assertEqual(remote.read(), b"x" * 15 + b"y" * 5 + b"z")
                self.assertEqual(remote.transport.held, 0)

    def test_protocols_are_negotiated_as_twisted_does_it(self) -> None:
        for owner, names in table("alpn").items():
            self.patch(owner, "setupForALPN", alpn.set_up_as_twisted)
            for name in names:
                with without(owner, name):
                    alpn.go_on_without_alpn()
                self.assertIs(owner.setupForALPN, alpn.set_up_as_twisted, name)
            alpn.go_on_without_alpn()
            self.assertIsNot(owner.setupForALPN, alpn.set_up_as_twisted)

    def test_every_log_is_observed(self) -> None:
        self.assertFalse(observers.is_observed(LogPublisher()))
        self.assertTrue(observers.is_observed(LogPublisher(EventLoggingObserver())))
        for name in table("observers")[LogPublisher]:
            with without(LogPublisher, name):
                self.assertTrue(observers.is_observed(LogPublisher()))

    def test_a_clock_advances_as_twisted_has_it(self) -> None:
        for owner, names in table("clocks").items():
            for name in names:
                with without(owner, name), patch.object(Clock, "advance") as advance:
                    clock = Clock()
                    if owner is not Clock:
                        clock.callLater(1, lambda: None)
                    clocks.advance_once(clock, 5.0)
                advance.assert_called_once_with(5.0)
