"""Fetching through proxies; what curl does with the same words is right."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.server import need
from tests.rawhttp.fetching.behaviours.answers import ok
from tests.rawhttp.fetching.server import Server

PROGRAMS = {
    "curl": ("curl", "-q", "-sS"),
    "fetch": (str(Path(sys.executable).with_name("sockproto")), "fetch", "-s"),
}
SECRET = "Proxy-Authorization: Basic dXNAZXI6c2VjcmV0\r\n"


class Proxy:
    """A proxy that goes where it is told, and keeps what it was told.

    Args:
        answer: What it answers to each request, instead of going anywhere.

    Attributes:
        place: Its ``HOST:PORT``.
        heads: The requests that came.
    """

    def __init__(self, host: str = "127.0.0.1", answer: bytes = b"") -> None:
        self.heads: list[str] = []
        self._answer = answer
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        port = self._listener.getsockname()[1]
        self.place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(TIMEOUT)
        with client, suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(65_536)
            self.heads.append(head.decode("latin-1"))
            match = re.match(rb"(?:CONNECT |GET http://)\[?([^/ ]*?)\]?(?::(\d+))?([/ ].*)", head, re.DOTALL)
            if self._answer or match is None:
                client.sendall(self._answer)
                return
            with socket.create_connection((match[1].decode(), int(match[2] or 80)), TIMEOUT) as server:
                if head.startswith(b"CONNECT"):
                    client.sendall(b"HTTP/1.1 200 Connection established\r\nContent-Length: 99\r\n\r\n")
                else:
                    server.sendall(b"GET " + match[3])
                back = threading.Thread(target=relay, args=(server, client), daemon=True)
                back.start()
                relay(client, server)
                back.join(TIMEOUT)


def relay(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, and its end."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):  # after a reset, too
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(lambda name, rest: [ok()], tmp_path_factory.mktemp("authority")) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with closing(Proxy()) as proxy:
        yield proxy


def run(program: str, place: Path, words: list[str], variables: dict[str, str]) -> tuple[int, bytes, str]:
    """Run it; return its exit status, what it saved and what it said."""
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    place.mkdir()
    ran = subprocess.run(
        [*PROGRAMS[program], "-o", "out", *words],
        cwd=place,
        env={**clean, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        text=True,
    )
    saved = place / "out"
    return ran.returncode, saved.read_bytes() if saved.exists() else b"", ran.stderr


def told(head: str) -> tuple[str, list[str]]:
    """Return a request's first line, and what it says of host and user."""
    first, *lines = head.split("\r\n")
    names = ("host:", "proxy-authorization:", "authorization:")
    return first, sorted(line for line in lines if line.lower().startswith(names))


CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    "-x": (["-x", "{proxy}", "{plain}"], {}),
    "-x for https": (["-x", "{proxy}", "{tls}"], {}),
    "-x with a user": (["-x", "http://us%40er:secret@{proxy}", "{plain}"], {}),
    "-x with a user for https": (["-x", "http://us%40er:secret@{proxy}", "{tls}"], {}),
    "-x with two users": (["-x", "us%40er:secret@{proxy}/", "{user}"], {}),
    "-x '' overrides": (["-x", "", "{plain}"], {"http_proxy": "{proxy}"}),
    "http_proxy": (["{plain}"], {"http_proxy": "http://{proxy}"}),
    "http_proxy is not for https": (["{tls}"], {"http_proxy": "http://{proxy}"}),
    "HTTP_PROXY is none": (["{plain}"], {"HTTP_PROXY": "http://{proxy}"}),
    "https_proxy": (["{tls}"], {"https_proxy": "{proxy}"}),
    "HTTPS_PROXY": (["{tls}"], {"HTTPS_PROXY": "{proxy}"}),
    "https_proxy comes first": (["{tls}"], {"https_proxy": "{proxy}", "HTTPS_PROXY": "127.0.0.1:1"}),
    "all_proxy": (["{plain}"], {"all_proxy": "{proxy}"}),
    "ALL_PROXY": (["{tls}"], {"ALL_PROXY": "{proxy}"}),
    "an empty one is none": (["{plain}"], {"http_proxy": "", "all_proxy": "{proxy}"}),
    "no_proxy": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "a,127.0.0.1"}),
    "no_proxy with blanks": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "a , 127.0.0.1 ,b"}),
    "no_proxy with a network": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "127.0.0.0/8"}),
    "no_proxy with another": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "10.0.0.0/8"}),
    "no_proxy with a star": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "*"}),
    "no_proxy with a star among others": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "a,*"}),
    "no_proxy counts for -x": (["-x", "{proxy}", "{plain}"], {"no_proxy": "127.0.0.1"}),
    "NO_PROXY": (["{plain}"], {"http_proxy": "{proxy}", "NO_PROXY": "127.0.0.1"}),
    "no_proxy comes first": (["{plain}"], {"http_proxy": "{proxy}", "no_proxy": "a", "NO_PROXY": "*"}),
    "no_proxy and a name": (["{name}"], {"http_proxy": "{proxy}", "no_proxy": "LOCALHOST"}),
    "no_proxy and a dot before it": (["{name}"], {"http_proxy": "{proxy}", "no_proxy": ".localhost"}),
    "no_proxy and an end of it": (["{name}"], {"http_proxy": "{proxy}", "no_proxy": "host"}),
    "--noproxy": (["--noproxy", "127.0.0.1", "-x", "{proxy}", "{plain}"], {}),
    "--noproxy overrides": (["--noproxy", "", "{plain}"], {"http_proxy": "{proxy}", "no_proxy": "*"}),
    "a redirect": (["-L", "-x", "us%40er:secret@{proxy}", "{plain}"], {}),
    "refused": (["-x", "127.0.0.1:1", "{plain}"], {}),
    "refused for https": (["-x", "127.0.0.1:1", "{tls}"], {}),
    "a name without an address": (["-x", "nonesuch.invalid:1", "{plain}"], {}),
    "no name": (["-x", "http://", "{plain}"], {}),
    "a port that is none": (["-x", "http://us%40er:secret@127.0.0.1:99999", "{plain}"], {}),
    "another kind": (["-x", "gopher://us%40er:secret@127.0.0.1:1", "{plain}"], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_as_curl(case: str, server: Server, proxy: Proxy, tmp_path: Path) -> None:
    need("curl")
    urls = {
        "plain": f"http://127.0.0.1:{server.ports['plain']}/a?b",
        "user": f"http://u:p@127.0.0.1:{server.ports['plain']}/a",
        "name": f"http://localhost:{server.ports['plain']}/a",
        "tls": f"https://127.0.0.1:{server.ports['tls']}/a",
    }
    words, variables = CASES[case]
    filled = [word.format(proxy=proxy.place, **urls) for word in words]
    environment = {name: value.format(proxy=proxy.place) for name, value in variables.items()}
    found = {}
    for program in PROGRAMS:
        proxy.heads.clear()
        server.forget()
        place = tmp_path / program
        status, saved, error = run(program, place, ["--cacert", str(server.authority), *filled], environment)
        asked = [request.head.decode() for request in server.requests]
        assert not any("Proxy" in head for head in asked if program == "fetch" and not proxy.heads)
        assert program == "curl" or "secret" not in error
        found[program] = (
            status,
            saved,
            [told(head) for head in proxy.heads],
            [told(head)[0] for head in asked],
        )
    assert found["fetch"] == found["curl"]


ANSWERS = {
    "407": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "403": b"HTTP/1.1 403 \x1b[2J\r\n\r\n",
    "302": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no TLS behind it": b"HTTP/1.1 200 OK\r\n\r\nno TLS",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_tunnel_that_is_not_opened(answer: str, server: Server, tmp_path: Path) -> None:
    need("curl")
    with closing(Proxy(answer=ANSWERS[answer])) as proxy:
        words = ["-x", f"us%40er:secret@{proxy.place}", f"https://127.0.0.1:{server.ports['tls']}/a"]
        found = {program: run(program, tmp_path / program, words, {}) for program in PROGRAMS}
    assert found["fetch"][:2] == found["curl"][:2]
    error = found["fetch"][2]
    assert re.fullmatch(r"[ -~]+\n", error), error
    assert "secret" not in error


def test_ipv6_on_both_sides(server: Server, tmp_path: Path) -> None:
    need("curl")
    if "six" not in server.ports:
        pytest.skip("the system has no ::1")
    with closing(Proxy("::1")) as proxy:
        words = ["-x", f"http://{proxy.place}", f"http://[::1]:{server.ports['six']}/a"]
        assert run("fetch", tmp_path / "fetch", words, {})[:2] == (0, b"hello")
        assert run("curl", tmp_path / "curl", words, {})[:2] == (0, b"hello")
        assert told(proxy.heads[0]) == told(proxy.heads[1])


def test_what_is_shown_of_it(server: Server, proxy: Proxy, tmp_path: Path) -> None:
    """The conversation, but not what the proxy alone is to know."""
    for number, url in enumerate((f"http://127.0.0.1:{server.ports['plain']}/a", "https://127.0.0.1:1/a")):
        words = ["-v", "-x", f"us%40er:secret@{proxy.place}", url]
        _, _, shown = run("fetch", tmp_path / str(number), words, {})
        assert SECRET in proxy.heads[number]
        assert "secret" not in shown
        assert SECRET.strip() not in shown


def test_a_proxy_that_is_silent(server: Server, tmp_path: Path) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        words = ["--connect-timeout", "0.2", "-x", f"127.0.0.1:{silent.getsockname()[1]}"]
        url = f"https://127.0.0.1:{server.ports['tls']}/a"
        assert run("fetch", tmp_path / "fetch", [*words, url], {})[0] == 28
