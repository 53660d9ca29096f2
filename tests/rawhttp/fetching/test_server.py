"""The server of scripts itself: it does what its scripts say, and the checks notice what is wrong."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.rawhttp.fetching.behaviours import BY_NAME, find
from tests.rawhttp.fetching.behaviours.answers import HELLO, chunked, ok
from tests.rawhttp.fetching.checks import Fetched, wrong
from tests.rawhttp.fetching.server import CUT, KEEP_OPEN, PATIENCE, READ, RESET, Script, Server

SCRIPTS: dict[str, Script] = {
    "orderly": [b"one"],
    "apart": [b"one", READ, b"two", READ, b"three"],
    "reset": [b"one", READ, RESET],
    "cut": [b"one", CUT],
    "again": [ok(), KEEP_OPEN],
}


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        lambda name, rest: SCRIPTS.get(name) or find(name, rest), tmp_path_factory.mktemp("a")
    ) as server:
        yield server


@pytest.fixture
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the same scripts that waits no longer than a moment for a further request."""
    with Server(find, tmp_path_factory.mktemp("a"), patience=0.2) as server:
        yield server


@contextlib.contextmanager
def connected(server: Server, origin: str = "plain") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.ports[origin]), timeout=PATIENCE) as client:
        if origin == "plain":
            yield client
        else:
            context = ssl.create_default_context(cafile=str(server.authority))
            with context.wrap_socket(
                client, server_hostname="127.0.0.1", suppress_ragged_eofs=False
            ) as encrypted:
                yield encrypted


def ask(client: socket.socket, name: str) -> None:
    client.sendall(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % name.encode())


def read(client: socket.socket) -> list[bytes]:
    return list(iter(lambda: client.recv(65_536), b""))


def test_it_closes_in_order(scripted: Server) -> None:
    with connected(scripted) as client:
        ask(client, "orderly")
        assert b"".join(read(client)) == b"one"
    with connected(scripted, "tls") as client:
        ask(client, "orderly")
        assert b"".join(read(client)) == b"one"


def test_what_is_sent_apart_comes_apart(scripted: Server) -> None:
    with connected(scripted) as client:
        ask(client, "apart")
        assert read(client) == [b"one", b"two", b"three"]


def test_a_reset_is_one(scripted: Server) -> None:
    with connected(scripted) as client:
        ask(client, "reset")
        assert client.recv(100) == b"one"
        with pytest.raises(ConnectionResetError):
            client.recv(100)


def test_a_cut_leaves_tls_without_its_end(scripted: Server) -> None:
    with connected(scripted, "tls") as client:
        ask(client, "cut")
        assert client.recv(100) == b"one"
        with pytest.raises(ssl.SSLEOFError):
            client.recv(100)


def test_a_connection_that_stays_open_serves_again(scripted: Server) -> None:
    scripted.forget()
    with connected(scripted) as client:
        for _ in range(3):
            ask(client, "again")
            assert client.recv(65_536) == ok()
    assert [request.target for request in scripted.asked("again")] == ["/again"] * 3
    assert scripted.waiting == []


def test_what_is_not_there_is_not_found(scripted: Server) -> None:
    for name in ("nonesuch", "redirect-301/elsewhere"):
        with connected(scripted) as client:
            ask(client, name)
            assert b"".join(read(client)).startswith(b"HTTP/1.1 404 ")


def naive(arguments: Sequence[str], place: Path) -> Fetched:
    """Fetch as tutorials do: read until the server closes, and what follows the empty line is the page."""
    address = arguments[-3].removeprefix("http://")
    authority, _, path = address.partition("/")
    host, _, port = authority.partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall(f"GET /{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        try:
            _, _, body = b"".join(read(client)).partition(b"\r\n\r\n")
        except OSError as error:
            return Fetched(56, b"", f"{error}\nsecret\n".encode())
    (place / arguments[-1]).write_bytes(body)
    return Fetched(0, b"", b"")


def lazy(status: int, error: bytes = b"") -> Callable[[Sequence[str], Path], Fetched]:
    return lambda arguments, place: Fetched(status, b"", error)


@pytest.mark.parametrize(
    ("name", "complaints"),
    [
        ("length-exact", []),
        ("close-plain", []),
        ("length-long", ["saved"]),
        ("length-short", ["exit status 0, not 18", "left"]),
        ("chunked-plain", ["saved"]),
        ("connection-no-word", ["exit status 0, not 52", "left"]),
        ("redirect-301", ["saved", "1 requests", "'GET /redirect-301/there ", "it waited"]),
        ("connection-reset", ["standard error", "it told a secret"]),
    ],
)
def test_the_checks_notice(name: str, complaints: list[str], impatient: Server, tmp_path: Path) -> None:
    found = wrong(BY_NAME[name], impatient, naive, tmp_path)
    assert [[complaint.startswith(text) for complaint in found].count(True) for text in complaints] == [
        1 for _ in complaints
    ], found
    assert len(found) == len(complaints), found


def test_the_checks_notice_what_is_said(scripted: Server, tmp_path: Path) -> None:
    behaviour = BY_NAME["fail-404"]
    for number, (error, complaint) in enumerate(
        [
            (b"404\n", []),
            (b"404", ["the last line has no end"]),
            (b"", ["it failed and said nothing"]),
            (b"a\nb\n", ["standard error"]),
            (b"\x1b[31m\n", ["standard error"]),
            (b"Traceback\n", ["standard error"]),
        ]
    ):
        found = wrong(behaviour, scripted, lazy(22, error), tmp_path / str(number))
        assert [text.split(" is ")[0].split(":")[0] for text in found] == complaint


def test_the_scripts_say_what_they_mean() -> None:
    assert ok() == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + HELLO
    assert chunked(b"0\r\n\r\n") == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
