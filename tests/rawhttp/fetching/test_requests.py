"""What the fetcher asks for, and what it refuses to ask for."""

import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.rawhttp.fetching.checks import HEADS, Fetched, Run, said
from tests.rawhttp.fetching.server import Request, Server

HERE = "http://127.0.0.1:{plain}"


def asked(server: Server, run: Run, place: Path, *arguments: str) -> tuple[Fetched, list[Request]]:
    """Fetch a page; return how it went and what was asked of the server."""
    server.forget()
    fetched = run([*(server.fill(argument) for argument in arguments), "-o", "out"], place)
    assert said(fetched) == []
    assert HEADS.fullmatch(fetched.output)
    assert (place / "out").exists() == (fetched.status == 0)
    return fetched, server.requests


@pytest.mark.parametrize(
    ("url", "targets"),
    [
        (HERE, ["/"]),
        (f"{HERE}/", ["/"]),
        (f"{HERE}?a=b", ["/?a=b"]),
        (f"{HERE}#part", ["/"]),
        (f"{HERE}/a#part", ["/a"]),
        (f"{HERE}/a?b#c?d", ["/a?b"]),
        (f"{HERE}/a#b#c", ["/a"]),
        (f"{HERE}/a?b?c/d", ["/a?b?c/d"]),
        (f"{HERE}/a?", ["/a?", "/a"]),
        (f"{HERE}/a;b=c&d", ["/a;b=c&d"]),
        (f"{HERE}//a//b/", ["//a//b/"]),
        (f"{HERE}/a:b@c", ["/a:b@c"]),
        (f"{HERE}/a%2Fb%20c%", ["/a%2Fb%20c%", "/a%2Fb%20c%25"]),
        (f"{HERE}/a%0d%0ab", ["/a%0d%0ab"]),
        (f"{HERE}/\xe4/\u20ac", ["/%C3%A4/%E2%82%AC", "/%c3%a4/%e2%82%ac"]),
        (f"{HERE}/a?\xe4=\U0001f40d", ["/a?%C3%A4=%F0%9F%90%8D", "/a?%c3%a4=%f0%9f%90%8d"]),
        (f"{HERE}/a/./b/../c", ["/a/c", "/a/./b/../c"]),
        (f"{HERE}/../a", ["/a", "/../a"]),
        ("HTTP://127.0.0.1:{plain}/a", ["/a"]),
        ("http://user@127.0.0.1:{plain}/a", ["/a"]),
    ],
)
def test_target(url: str, targets: list[str], server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, url)
    assert fetched.status == 0
    assert [request.target for request in requests] in [[target] for target in targets]
    assert b"\r\nHost: 127.0.0.1:%d\r\n" % server.ports["plain"] in requests[0].head


@pytest.mark.parametrize("url", [f"{HERE}/a b", f"{HERE}/a?b c", f"{HERE}/a\tb", f"{HERE}/a ", f" {HERE}/a"])
def test_spaces_are_encoded_or_refused(url: str, server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, url)
    assert fetched.status in (0, 3)
    if fetched.status == 0:
        assert requests[0].target in ("/a%20b", "/a?b%20c", "/a%09b", "/a%20", "/a")
    else:
        assert requests == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http:",
        "http://",
        "http:///a",
        "http://?a",
        "http://:{plain}/a",
        "http://user@/a",
        f"{HERE}/a\r\nX-Evil: yes",
        f"{HERE}/a HTTP/1.1\r\nHost: evil\r\n\r\nGET /b",
        f"{HERE}/a\nb",
        f"{HERE}/a\rb",
        f"{HERE}/a\0b",
        f"{HERE}/a\x7fb",
        f"{HERE}/a\x1bb",
        f"{HERE}?a\r\nb",
        "http://127.0.0.1\r\nX-Evil: yes:{plain}/a",
        "http://127.0.0.1 :{plain}/a",
        "http://127.0.0.1:{plain}\\@evil.example/a",
        "http://127.0.0.1:{plain}x/a",
        "http://127.0.0.1:-1/a",
        "http://127.0.0.1:+{plain}/a",
        "http://127.0.0.1:1_0/a",
        "http://127.0.0.1:\xb2/a",
        "http://127.0.0.1:\u0668\u0660/a",
        "http://127.0.0.1: {plain}/a",
        "http://127.0.0.1:65536/a",
        "http://127.0.0.1:0x50/a",
        "http://127.0.0.1:{plain}:{plain}/a",
        "http://[::1/a",
        "http://::1]/a",
        "http://[::1]x/a",
        "http://[127.0.0.1]:{plain}/a",
        "http://[]:{plain}/a",
        "http://[v1.a]:{plain}/a",
    ],
)
def test_wrong_urls_are_refused(url: str, server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, url)
    assert (fetched.status, requests) == (3, [])


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1%0d%0aX-Evil:{plain}/a", "http://127.0.0.1%00.example:{plain}/a", "http://a..b/c"],
)
def test_odd_hosts_are_refused_or_not_found(url: str, server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, url)
    assert fetched.status in (3, 6)
    assert requests == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1:{plain}/a",
        "file:///etc/hostname",
        "gopher://127.0.0.1:{plain}/a",
        "ws://127.0.0.1:{plain}/a",
        "httpx://127.0.0.1:{plain}/a",
    ],
)
def test_other_protocols_are_refused(url: str, server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, url)
    assert (fetched.status, requests) == (1, [])


def test_the_request(server: Server, run: Run, tmp_path: Path) -> None:
    _, [request] = asked(server, run, tmp_path, f"{HERE}/a")
    first, *lines = request.head.decode("ascii").split("\r\n")[:-2]
    assert first == "GET /a HTTP/1.1"
    names = [line.partition(":")[0].lower() for line in lines]
    assert len(set(names)) == len(names)
    assert {"host", "user-agent", "accept"} <= set(names)
    assert not {"accept-encoding", "authorization", "te", "content-length", "transfer-encoding"} & set(names)


def test_the_host_of_a_name(server: Server, run: Run, tmp_path: Path) -> None:
    _, [request] = asked(server, run, tmp_path, "http://localhost:{plain}/a")
    assert b"\r\nHost: localhost:%d\r\n" % server.ports["plain"] in request.head


def test_the_host_of_an_ipv6_address(server: Server, run: Run, tmp_path: Path) -> None:
    if "six" not in server.ports:
        pytest.skip("the system has no ::1")
    _, [request] = asked(server, run, tmp_path, "http://[::1]:{six}/a")
    assert request.origin == "six"
    assert b"\r\nHost: [::1]:%d\r\n" % server.ports["six"] in request.head


@pytest.mark.parametrize(
    ("url", "host", "port", "origin"),
    [
        ("http://127.0.0.1/a", b"127.0.0.1", 80, "plain"),
        ("http://127.0.0.1:80/a", b"127.0.0.1", 80, "plain"),
        ("http://127.0.0.1:/a", b"127.0.0.1", 80, "plain"),
        ("http://127.0.0.1:443/a", b"127.0.0.1:443", 443, "plain"),
        ("https://127.0.0.1/a", b"127.0.0.1", 443, "tls"),
        ("https://127.0.0.1:443/a", b"127.0.0.1", 443, "tls"),
        ("https://127.0.0.1:80/a", b"127.0.0.1:80", 80, "tls"),
    ],
)
def test_the_host_of_a_default_port(
    url: str,
    host: bytes,
    port: int,
    origin: str,
    server: Server,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = []

    def here(address: Sequence[str | int]) -> tuple[str, int]:
        connected.append(tuple(address[:2]))
        return ("127.0.0.1", server.ports[origin])

    stock_connect, stock_connect_ex = socket.socket.connect, socket.socket.connect_ex

    def connect(self: socket.socket, address: Sequence[str | int]) -> None:
        stock_connect(self, here(address))

    def connect_ex(self: socket.socket, address: Sequence[str | int]) -> int:
        return stock_connect_ex(self, here(address))

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    fetched, [request] = asked(server, run, tmp_path, url, "--cacert", "{authority}")
    assert fetched.status == 0
    assert connected[0] == ("127.0.0.1", port)
    assert b"\r\nHost: %b\r\n" % host in request.head


@pytest.mark.parametrize(
    "line", ["X-A: b\r\nX-Evil: yes", "X-A: b\nX-Evil: yes", "X-A: b\rX-Evil: yes", "X-A\r\nX-Evil: yes"]
)
def test_no_header_hides_in_another(line: str, server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, f"{HERE}/a", "-H", line)
    assert fetched.status in (2, 3, 43)
    assert requests == []


def test_headers_given_and_replaced(server: Server, run: Run, tmp_path: Path) -> None:
    _, [request] = asked(
        server,
        run,
        tmp_path,
        f"{HERE}/a",
        "-H",
        "X-A: b",
        "-H",
        "user-agent: me",
        "-H",
        "HOST: inner.example",
    )
    lines = request.head.lower().split(b"\r\n")
    assert {b"x-a: b", b"user-agent: me", b"host: inner.example"} <= set(lines)
    assert sum(line.startswith((b"user-agent:", b"host:")) for line in lines) == 2


@pytest.mark.parametrize("userinfo", ["a%0d%0aX-Evil:yes", "a:b%0ac", "\xe4:\u20ac", "a@b:c"])
def test_userinfo_stays_within_its_header(userinfo: str, server: Server, run: Run, tmp_path: Path) -> None:
    fetched, requests = asked(server, run, tmp_path, f"http://{userinfo}@127.0.0.1:{{plain}}/a")
    assert fetched.status in (0, 3)
    for request in requests:
        assert request.head.count(b"\r\nAuthorization: Basic ") == 1
        assert b"Evil" not in request.head
        assert b"\n" not in request.head.replace(b"\r\n", b"")


def test_nothing_listens(run: Run, server: Server, tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # and doesn't listen
        fetched, _ = asked(server, run, tmp_path, f"http://127.0.0.1:{bound.getsockname()[1]}/a")
    assert fetched.status == 7


@pytest.mark.parametrize("name", ["length-exact", "length-binary"])
def test_a_full_disk(name: str, run: Run, server: Server, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    fetched = run([server.fill(f"{HERE}/{name}"), "-o", "/dev/full"], tmp_path)
    assert fetched.status == 23
    assert said(fetched) == []
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_does_not_exist(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    fetched, _ = asked(server, run, tmp_path, "http://nonesuch.invalid/a")
    assert fetched.status == 6


@pytest.mark.parametrize("arguments", [[], ["--nonesuch", HERE], [HERE, "-o"], [HERE, "--max-time", "soon"]])
def test_wrong_options(arguments: list[str], server: Server, run_program: Run, tmp_path: Path) -> None:
    server.forget()
    fetched = run_program([server.fill(argument) for argument in arguments], tmp_path)
    assert fetched.status == 2
    assert fetched.error
    assert b"Traceback" not in fetched.error
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []
