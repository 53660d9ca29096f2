"""The admin site of a real server: what promtool says, what clients counted, what a browser shows."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import ask, receive, tcp_client, udp_client
from tests.live.peers import SOCKPROTO, wait_until
from tests.live.server import TWISTD, Output, need

SERVERS = {
    "twistd": (TWISTD, "-n", "--pidfile=", "sockproto"),
    "serve": (SOCKPROTO, "serve"),
    "workers": (SOCKPROTO, "serve", "--workers", "2"),
}
PHONE, DESKTOP = 390, 1_280  # pixels
SCHEMES = {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}
CONNECTIONS, AT_ONCE = 10_000, 100
GREETED = b"Welcome!Hello, Michael!\n"
ENDS = ("peer closed", "peer reset", "process ended")
LINGER_0 = struct.pack("ii", 1, 0)  # close with a reset


class Admin:
    """A server with an admin site."""

    def __init__(self, server: str, *options: str) -> None:
        command = [*SERVERS[server], "--port", "0", "--admin", "0", "--log-connections", "none", *options]
        self.popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.popen.stdout
        self.log = Output(self.popen.stdout)
        self.port = int(self.log.wait_for(r"greeting on TCP \S+:(\d+)$")[1])
        self.site = int(self.log.wait_for(r"admin on TCP 127.0.0.1:(\d+)$")[1])

    def ask(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self.site}{path}", timeout=TIMEOUT) as answer:
            text: str = answer.read().decode()
            return text

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all that these labels are of."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in self.ask("/metrics").splitlines() if line.startswith(f"{name}{{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(each in line for each in wanted))


@contextmanager
def administered(server: str, *options: str) -> Iterator[Admin]:
    process = Admin(server, *options)
    try:
        yield process
    finally:
        process.popen.terminate()
        process.popen.wait(TIMEOUT)
        assert "Traceback" not in process.log.wait_for_end(), process.log.text


@pytest.mark.parametrize("server", SERVERS)
def test_what_promtool_says_of_the_metrics(server: str) -> None:
    need("promtool")
    with administered(server) as process:
        clients = [tcp_client(process.port) for _ in range(20)]
        for client in clients:
            ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        with udp_client(process.port) as client:
            client.send(b"Bob")
            assert client.recv(100) == b"Hello, Bob!"
        assert_promtool_is_content(process)
        for client in clients:
            client.close()


def assert_promtool_is_content(process: Admin) -> None:
    """Have promtool read the metrics; what it says of our names is nothing."""
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=process.ask("/metrics"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "sockproto" not in checked.stdout + checked.stderr


class Crowd:
    """Clients that come many at once, talk, and leave: some orderly, some with a reset.

    Attributes:
        ended: How their connections ended, in the words of the metrics.
    """

    def __init__(self, port: int) -> None:
        self.ended: Counter[str] = Counter()
        self._port = port
        self._random = Random(1)

    def come_and_go(self, count: int) -> None:
        """Make so many connections."""
        for _ in range(count // AT_ONCE):
            for client in self.come():
                self._leave(client)

    def come(self) -> list[socket.socket]:
        """Make connections, and have each served."""
        clients = [tcp_client(self._port) for _ in range(AT_ONCE)]
        for client in clients:
            client.sendall(b"Michael\n")
        for client in clients:
            assert receive(client, len(GREETED)) == GREETED
        return clients

    def leave_what_is_left(self, clients: list[socket.socket]) -> None:
        """Leave those connections that the server has not cut, as when its process was killed."""
        for client in clients:
            client.settimeout(0)
            try:
                assert client.recv(1) == b""
            except BlockingIOError:
                client.settimeout(TIMEOUT)
                self._leave(client)
            else:
                client.close()
                self.ended["process ended"] += 1

    def _leave(self, client: socket.socket) -> None:
        with client:
            if self._random.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
                self.ended["peer reset"] += 1
            else:
                client.shutdown(socket.SHUT_WR)
                assert client.recv(1) == b""
                self.ended["peer closed"] += 1


def kill_the_busiest(process: Admin) -> None:
    """Kill the worker with the most open files."""
    pid = process.popen.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    victim = max(workers, key=lambda each: len(os.listdir(f"/proc/{each}/fd")))
    os.kill(int(victim), signal.SIGKILL)


def assert_all_is_counted(process: Admin, crowd: Crowd) -> None:
    """Wait until the metrics have all connections; then all else is what the clients have counted, too."""
    came = crowd.ended.total()
    wait_until(lambda: process.total("sockproto_connections_closed_total") >= came, "it does not come")
    where = {"listener": f"TCP 127.0.0.1:{process.port}"}
    found = {reason: process.total("sockproto_connections_closed_total", reason=reason) for reason in ENDS}
    assert found == {reason: crowd.ended[reason] for reason in ENDS}
    assert process.total("sockproto_connections_closed_total") == came
    assert process.total("sockproto_connections_opened_total") == came
    assert process.total("sockproto_connections_open") == 0
    assert process.total("sockproto_messages_received_total") == came
    assert process.total("sockproto_bytes_received_total", **where) == len(b"Michael\n") * came
    assert process.total("sockproto_bytes_sent_total", **where) == len(GREETED) * came
    lasted = came - crowd.ended["process ended"]  # nobody knows of the others how long
    assert process.total("sockproto_connection_seconds_count") == lasted


def test_counters_are_what_the_clients_counted() -> None:
    need("promtool")
    with administered("twistd") as process:
        crowd = Crowd(process.port)
        crowd.come_and_go(CONNECTIONS)
        assert_all_is_counted(process, crowd)
        assert crowd.ended.total() == CONNECTIONS
        assert_promtool_is_content(process)


def test_counters_are_what_the_clients_counted_over_a_worker_that_is_killed() -> None:
    """It has told of the conversations that end with it."""
    need("promtool")
    with administered("workers", "--max-connections-per-peer", "0") as process:
        crowd = Crowd(process.port)
        crowd.come_and_go(CONNECTIONS // 2)
        clients = crowd.come()
        known = crowd.ended.total() + AT_ONCE
        wait_until(lambda: process.total("sockproto_messages_received_total") == known, "it does not come")
        kill_the_busiest(process)
        process.log.wait_for("was ended by SIGKILL; started again")
        crowd.leave_what_is_left(clients)
        assert crowd.ended["process ended"]
        crowd.come_and_go(CONNECTIONS - known)
        assert_all_is_counted(process, crowd)
        assert crowd.ended.total() == CONNECTIONS
        assert_promtool_is_content(process)


def test_a_worker_that_is_killed_takes_no_more_with_it_than_it_has_not_told() -> None:
    with administered("workers", "--max-connections-per-peer", "0") as process:
        crowd = Crowd(process.port)
        crowd.come_and_go(AT_ONCE * 10)
        assert_all_is_counted(process, crowd)
        known = crowd.ended.total()
        clients = [tcp_client(process.port) for _ in range(AT_ONCE)]
        for client in clients:
            client.sendall(b"Michael\n")
        kill_the_busiest(process)
        process.log.wait_for("was ended by SIGKILL; started again")
        for client in clients:
            client.close()
        counts = [float(known)]

        def all_are_closed() -> bool:
            counts.append(process.total("sockproto_connections_opened_total"))
            return process.total("sockproto_connections_open") == 0

        wait_until(all_are_closed, "some seem to be open")
        assert counts == sorted(counts)  # it never goes back
        closed = process.total("sockproto_connections_closed_total")
        assert known <= closed <= known + AT_ONCE
        assert process.total("sockproto_connections_opened_total") == closed


@pytest.mark.parametrize("server", SERVERS)
def test_readiness_ends_before_listening_does(server: str) -> None:
    with administered(server, "--lame-duck-seconds", "600") as process:
        wait_until(lambda: status(process, "/readyz") == 200, "it does not come")
        process.popen.terminate()
        process.log.wait_for("stops in 600 seconds")
        assert status(process, "/readyz") == 503
        assert status(process, "/healthz") == 200
        with tcp_client(process.port) as client:
            assert receive(client, 8) == b"Welcome!"


def status(process: Admin, path: str) -> int:
    try:
        process.ask(path)
    except HTTPError as error:
        return error.code
    return 200


def test_a_unix_socket(tmp_path: Path) -> None:
    need("curl")
    path = tmp_path / "admin"
    command = [*SERVERS["serve"], "--port", "0", "--admin", f"unix:{path}:mode=600"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as popen:
        assert popen.stdout
        log = Output(popen.stdout)
        log.wait_for("admin on unix:")
        asked = ["curl", "-s", "--unix-socket", str(path), "http://localhost/healthz"]
        assert subprocess.run(asked, capture_output=True, timeout=TIMEOUT, check=True).stdout == b"ok\n"
        popen.terminate()
        popen.wait(TIMEOUT)
        log.wait_for_end()
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("70000", "--admin"),
        ("", "--admin"),
        ("udp:9990", "--admin: 'udp:9990' is for no web site"),
        ("nonsense", "--admin"),
        ("unix:", "--admin"),
    ],
)
def test_a_description_that_is_none(text: str, why: str) -> None:
    ran = subprocess.run(
        [SOCKPROTO, "serve", "--port", "0", "--admin", text],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 2
    assert why in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_its_port_is_in_use(server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run(
            [*SERVERS[server], "--port", "0", "--admin", port],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert ran.returncode == 1
    [line] = ran.stderr.splitlines()
    assert line == (
        f"sockproto: admin can't listen on TCP 127.0.0.1:{port}: Address already in use "
        "(something listens there already; stop it, or take another)"
    )


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESKTOP, "light"), (PHONE, "dark")])
def test_the_page_in_a_browser(width: int, scheme: str, tmp_path: Path) -> None:
    need("chromium")
    with administered("serve") as process:
        clients = [tcp_client(process.port) for _ in range(3)]
        for client in clients:
            ask(client, b"<b>Michael</b>\n", b"Welcome!Hello, <b>Michael</b>!\n")
        clients.pop().close()
        wait_until(lambda: process.total("sockproto_connections_closed_total") == 1, "it does not come")
        ran = subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--enable-logging=stderr", "--virtual-time-budget=3000", f"--window-size={width},800"),
                *SCHEMES[scheme],
                f"--user-data-dir={tmp_path / 'profile'}",
                *("--dump-dom", f"http://127.0.0.1:{process.site}/"),
            ],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        complaints = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
        assert not complaints
        page = re.sub(r"<(style|script)>.*?</\1>", "", ran.stdout, flags=re.DOTALL)
        assert re.search(r'<span id="ready" role="status" class="yes">ready</span>', page)
        assert "peer closed" in page
        for client in clients:
            assert f"127.0.0.1:{client.getsockname()[1]}" in page
            client.close()


def test_connections_are_told_as_json() -> None:
    with administered("serve") as process, tcp_client(process.port) as client:
        ask(client, b"Michael\n", b"Welcome!Hello, Michael!\n")
        [told] = json.loads(process.ask("/connections"))["connections"]
        assert told["peer"] == f"127.0.0.1:{client.getsockname()[1]}"
        assert (told["messages_in"], told["messages_out"]) == (1, 2)
