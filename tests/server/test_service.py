"""Listening is all or nothing; options are checked before anything is opened."""

import dataclasses
import errno
import gc
import os
import socket
import subprocess
import sys
from typing import Any

from twisted.application.service import Application, IService, IServiceMaker
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, LogPublisher
from twisted.plugin import getPlugins
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from sockproto.core.limits import Limits
from sockproto.core.text import port_number
from sockproto.errors import ListenError, OptionError
from sockproto.protocols.echo import EchoDatagramProtocol, EchoFactory
from sockproto.protocols.greeting import GreetingFactory
from sockproto.server.addressing import addresses
from sockproto.server.catalog import definitions
from sockproto.server.descriptions import from_description
from sockproto.server.listeners import Listener, tcp, udp, unix_datagrams
from sockproto.server.service import ServerService
from sockproto.server.tap import Options, makeService, options_for
from sockproto.testing import connect
from sockproto.workers.foreground import ForegroundOptions
from tests.hanging import TIMEOUT


class RunningReactor:
    """The reactor, seen as running: trial forbids what the service does before it runs."""

    running = True

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


def echo_tcp(port: int = 0) -> Listener:
    return tcp("echo", EchoFactory(), "127.0.0.1", port)


def echo_udp(port: int = 0) -> Listener:
    return udp("echo", EchoDatagramProtocol(), "127.0.0.1", port)


class ServiceTestCase(TestCase):
    def serve(self, *listeners: Listener, start: bool = True) -> ServerService:
        service = ServerService(listeners, RunningReactor())
        self.events = EventLoggingObserver()
        service.log = Logger("test", observer=LogPublisher(self.events))
        self.addCleanup(service.stopService)
        if start:
            service.startService()
        return service

    def forget_leaks(self) -> None:
        """Twisted's UDP port forgets to close a socket that it could not bind."""
        gc.collect()
        self.flushWarnings()

    def port(self, service: ServerService, number: int = 0) -> int:
        port: int = service.ports[number].getHost().port  # type: ignore[attr-defined]  # IAddress has no port
        return port


class ServerServiceTests(ServiceTestCase):
    def test_interface(self) -> None:
        verifyObject(IService, ServerService([]))

    def test_port_0_is_shared_and_each_listener_is_named(self) -> None:
        service = self.serve(echo_tcp(), echo_udp())
        port = self.port(service)
        self.assertEqual(self.port(service, 1), port)
        said = [(event["protocol"], event["where"]) for event in self.events]
        self.assertEqual(said, [("echo", f"TCP 127.0.0.1:{port}"), ("echo", f"UDP 127.0.0.1:{port}")])

    def test_what_other_machines_can_reach_is_said(self) -> None:
        for interface, exposed in [("0.0.0.0", True), ("127.0.0.2", False), ("::1", False)]:
            endpoint = r"tcp:0:interface=" + interface.replace(":", r"\:")
            described = from_description("echo", endpoint, EchoFactory, EchoDatagramProtocol, reactor)
            self.serve(described if exposed else tcp("echo", EchoFactory(), interface, 0))
            said = [event["log_format"] for event in self.events]
            self.assertEqual("{where} can be reached from other machines" in said, exposed, interface)

    def test_two_of_a_kind_have_ports_of_their_own(self) -> None:
        service = self.serve(echo_tcp(), echo_tcp(), echo_udp(), echo_udp())
        ports = [self.port(service, number) for number in range(4)]
        self.assertEqual(len(set(ports)), 3, ports)
        self.assertEqual(ports[1], ports[2])

    @inlineCallbacks
    def test_what_is_no_port_is_closed_too(self) -> Any:
        closed = []

        class Pipe:
            def getHost(self) -> None:
                return None

            def loseConnection(self) -> None:
                closed.append(True)

        stdio = Listener("echo", "stdio:", EchoFactory(), lambda *args: succeed(Pipe()))
        service = self.serve(stdio, echo_tcp())
        yield service.stopService()
        self.assertEqual(closed, [True])

    def test_another_free_port_is_tried_when_udp_has_it(self) -> None:
        """The first ports that TCP is given are taken for UDP."""
        taken: list[int] = []

        def listen(reactor: Any, chosen: int) -> "Deferred[Any]":
            if len(taken) < 3:
                taken.append(chosen)
                return maybe(CannotListenError("127.0.0.1", chosen, OSError(errno.EADDRINUSE, "taken")))
            return echo_udp().listen(reactor, chosen)

        service = self.serve(echo_tcp(), Listener("echo", "UDP", EchoDatagramProtocol(), listen, port=0))
        self.assertEqual(len(service.ports), 2)
        self.assertEqual(len(taken), 3)

    def test_all_or_nothing(self) -> None:
        for kind, make in [(socket.SOCK_STREAM, echo_tcp), (socket.SOCK_DGRAM, echo_udp)]:
            with socket.socket(socket.AF_INET, kind) as holder:
                holder.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    holder.listen()
                port = holder.getsockname()[1]
                service = self.serve(echo_tcp(), make(port), start=False)
                error = self.assertRaises(ListenError, service.startService)
            self.assertRegex(
                str(error), rf"echo can't listen on (TCP|UDP) 127\.0\.0\.1:{port}: Address already"
            )
            self.assertNotIn("\n", str(error))
            self.assertEqual((service.ports, service.running, len(self.events)), ([], 0, 0))
            self.assertIsInstance(error, SystemExit)
            self.assertEqual(error.code, str(error))
        del error
        self.forget_leaks()

    @inlineCallbacks
    def test_start_after_stop_listens_again(self) -> Any:
        service = self.serve(echo_tcp())
        for _ in range(2):
            port = self.port(service)
            socket.create_connection(("127.0.0.1", port), 5).close()
            yield service.stopService()
            self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", port), 5)
            service.startService()

    @inlineCallbacks
    def test_one_factory_on_several_ports_is_drained_once(self) -> Any:
        factory = EchoFactory()
        service = self.serve(*(tcp("echo", factory, address, 0) for address in ("127.0.0.1", "127.0.0.2")))
        with socket.create_connection(("127.0.0.1", self.port(service)), 5):
            while not factory.statistics.open:
                yield deferLater(reactor, 0)
            yield service.stopService()
        said = list(self.events)[-1]
        self.assertEqual((said["connections"], said["aborted"]), (1, 0))

    @inlineCallbacks
    def test_who_asks_while_it_stops_waits_too(self) -> Any:
        service = self.serve(tcp("greeting", GreetingFactory(think_seconds=0.05), "127.0.0.1", 0))
        with socket.create_connection(("127.0.0.1", self.port(service)), 5) as client:
            client.sendall(b"Michael\n")
            while not service.listeners[0].server.statistics.open:
                yield deferLater(reactor, 0)
            yield deferLater(reactor, 0)
            stopping = [service.stopService(), service.stopService()]
            self.assertRaises(ListenError, service.startService)
            self.assertFalse(stopping[0].called or stopping[1].called)
            client.shutdown(socket.SHUT_WR)
            yield from stopping

    def test_it_binds_in_start_if_nobody_asked_before(self) -> None:
        service = self.serve(echo_tcp(), start=False)
        service.privilegedStartService()
        ports = list(service.ports)
        service.startService()
        self.assertEqual((service.ports, len(ports)), (ports, 1))

    def test_an_endpoint_that_takes_its_time(self) -> None:
        listening: Deferred[Any] = Deferred()
        stopped = []

        class Reactor:
            running = True

            def stop(self) -> None:
                stopped.append(True)

        service = ServerService(
            [Listener("echo", "onion:", EchoFactory(), lambda *args: listening)], Reactor()
        )
        service.log = Logger("test", observer=LogPublisher(events := EventLoggingObserver()))
        service.startService()
        listening.errback(OSError(errno.EACCES, "no"))
        self.assertEqual(stopped, [True])
        self.assertIn("echo can't listen on onion:: Permission denied", next(iter(events))["line"])

    def test_a_unix_datagram_socket(self) -> None:
        path = self.mktemp()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stale:
            stale.bind(path)
        self.serve(unix_datagrams("echo", EchoDatagramProtocol(), path))
        other = self.serve(unix_datagrams("echo", EchoDatagramProtocol(), path), start=False)
        self.assertRaises(ListenError, other.startService)  # somebody listens there
        self.assertTrue(os.path.exists(path))
        self.forget_leaks()

    @inlineCallbacks
    def test_a_unix_datagram_socket_is_removed(self) -> Any:
        path = self.mktemp()
        service = self.serve(unix_datagrams("echo", EchoDatagramProtocol(), path))
        self.assertTrue(os.path.exists(path))
        yield service.stopService()
        self.assertFalse(os.path.exists(path))


def maybe(error: Exception) -> "Deferred[Any]":
    deferred: Deferred[Any] = Deferred()
    deferred.errback(error)
    return deferred


class LameDuckTests(TestCase):
    """A service that goes on for a while before it stops."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ports: list[Any] = []
        self.server = EchoFactory(clock=self.clock)

    def listen(self, *_: Any) -> "Deferred[Any]":
        self.ports.append(MemoryPort())
        return succeed(self.ports[-1])

    def service(self, **arguments: Any) -> ServerService:
        listeners = [Listener("echo", "memory", self.server, self.listen)]
        service = ServerService(listeners, self.clock, **arguments)
        service.startService()
        return service

    def test_it_is_ready_until_a_stop_begins(self) -> None:
        service = self.service(lame_duck_seconds=5)
        self.assertTrue(service.ready)
        stopped = service.stopService()
        self.assertFalse(service.ready)
        self.clock.advance(4.9)
        self.assertFalse(self.ports[0].stopped, "it goes on as before")
        self.clock.advance(0.2)
        self.assertTrue(self.ports[0].stopped)
        self.clock.advance(0)
        self.successResultOf(stopped)

    def test_connections_are_served_meanwhile_and_drained_afterwards(self) -> None:
        service = self.service(lame_duck_seconds=5)
        stopped = service.stopService()
        client = connect(self.server)
        client.send(b"still here\n")
        self.assertEqual(client.read(), b"still here\n")
        self.clock.advance(5)
        self.clock.advance(0)
        client.half_close()
        self.successResultOf(stopped)

    def test_without_it_the_ports_close_at_once(self) -> None:
        stopped = self.service().stopService()
        self.assertTrue(self.ports[0].stopped)
        self.clock.advance(0)
        self.successResultOf(stopped)

    def test_a_second_stop_waits_for_the_first(self) -> None:
        service = self.service(lame_duck_seconds=5)
        both = [service.stopService(), service.stopService()]
        self.clock.advance(5)
        self.clock.advance(0)
        for stopped in both:
            self.successResultOf(stopped)

    def test_it_can_be_started_again(self) -> None:
        service = self.service(lame_duck_seconds=5)
        service.stopService()
        self.assertRaises(ListenError, service.startService)
        self.clock.advance(5)
        self.clock.advance(0)
        service.startService()
        self.assertTrue(service.ready)

    def test_it_is_not_ready_before_a_slow_endpoint_listens(self) -> None:
        listening: Deferred[Any] = Deferred()
        service = ServerService([Listener("echo", "slow", self.server, lambda *_: listening)], self.clock)
        service.startService()
        self.assertFalse(service.ready)
        listening.callback(MemoryPort())
        self.assertTrue(service.ready)

    def test_it_is_not_ready_before_it_is_started(self) -> None:
        self.assertFalse(ServerService([]).ready)
        self.assertTrue(self.service().ready)


class MemoryPort:
    """A port that listens nowhere."""

    stopped = False

    def getHost(self) -> None:
        """Return no address."""

    def stopListening(self) -> None:
        self.stopped = True


class DescriptionTests(TestCase):
    def plan(self, description: str) -> Listener:
        return from_description("echo", description, EchoFactory, EchoDatagramProtocol, reactor)

    def test_where(self) -> None:
        for description, where in [
            ("udp:53", "UDP 127.0.0.1:53"),
            ("udp:53:interface=0.0.0.0", "UDP 0.0.0.0:53"),
            (r"udp:53:interface=\:\:1", "UDP [::1]:53"),
            ("udp:53:interface=::1", "UDP [::1]:53"),
            ("unix-dgram:/tmp/x", "unix-dgram:/tmp/x"),
            ("tcp:53:interface=127.0.0.1", "tcp:53:interface=127.0.0.1"),
        ]:
            self.assertEqual(self.plan(description).where, where)

    def test_wrong_ones(self) -> None:
        ours = ["", "udp:", "udp:x", "udp:70000", "udp:1:interface=name", "unix-dgram:"]
        twisteds = ["unix:", "unix::mode=600", "nope:1", "tcp:", "tcp:x", "ssl:1:privateKey=/nonexistent"]
        for description in ours + twisteds:
            self.assertRaises(OptionError, self.plan, description)

    def test_what_is_wrong_is_said_in_our_words(self) -> None:
        for description, said in [
            ("tcp:abc", "a port is a number from 0 to 65535, not 'abc'"),
            ("tcp:port=abc", "a port is a number"),
            ("tcp:", "a port is a number"),
            ("tcp: 80 ", "a port is a number"),
            ("tcp6:\u0663", "a port is a number"),
            ("tcp:0:backlog=x", "must be a whole number"),
            ("tcp:0:backlog=99999999999", "at most 2147483647"),
            ("tcp:0:interface=", "'' is no address"),
            ("tcp:0:interface=1.5", "'1.5' is no address"),
            ("tcp:0:1.5", "'1.5' is no address"),
            ("ssl:x:interface=::1", "a port is a number"),
            ("tcp:0:nonsense=1", "'tcp:0:nonsense=1' is not tcp:PORT"),
            ("tcp:127.0.0.1:80", "is not tcp:PORT, perhaps with :interface=ADDRESS"),
            ("80", "Unknown endpoint type: '80'; write tcp:PORT, perhaps with :interface=ADDRESS"),
            ("localhost:80", "'localhost'; write tcp:PORT"),
            ("/run/s", "; or unix:PATH"),
            (
                "ssl:1:key=key.pem:cert=cert.pem",
                "is not ssl:PORT:privateKey=FILE:certKey=FILE: there is no use for 'cert'",
            ),
            ("tcp:0:localhost:5:3:4", "is not tcp:PORT"),
            ("unix:/s:mode=abc", "'unix:/s:mode=abc' is not unix:PATH"),
            ("tcp:0:interface=127.0.0.1:interface=::1", "is not tcp:PORT, perhaps with :interface=ADDRESS"),
            ("tcp:0:interface=127.0.0.1:interface=::1", "interface is given twice"),
            ("tcp:0:port=1", "port is given twice"),
            ("ssl:0:certKey=a.pem:certKey=b.pem", "certKey is given twice"),
            ("unix-dgram:/s:mode=600:mode=660", "mode is given twice"),
        ]:
            error = self.assertRaises(OptionError, self.plan, description)
            self.assertTrue(said in str(error), (description, str(error)))
        self.plan("tcp6:0:interface=\\:\\:1:backlog=5")

    def test_ports(self) -> None:
        self.assertEqual([port_number(text) for text in ("0", "80", "65535")], [0, 80, 65535])
        for text in "", "-1", "65536", "0x50", "8 0", "٣", "99999999":
            self.assertRaises(OptionError, port_number, text)

    def test_addresses(self) -> None:
        self.assertEqual(addresses("::1"), ["::1"])
        self.assertIn("127.0.0.1", addresses("localhost"))
        for name in "", "no.such.host.invalid", "a" * 300, "a..b", "1.5", "0x10", "127.1", "127.0.0.1 ":
            self.assertRaises(OptionError, addresses, name)


class OptionsTests(TestCase):
    def parse(self, *args: str) -> Options:
        options = Options()
        options.parseOptions(list(args))
        return options

    def where(self, *args: str) -> list[str]:
        return [
            f"{listener.protocol} {listener.where}" for listener in makeService(self.parse(*args)).listeners
        ]

    def test_defaults(self) -> None:
        expected = ["greeting TCP 127.0.0.1:9999", "greeting UDP 127.0.0.1:9999"]
        self.assertEqual(self.where(), expected)
        unparsed = makeService(Options())
        self.assertEqual([f"{li.protocol} {li.where}" for li in unparsed.listeners], expected)

    def test_choices(self) -> None:
        self.assertEqual(
            self.where("--protocol", "echo", "--port", "7", "--interface", "127.0.0.2", "--interface", "::1"),
            ["echo TCP 127.0.0.2:7", "echo UDP 127.0.0.2:7", "echo TCP [::1]:7", "echo UDP [::1]:7"],
        )
        twice = ["--tcp-only", "--interface", "::1", "--interface", "[::1]", "--interface", "::1"]
        self.assertEqual(self.where(*twice), ["greeting TCP [::1]:9999"])
        self.assertEqual(self.where("--tcp-only"), ["greeting TCP 127.0.0.1:9999"])
        self.assertEqual(self.where("--udp-only"), ["greeting UDP 127.0.0.1:9999"])
        self.assertEqual(
            self.where("--listen", "udp:1", "--listen", "unix:/tmp/x"),
            ["greeting UDP 127.0.0.1:1", "greeting unix:/tmp/x"],
        )

    def test_what_reaches_the_conversation(self) -> None:
        made: list[dict[str, Any]] = []
        definition = definitions()["greeting"]

        def factory(**arguments: Any) -> EchoFactory:
            made.append(arguments)
            return EchoFactory()

        class GreetingOptions(options_for("greeting")):  # type: ignore[misc]  # made at run time
            definition = dataclasses.replace(definitions()["greeting"], factory=factory)

        GreetingOptions().parseOptions(["--think-seconds", "0.5", "--framing", "lines", "--tcp-only"])
        expected = {"framing": definition.framings["lines"], "think_seconds": 0.5}
        self.assertEqual(made, [expected | {"limits": Limits(), "proxy_from": None}])

    def test_message_is_taken_byte_for_byte(self) -> None:
        options = self.parse("--protocol", "welcome", "--message", "\udcff\\n ", "--tcp-only")
        [listener] = makeService(options).listeners
        remote = connect(listener.server)
        self.assertEqual(remote.read(), b"\xff\\n ")
        remote.close()

    def test_wrong_ones_are_one_line_and_status_1(self) -> None:
        for args, said in [
            (["--port", "abc"], "--port: a port is a number from 0 to 65535, not 'abc'"),
            (["--port", "99999"], "--port"),
            (["--protocol", "nope"], "--protocol: there is no 'nope'; one of chargen"),
            (["--protocol", "echo", "--framing", "lines"], "--framing does not fit the protocol echo"),
            (["--framing", "words"], "--framing of the protocol greeting is auto or lines, not 'words'"),
            (
                ["--protocol", "echo", "--think-seconds", "1"],
                "--think-seconds does not fit the protocol echo",
            ),
            (["--think-seconds", "-1"], "--think-seconds: must be a number of seconds"),
            (["--think-seconds", "nan"], "--think-seconds"),
            (["--message", "x"], "--message does not fit the protocol greeting"),
            (["--backlog", "0"], "--backlog"),
            (["--tcp-only", "--udp-only"], "--tcp-only and --udp-only"),
            (["--listen", "tcp:1", "--port", "1"], "--port does not go with --listen"),
            (["--listen", "tcp:1", "--tcp-only"], "--tcp-only does not go with --listen"),
            (["--listen", "nope:1"], "--listen: Twisted can't use 'nope:1'"),
            (["--interface", "no.such.host.invalid"], "--interface: 'no.such.host.invalid' is no address"),
            (
                ["--interface", "127.0.0.1:80"],
                "--interface: '127.0.0.1:80' is no address and no known host name; give an address of",
            ),
            (["--nonsense"], "option --nonsense not recognized"),
            (["stray"], "there is no use for 'stray'"),
        ]:
            error = self.assertRaises(SystemExit, self.parse, *args)
            self.assertTrue(str(error.code).startswith(f"sockproto: {said}"), error.code)
            self.assertNotIn("\n", str(error.code))

    def test_what_is_given_once_is_not_replaced(self) -> None:
        for args, said in [
            (
                ["--admin", "1", "--admin=unix:s"],
                "--admin is given twice, as '1' and as 'unix:s'",
            ),
            (["-p", "1", "--port", "2"], "--port is given twice"),
            (["--protocol", "greeting", "--protocol", "echo"], "--protocol is given twice"),
            (["--client-ca", "a.pem", "--client-ca", "b.pem"], "--client-ca is given twice"),
            (["--protocol", "qotd", "--message", "a", "--message", ""], "--message is given twice"),
            (["--logfile", "a.log", "--logfile", "b.log"], "--logfile is given twice"),
        ]:
            options = ForegroundOptions()
            error = self.assertRaises(SystemExit, options.parseOptions, args)
            self.assertEqual(str(error.code).partition(said)[0], "sockproto serve: ")
            self.assertNotIn("\n", str(error.code))

    def test_the_same_may_be_said_again(self) -> None:
        again = ["--tcp-only", "--tcp-only", "--port", "7", "-p", "7"]
        self.assertEqual(self.where(*again), ["greeting TCP 127.0.0.1:7"])

    def test_a_program_may_say_where_to_serve(self) -> None:
        options = Options()
        options["interface"] = ["::1"]
        options["interface"] = ["127.0.0.1"]
        options.parseOptions(["--tcp-only", "--port", "7"])
        self.assertEqual([str(each.where) for each in options.listeners or ()], ["TCP 127.0.0.1:7"])

    def test_of_a_limit_the_last_counts(self) -> None:
        options = self.parse("--max-connections", "5", "--idle-seconds", "1", "--max-connections", "7")
        self.assertEqual(options.limits, Limits(max_connections=7, idle_seconds=1))

    def test_help_names_every_option(self) -> None:
        text = str(Options())
        own = ["framing", "think-seconds", "message"]
        for name in ["port", "protocol", "interface", "tcp-only", "udp-only", "backlog", "listen", *own]:
            self.assertIn(f"--{name}", text)

    def test_options_of_one_protocol(self) -> None:
        for protocol, options in [("echo", []), ("greeting", ["--think-seconds", "--framing"])]:
            text = str(options_for(protocol)())
            for name in "--protocol", "--message", "--think-seconds", "--framing":
                self.assertEqual(f"{name}=" in text, name in options, (protocol, name))
            service = makeService(options_for(protocol)())
            self.assertEqual({listener.protocol for listener in service.listeners}, {protocol})


class PluginTests(TestCase):
    def test_the_plugins(self) -> None:
        makers = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
        for name in "sockproto", "sockproto-echo", "sockproto-greeting", "sockproto-command":
            maker = makers[name]
            options = maker.options()
            options.parseOptions(["--port", "0"])
            service = maker.makeService(options)
            service.setServiceParent(Application(name))
            self.assertEqual(options.tapname, name)


class ProcessTests(TestCase):
    def limit(self, soft: int, hard: int, connections: int) -> list[int]:
        """Return how many connections fit, and the soft limit then, in a process with these limits."""
        code = f"""
import resource
from sockproto.server.process import raise_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_descriptor_limit({connections}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=TIMEOUT)
        return [int(number) for number in said.stdout.split()]

    def test_the_limit_of_open_files_is_raised_as_far_as_needed(self) -> None:
        fit, soft = self.limit(64, 500, 200)
        self.assertTrue(200 <= fit < 210 < soft < 250, (fit, soft))

    def test_and_no_further_than_it_may(self) -> None:
        fit, soft = self.limit(64, 100, 200)
        self.assertTrue(60 < fit < 100 == soft, (fit, soft))
        fit, soft = self.limit(64, 100, 0)
        self.assertTrue(60 < fit < 100 == soft, (fit, soft))

    def test_a_limit_that_is_high_enough_is_left_alone(self) -> None:
        self.assertEqual(self.limit(400, 500, 100)[1], 400)

    def test_the_collector_leaves_alone_what_is_there_only_in_a_process_of_its_own(self) -> None:
        code = """
import gc
from sockproto.server.service import ServerService
for owns in False, True:
    ServerService([], owns_process=owns).startService()
    print(gc.get_freeze_count())
"""
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=TIMEOUT)
        none, many = (int(number) for number in said.stdout.split())
        self.assertEqual(none, 0)
        self.assertGreater(many, 10_000)


class TwistedTests(TestCase):
    def test_twisteds_own_endpoint_takes_our_factories(self) -> Any:
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        listening = endpoint.listen(EchoFactory())
        return listening.addCallback(lambda port: port.stopListening())
