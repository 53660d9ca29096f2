"""Over TLS: the same conversations, with an end that nobody else can forge, and the same bounds."""

import random
import socket
import ssl
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import receive, receive_all, tcp_client
from tests.live.server import Serve, Server, require, run_twistd

MIB = 1024 * 1024
LOOPBACK = "127.0.0.1"
PIECE = 16_384
FLOOD_BYTES = 64 * MIB
MAX_GROWTH = 8 * MIB

WITHOUT_OPENSSL = """
import sys
sys.modules["OpenSSL"] = None  # as if it were not installed
"""


class Authority:
    """Has a certificate for 127.0.0.1 made, in a file; connects clients that believe its issuer only."""

    def __init__(self, directory: Path) -> None:
        import trustme

        issuer = trustme.CA()
        made = issuer.issue_cert(LOOPBACK)
        file = directory / "server.pem"
        made.private_key_and_cert_chain_pem.write_to_path(str(file))
        self.description = f"ssl:0:privateKey={file}:certKey={file}:interface={LOOPBACK}"
        self.context = ssl.create_default_context()
        issuer.configure_trust(self.context)

    def client(self, server: Server) -> ssl.SSLSocket:
        """Connect; an end of the stream without close_notify is an error."""
        return self.context.wrap_socket(
            tcp_client(server.port), server_hostname=LOOPBACK, suppress_ragged_eofs=False
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    for module in "OpenSSL", "service_identity", "trustme":
        require(find_spec(module) is not None, f"the module {module}")
    return Authority(tmp_path)


def tell(client: socket.socket, request: bytes, reply: bytes) -> None:
    client.sendall(request)
    assert receive(client, len(reply)) == reply


def test_greeting_and_an_orderly_end(serve: Serve, authority: Authority) -> None:
    server = serve("--listen", authority.description)
    with authority.client(server) as client:
        assert receive(client, 8) == b"Welcome!"
        tell(client, b"Michael\n", b"Hello, Michael!\n")
        tell(client, b"Tracy", b"Hello, Tracy!")
        client.sendall(b"exit")
        assert receive_all(client) == b""
        with client.unwrap() as plain:
            assert receive_all(plain) == b""
    server.wait_for(r"greeting connection 1 from 127\.0\.0\.1:\d+ closed: closed; ")


def test_the_whole_text_arrives_before_the_end(serve: Serve, authority: Authority) -> None:
    text = "0123456789abcde\n" * 7_500
    server = serve("--protocol", "welcome", "--message", text, "--listen", authority.description)
    with authority.client(server) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert receive_all(client) == text.encode()


def test_a_client_that_does_not_believe_the_issuer(serve: Serve, authority: Authority) -> None:
    server = serve("--listen", authority.description)
    with tcp_client(server.port) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=LOOPBACK)
    with authority.client(server) as client:
        tell(client, b"Michael\n", b"Welcome!Hello, Michael!\n")


def test_every_byte_of_1_mib_comes_back(serve: Serve, authority: Authority) -> None:
    payload = random.Random(862).randbytes(MIB)
    server = serve("--protocol", "echo", "--listen", authority.description)
    with authority.client(server) as client:
        # Some pieces ahead, and no thread: two may not use one TLS connection at once.
        pieces = [payload[begin : begin + PIECE] for begin in range(0, MIB, PIECE)]
        echoed = b""
        for number, piece in enumerate(pieces):
            client.sendall(piece)
            if number >= 4:
                echoed += receive(client, PIECE)
        echoed += receive(client, 4 * PIECE)
        assert echoed == payload
        with client.unwrap() as plain:
            assert receive_all(plain) == b""
    server.wait_for(r"echo connection 1 from \S+ closed: peer closed; 1048576 bytes")


@pytest.mark.parametrize("begin", [b"", b"\x16\x03\x01"], ids=["nothing", "beginning"])
def test_a_client_that_does_not_finish_its_handshake(
    serve: Serve, authority: Authority, begin: bytes
) -> None:
    server = serve("--listen", authority.description, "--first-message-seconds", "1")
    with tcp_client(server.port) as client:
        client.sendall(begin)
        with suppress(ConnectionResetError):  # Twisted cuts a handshake short; no words were said to be lost
            assert receive_all(client) == b""
    server.wait_for(r"greeting connection 1 from \S+ closed: no handshake; .* 0 messages out, 1\.\d+ seconds")


def test_a_client_that_speaks_no_tls(serve: Serve, authority: Authority) -> None:
    server = serve("--listen", authority.description)
    with tcp_client(server.port) as client:
        client.sendall(b"Michael\n")
        assert b"Welcome!" not in receive_all(client)
    with authority.client(server) as client:
        tell(client, b"Michael\n", b"Welcome!Hello, Michael!\n")


def send_until_stalled(client: ssl.SSLSocket, data: bytes, total: int) -> int:
    """Send up to *total* bytes, until nothing was taken for a second; return how many were."""
    sent = 0
    client.settimeout(1)
    try:
        while sent < total:
            sent += client.send(data)
    except TimeoutError:
        pass  # stalled
    finally:
        client.settimeout(TIMEOUT)
    return sent


@pytest.mark.parametrize(
    ("protocol", "flood", "request_", "reply"),
    [("echo", b"x" * 16_384, b"Hello", b"Hello"), ("greeting", b"Jo\n" * 5_000, b"Jo\n", b"Hello, Jo!\n")],
    ids=["echo", "greeting"],
)
def test_a_client_that_never_reads_is_held_back_and_costs_little(
    serve: Serve, authority: Authority, protocol: str, flood: bytes, request_: bytes, reply: bytes
) -> None:
    server = serve("--protocol", protocol, "--listen", authority.description)
    with authority.client(server) as other:
        welcome = b"Welcome!" if protocol == "greeting" else b""
        tell(other, request_, welcome + reply)
        before = server.resident_bytes()
        with authority.client(server) as greedy:
            assert 0 < send_until_stalled(greedy, flood, FLOOD_BYTES) < FLOOD_BYTES
            assert server.resident_bytes() - before < MAX_GROWTH
            tell(other, request_, reply)


def test_chargen_to_a_client_that_never_reads_costs_little(serve: Serve, authority: Authority) -> None:
    server = serve("--protocol", "chargen", "--listen", authority.description)
    with authority.client(server) as other:
        receive(other, MIB)
        before = server.resident_bytes()
        with authority.client(server):
            assert len(receive(other, 16 * MIB)) == 16 * MIB  # as much could be kept for the one
            assert server.resident_bytes() - before < MAX_GROWTH


@pytest.mark.parametrize("prefix", ["", "haproxy:"])
def test_without_openssl_the_error_names_the_extra(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_OPENSSL)
    ended = run_twistd(
        *("-n", "--pidfile=", "sockproto", "--listen", f"{prefix}ssl:0:privateKey=server.pem"),
        directory=tmp_path,
        prefix=("env", f"PYTHONPATH={tmp_path}", sys.executable),
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "--listen" in ended.stderr
    assert "pip install 'sockproto[tls]'" in ended.stderr
