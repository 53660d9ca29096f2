"""TLS listeners that demand a certificate of their clients, and what is told of it."""

import re
import ssl
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from subprocess import DEVNULL, run
from typing import Any

import pytest

from tests.hanging import TIMEOUT
from tests.live.clients import receive_all, tcp_client
from tests.live.failing import check_failure, fails, probes
from tests.live.peers import LOOPBACK, Authority, authority, run as run_client, say
from tests.live.server import Serve, Server, need, run_twistd

TLS = ("--listen", "ssl:0:privateKey=server.pem")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Clients:
    """Has certificates made for clients.

    Args:
        directory: Where files can be written.
        server: The server's certificate.
    """

    def __init__(self, directory: Path, server: Authority) -> None:
        import trustme

        self.server, self._directory = server, directory
        self._ours, self._others = trustme.CA(), trustme.CA()
        self.authorities = str(directory / "clients.pem")
        self._ours.cert_pem.write_to_path(self.authorities)

    def certificate(self, name: str = "client.pem", theirs: bool = False, **options: Any) -> str:
        """Return the file of a key and certificate, of our authority or of one that is not known."""
        issuer = self._others if theirs else self._ours
        made = issuer.issue_cert("michael@example.org", organization_name="Example", **options)
        file = self._directory / name
        made.private_key_and_cert_chain_pem.write_to_path(str(file))
        return str(file)

    def say(self, server: Server, certificate: str | None, version: ssl.TLSVersion, said: bytes) -> bytes:
        """Connect, say something, and return what comes: nothing where the handshake fails."""
        context = ssl.create_default_context(cafile=self.server.issuer)
        context.minimum_version = context.maximum_version = version
        if certificate is not None:
            context.load_cert_chain(certificate)
        with (
            suppress(ssl.SSLError, ConnectionError),
            tcp_client(server.port) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(said)
            return receive_all(client)
        return b""


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    """Have certificates made."""
    return Clients(tmp_path, authority(tmp_path, "localhost", LOOPBACK))


@pytest.fixture
def server(serve: Serve, clients: Clients) -> Server:
    """Have a server that demands certificates."""
    return serve("--listen", listener(clients), "--client-ca", clients.authorities)


def listener(clients: Clients) -> str:
    return f"ssl:0:privateKey={clients.server.server}:interface={LOOPBACK}"


@pytest.mark.parametrize("version", VERSIONS)
def test_who_has_one_comes_in(server: Server, clients: Clients, version: ssl.TLSVersion) -> None:
    server.wait_for(r"TCP 127\.0\.0\.1:\d+ speaks TLS and demands certificates of clients$")
    for number in 1, 2:  # also where the client could resume a session
        said = clients.say(server, clients.certificate(), version, b"Michael\nexit")
        assert said == b"Welcome!Hello, Michael!\n"
        server.wait_for(rf"connection {number} from 127\.0\.0\.1:\d+ \([^)]*O=Example\) closed: closed; ")


@pytest.mark.parametrize("version", VERSIONS)
def test_who_has_none_or_a_wrong_one_is_refused(
    server: Server, clients: Clients, version: ssl.TLSVersion
) -> None:
    begin, end = datetime(2020, 1, 1), datetime(2020, 1, 2)
    expired = clients.certificate("expired.pem", not_before=begin, not_after=end)
    unknown = clients.certificate("unknown.pem", theirs=True)
    failed = ".*certificate verify failed"
    for number, (certificate, words) in enumerate(
        [(None, "peer did not return a certificate"), (unknown, failed), (expired, failed)], start=1
    ):
        assert clients.say(server, certificate, version, b"Michael\n") == b""
        server.wait_for(rf"connection {number} from \S+ closed: TLS failed \(handshake: {words}\); 0 bytes")
    assert server.log.count(" closed: ") == 3


def test_curl(serve: Serve, clients: Clients) -> None:
    need("curl")
    words = ("--protocol", "welcome", "--message", "HTTP/1.0 200 OK\r\n\r\nHello")
    server = serve(*words, "--listen", listener(clients), "--client-ca", clients.authorities)
    url = f"https://localhost:{server.port}/"
    curl = ["curl", "-q", "-sS", "--max-time", str(TIMEOUT), "--cacert", clients.server.issuer, url]
    ended = run([*curl, "--cert", clients.certificate()], stdin=DEVNULL, capture_output=True, timeout=TIMEOUT)
    assert (ended.returncode, ended.stdout) == (0, b"Hello"), ended
    ended = run(curl, stdin=DEVNULL, capture_output=True, timeout=TIMEOUT)
    assert ended.returncode != 0
    assert b"certificate required" in ended.stderr or b"alert" in ended.stderr, ended


def test_behind_a_proxy(serve: Serve, clients: Clients) -> None:
    server = serve("--listen", f"haproxy:{listener(clients)}", "--client-ca", clients.authorities)
    header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
    said = clients.say(server, clients.certificate(), VERSIONS[-1], header + b"Michael\nexit")
    assert said == b"Welcome!Hello, Michael!\n"
    server.wait_for(r"connection 1 from 192\.0\.2\.1:1 \(\S.*\) closed: closed; ")
    assert clients.say(server, None, VERSIONS[-1], header) == b""


def test_without_the_option_none_is_asked_for(serve: Serve, clients: Clients) -> None:
    server = serve("--listen", listener(clients))
    said = clients.say(server, clients.certificate(), VERSIONS[-1], b"Michael\nexit")
    assert said == b"Welcome!Hello, Michael!\n"
    server.wait_for(r"connection 1 from 127\.0\.0\.1:\d+ closed: closed; ")


def test_our_own_clients(server: Server, clients: Clients, tmp_path: Path) -> None:
    where, trusting = f"localhost:{server.port}", ("--cacert", clients.server.issuer)
    demanded = f"{where}: the server takes no client without a certificate of its choice"
    own, key = clients.certificate(), tmp_path / "client.key"
    key.write_text(Path(own).read_text().partition("-----BEGIN CERTIFICATE-----")[0])
    wanted: list[tuple[str, ...]] = [("--cert", own), ("-E", own, "--key", str(key))]
    for shown in wanted:
        for trust in trusting, ("--insecure",):
            assert say("greet", where, "Michael", *shown, *trust) == b"Welcome!\nHello, Michael!\n"
            probes(0, "replied", where, *shown, *trust)
    unwanted: list[tuple[str, ...]] = [(), ("--cert", clients.certificate("theirs.pem", theirs=True))]
    for shown in unwanted:
        fails(35, demanded, ("greet", where, "Michael", *shown, *trusting))
        probes(35, "TLS failed", where, *shown, *trusting)


@pytest.mark.parametrize("key", [(), ("--key", "other.key"), ("--key", "nonesuch"), ("--key", "locked.key")])
def test_our_own_clients_with_one_that_can_t_be_used(clients: Clients, key: tuple[str, ...]) -> None:
    directory = Path(clients.authorities).parent
    *_, bare = Path(clients.certificate()).read_text().partition("-----BEGIN CERTIFICATE-----")
    (directory / "bare.pem").write_text("-----BEGIN CERTIFICATE-----" + bare)
    unlocked, locked = clients.certificate("other.key"), directory / "locked.key"
    need("openssl")
    command = ["openssl", "pkey", "-in", unlocked, "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    run(command, check=True, timeout=TIMEOUT, stdin=DEVNULL)
    files = [str(directory / "bare.pem"), *key[:1], *(str(directory / name) for name in key[1:])]
    for words in ("greet", "localhost:9", "x"), ("probe", "localhost:9"):
        check_failure(run_client(*words, "--cert", *files), 58, "can't use the client certificate '.*'")


def test_what_is_explained(clients: Clients, tmp_path: Path) -> None:
    words = (*TLS, "--client-ca", "clients.pem", "--explain")
    ended = run_twistd("-n", "--pidfile=", "sockproto", *words, directory=tmp_path)
    assert "for whoever can reach it and has a certificate" in ended.stdout
    assert re.search(r"(?m)^  client-ca +clients\.pem$", ended.stdout)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--client-ca", "clients.pem"), "--client-ca goes with --listen ssl:"),
        (("--client-ca", "clients.pem", "--listen", "tcp:0"), "--client-ca goes with --listen ssl:"),
        ((*TLS, "--client-ca", "nonesuch.pem"), "--client-ca: can't read the certificate of 'nonesuch.pem'"),
        ((*TLS, "--client-ca", "empty.pem"), "--client-ca: there is no certificate in 'empty.pem'"),
        ((*TLS, "--client-ca", "cut.pem"), "--client-ca: a certificate of 'cut.pem' is cut"),
        ((*TLS, "--client-ca="), "--client-ca: must not be empty"),
    ],
)
def test_wrong_usage(clients: Clients, tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "cut.pem").write_bytes((tmp_path / "issuer.pem").read_bytes()[:-30])
    ended = run_twistd("-n", "--pidfile=", "sockproto", *words, directory=tmp_path)
    assert ended.returncode == 1, ended
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert line in ended.stderr
