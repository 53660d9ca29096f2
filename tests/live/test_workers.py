"""Several processes at the same ports: nothing is lost when they are replaced, killed, or stopped."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import (
    ask,
    receive,
    receive_all,
    tcp_client,
    udp_client,
    unix_client,
    unix_datagram_client,
)
from tests.live.peers import SOCKPROTO, wait_until
from tests.live.server import Output

PORT = r" on TCP \S+:(\d+)$"
WORKERS = 2
ANSWER = b"Welcome!Hello, Michael!\n"


class Supervised:
    """``sockproto serve --workers 2``, whose output is read as it comes."""

    def __init__(self, *options: str, workers: int = WORKERS) -> None:
        command = [SOCKPROTO, "serve", "--workers", str(workers), *options]
        self.popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.popen.stdout
        self.log = Output(self.popen.stdout)

    def port(self, pattern: str = PORT) -> int:
        """Return the port that the log tells of."""
        return int(self.log.wait_for(pattern)[1])

    def workers(self) -> list[int]:
        """Return the process ids of the workers that there are."""
        pid = self.popen.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; return the exit status. No worker is left then."""
        left = self.workers()
        self.popen.send_signal(number)
        status = self.popen.wait(TIMEOUT)
        assert "Traceback" not in self.log.wait_for_end(), self.log.text
        assert not [pid for pid in left if Path(f"/proc/{pid}").exists()]
        return status


@contextmanager
def supervised(*options: str, workers: int = WORKERS) -> Iterator[Supervised]:
    process = Supervised(*options, workers=workers)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(TIMEOUT)
        process.log.wait_for_end()  # the workers end too, or this hangs


def greeted(port: int) -> None:
    with tcp_client(port) as client:
        ask(client, b"Michael\n", ANSWER)
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b""


def test_all_of_them_serve_tcp_and_udp() -> None:
    with supervised("--port", "0", "--admin", "0") as process:
        port = process.port()
        clients = []
        wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
        while len(by_worker(process)) < WORKERS or not all(by_worker(process).values()):
            clients.append(tcp_client(port))
            assert receive(clients[-1], 8) == b"Welcome!"
        with udp_client(port) as client:
            client.send(b"Bob")
            assert client.recv(100) == b"Hello, Bob!"
        for each in clients:
            each.close()
        assert process.end() == -signal.SIGTERM


def test_unix_sockets_and_their_files(tmp_path: Path) -> None:
    stream, datagrams = tmp_path / "stream", tmp_path / "datagrams"
    with supervised("--listen", f"unix:{stream}", "--listen", f"unix-dgram:{datagrams}") as process:
        process.log.wait_for(r" on unix-dgram:")
        for number in range(4):
            with unix_client(stream) as client:
                ask(client, b"Michael\n", ANSWER)
            with unix_datagram_client(datagrams, tmp_path / f"own-{number}") as client:
                client.send(b"Bob")
                assert client.recv(100) == b"Hello, Bob!"
        process.popen.send_signal(signal.SIGHUP)
        process.log.wait_for("2 new workers serve")
        with unix_client(stream) as client:
            ask(client, b"Michael\n", ANSWER)
        process.end()
    assert not stream.exists()
    assert not datagrams.exists()


def test_one_that_is_killed_costs_its_own_connections_alone() -> None:
    with supervised("--port", "0") as process:
        port = process.port()
        wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
        with tcp_client(port) as one:
            assert receive(one, 8) == b"Welcome!"
            victim, other = process.workers()
            os.kill(victim, signal.SIGKILL)
            process.log.wait_for("was ended by SIGKILL; started again")
            for _ in range(20):
                greeted(port)
            wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
            assert other in process.workers()
        process.end()


def test_they_end_with_their_supervisor() -> None:
    with supervised("--port", "0") as process:
        process.port()
        wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
        workers = process.workers()
        process.popen.kill()
        wait_until(lambda: not any(alive(pid) for pid in workers), "it does not come")


def alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended may still wait for its parent."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Clients(threading.Thread):
    """Connect, talk and check the answers, over TCP and UDP, until they are told to end."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.enough = port, threading.Event()
        self.talks = 0
        self.faults: list[str] = []

    def run(self) -> None:
        with udp_client(self.port) as datagrams:
            datagrams.settimeout(TIMEOUT)
            while not self.enough.is_set():
                try:
                    greeted(self.port)
                    datagrams.send(b"Bob")
                    assert datagrams.recv(100) == b"Hello, Bob!"
                except (OSError, AssertionError) as error:
                    self.faults.append(repr(error))
                    return
                self.talks += 1


def test_nothing_is_lost_when_they_are_replaced_five_times() -> None:
    with supervised("--port", "0", "--log-connections", "none", "--udp-rate", "0") as process:
        clients = [Clients(process.port()) for _ in range(4)]
        for client in clients:
            client.start()
        with tcp_client(clients[0].port) as old:
            assert receive(old, 8) == b"Welcome!"
            for turn in range(5):
                before = set(process.workers())
                process.popen.send_signal(signal.SIGHUP)
                wait_until(partial(replaced, process, turn + 1), "they are not replaced")
                wait_until(partial(talked, clients, 20 + sum(each.talks for each in clients)), "no answers")
                assert len(set(process.workers()) - before) >= WORKERS
            ask(old, b"Michael\n", b"Hello, Michael!\n")  # it is still served by the first
        for client in clients:
            client.enough.set()
        for client in clients:
            client.join(TIMEOUT)
        assert [client.faults for client in clients] == [[]] * len(clients)
        wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
        process.end()


def replaced(process: Supervised, times: int) -> bool:
    """Return whether the workers were replaced so many times."""
    return process.log.text.count("2 new workers serve") == times


def talked(clients: list[Clients], talks: int) -> bool:
    """Return whether there were more talks than so many, or one has failed."""
    return sum(each.talks for each in clients) > talks or any(each.faults for each in clients)


def test_new_ones_that_can_not_serve_replace_nobody(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "sitecustomize.py").write_text("")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    popen = subprocess.Popen(
        [SOCKPROTO, "serve", "--workers", "2", "--port", "0"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert popen.stdout
    log = Output(popen.stdout)
    try:
        port = int(log.wait_for(PORT)[1])
        greeted(port)
        (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(7)\n")
        popen.send_signal(signal.SIGHUP)
        log.wait_for("the new workers can't serve; those before them go on")
        greeted(port)
    finally:
        popen.terminate()
        popen.wait(TIMEOUT)
        log.wait_for_end()


MODULE = "NAME = 'mine'\n"


def test_they_are_given_up_when_none_can_serve(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nif 'SOCKPROTO_WORKER' in os.environ:\n    os._exit(7)\n"
    )
    ran = subprocess.run(
        [SOCKPROTO, "serve", "--workers", "2", "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stdout.count("none can serve, given up") == 1, ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def told(process: Supervised, what: str) -> str:
    """Return what a page of the admin site says."""
    admin = int(process.log.wait_for(r"admin on TCP \S+:(\d+)$")[1])
    with urlopen(f"http://127.0.0.1:{admin}/{what}", timeout=TIMEOUT) as answer:
        text: str = answer.read().decode()
    return text


def has_read(process: Supervised, count: int) -> bool:
    """Return whether so many bytes were read in the connections that are open."""
    connections = json.loads(told(process, "connections"))["connections"]
    read: int = sum(each["bytes_in"] for each in connections)
    return read == count


def by_worker(process: Supervised) -> dict[str, float]:
    """Return how many connections each worker has had, as the metrics say."""
    text = told(process, "metrics")
    found = re.findall(r'^sockproto_connections_opened_total\{.*worker="(\d+)"\} (\S+)$', text, re.MULTILINE)
    return {worker: float(number) for worker, number in found}


def test_counters_go_on_over_workers_that_are_killed_and_replaced() -> None:
    with supervised("--port", "0", "--admin", "0", "--log-connections", "none") as process:
        port = process.port()
        for _ in range(30):
            greeted(port)
        wait_until(lambda: sum(by_worker(process).values()) == 30, "it does not come")
        os.kill(process.workers()[0], signal.SIGKILL)
        process.log.wait_for("was ended by SIGKILL; started again")
        for _ in range(30):
            greeted(port)
        process.popen.send_signal(signal.SIGHUP)
        process.log.wait_for("2 new workers serve")
        for _ in range(30):
            greeted(port)
        wait_until(lambda: sum(by_worker(process).values()) == 90, "it does not come")
        with tcp_client(port) as client:
            assert receive(client, 8) == b"Welcome!"
            [connection] = json.loads(told(process, "connections"))["connections"]
            assert connection["peer"] == f"127.0.0.1:{client.getsockname()[1]}"
            assert connection["worker"] in ("1", "2")
        process.end()


@pytest.mark.parametrize("text", ["0", "-1", "many", "1_0", ""])
def test_how_many_can_not_be_said_so(text: str) -> None:
    ran = subprocess.run(
        [SOCKPROTO, "serve", "--workers", text],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 2
    assert "--workers" in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_standard_input_can_not_be_shared() -> None:
    ran = subprocess.run(
        [SOCKPROTO, "serve", "--workers", "2", "--listen", "stdio:"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 2
    assert "--workers: stdio: is no socket" in ran.stderr.splitlines()[-1]


def test_a_second_signal_cuts_the_answers_of_all() -> None:
    options = ("--port", "0", "--admin", "0", "--think-seconds", "600", "--drain-seconds", "600")
    with supervised(*options) as process, tcp_client(process.port()) as client:
        ask(client, b"Michael\n", b"Welcome!")
        with tcp_client(process.port()) as later:
            assert receive(later, 8) == b"Welcome!"
        wait_until(lambda: has_read(process, 8), "it is not read")
        process.popen.send_signal(signal.SIGTERM)
        process.log.wait_for(r"\(UDP Port \d+ Closed\)")
        process.popen.send_signal(signal.SIGTERM)
        with suppress(ConnectionResetError):
            assert receive_all(client) == b""
        assert process.popen.wait(TIMEOUT) == -signal.SIGTERM
        process.log.wait_for("connections closed, 1 cut")


def test_what_was_read_is_answered_when_all_stop() -> None:
    options = ("--port", "0", "--think-seconds", "0.5", "--admin", "0")
    with supervised(*options) as process, tcp_client(process.port()) as client:
        ask(client, b"Michael\n", b"Welcome!")
        wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
        wait_until(lambda: has_read(process, 8), "it is not read")
        assert process.end() == -signal.SIGTERM
        assert receive_all(client) == b"Hello, Michael!\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_reach_all_are_the_supervisors(number: signal.Signals) -> None:
    with supervised("--port", "0") as process:
        port = process.port()
        wait_until(lambda: len(process.workers()) == WORKERS, "it does not come")
        greeted(port)
        wait_until(lambda: all(ignores(pid, number) for pid in process.workers()), "it does not come")
        before = process.workers()
        for pid in before:
            os.kill(pid, number)
        greeted(port)
        assert process.workers() == before
        process.end()


def ignores(pid: int, number: int) -> bool:
    """Return whether a process ignores a signal."""
    found = re.search(r"^SigIgn:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def test_a_second_signal_ends_a_lame_duck_and_cuts() -> None:
    options = (
        "--port",
        "0",
        "--think-seconds",
        "600",
        "--drain-seconds",
        "600",
        "--lame-duck-seconds",
        "600",
        "--admin",
        "0",
    )
    with supervised(*options) as process, tcp_client(process.port()) as client:
        ask(client, b"Michael\n", b"Welcome!")
        with tcp_client(process.port()) as later:
            assert receive(later, 8) == b"Welcome!"
        wait_until(lambda: has_read(process, 8), "it is not read")
        process.popen.send_signal(signal.SIGTERM)
        process.log.wait_for("stops in 600 seconds")
        process.popen.send_signal(signal.SIGTERM)
        with suppress(ConnectionResetError):
            assert receive_all(client) == b""
        assert process.popen.wait(TIMEOUT) == -signal.SIGTERM
        process.log.wait_for("connections closed, 1 cut")  # by the worker, which was not killed


def test_it_ends_while_workers_are_replaced() -> None:
    with supervised("--port", "0") as process:
        greeted(process.port())
        for _ in range(3):
            process.popen.send_signal(signal.SIGHUP)
        process.log.wait_for("starts 2 new workers")
        assert process.end() == -signal.SIGTERM
