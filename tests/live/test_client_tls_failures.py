"""TLS that fails, for real: certificates, handshakes, a connection that is cut."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.failing import after, check_failure, fails, leave, probes
from tests.live.peers import LOOPBACK, Authority, authority, drain, run, say, stream_server


@pytest.fixture
def made(tmp_path: Path) -> Authority:
    """Have a certificate for localhost only."""
    return authority(tmp_path, "localhost")


@contextmanager
def tls_echo(made: Authority) -> Iterator[int]:
    """Serve echo over TLS; return the port."""
    context = made.context

    def handle(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as wrapped:
            while data := wrapped.recv(65_536):
                wrapped.sendall(data)

    with stream_server(handle) as where:
        yield int(where.rpartition(":")[2])


def test_a_certificate_that_nobody_trusts(made: Authority) -> None:
    with tls_echo(made) as port:
        where = f"localhost:{port}"
        for options in ("--tls",), ("--cacert", made.other):
            [found] = fails(
                60, f"{where}: the certificate is signed by nobody", ("echo", where, "x", *options)
            )
            assert (found["error"], found["phase"]) == ("CertificateRejected", "handshake")
            probes(60, "certificate rejected", where, *options)


def test_a_certificate_for_another_host(made: Authority) -> None:
    with tls_echo(made) as port:
        where, options = f"{LOOPBACK}:{port}", ("--cacert", made.issuer)
        fails(60, f"{where}: the certificate is not for this host", ("echo", where, "x", *options))
        probes(60, "certificate rejected", where, *options)
        assert say("echo", f"localhost:{port}", "x", *options) == b"x"


def test_insecure_accepts_any_certificate(made: Authority) -> None:
    with tls_echo(made) as port:
        for host in "localhost", LOOPBACK:
            assert say("echo", f"{host}:{port}", "x", "--insecure") == b"x"
        probes(0, "replied", f"{LOOPBACK}:{port}", "-k", "--data", "x")


def test_a_plain_server_asked_for_tls() -> None:
    def plain(client: socket.socket) -> None:
        client.sendall(b"Welcome!")
        drain(client)

    with stream_server(plain) as where:
        fails(
            35, f"{where}: the TLS handshake failed", ("greet", where, "x", "--tls"), ("welcome", where, "-k")
        )
        probes(35, "TLS failed", where, "--tls")


def test_a_silent_server_asked_for_tls() -> None:
    options = ("--tls", "--connect-timeout", "0.5")
    with stream_server(drain) as where:
        [found] = fails(28, "timed out", ("greet", where, "x", *options))
        assert found["phase"] == "handshake"
        probes(28, "timed out", where, *options)


def test_a_server_that_ends_the_handshake() -> None:
    with stream_server(after(b"", leave)) as where:
        fails(35, "TLS", ("greet", where, "x", "--tls"))
        probes(35, "TLS failed", where, "--tls")


def test_tls_that_is_cut_in_the_middle(made: Authority) -> None:
    context = made.context

    def handle(client: socket.socket) -> None:
        wrapped = context.wrap_socket(client, server_side=True)
        wrapped.sendall(b"half of it")
        with socket.socket(fileno=wrapped.detach()) as plain:
            plain.settimeout(TIMEOUT)
            plain.shutdown(socket.SHUT_WR)  # and no close_notify
            drain(plain)

    with stream_server(handle) as where:
        port = where.rpartition(":")[2]
        ended = run("welcome", f"localhost:{port}", "--cacert", made.issuer)
    check_failure(ended, 18, "after 10 bytes, without TLS.s own end")
    assert ended.output == b"half of it"


def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("nothing")
    for file in str(no_pem), str(tmp_path / "nonesuch"):
        for command in ("greet", f"{LOOPBACK}:9", "x"), ("probe", f"{LOOPBACK}:9"):
            check_failure(run(*command, "--cacert", file), 77, "can't read the certificates of")
