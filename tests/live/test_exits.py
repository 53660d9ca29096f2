"""A SystemExit or a KeyboardInterrupt in a conversation ends the process, with its status, in order."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO
from tests.plugins import write_plugin

CONVERSATION = """
import sys
from twisted.internet.defer import Deferred
from sockproto import *
from sockproto.core.framing.lines import Lines

def ends(*_):
    raise ERROR

def script(*_):
    yield Sleep(0.01)
    ends()

def waits(*_):
    from twisted.internet import reactor
    later = Deferred()
    KEPT.append(later)  # whose failure nobody looks at
    reactor.callLater(0.01, later.callback, None)
    yield Wait(later)
    ends()

def coroutine(*_):
    async def work():
        ends()
    yield Wait(work())

def datagram_script(*_):
    yield Sleep(0.01)
    ends()

KEPT = []

class Turns(CommandSet):
    @command
    def turn(self) -> str:
        "Turn."
        ends()

    @command
    async def later(self) -> str:
        "Turn."
        ends()

class Wrong(Lines):
    def cut(self, data):
        ends()

def that(**methods):
    return type("Their", (Conversation,), methods)
"""
EMBEDDED = """
REACTOR
from twisted.internet import reactor

class Protocol(ConversationProtocol):
    conversation = CONVERSED

class Their(ConversationFactory):
    protocol = Protocol

class Datagrams(ConversationDatagramProtocol):
    conversation = CONVERSED

def end():
    print("the end", flush=True)

port = LISTEN
reactor.callWhenRunning(print, port.getHost().port, flush=True)
reactor.addSystemEventTrigger("during", "shutdown", end)
reactor.run()
print("run is over", flush=True)
"""
STREAM = "reactor.listenTCP(0, Their(), interface='127.0.0.1')"
DATAGRAMS = "reactor.listenUDP(0, Datagrams(), '127.0.0.1')"
COMMANDS = "reactor.listenTCP(0, CommandFactory(Turns()), interface='127.0.0.1')"

SELECT = "from twisted.internet import selectreactor; selectreactor.install()"


def say(port: int, data: bytes, datagrams: bool) -> None:
    """Say something, and wait for the other end to be gone."""
    with socket.socket(type=socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM) as client:
        client.settimeout(TIMEOUT)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # it may be cut at any time
            client.connect(("127.0.0.1", port))
            client.send(data)
            if datagrams:
                return
            client.shutdown(socket.SHUT_WR)
            while client.recv(1024):
                pass


@pytest.mark.parametrize("reactor", ["", SELECT])
@pytest.mark.parametrize(
    ("conversed", "listen", "said"),
    [
        ("that(opened=ends)", STREAM, b""),
        ("that(received=ends)", STREAM, b"a\n"),
        ("that(ended=ends)", STREAM, b""),
        ("that(closed=ends)", STREAM, b""),
        ("that(received=script)", STREAM, b"a\n"),
        ("that(received=waits)", STREAM, b"a\n"),
        ("that(received=coroutine)", STREAM, b"a\n"),
        ("that(__init__=ends)", STREAM, b""),
        ("that()", STREAM.replace("Their()", "Their(framing=Wrong)"), b"a\n"),
        ("that()", COMMANDS, b"/turn\n"),
        ("that()", COMMANDS, b"/later\n"),
        ("that(received=ends)", DATAGRAMS, b"a"),
        ("that(received=datagram_script)", DATAGRAMS, b"a"),
    ],
)
def test_wherever_it_is_raised(
    conversed: str, listen: str, said: bytes, reactor: str, tmp_path: Path
) -> None:
    code = CONVERSATION.replace("ERROR", "SystemExit(7)")
    code += EMBEDDED.replace("REACTOR", reactor).replace("CONVERSED", conversed).replace("LISTEN", listen)
    (tmp_path / "program.py").write_text(code)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            say(int(process.stdout.readline()), said, listen is DATAGRAMS)
            assert process.wait(TIMEOUT) == 7
        finally:
            process.kill()
        assert process.stdout.read() == "the end\nrun is over\n"


PLUGIN = """
class Protocol(ConversationProtocol):
    conversation = that(received=ends)

class Their(ConversationFactory):
    protocol = Protocol

class Datagrams(ConversationDatagramProtocol):
    conversation = that(received=ends)

DEFINITION = ProtocolDefinition("their", "ends", Their, Datagrams)
"""


@pytest.mark.parametrize("program", ["serve", "twistd"])
@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        ("SystemExit", 0, ""),
        ("SystemExit(3)", 3, ""),
        ("SystemExit('no more')", 1, "no more"),
        ("KeyboardInterrupt", 130, ""),
    ],
)
def test_a_server(program: str, error: str, status: int, text: str, tmp_path: Path) -> None:
    write_plugin(tmp_path, "their", CONVERSATION.replace("ERROR", error) + PLUGIN)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    start = [SOCKPROTO, "serve"]
    if program == "twistd":
        start = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "sockproto"]
    typed = [*start, "--protocol", "their", "--port", str(port), "--tcp-only"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process: Any
    with subprocess.Popen(
        typed, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            while "their on" not in process.stdout.readline():
                assert process.poll() is None
            say(port, b"a\n", False)
            assert process.wait(TIMEOUT) == status
        finally:
            process.kill()
        said = process.stdout.read()
    assert text in said
    assert "stopped in " in said  # it drained
    assert not (tmp_path / "twistd.pid").exists()


def test_nobody_else_s_status_is_changed(tmp_path: Path) -> None:
    code = CONVERSATION.replace("ERROR", "SystemExit(7)")
    code += (
        EMBEDDED.replace("REACTOR", "").replace("CONVERSED", "that(received=ends)").replace("LISTEN", STREAM)
    )
    (tmp_path / "program.py").write_text(code.replace("reactor.run()", "reactor.run(); sys.exit(4)"))
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 4
