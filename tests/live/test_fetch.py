"""The fetcher against servers that other people wrote: nginx, and httpbin; curl says what is right."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hanging import TIMEOUT
from tests.live.server import Output, need, require

PROGRAMS = {
    "sockproto fetch": (str(Path(sys.executable).with_name("sockproto")), "fetch"),
    "python -m sockproto.rawhttp": (sys.executable, "-m", "sockproto.rawhttp"),
}
LARGE = 20_000_000
SIZES = {"0": 0, "1": 1, "mebibyte": 1024 * 1024, "large": LARGE}
MAX_GROWTH = 3_000_000

NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log nginx.log;
events {{ }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    gzip_types *;
    gzip_min_length 1;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    server {{
        {listen}
        root files;
        location /slow/ {{ alias files/; limit_rate 100k; }}
        location /zipped/ {{ alias files/; gzip on; }}
        location = /absolute {{ return 302 $scheme://$http_host/mebibyte; }}
        location = /relative {{ absolute_redirect off; return 301 /mebibyte; }}
        location = /broken {{ return 500; }}
        location = /nothing {{ return 204; }}
    }}
}}
"""

HTTPBIN = """
import sys, threading
from httpbin import app
from werkzeug.serving import WSGIRequestHandler, make_server

class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # hence chunks, and connections that stay open
    def log(self, *arguments): pass

def alike(environ, start_response):
    '''All clients look the same, so that they are told the same.'''
    names = [name for name in environ if name.startswith("HTTP_")]
    for name in {*names} - {"HTTP_HOST", "HTTP_AUTHORIZATION"}:
        del environ[name]
    return app(environ, start_response)

for tls in (None, (sys.argv[1], sys.argv[1])):
    server = make_server("127.0.0.1", 0, alike, request_handler=Handler, ssl_context=tls)
    threading.Thread(target=server.serve_forever).start()
    print("port", server.server_port, flush=True)
"""

MEASURED = """
import re, sys
from sockproto.rawhttp import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
sys.exit(status)
"""


class Certificates(NamedTuple):
    """Files: whom to believe, and what to show."""

    authority: Path
    server: Path


class Site(NamedTuple):
    """Where a server listens; no URL for IPv6 where there is none."""

    http: str
    https: str
    six: str = ""


class Ended(NamedTuple):
    """What a program left."""

    status: int
    output: bytes
    error: bytes
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    require(find_spec("trustme") is not None, "the module trustme")
    import trustme

    directory = tmp_path_factory.mktemp("certificates")
    made = Certificates(directory / "authority.pem", directory / "server.pem")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(made.authority))
    authority.issue_cert("127.0.0.1", "::1").private_key_and_cert_chain_pem.write_to_path(str(made.server))
    return made


@pytest.fixture(scope="module")
def nginx(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An nginx on ports that stay reserved for it, since sockets of ours are bound to them too."""
    need("nginx")
    directory = tmp_path_factory.mktemp("nginx")
    (directory / "files" / "directory").mkdir(parents=True)
    (directory / "files" / "directory" / "index.html").write_bytes(b"<p>index</p>")
    content = random.Random(5).randbytes(LARGE // 2)
    content += b"easily compressed\n" * (LARGE // 36 + 1)
    for name, size in SIZES.items():
        (directory / "files" / name).write_bytes(content[-size:] if size else b"")
    (directory / "files" / "large").write_bytes(content[:LARGE])
    with ExitStack() as stack:
        addresses = [stack.enter_context(reserve("127.0.0.1")).getsockname() for _ in range(2)]
        with suppress(OSError):
            addresses.append(stack.enter_context(reserve("::1")).getsockname()[:2])
        places = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses]
        listen = " ".join(f"listen {place} reuseport{' ssl' * (place is places[1])};" for place in places)
        config = NGINX.format(certificate=certificates.server, listen=listen)
        (directory / "nginx.conf").write_text(config)
        process = subprocess.Popen(
            ["nginx", "-p", str(directory), "-e", "nginx.log", "-c", "nginx.conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(end, process)
        log = directory / "nginx.log"
        for address in addresses:
            wait_until_listening(address, process, log)
        yield Site(f"http://{places[0]}", f"https://{places[1]}", *(f"http://{it}" for it in places[2:]))


@pytest.fixture(scope="module")
def httpbin(certificates: Certificates) -> Iterator[Site]:
    require(find_spec("httpbin") is not None, "the module httpbin")
    process = subprocess.Popen(
        [sys.executable, "-c", HTTPBIN, str(certificates.server)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    output = Output(process.stdout)
    try:
        ports = output.wait_for(r"port (\d+)\nport (\d+)$")
        yield Site(f"http://127.0.0.1:{ports[1]}", f"https://127.0.0.1:{ports[2]}")
    finally:
        end(process)
        output.wait_for_end()


def reserve(host: str) -> socket.socket:
    """Have a port that only we, and who else says reuseport, can have."""
    reserved = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, 0))
    except OSError:
        reserved.close()
        raise
    return reserved


def wait_until_listening(address: tuple[str, int], process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a server listens; fail if it ends before, or takes too long."""
    limit = time.monotonic() + TIMEOUT
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(address, TIMEOUT):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
        assert process.returncode is None, log.read_text()
        assert time.monotonic() < limit, log.read_text()


def end(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a server that has nothing to tidy up."""
    process.kill()
    process.wait(TIMEOUT)


def environment() -> dict[str, str]:
    """Return ours without proxies."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def run_in(directory: Path, command: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    """Run a program that ends by itself."""
    return subprocess.run(
        command,
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def run(command: tuple[str, ...], directory: Path) -> Ended:
    """Run a program that ends by itself, in a new directory."""
    directory.mkdir()
    ended = run_in(directory, command)
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    return Ended(ended.returncode, ended.stdout, ended.stderr, files)


def run_all(commands: Sequence[tuple[str, ...]], directory: Path) -> list[Ended]:
    """Run programs at the same time, each in a directory of its own."""
    places = [directory / str(number) for number in range(len(commands))]
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, commands, places))


def as_curl(tmp_path: Path, url: str, *options: str) -> Ended:
    """Run both ways to start the fetcher, and curl; see that all saved the same; return what curl left."""
    need("curl")
    given = (*options, "-o", "out", url)
    commands = [("curl", "-q", "-sSL", *given)]
    commands += [(*program, "-S", *given) for program in PROGRAMS.values()]
    expected, *ours = run_all(commands, tmp_path)
    for ended in ours:
        assert ended.status == expected.status, ended
        if not ended.status:
            assert ended.error == b""
            assert list(ended.files) == ["out"]
            assert undated(ended.files["out"]) == undated(expected.files["out"])
        else:
            assert re.fullmatch(rb"[^\n]+\n", ended.error), ended
            assert ended.files == {}
    return expected


def undated(saved: bytes) -> bytes:
    """Leave out what a header says of the time: the second may be another."""
    return re.sub(rb"\r\nDate: [^\r]+", b"", saved, count=1)


@pytest.mark.parametrize("name", SIZES)
def test_nginx_files(name: str, nginx: Site, tmp_path: Path) -> None:
    assert len(as_curl(tmp_path, f"{nginx.http}/{name}").files["out"]) == SIZES[name]


@pytest.mark.parametrize("name", ["0", "1", "large"])
def test_nginx_files_over_tls(name: str, nginx: Site, certificates: Certificates, tmp_path: Path) -> None:
    fetched = as_curl(tmp_path, f"{nginx.https}/{name}", "--cacert", str(certificates.authority))
    assert len(fetched.files["out"]) == SIZES[name]


def test_nginx_with_a_certificate_of_nobody_known(nginx: Site, tmp_path: Path) -> None:
    assert as_curl(tmp_path, f"{nginx.https}/1").status == 60


@pytest.mark.parametrize("options", [(), ("--compressed",)], ids=["plain", "compressed"])
@pytest.mark.parametrize("name", ["1", "mebibyte", "large"])
def test_nginx_gzip_in_chunks(name: str, options: tuple[str, ...], nginx: Site, tmp_path: Path) -> None:
    fetched = as_curl(tmp_path, f"{nginx.http}/zipped/{name}", *options)
    assert len(fetched.files["out"]) == SIZES[name]


def test_nginx_gzip_that_is_kept(nginx: Site, tmp_path: Path) -> None:
    options = ("-H", "Accept-Encoding: gzip")
    fetched = as_curl(tmp_path, f"{nginx.http}/zipped/mebibyte", *options)
    assert fetched.files["out"][:2] == b"\x1f\x8b"


@pytest.mark.parametrize("path", ["absolute", "relative", "directory"])
def test_nginx_redirects(path: str, nginx: Site, certificates: Certificates, tmp_path: Path) -> None:
    for number, origin in enumerate((nginx.http, nginx.https)):
        (tmp_path / f"origin-{number}").mkdir()
        fetched = as_curl(
            tmp_path / f"origin-{number}", f"{origin}/{path}", "--cacert", str(certificates.authority)
        )
        assert len(fetched.files["out"]) == (12 if path == "directory" else SIZES["mebibyte"])


@pytest.mark.parametrize(("path", "text"), [("missing", b"404 Not Found"), ("broken", b"500 Internal")])
def test_nginx_errors(path: str, text: bytes, nginx: Site, tmp_path: Path) -> None:
    assert text in as_curl(tmp_path, f"{nginx.http}/{path}").files["out"]
    (tmp_path / "fail").mkdir()
    assert as_curl(tmp_path / "fail", f"{nginx.http}/{path}", "--fail").status == 22


@pytest.mark.parametrize("path", ["1", "large", "zipped/large", "missing", "nothing"])
def test_nginx_head(path: str, nginx: Site, tmp_path: Path) -> None:
    """The headers are the same, too."""
    need("curl")
    options = ("-I", "-H", "Connection: close", f"{nginx.http}/{path}")
    commands = [("curl", "-q", "-sS", *options)]
    runs = run_all([*commands, *((*program, *options) for program in PROGRAMS.values())], tmp_path)
    shown = [re.sub(rb"\r\nDate: .*?\r\n", b"\r\n", ended.output) for ended in runs]
    assert shown[0].startswith(b"HTTP/1.1 ")
    assert shown == [shown[0]] * len(shown)
    assert [(ended.status, ended.files) for ended in runs] == [(0, {})] * len(runs)


def test_nginx_keeps_the_connection_open(nginx: Site, tmp_path: Path) -> None:
    """It would for 75 seconds, which is longer than the test has."""
    fetched = as_curl(
        tmp_path, f"{nginx.http}/mebibyte", "-i", "-H", "Connection: keep-alive", "-H", "Range:"
    )
    assert b"keep-alive" in fetched.files["out"]


def test_nginx_over_ipv6(nginx: Site, tmp_path: Path) -> None:
    require(bool(nginx.six), "IPv6 on loopback")
    assert len(as_curl(tmp_path, f"{nginx.six}/mebibyte").files["out"]) == SIZES["mebibyte"]


@pytest.mark.parametrize("path", ["large", "zipped/large"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_memory_is_the_same_however_large_the_body(
    path: str, scheme: str, nginx: Site, certificates: Certificates, tmp_path: Path
) -> None:
    require(Path("/proc/self/status").exists(), "/proc")
    most: list[int] = []
    for name in "1", path:
        url = f"{nginx.https if scheme == 'https' else nginx.http}/{name}"
        options = ("--compressed", "--cacert", str(certificates.authority), "-o", "out", url)
        ended = run((sys.executable, "-c", MEASURED, *options), tmp_path / str(len(most)))
        assert (ended.status, len(ended.files["out"])) == (0, SIZES[name.rpartition("/")[2]]), ended.error
        most.append(int(ended.output.split()[-1]) * 1024)
    assert most[1] - most[0] < MAX_GROWTH, most


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_of_a_slow_body(
    number: signal.Signals, status: int, program: tuple[str, ...], nginx: Site, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*program, "-v", "-o", "out", f"{nginx.http}/slow/large"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    error = Output(process.stderr)
    try:
        error.wait_for(f"^< Content-Length: {LARGE}$")
        assert len(list(tmp_path.iterdir())) == 1  # the temporary one
        process.send_signal(number)
        assert process.wait(TIMEOUT) == status
    finally:
        end(process)
        said = error.wait_for_end()
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", ["0-499", "500", "1048000-", "-500", "0-9999999", "-9999999"])
def test_nginx_ranges(asked: str, nginx: Site, tmp_path: Path) -> None:
    assert as_curl(tmp_path, f"{nginx.http}/mebibyte", "-r", asked).files["out"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_interrupted_is_gone_on_with(number: signal.Signals, nginx: Site, tmp_path: Path) -> None:
    command = [*PROGRAMS["sockproto fetch"], "-s", "-C", "-", "-o", "out"]
    process = subprocess.Popen(
        [*command, "-v", f"{nginx.http}/slow/large"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    error = Output(process.stderr)
    try:
        error.wait_for(f"^< Content-Length: {LARGE}$")
        limit = time.monotonic() + TIMEOUT
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert time.monotonic() < limit
            os.sched_yield()
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 128 + number
    finally:
        end(process)
        error.wait_for_end()
    part = (tmp_path / "out").stat().st_size
    assert part
    ended = run_in(tmp_path, [*command, "-w", "%{http_code} %{size_download}", f"{nginx.http}/large"])
    assert ended.stdout == b"206 %d" % (LARGE - part), ended.stderr
    whole = run((*PROGRAMS["sockproto fetch"], "-o", "out", f"{nginx.http}/large"), tmp_path / "whole")
    assert (tmp_path / "out").read_bytes() == whole.files["out"]
    ended = run_in(tmp_path, [*command, "-w", "%{http_code}", f"{nginx.http}/large"])
    assert (ended.stdout, ended.returncode) == (b"416", 0)


@pytest.mark.parametrize(("late", "code"), [(0, "206"), (1, "200")], ids=["same", "changed"])
def test_what_another_program_has_begun(late: int, code: str, nginx: Site, tmp_path: Path) -> None:
    """Its time says whether it is of the file that the server has now; the first half need not be."""
    need("curl")
    [whole] = run_all([("curl", "-q", "-sS", "-R", "-o", "out", f"{nginx.http}/mebibyte")], tmp_path)
    out = tmp_path / "0" / "out"
    stamp = int(out.stat().st_mtime) + late
    out.write_bytes(whole.files["out"][:1000])
    os.utime(out, (stamp, stamp))
    command = [*PROGRAMS["sockproto fetch"], "-s", "-C", "-", "-o", "out", "-w", "%{http_code}"]
    ended = run_in(out.parent, [*command, f"{nginx.http}/mebibyte"])
    assert (ended.stdout.decode(), ended.returncode) == (code, 0), ended.stderr
    assert out.read_bytes() == whole.files["out"]


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("options", [(), ("-s",)], ids=["bar", "silent"])
def test_a_progress_bar_on_a_terminal_only(
    options: tuple[str, ...], program: tuple[str, ...], nginx: Site, tmp_path: Path
) -> None:
    require(find_spec("pexpect") is not None, "the module pexpect")
    import pexpect

    command = [*program, *options, "-o", "out", f"{nginx.http}/large"]
    bar = rf"\r +[\d.]+ MB of {LARGE / 1e6:.1f} \[#* *\] [\d.]+ MB/s\x1b\[K"
    child = pexpect.spawn(command[0], command[1:], cwd=str(tmp_path), timeout=TIMEOUT, encoding="utf-8")
    with child:
        child.expect(pexpect.EOF)
        shown = child.before or ""
    assert (child.exitstatus, (tmp_path / "out").stat().st_size) == (0, LARGE)
    assert bool(re.search(bar, shown)) is not bool(options), shown
    if options:
        assert "MB" not in shown
    else:
        assert shown.rstrip().endswith("\r\x1b[K")  # and it is wiped at the end
    assert run(tuple(command), tmp_path / "elsewhere").error == b""


PATHS = {
    "/get?a=b&c=%20d": (200, r'"c": " d"'),
    "/bytes/100000?seed=1": (200, ""),
    "/stream-bytes/100000?seed=7&chunk_size=777": (200, ""),
    "/stream-bytes/5000?seed=7&chunk_size=1": (200, ""),
    "/stream/20": (200, '"id": 19'),
    "/encoding/utf8": (200, "Unicode Demo"),
    "/image/png": (200, ""),
    "/html": (200, "Moby-Dick"),
    "/redirect/10": (200, '"url": '),
    "/absolute-redirect/10": (200, '"url": '),
    "/relative-redirect/10": (200, '"url": '),
    "/redirect-to?url=%2Fget%3Fthere%3D1": (200, '"there": "1"'),
    "/response-headers?X-A=b": (200, '"X-A": "b"'),
    "/basic-auth/user/pass%20word": (401, ""),
    "/status/404": (404, ""),
    "/status/418": (418, "teapot"),
    "/status/500": (500, ""),
    "/status/204": (204, ""),
}


@pytest.mark.parametrize("path", PATHS)
def test_httpbin(path: str, httpbin: Site, tmp_path: Path) -> None:
    code, text = PATHS[path]
    fetched = as_curl(tmp_path, httpbin.http + path)
    assert re.search(text, fetched.files["out"].decode("utf-8", "replace"))
    assert bool(fetched.files["out"]) is (bool(text) or code == 200)
    if code >= 400:
        (tmp_path / "fail").mkdir()
        assert as_curl(tmp_path / "fail", httpbin.http + path, "--fail").status == 22


@pytest.mark.parametrize("path", ["/stream-bytes/100000?seed=7&chunk_size=777", "/redirect/10"])
def test_httpbin_over_tls(path: str, httpbin: Site, certificates: Certificates, tmp_path: Path) -> None:
    assert as_curl(tmp_path, httpbin.https + path, "--cacert", str(certificates.authority)).files["out"]


@pytest.mark.parametrize(("path", "word"), [("/gzip", b"gzipped"), ("/deflate", b"deflated")])
def test_httpbin_compressed(path: str, word: bytes, httpbin: Site, tmp_path: Path) -> None:
    assert word in as_curl(tmp_path, httpbin.http + path, "--compressed").files["out"]


@pytest.mark.parametrize(
    ("credentials", "status"), [("user:pass%20word", 0), ("user:wrong", 22), ("%75ser:pass%20word", 0)]
)
def test_httpbin_credentials_in_the_url(credentials: str, status: int, httpbin: Site, tmp_path: Path) -> None:
    url = httpbin.http.replace("//", f"//{credentials}@") + "/basic-auth/user/pass%20word"
    assert as_curl(tmp_path, url, "--fail").status == status
