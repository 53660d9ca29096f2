"""Other people's TLS clients: they offer protocols by ALPN, and what fails with them is said in one line."""

import os
import shutil
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, run

import pytest
from twisted.internet import endpoints

from tests.hanging import TIMEOUT
from tests.live.clients import receive_all, tcp_client
from tests.live.peers import LOOPBACK, SOCKPROTO, Authority, authority
from tests.live.server import Serve, need, require, run_twistd

REPLY = "HTTP/1.0 200 OK\r\n\r\nHello"


@pytest.fixture
def made(tmp_path: Path) -> Authority:
    """Have a certificate made, in a folder of its own."""
    return authority(tmp_path, "localhost", LOOPBACK)


def curl(port: int, made: Authority) -> bytes:
    need("curl")
    url = f"https://localhost:{port}/"
    return output("curl", "-q", "-sS", "--cacert", made.issuer, "--max-time", str(TIMEOUT), url)


def fetch(port: int, made: Authority) -> bytes:
    return output(SOCKPROTO, "fetch", "--cacert", made.issuer, "-o", "-", f"https://localhost:{port}/")


def openssl(port: int, made: Authority) -> bytes:
    need("openssl")
    trust = ("-verify_return_error", "-CAfile", made.issuer)
    where = ("-connect", f"{LOOPBACK}:{port}", "-servername", "localhost")
    return http_body(output("openssl", "s_client", "-quiet", "-alpn", "h2,http/1.1", *trust, *where))


def python(port: int, made: Authority) -> bytes:
    with offering(port, made) as client:
        assert client.selected_alpn_protocol() is None
        return http_body(receive_all(client))


def http_body(reply: bytes) -> bytes:
    """Return what follows the head."""
    return reply.partition(b"\r\n\r\n")[2]


def output(*command: str) -> bytes:
    """Run a client that must succeed; return what it prints."""
    ended = run(command, stdin=DEVNULL, capture_output=True, timeout=TIMEOUT)
    assert ended.returncode == 0, ended
    return ended.stdout


def offering(port: int, made: Authority) -> ssl.SSLSocket:
    """Connect, and offer what browsers do."""
    context = ssl.create_default_context(cafile=made.issuer)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context.wrap_socket(tcp_client(port), server_hostname="localhost")


@pytest.mark.parametrize("ask", [curl, fetch, openssl, python])
@pytest.mark.parametrize("kind", ["ssl", "tls"])
def test_clients_that_offer_protocols(
    serve: Serve, made: Authority, tmp_path: Path, kind: str, ask: Callable[[int, Authority], bytes]
) -> None:
    if kind == "tls":
        require(hasattr(endpoints, "wrapServerTLS"), "a Twisted with TLS endpoints for servers")
    (tmp_path / "pem").mkdir()  # of its own: Twisted loops for ever where an authority's certificate is there
    shutil.copy(made.server, tmp_path / "pem")
    what = f"tls:{tmp_path}/pem:0" if kind == "tls" else f"ssl:0:privateKey={made.server}"
    options = ("--protocol", "welcome", "--message", REPLY)
    server = serve(*options, "--listen", f"{what}:interface={LOOPBACK}")
    assert ask(server.port, made) == b"Hello"
    server.wait_for(r"TCP 127\.0\.0\.1:\d+ speaks TLS$")
    server.wait_for(r"welcome connection 1 from \S+ closed: closed; ")


def test_a_client_that_offers_protocols_behind_a_proxy(serve: Serve, made: Authority) -> None:
    server = serve("--listen", f"haproxy:ssl:0:privateKey={made.server}:interface={LOOPBACK}")
    with offering(server.port, made) as client:
        client.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nMichael\nexit")
        assert receive_all(client) == b"Welcome!Hello, Michael!\n"
    server.wait_for(r"greeting connection 1 from 192\.0\.2\.1:1 closed: closed; ")


def test_failures_are_told_apart(serve: Serve, made: Authority) -> None:
    server = serve("--listen", f"ssl:0:privateKey={made.server}:interface={LOOPBACK}")
    need("openssl")
    client = ("openssl", "s_client", "-connect", f"{LOOPBACK}:{server.port}")
    for number, (options, words) in enumerate(
        [
            (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "unsupported protocol"),
            (("-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"), "no shared cipher"),
            (("-verify_return_error", "-CAfile", made.other), r"\w+ alert unknown ca"),
        ],
        start=1,
    ):
        run([*client, *options], stdin=DEVNULL, capture_output=True, timeout=TIMEOUT)
        server.wait_for(rf"connection {number} from \S+ closed: TLS failed \(handshake: {words}\); 0 bytes")
    with tcp_client(server.port) as plain:
        plain.sendall(b"\x16\x03\x01")
        plain.shutdown(socket.SHUT_WR)
        assert receive_all(plain) == b""
    server.wait_for(r"connection 4 from \S+ closed: TLS failed \(handshake: the peer left\); 0 bytes")
    assert server.log.count(" closed: ") == 4


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("privateKey=nonesuch.pem", "can't read the private key of 'nonesuch.pem': No such file"),
        ("privateKey=issuer.pem", "there is no private key in 'issuer.pem'"),
        ("privateKey=server.pem:certKey=encrypted.pem", "the private key of 'encrypted.pem' is encrypted"),
        (
            "privateKey=server.pem:certKey=issuer.pem",
            "'server.pem' does not belong to the certificate of 'issuer",
        ),
        ("privateKey=server.pem:extraCertChain=empty.pem", "there is no certificate in 'empty.pem'"),
        ("privateKey=server.pem:extraCertChain=crlf.pem", "a certificate of 'crlf.pem' is cut, or its lines"),
        ("privateKey=server.pem:extraCertChain=cut.pem", "a certificate of 'cut.pem' is cut, or its lines"),
        ("privateKey=server.pem:extraCertChain=bad.pem", "can't use a certificate of 'bad.pem': "),
        ("privateKey=pipe.pem", "can't read the private key of 'pipe.pem': it is a FIFO or pipe"),
        ("privateKey=server.pem:dhParameters=empty.pem", "can't use the parameters of 'empty.pem'"),
    ],
)
def test_files_that_cannot_be_used(made: Authority, tmp_path: Path, names: str, words: str) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "encrypted.pem").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    mark, middle, end = (b"-----BEGIN CERTIFICATE-----\n", b"AAAA", b"\n-----END CERTIFICATE-----\n")
    (tmp_path / "bad.pem").write_bytes(mark + middle + end)
    whole = (tmp_path / "issuer.pem").read_bytes()
    (tmp_path / "crlf.pem").write_bytes(whole.replace(b"\n", b"\r\n"))
    (tmp_path / "cut.pem").write_bytes(whole + mark + middle)
    os.mkfifo(tmp_path / "pipe.pem")
    arguments = ("-n", "--pidfile=", "sockproto", "--listen", f"ssl:0:{names}")
    ended = run_twistd(*arguments, directory=tmp_path)
    assert ended.returncode == 1, ended
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert words in ended.stderr


@pytest.mark.parametrize("folder", ["nonesuch", "without"])
def test_folders_that_cannot_be_used(tmp_path: Path, folder: str) -> None:
    (tmp_path / "without").mkdir()
    ended = run_twistd("-n", "--pidfile=", "sockproto", "--listen", f"tls:{folder}:0", directory=tmp_path)
    assert ended.returncode == 1, ended
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "--listen" in ended.stderr


def test_a_certificate_that_has_expired(serve: Serve, tmp_path: Path) -> None:
    require(find_spec("trustme") is not None, "the module trustme")
    import trustme

    file, end = tmp_path / "expired.pem", datetime(2020, 1, 2)
    made = trustme.CA().issue_cert("localhost", not_before=datetime(2020, 1, 1), not_after=end)
    made.private_key_and_cert_chain_pem.write_to_path(str(file))
    server = serve("--listen", f"ssl:0:privateKey={file}:interface={LOOPBACK}")
    server.wait_for(r"#warn\] .*the certificate of '\S+' expired on 2020-01-02; clients will refuse it")
