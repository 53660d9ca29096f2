"""What code under test raises is a fault, wherever that is caught, whoever runs the test."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, fail, gatherResults
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.task import Clock
from twisted.python import log
from twisted.trial.unittest import TestCase

from sockproto import (
    CLOSE,
    CommandFactory,
    CommandSet,
    Conversation,
    ConversationDatagramProtocol,
    ConversationFactory,
    ConversationProtocol,
    Sleep,
    Wait,
    command,
)
from sockproto.testing import (
    DatagramNetwork,
    Expect,
    HalfClose,
    ReadToEnd,
    Send,
    assert_no_faults,
    connect,
    join,
    play,
    play_every_way,
    play_everywhere,
    play_on_socket,
)
from tests.hanging import TIMEOUT


class Wrong(Exception):
    """A mistake of the code under test."""


def wrong(*_: Any) -> Any:
    """Make the mistake."""
    raise Wrong


def thinks(*_: Any) -> Any:
    yield Sleep(2)
    raise Wrong


def waits(*_: Any) -> Any:
    yield Wait(fail(Wrong()))


def after_its_answer(*_: Any) -> Any:
    yield b"answer"
    raise Wrong


class Turns(CommandSet):
    @command
    def turn(self) -> str:
        """Turn."""
        raise Wrong

    @command
    async def think(self) -> str:
        """Think."""
        raise Wrong


def factory_of(speaks: type[Conversation]) -> Callable[[Any], ConversationFactory]:
    """Return what makes a factory of some conversation."""
    kind = type("Wrongs", (ConversationProtocol,), {"__slots__": (), "conversation": speaks})
    made: Any = type("Made", (ConversationFactory,), {"protocol": kind})
    return lambda clock: made(clock=clock)


def that(**methods: Any) -> type[Conversation]:
    """Return a conversation with some methods."""
    return type("Wrongs", (Conversation,), methods)


class Flawed(Protocol):
    """Has its mistake logged."""

    def __init__(self, mistake: Callable[[], object]) -> None:
        self.mistake = mistake

    def dataReceived(self, data: bytes) -> None:
        self.mistake()


def is_logged() -> None:
    log.err(Wrong())


def is_nobodys() -> None:
    fail(Wrong())


CONVERSATIONS = [
    that(opened=wrong),
    that(received=wrong),
    that(received=thinks),
    that(received=waits),
    that(received=after_its_answer),
    that(ended=wrong),
    that(closed=wrong),
]
SCRIPT = [Send(b"/turn\n"), HalfClose(), ReadToEnd()]

# Where a coroutine has raised it Twisted 24.7 doesn't tell, but where it was waited for.
PLACE = r" raised Wrong \((test_faults|answering)\.py, line "


class RaisingTests(TestCase):
    def fault_of(self, call: Callable[..., Any], *args: Any, count: int = 1) -> None:
        """Check that a call fails for the mistake, which is logged so often."""
        error = self.assertRaises(AssertionError, call, *args)
        self.assertRegex(str(error), PLACE)
        self.assertEqual(len(self.flushLoggedErrors(Wrong)), count)

    def test_a_conversation(self) -> None:
        for conversation in CONVERSATIONS:
            make = factory_of(conversation)
            self.fault_of(play, make, SCRIPT)
            self.fault_of(play_every_way, make, SCRIPT)
            clock = Clock()
            remote = connect(make(clock))
            remote.half_close(b"hello\n")
            clock.advance(2)  # nothing of the kit runs meanwhile
            remote.read_to_end()
            self.assertEqual(len(remote.faults), 1, remote.faults)
            self.fault_of(assert_no_faults, remote)

    def test_a_command(self) -> None:
        for line in b"/turn\n", b"/think\n":
            remote = connect(CommandFactory(Turns(), clock=Clock()))
            remote.send(line)
            self.fault_of(assert_no_faults, remote)
        self.fault_of(play, lambda clock: CommandFactory(Turns(), clock=clock), SCRIPT)

    def test_what_twisted_logs(self) -> None:
        for mistake in wrong, is_logged, is_nobodys:
            protocol: Any = Flawed(mistake)
            remote = connect(protocol)
            remote.send(b"x")
            self.assertEqual(len(remote.faults), 1, remote.faults)
            self.assertIn("Flawed raised Wrong", remote.faults[0])
            self.assertEqual(len(self.flushLoggedErrors(Wrong)), 1)

    def test_it_is_nobody_elses(self) -> None:
        make = factory_of(that(received=wrong))
        other, fine = connect(make(Clock())), connect(factory_of(Conversation)(Clock()))
        factory = make(Clock())
        same = connect(factory)
        remote = connect(factory)
        remote.send(b"hello\n")
        for unconcerned in other, fine, same:
            assert_no_faults(unconcerned)
        self.fault_of(assert_no_faults, remote)

    def test_who_of_two(self) -> None:
        link = join(Protocol(), factory_of(that(received=wrong))(Clock()))
        link.client_transport.write(b"hello\n")
        link.run()
        self.assertEqual(link.client_transport.faults, [])
        self.assertEqual(len(link.server_transport.faults), 1)
        self.fault_of(assert_no_faults, link)

    def test_the_cause_is_told_where_a_step_finds_something(self) -> None:
        script = [Send(b"hello\n"), Expect(b"hello\n")]
        said = str(self.assertRaises(AssertionError, play, factory_of(that(received=wrong)), script))
        self.assertIn("step 1: the reply differs", said)
        self.assertIn("; Wrongs raised Wrong (test_faults.py", said)
        self.assertEqual(len(self.flushLoggedErrors(Wrong)), 1)

    def test_a_connection_that_raises_as_it_ends(self) -> None:
        class Ends(Protocol):
            def connectionLost(self, reason: Any = None) -> None:
                raise Wrong

        error = self.assertRaises(AssertionError, play, Ends, [Send(b"x")])
        self.assertIn("Ends raised Wrong", str(error))
        self.assertEqual(len(self.flushLoggedErrors(Wrong)), 1)

    def test_what_a_test_expects_and_flushes_is_none(self) -> None:
        remote = connect(factory_of(that(received=wrong))(Clock()))
        remote.send(b"hello\n")
        self.assertEqual(len(remote.faults), 1)
        self.assertEqual(len(self.flushLoggedErrors(Wrong)), 1)
        assert_no_faults(remote)

    def test_no_fault(self) -> None:
        remote = connect(factory_of(that(received=lambda self, data: CLOSE))(Clock()))
        remote.send(b"hello\n")
        assert_no_faults(remote)


class DatagramTests(TestCase):
    def faults_of(self, protocol: Any, clock: Clock) -> None:
        network, other = DatagramNetwork(), DatagramNetwork()
        network.listenUDP(9999, protocol, "192.0.2.1")
        other.listenUDP(9999, ConversationDatagramProtocol(clock=clock), "192.0.2.1")
        remote = network.remote()
        remote.send(b"hello", ("192.0.2.1", 9999))
        remote.read()
        clock.advance(2)
        for has_faults in remote, network:
            error = self.assertRaises(AssertionError, assert_no_faults, has_faults)
            self.assertIn(" raised Wrong", str(error))
        self.assertEqual(len(network.faults), 1)
        assert_no_faults(other)
        self.assertEqual(len(self.flushLoggedErrors(Wrong)), 1)

    def test_a_conversation(self) -> None:
        for method in wrong, thinks, waits, after_its_answer:
            clock = Clock()
            conversation = that(received=method)
            kind: Any = type("Wrongs", (ConversationDatagramProtocol,), {"conversation": conversation})
            self.faults_of(kind(clock=clock), clock)

    def test_twisteds(self) -> None:
        for method in wrong, is_logged:
            kind: Any = type("Wrongs", (DatagramProtocol,), {"datagramReceived": lambda *_, it=method: it()})
            self.faults_of(kind(), Clock())


class SocketTests(TestCase):
    def fault_of(self, playing: "Deferred[Any]") -> "Deferred[None]":
        async def judged() -> None:
            error = await self.failUnlessFailure(playing, AssertionError)
            self.assertIn("over a socket", str(error))
            self.assertRegex(str(error), PLACE)

        return ensureDeferred(judged())

    def test_a_conversation_and_a_protocol(self) -> "Deferred[Any]":
        makes: list[Any] = [factory_of(that(received=wrong)), factory_of(that(closed=wrong))]
        makes += [lambda reactor: CommandFactory(Turns(), clock=reactor)]
        makes += [lambda reactor: Factory.forProtocol(lambda: Flawed(wrong))]
        playing = gatherResults([self.fault_of(play_on_socket(make, SCRIPT)) for make in makes])
        return playing.addCallback(lambda _: self.assertTrue(self.flushLoggedErrors(Wrong)))

    def test_only_over_sockets(self) -> "Deferred[Any]":
        def make(clock: Any) -> ConversationFactory:
            return factory_of(Conversation if isinstance(clock, Clock) else that(received=wrong))(clock)

        playing = self.fault_of(play_everywhere(make, [Send(b"hello\n"), HalfClose(), ReadToEnd()]))
        return playing.addCallback(lambda _: self.assertTrue(self.flushLoggedErrors(Wrong)))


PROGRAM = '''
import unittest
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from sockproto import CommandFactory, CommandSet, command
from sockproto.testing import assert_no_faults, connect, play, Send

class Turns(CommandSet):
    @command
    def turn(self):
        """Turn."""
        1 / 0

def make(clock):
    return CommandFactory(Turns(), clock=clock)

def look():
    remote = connect(make(Clock()))
    remote.send(b"/turn\\n")
    assert_no_faults(remote)

def script():
    play(make, [Send(b"/turn\\n")])
'''
CASES = """
class Tests({base}):
    def test_look(self):
        look()
    def test_script(self):
        script()
"""
FUNCTIONS = """
def test_look():
    look()
def test_script():
    script()
"""


class RunnerTests(TestCase):
    """Whoever runs the tests: nobody but the kit looks at the log."""

    def failed_by(self, tests: str, *runner: str) -> str:
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "test_it.py").write_text(PROGRAM + tests)
        ran = subprocess.run(
            [sys.executable, "-m", *runner], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT
        )
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def test_pytest(self) -> None:
        said = self.failed_by(FUNCTIONS, "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")
        self.assertIn("2 failed", said)
        self.assertIn(
            "CommandProtocol raised ZeroDivisionError: division by zero (test_it.py, line 12)", said
        )

    def test_unittest(self) -> None:
        said = self.failed_by(CASES.format(base="unittest.TestCase"), "unittest", "test_it")
        self.assertIn("FAILED (failures=2)", said)

    def test_trial(self) -> None:
        said = self.failed_by(CASES.format(base="SynchronousTestCase"), "twisted.trial", "test_it")
        self.assertIn("CommandProtocol raised ZeroDivisionError", said)
