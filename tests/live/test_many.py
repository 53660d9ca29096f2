"""Many clients at once: nobody waits for another, nobody gets what is another's."""

import time
from contextlib import ExitStack

import pytest

from tests.live.clients import receive, tcp_client, udp_client
from tests.live.server import Serve

CROWD = 500


def test_ten_clients_are_each_greeted_after_one_second_not_ten(serve: Serve) -> None:
    port = serve("--think-seconds", "1").port
    with ExitStack() as stack:
        clients = [stack.enter_context(tcp_client(port)) for _ in range(10)]
        sent_at = []
        for number, client in enumerate(clients):
            assert receive(client, 8) == b"Welcome!"
            sent_at.append(time.monotonic())
            client.sendall(b"%d\n" % number)
        for number, client in enumerate(clients):
            assert receive(client, 10) == b"Hello, %d!\n" % number
            assert 0.9 <= time.monotonic() - sent_at[number] < 10


def test_ten_datagrams_are_each_answered_after_one_second_not_ten(serve: Serve) -> None:
    with udp_client(serve("--think-seconds", "1").port) as client:
        began = time.monotonic()
        for number in range(10):
            client.send(b"%d" % number)
        greeted = {client.recv(1024) for _ in range(10)}
        assert greeted == {b"Hello, %d!" % number for number in range(10)}
        assert 0.9 <= time.monotonic() - began < 10


@pytest.mark.parametrize("newline", [b"", b"\n"], ids=["bare", "lines"])
def test_500_interleaved_clients_get_what_is_theirs(serve: Serve, newline: bytes) -> None:
    port = serve().port
    with ExitStack() as stack:
        clients = [stack.enter_context(tcp_client(port)) for _ in range(CROWD)]
        for client in clients:
            assert receive(client, 8) == b"Welcome!"
        for turn in range(4):
            names = [b"client %d, round %d" % (number, turn) for number in range(CROWD)]
            for client, name in zip(clients, names, strict=True):
                client.sendall(name + newline)
            for client, name in reversed([*zip(clients, names, strict=True)]):
                reply = b"Hello, %b!%b" % (name, newline)
                assert receive(client, len(reply)) == reply
        for client in clients:
            client.sendall(b"exit" + newline)
        for client in clients:
            assert client.recv(1024) == b""
