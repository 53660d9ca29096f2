"""Replies in other shapes than ours: cut anywhere, joined, paused, without a welcome, in other words."""

import socket
import time
from functools import partial

import pytest

from tests.live.greeting import GREETED, WELCOMED, naive, of_lines
from tests.live.peers import say, stream_server


def dribble(client: socket.socket, data: bytes, pause: float = 0.01) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        client.sendall(bytes([byte]))
        time.sleep(pause)


def test_replies_that_come_byte_by_byte() -> None:
    def serve(client: socket.socket) -> None:
        dribble(client, b"Welcome!")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            dribble(client, b"Hello, " + name + b"!")

    with stream_server(serve) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED


def test_a_reply_that_pauses_in_the_middle() -> None:
    def serve(client: socket.socket) -> None:
        client.sendall(b"Welcome!")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hello, ")
            time.sleep(0.5)
            client.sendall(name + b"!")

    with stream_server(serve) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED


def test_a_welcome_that_comes_with_the_first_reply() -> None:
    def serve(client: socket.socket) -> None:
        client.sendall(b"Wel")
        time.sleep(0.5)
        client.sendall(b"come!Hello, ")  # it was told of the name before
        client.recv(1024)
        client.sendall(b"Michael!")
        client.recv(1024)
        client.sendall(b"Hello, Tracy!")

    with stream_server(serve) as address:
        assert say("greet", address, "Michael", "Tracy") == WELCOMED


def test_a_server_without_a_welcome() -> None:
    def serve(client: socket.socket) -> None:
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hello, " + name + b"!")

    with stream_server(serve) as address:
        assert say("greet", "--no-welcome", address, "Michael", "Tracy") == GREETED


def test_a_server_with_a_welcome_where_none_was_expected() -> None:
    with stream_server(partial(naive, think_seconds=0)) as address:
        assert b"Hello, Michael!" in say("greet", "--no-welcome", address, "Michael")


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"], ids=["bare", "lf", "crlf"])
def test_a_server_with_other_words(ending: bytes) -> None:
    def serve(client: socket.socket) -> None:
        client.sendall(b"Good morning" + ending)
        while (name := client.recv(1024)) not in (b"", b"exit"):
            client.sendall(b"Hi " + name + ending)

    with stream_server(serve) as address:
        said = say("greet", address, "Michael", "Tracy")
        assert said == b"Good morning\nHi Michael\nHi Tracy\n"


def test_a_server_with_other_words_byte_by_byte() -> None:
    def serve(client: socket.socket) -> None:
        dribble(client, b"Hi there")
        while (name := client.recv(1024)) not in (b"", b"exit"):
            dribble(client, b"Hi " + name)

    with stream_server(serve) as address:
        assert say("greet", address, "Michael") == b"Hi there\nHi Michael\n"


def test_a_name_that_is_part_of_the_reply_and_bytes_that_are_no_text() -> None:
    with stream_server(partial(of_lines, newline=b"")) as address:
        names = ["!", "Hello, !", "Welcome!", "世界", "\udcff\udc80"]
        raw = [name.encode("utf-8", "surrogateescape") for name in names]
        wanted = b"".join(b"Hello, %b!\n" % name for name in raw)
        assert say("greet", "--lines", address, *names) == b"Welcome!\n" + wanted
