"""A client's own certificate; what curl does with the same words is right."""

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.hanging import TIMEOUT
from tests.live.server import need, require
from tests.rawhttp.fetching.behaviours.answers import HELLO, ok
from tests.rawhttp.fetching.server import read_head

PROGRAMS = {"curl": ["curl", "-q", "-sS"], "fetch": [sys.executable, "-m", "sockproto.rawhttp", "-s"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the authority, the server's certificate, and the client's in several forms."""
    require(find_spec("trustme") is not None, "the module trustme")
    import trustme
    from cryptography.hazmat.primitives import serialization

    place = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(place / "authority"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(place / "server"))
    for name, issuer in (("client", authority), ("other", authority), ("stranger", trustme.CA())):
        made = issuer.issue_cert(f"{name}@example.com")
        made.private_key_and_cert_chain_pem.write_to_path(str(place / name))
        made.private_key_pem.write_to_path(str(place / f"{name}.key"))
        made.cert_chain_pems[0].write_to_path(str(place / f"{name}.crt"))
    key = serialization.load_pem_private_key((place / "client.key").read_bytes(), None)
    form = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    (place / "client.locked").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    (place / "garbage").write_bytes(b"garbage")
    return place


@pytest.fixture(scope="module")
def url(place: Path) -> Iterator[str]:
    """A server that speaks to nobody without a certificate of its authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(place / "authority"))
    context.load_cert_chain(place / "server")
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        connection.settimeout(TIMEOUT)
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with secured, suppress(OSError):
            try:
                secured.do_handshake()
                read_head(secured)
                secured.sendall(ok())
                secured.recv(1)
            except ssl.SSLError:  # a reset would overtake what it says of the certificate
                secured.shutdown(socket.SHUT_WR)
                while socket.socket.recv(secured, 65_536):
                    pass

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("-E client", 0),
        ("--cert client.crt --key client.key", 0),
        ("-E client.crt --key client.locked --pass secret", 0),
        ("-E client.crt:secret --key client.locked", 0),
        ("-E client.crt --key client.locked --pass wrong", 58),
        ("-E client.crt --key other.key", 58),
        ("-E client.crt --key nonesuch", 58),
        ("-E client.crt", 58),
        ("-E nonesuch", 58),
        ("-E garbage", 58),
        ("-E stranger", 56),
        ("", 56),
    ],
)
def test_as_curl(words: str, status: int, url: str, place: Path, tmp_path: Path) -> None:
    need("curl")
    for program, command in PROGRAMS.items():
        out = tmp_path / program
        ran = subprocess.run(
            [*command, "--cacert", "authority", *words.split(), "-o", str(out), url],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "no_proxy": "*"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert (ran.returncode, out.exists()) == (status, status == 0), (program, ran.stderr)
        if program == "fetch":
            assert re.fullmatch(r"([^\n]+\n)?", ran.stderr), ran.stderr
            assert bool(ran.stderr) is bool(status)
            assert status != 56 or "-E" in ran.stderr
            assert "secret" not in ran.stderr
            assert not status or out.exists() is False
    assert status or out.read_bytes() == HELLO


def test_a_locked_key_asks_nobody(url: str, place: Path, tmp_path: Path) -> None:
    """OpenSSL would ask the terminal, which no script has."""
    require(find_spec("pexpect") is not None, "the module pexpect")
    import pexpect

    words = [
        "--cacert",
        "authority",
        "-E",
        "client.crt",
        "--key",
        "client.locked",
        "-o",
        str(tmp_path / "out"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "no_proxy": "*"}
    command = [*PROGRAMS["fetch"], *words, url]
    child = pexpect.spawn(
        command[0], command[1:], cwd=str(place), env=environment, timeout=TIMEOUT, encoding="utf-8"
    )
    with child:
        child.expect(pexpect.EOF)
        shown = child.before or ""
    assert child.exitstatus == 58, shown
    assert "--pass" in shown
