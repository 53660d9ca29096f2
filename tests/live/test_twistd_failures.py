"""What can't be served ends the real command with one line, status 1, and nothing left behind."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.listings import SCRIPTS
from tests.live.clients import ask, unix_client
from tests.live.server import Serve, need, require, run_twistd

LOOPBACK = "127.0.0.1"
PIDFILE = "twistd.pid"


REFUSED = f"can't listen on TCP {LOOPBACK}:"


@contextmanager
def held_port(kind: socket.SocketKind) -> Iterator[int]:
    """Hold a port of 127.0.0.1 for one carrier, so that nobody else can have it; the other's is free.

    A TCP socket that is bound with SO_REUSEADDR and does not listen leaves the port to whoever binds it by
    number in the same way, as Twisted does; the system gives it to nobody who asks for any port.
    """
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind((LOOPBACK, 0))
        port: int = stream.getsockname()[1]
        if kind is socket.SOCK_STREAM:
            stream.listen()
        else:
            datagram.bind((LOOPBACK, port))
        yield port


@contextmanager
def end_of_the_daemon() -> Iterator[int]:
    """Yield a descriptor to pass to a command, and wait for the end of the daemon that it leaves.

    The command ends before the daemon does, whose end is that of a pipe which only it still holds.
    """
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as daemons_end:
        try:
            yield write_end
        finally:
            os.close(write_end)
        assert select.select([daemons_end], [], [], TIMEOUT)[0], "the daemon is still there"


def assert_refused(port: int) -> None:
    """See that nobody listens on a port."""
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect((LOOPBACK, port))


def assert_fails(directory: Path, *options: str, prefix: tuple[str, ...] = ()) -> str:
    """See that the command fails as it should; return the one line it says on standard error."""
    before = {*directory.iterdir()}
    ended = run_twistd(
        "-n", f"--pidfile={PIDFILE}", "sockproto", *options, directory=directory, prefix=prefix
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "Traceback" not in said
    assert "can't" not in ended.stdout, "told twice"
    assert {*directory.iterdir()} == before, "something was left behind"
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, f"not one line on standard error: {lines}; on standard output: {ended.stdout}"
    return lines[0]


@pytest.mark.parametrize("carrier", ["TCP", "UDP"])
def test_a_port_in_use(tmp_path: Path, carrier: str) -> None:
    with held_port(socket.SOCK_STREAM if carrier == "TCP" else socket.SOCK_DGRAM) as port:
        line = assert_fails(tmp_path, "--port", str(port))
        assert f"{carrier} {LOOPBACK}:{port}: Address already in use" in line
        if carrier == "UDP":
            assert_refused(port)


def test_a_port_in_use_is_told_once(tmp_path: Path) -> None:
    commands = [
        [str(SCRIPTS / "sockproto"), "serve"],
        [str(SCRIPTS / "twistd"), "-n", "--pidfile=", "sockproto"],
        [str(SCRIPTS / "twistd"), "-n", "--pidfile=", "--logfile=-", "sockproto-greeting"],
    ]
    with held_port(socket.SOCK_STREAM) as port:
        for command in commands:
            ended = subprocess.run(
                [*command, "--port", str(port)],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
            )
            assert ended.returncode == 1
            assert ended.stdout.count(REFUSED) == 1, ended.stdout
            assert "Traceback" not in ended.stdout


@pytest.mark.parametrize("foreground", [True, False])
def test_a_log_of_its_own_tells_of_a_port_in_use_too(tmp_path: Path, foreground: bool) -> None:
    log = tmp_path / "log"
    options = ["-n"] if foreground else []
    arguments = (*options, "--pidfile=", f"--logfile={log}", "sockproto", "--port")
    with held_port(socket.SOCK_STREAM) as port, end_of_the_daemon() as held:
        ended = run_twistd(*arguments, str(port), directory=tmp_path, pass_fds=(held,))
    assert ended.returncode == 1
    assert ended.stderr.count(REFUSED) == 1, ended.stderr
    assert log.read_text().count(REFUSED) == 1
    assert "Traceback" not in log.read_text() + ended.stderr


def test_a_port_without_the_right_to_it(tmp_path: Path) -> None:
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        need("setpriv")
        prefix = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")
    bind = "import socket; socket.socket().bind(('127.0.0.1', 1))"
    tried = subprocess.run(
        [*prefix, sys.executable, "-c", bind], capture_output=True, timeout=TIMEOUT, check=False
    )
    require(b"PermissionError" in tried.stderr, "a port that may not be had")
    line = assert_fails(tmp_path, "--port", "1", prefix=prefix)
    assert f"TCP {LOOPBACK}:1: Permission denied" in line


def test_an_address_that_this_machine_has_not(tmp_path: Path) -> None:
    line = assert_fails(tmp_path, "--port", "0", "--interface", "192.0.2.1")  # RFC 5737: documentation only
    assert "TCP 192.0.2.1:0: Cannot assign requested address" in line


def test_an_interface_that_is_no_host_in_an_endpoint(tmp_path: Path) -> None:
    line = assert_fails(tmp_path, "--listen", "tcp:0:interface=no.such.host.invalid")
    assert "no.such.host.invalid" in line
    assert "Unknown error" not in line


@pytest.mark.parametrize("first", ["unix:first", "unix-dgram:first", "tcp:0:interface=127.0.0.1"])
@pytest.mark.parametrize("second", ["tcp", "udp", "unix", "unix-dgram"])
def test_a_failure_of_the_second_listener_leaves_nothing_of_the_first(
    tmp_path: Path, first: str, second: str
) -> None:
    kind = socket.SOCK_DGRAM if second in ("udp", "unix-dgram") else socket.SOCK_STREAM
    if second in ("tcp", "udp"):
        with held_port(kind) as port:
            second = f"{second}:{port}:interface={LOOPBACK}"
            line = assert_fails(tmp_path, "--listen", first, "--listen", second)
            assert str(port) in line
            assert "Address already in use" in line
    else:
        with socket.socket(socket.AF_UNIX, kind) as holder:
            holder.bind(str(tmp_path / "held"))
            if kind is socket.SOCK_STREAM:
                holder.listen()
            assert f"{second}:held" in assert_fails(tmp_path, "--listen", first, "--listen", f"{second}:held")
    assert not (tmp_path / "first").exists()


def test_a_unix_socket_that_another_server_has_stays_its_own(serve: Serve, tmp_path: Path) -> None:
    serve("--listen", "unix:held")
    line = assert_fails(tmp_path, "--listen", "unix:held")
    assert "unix:held" in line
    with unix_client(tmp_path / "held") as client:
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
    assert "something listens there already" in line


@pytest.mark.parametrize("description", ["unix-dgram:file", "unix:file", "unix:no/such/directory"])
def test_a_path_that_is_no_socket_is_left_alone(tmp_path: Path, description: str) -> None:
    (tmp_path / "file").write_text("precious")
    assert description in assert_fails(tmp_path, "--listen", description)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--port abc", "--port"),
        ("--port 99999", "--port"),
        ("--port -1", "--port"),
        ("--port", "--port"),
        ("--protocol nope", "--protocol"),
        ("--protocol echo --framing auto", "--framing"),
        ("--framing nope", "--framing"),
        ("--protocol echo --think-seconds 1", "--think-seconds"),
        ("--think-seconds -1", "--think-seconds"),
        ("--think-seconds nan", "--think-seconds"),
        ("--message Hello", "--message"),
        ("--backlog 0", "--backlog"),
        ("--listen nope:1", "--listen"),
        ("--listen udp:x", "--listen"),
        ("--listen udp:99999", "--listen"),
        ("--listen tcp:x", "--listen"),
        ("--listen unix-dgram:", "--listen"),
        ("--listen tcp:0 --port 1", "--port"),
        ("--listen tcp:0 --udp-only", "--udp-only"),
        ("--tcp-only --udp-only", "--tcp-only"),
        ("--interface no.such.host.invalid", "no.such.host.invalid"),
        ("--no-such-option", "--no-such-option"),
        ("stray", "'stray'"),
    ],
)
def test_a_wrong_option(tmp_path: Path, options: str, named: str) -> None:
    with held_port(socket.SOCK_STREAM) as port:
        pass  # free again, and ours for so short a test
    words = options.split()
    where = () if {"--port", "--listen"} & set(words) else ("--port", str(port))
    assert named in assert_fails(tmp_path, *where, *words)
    assert_refused(port)


@pytest.mark.parametrize("plugin", ["sockproto-echo", "sockproto-command"])
def test_an_option_that_does_not_fit_a_plugin_of_one_protocol(tmp_path: Path, plugin: str) -> None:
    ended = run_twistd("-n", "--pidfile=", plugin, "--port", "0", "--think-seconds", "1", directory=tmp_path)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert plugin in ended.stderr
    assert "--think-seconds" in ended.stderr


def test_a_daemon_that_can_not_listen_says_why_in_its_log_and_leaves_no_pid_file(tmp_path: Path) -> None:
    arguments = (f"--pidfile={PIDFILE}", "--logfile=log", "sockproto", "--port")
    with held_port(socket.SOCK_STREAM) as port, end_of_the_daemon() as held:
        ended = run_twistd(*arguments, str(port), directory=tmp_path, pass_fds=(held,))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert f"TCP {LOOPBACK}:{port}: Address already in use" in log
    assert not (tmp_path / PIDFILE).exists()


@pytest.mark.parametrize("option", ["--explain", "--version"])
def test_what_it_prints_can_not_be_written(option: str) -> None:
    script = f'set -o pipefail; {{ "$0" -n sockproto {option}; echo "status $?" >&2; }} %s'
    for to, status, said in [
        ("| :", 0, b""),
        (">/dev/full", 1, b"sockproto: can't write: No space left on device\n"),
    ]:
        ended = subprocess.run(
            ["bash", "-c", script % to, str(SCRIPTS / "twistd")],
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert ended.stderr == said + b"status %d\n" % status
