"""What the socket tutorials' clients do, done against the real command."""

import time

import pytest

from tests.live.clients import ask, readable, receive, receive_all, tcp_client, udp_client
from tests.live.server import Serve

NAMES = (b"Michael", b"Tracy", b"Sarah")
CHINESE = "欢迎来到套接字编程的世界!\n"


def test_names_sent_bare_are_each_greeted_and_exit_closes(serve: Serve) -> None:
    with tcp_client(serve().port) as client:
        assert receive(client, 8) == b"Welcome!"
        for name in NAMES:
            ask(client, name, b"Hello, %b!" % name)
        client.sendall(b"exit")
        assert client.recv(1024) == b""


def test_names_sent_as_datagrams_are_each_greeted(serve: Serve) -> None:
    with udp_client(serve().port) as client:
        for name in (*NAMES, b"exit", b"Michael\n", b"Tracy\r\n", b"\xff\xfe", "迈克尔".encode()):
            client.send(name)
            if name != b"exit":  # which gets no reply: the next one that comes is the next name's
                bare = name.rstrip(b"\r\n")
                assert client.recv(1024) == b"Hello, %b!%b" % (bare, name[len(bare) :])


@pytest.mark.parametrize("locale", ["C.UTF-8", "POSIX"])
def test_a_one_shot_client_reads_a_chinese_message_to_its_end(serve: Serve, locale: str) -> None:
    server = serve("--protocol", "welcome", "--message", CHINESE, environment={"LC_ALL": locale})
    with tcp_client(server.port) as client:
        assert receive_all(client).decode() == CHINESE


def test_hello_world_is_echoed(serve: Serve) -> None:
    port = serve("--protocol", "echo").port
    with tcp_client(port) as client, udp_client(port) as datagrams:
        ask(client, b"Hello, World!", b"Hello, World!")
        ask(datagrams, b"Hello, World!", b"Hello, World!")


def test_the_longest_and_the_empty_datagram_are_echoed_whole(serve: Serve) -> None:
    with udp_client(serve("--protocol", "echo").port) as client:
        for size in (0, 1, 8_193, 65_507):
            client.send(bytes(size))
            assert client.recv(65_535) == bytes(size)


def test_a_telnet_session_with_command(serve: Serve) -> None:
    with tcp_client(serve("--protocol", "command").port) as client:
        client.sendall(b"message\r\n")
        ask(client, b"/version\r\n", b"Demo version\n")
        ask(client, b"/echo Repeat this\r\n", b" Repeat this\n")
        client.sendall(b"message\r\n")
        assert not readable(client, 0.1)
        ask(client, b"/help\r\n", b"/echo /help /version\n")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_reply_ends_in_the_newline_of_its_name(serve: Serve, newline: bytes) -> None:
    with tcp_client(serve().port) as client:
        assert receive(client, 8) == b"Welcome!"
        for name in NAMES:
            ask(client, name + newline, b"Hello, %b!" % name + newline)


def test_several_names_in_one_segment_are_greeted_in_order(serve: Serve) -> None:
    with tcp_client(serve().port) as client:
        assert receive(client, 8) == b"Welcome!"
        ask(client, b"Michael\nTracy\r\n\nSarah", b"Hello, Michael!\nHello, Tracy!\r\nHello, Sarah!")


@pytest.mark.parametrize("newline", [b"", b"\n", b"\r\n"])
def test_a_name_split_inside_a_character_is_one_name(serve: Serve, newline: bytes) -> None:
    port = serve().port
    name = "Zoë 迈克尔".encode()
    for _ in range(20):
        with tcp_client(port) as client:
            assert receive(client, 8) == b"Welcome!"
            began = time.monotonic()
            for byte in name:
                client.sendall(bytes([byte]))
            client.sendall(newline)
            if time.monotonic() - began > 0.015:
                continue  # the machine was busy elsewhere: this client kept quiet too long to be one name
            reply = b"Hello, %b!%b" % (name, newline)
            assert receive(client, len(reply)) == reply
            return
    pytest.fail("this machine is too busy to send one name at once")


def test_half_a_character_followed_by_silence_comes_back_as_it_came(serve: Serve) -> None:
    with tcp_client(serve().port) as client:
        assert receive(client, 8) == b"Welcome!"
        first, rest = "é".encode()[:1], "é".encode()[1:]
        ask(client, first, b"Hello, %b!" % first)
        ask(client, rest, b"Hello, %b!" % rest)


def test_with_strict_lines_a_name_may_come_at_any_pace(serve: Serve) -> None:
    port = serve("--framing", "lines").port
    with tcp_client(port) as slow, tcp_client(port) as other:
        assert receive(slow, 10) == receive(other, 10) == b"Welcome!\r\n"
        for byte in "é".encode():
            slow.sendall(bytes([byte]))
            ask(other, b"Tracy\n", b"Hello, Tracy!\n")
            assert not readable(slow, 0.1)  # five quiet periods
        ask(slow, b"\n", "Hello, é!\n".encode())


@pytest.mark.parametrize("rest", [b"\nTracy\n", b"\r\nTracy", b"\n" + b"x" * 100_000])
def test_nothing_after_exit_is_answered_and_the_close_is_clean(serve: Serve, rest: bytes) -> None:
    with tcp_client(serve().port) as client:
        client.sendall(b"Michael\nexit" + rest)
        assert receive_all(client) == b"Welcome!Hello, Michael!\n"


def test_an_unfinished_name_before_the_end_of_the_stream_is_greeted(serve: Serve) -> None:
    with tcp_client(serve().port) as client:
        client.sendall(b"Michael\nTracy")
        client.shutdown(1)
        assert receive_all(client) == b"Welcome!Hello, Michael!\nHello, Tracy!"
