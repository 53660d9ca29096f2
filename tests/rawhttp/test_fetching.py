"""Fetching without a network, files, and the command against a socket on this machine."""

import contextlib
import gzip
import io
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

import sockproto
from sockproto.errors import (
    BadContentEncoding,
    CutShort,
    HTTPErrorStatus,
    NameNotFound,
    Refused,
    Reset,
    TimedOut,
    TooLarge,
    TooManyRedirects,
)
from sockproto.plain.deadline import Deadline
from sockproto.rawhttp import FetchOptions, Response, fetch, main
from sockproto.rawhttp.connection import ConnectOptions, connect
from sockproto.rawhttp.decoding import FREE_BYTES, MAX_EMPTY_MEMBERS, MAX_RATIO, PIECE_BYTES, Decoder
from sockproto.rawhttp.reporting import Output, Reporter
from sockproto.rawhttp.stream import SocketStream
from tests.hanging import TIMEOUT
from tests.rawhttp.places import PlaceCase

ROOT = Path(sockproto.__file__).parent.parent
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


def moved(location: str, code: int = 302) -> bytes:
    """Make a redirect."""
    return f"HTTP/1.1 {code} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


class FakeConnection(SocketStream):
    """A connection to canned answers."""

    def __init__(self, answer: bytes, requests: list[bytes]) -> None:
        self.clean, self._left, self._requests = True, io.BytesIO(answer), requests

    def send(self, data: bytes) -> None:
        self._requests.append(data)

    def receive(self, count: int = 7) -> bytes:
        return self._left.read(7)

    def check(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class FetchTests(TestCase):
    def fetch(self, url: str, *answers: bytes, **options: Any) -> Response:
        self.requests: list[bytes] = []
        left = iter(answers)

        def connect(*_: object) -> SocketStream:
            return FakeConnection(next(left), self.requests)

        return fetch(url, options=FetchOptions(**options), connect=connect)

    def test_a_page(self) -> None:
        response = self.fetch("http://user:pw@h/a?b#c", HELLO)
        self.assertEqual((response.status.code, response.body, response.redirects), (200, b"hello", 0))
        [request] = self.requests
        self.assertTrue(
            request.startswith(b"GET /a?b HTTP/1.1\r\nHost: h\r\nAuthorization: Basic dXNlcjpwdw==\r\n")
        )

    def test_headers_and_credentials_stay_with_their_origin(self) -> None:
        given = ["authorization: b", "COOKIE: c", "Host: inner", "X-A: d"]
        self.fetch("http://h/", moved("/x"), moved("http://o/"), HELLO, headers=given)
        first, second, third = (request.lower() for request in self.requests)
        for line in (b"authorization: b", b"cookie: c", b"host: inner", b"x-a: d"):
            self.assertIn(line, first)
            self.assertIn(line, second)
            self.assertEqual(line in third, line == b"x-a: d")
        self.assertIn(b"host: o\r\n", third)

    def test_redirects_end(self) -> None:
        self.assertRaises(TooManyRedirects, self.fetch, "http://h/", moved("/a"), moved("/"))
        endless = [moved(f"/{number}") for number in range(60)]
        error = self.assertRaises(TooManyRedirects, self.fetch, "http://h/", *endless)
        self.assertIn("50", str(error))
        self.assertEqual(len(self.requests), 51)
        self.assertEqual(self.fetch("http://h/", *endless, HELLO, max_redirects=-1).redirects, 60)
        self.assertEqual(self.fetch("http://h/", moved("/a"), follow=False).status.code, 302)

    def test_limits(self) -> None:
        self.assertRaises(TooLarge, self.fetch, "http://h/", HELLO, max_bytes=4)
        self.assertRaises(TooLarge, self.fetch, "http://h/", OK + b"\r\nhello", max_bytes=4)
        self.assertEqual(self.fetch("http://h/", HELLO, max_bytes=5).size, 5)
        self.assertRaises(HTTPErrorStatus, self.fetch, "http://h/", b"HTTP/1.1 404 \r\n\r\n", fail=True)
        error = self.assertRaises(CutShort, self.fetch, "http://u:secret@h/", HELLO[:-1])
        self.assertTrue(str(error).startswith("http://h/: "))

    def test_compressed(self) -> None:
        head = OK + b"Content-Encoding: %b\r\n\r\n"
        bomb = gzip.compress(bytes(10_000_000))
        self.assertEqual(self.fetch("h", head % b"GZIP" + gzip.compress(b"a"), compressed=True).body, b"a")
        self.assertEqual(self.fetch("h", head % b"deflate" + zlib.compress(b"a"), compressed=True).body, b"a")
        self.assertEqual(self.fetch("h", head % b"br" + b"a").body, b"a")
        for answer in (head % b"br" + b"a", head % b"gzip" + bomb[:-1], head % b"gzip" + b"a"):
            self.assertRaises(BadContentEncoding, self.fetch, "h", answer, compressed=True)
        self.assertRaises(TooLarge, self.fetch, "h", head % b"gzip" + bomb, compressed=True, max_bytes=1_000)

    def test_a_limit_is_of_what_is_decoded(self) -> None:
        body = gzip.compress(b"hello")
        head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.assertEqual(self.fetch("h", head + body, compressed=True, max_bytes=5).body, b"hello")
        self.assertRaises(TooLarge, self.fetch, "h", head + body, compressed=True, max_bytes=4)

    def test_decoding_has_an_end(self) -> None:
        empty = gzip.compress(b"") * (MAX_EMPTY_MEMBERS + 2)
        self.assertRaises(BadContentEncoding, list, Decoder([b"gzip"]).feed(empty))
        whole = b"".join(Decoder([b"gzip"]).feed(gzip.compress(b"x") * (MAX_EMPTY_MEMBERS + 2)))
        self.assertEqual(len(whole), MAX_EMPTY_MEMBERS + 2)
        left = [0, 1]  # what gives time twice

        pieces = Decoder([b"gzip"], left.pop).feed(gzip.compress(bytes(10_000_000)))
        self.assertEqual([len(next(pieces)) for _ in range(2)], [PIECE_BYTES] * 2)
        self.assertRaises(IndexError, next, pieces)

    def test_a_bomb(self) -> None:
        inner = gzip.compress(bytes(30_000_000))
        plain = zlib.compressobj(wbits=-15)
        bombs = {
            b"gzip": inner,
            b"deflate": zlib.compress(bytes(30_000_000)),
            b"Deflate": plain.compress(bytes(30_000_000)) + plain.flush(),
            b"x-gzip": gzip.compress(bytes(100_000)) * 300,
            b"gzip, gzip": gzip.compress(inner),
            b"deflate, gzip": gzip.compress(b"\0\0\0\xff\xff" * 6_000_000),  # whose inner part gives nothing
        }
        for coding, body in bombs.items():
            answer = OK + b"Content-Encoding: %b\r\n\r\n%b" % (coding, body)
            fetched = partial(self.fetch, "h", answer, compressed=True, max_bytes=10**9)
            error = self.assertRaises(TooLarge, fetched)
            self.assertIn("--max-ratio 0", str(error), coding)
            if coding != b"deflate, gzip":
                self.assertEqual(fetched(max_ratio=None).size, 30_000_000)

    def test_what_is_no_bomb(self) -> None:
        small = gzip.compress(bytes(FREE_BYTES))
        large = gzip.compress(random.Random(1).randbytes(100_000) + bytes(MAX_RATIO * 100_000))
        for body in (small, large):
            pieces = Decoder([b"gzip"]).feed(body)
            self.assertGreaterEqual(sum(map(len, pieces)), FREE_BYTES)
        self.assertRaises(TooLarge, list, Decoder([b"gzip"], max_ratio=100).feed(large))

    def test_a_bomb_is_decoded_in_pieces(self) -> None:
        pieces = [len(piece) for piece in Decoder([b"gzip"]).feed(gzip.compress(bytes(10_000_000)))]
        self.assertEqual((sum(pieces), max(pieces)), (10_000_000, PIECE_BYTES))


class ConnectionTests(TestCase):
    def test_reset_and_silence(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, SocketStream(ours, 0.01, Deadline()) as connection:
            self.assertRaises(TimedOut, connection.receive)
            theirs.close()
            self.assertEqual(connection.receive(), b"")
            self.assertRaises(Reset, connection.send, b"x")

    def test_the_deadline(self) -> None:
        times = iter([0.0, 1.0, 2.0, 9.0, 10.0, 10.0])
        deadline = Deadline(10.0, lambda: next(times))
        self.assertEqual([deadline.timeout(), deadline.timeout(3.0), deadline.timeout(3.0)], [9.0, 3.0, 1.0])
        self.assertRaises(TimedOut, deadline.timeout)

    def test_names_and_refusals(self) -> None:
        def unknown(*_: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        with contextlib.closing(socket.socket()) as bound:
            bound.bind(("127.0.0.1", 0))  # and doesn't listen
            self.assertRaises(
                Refused, connect, "127.0.0.1", bound.getsockname()[1], ConnectOptions(), Deadline()
            )
        self.patch(socket, "getaddrinfo", unknown)
        self.assertRaises(NameNotFound, connect, "nonesuch.invalid", 80, ConnectOptions(), Deadline())

    def test_a_resolver_that_hangs(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        self.patch(socket, "getaddrinfo", lambda *_: release.wait(60))
        self.assertRaises(
            TimedOut, connect, "slow.invalid", 80, ConnectOptions(connect_seconds=0.01), Deadline()
        )


class OutputTests(TestCase):
    def test_an_unbuffered_stream_that_takes_a_part_gets_the_rest(self) -> None:
        class Part(io.RawIOBase):
            taken = b""

            def writable(self) -> bool:
                return True

            def write(self, data: Any) -> int | None:
                if len(self.taken) >= 8:
                    return None  # it would block
                self.taken += bytes(data[:3])
                return min(3, len(data))

        part = Part()
        stream = io.TextIOWrapper(part, write_through=True)  # type: ignore[type-var]  # as an unbuffered stdout
        Output(stream).write(b"12345678")
        self.assertEqual(part.taken, b"12345678")
        self.assertRaises(BlockingIOError, Output(stream).write, b"90")


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """Answer one connection; return the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)

        def serve() -> None:
            with contextlib.suppress(OSError):
                taken, _ = listener.accept()
                with taken:
                    taken.settimeout(60)
                    taken.recv(65_536)
                    answer(taken)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/page"
        thread.join(60)


class CommandTests(PlaceCase):
    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", "replace"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(arguments))
        out.flush()
        out.seek(0)
        return status, out.read(), err.getvalue()

    def test_headers_are_shown_and_the_body_saved(self) -> None:
        with serving(lambda peer: peer.sendall(HELLO)) as url:
            status, out, err = self.run_main(
                url, "-o", str(self.path), "-w", r"%{http_code} %{size_download}\n%{url_effective}%{nonesuch}"
            )
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out.replace("\r", ""), f"HTTP/1.1 200 OK\nContent-Length: 5\n\n200 5\n{url}")
        self.assertEqual(self.path.read_bytes(), b"hello")

    def test_silent_prints_what_was_asked_for_alone(self) -> None:
        with serving(lambda peer: peer.sendall(HELLO)) as url:
            said = self.run_main(url, "-s", "-o", str(self.path), "-w", "%{http_code}")
        self.assertEqual(said, (0, "200", ""))

    def test_standard_output(self) -> None:
        for arguments, expected in ((["-o", "-"], "hello"), (["-o", "-", "-i"], HELLO.decode())):
            with serving(lambda peer: peer.sendall(HELLO)) as url:
                self.assertEqual(self.run_main(url, *arguments)[:2], (0, expected.replace("\r\n", "\n")))

    def test_the_conversation(self) -> None:
        with serving(lambda peer: peer.sendall(OK + b"X: \x1b[2J\xff\r\nContent-Length: 0\r\n\r\n")) as url:
            status, _, err = self.run_main(url, "-v", "-o", str(self.path))
        self.assertEqual(status, 0)
        self.assertIn("> GET /page HTTP/1.1\n> Host: 127.0.0.1:", err)
        self.assertIn("< HTTP/1.1 200 OK\n< X: \\x1b[2J\\xff\n", err)

    def test_one_line_for_an_error(self) -> None:
        for arguments, expected in (
            (["ftp://h/"], 1),
            (["http://h:99999/"], 3),
            (["http://h/", "-H", "a b"], 2),
            (["http://h/", "--max-time", "nan"], 2),
            (["http://h/", "--nonesuch"], 2),
            (["http://h/", "-o", str(self.place)], 23),
            (["https://h/", "-o", str(self.path), "--cacert", "/nonesuch"], 77),
        ):
            status, out, err = self.run_main(*arguments)
            self.assertEqual((status, out, err.count("\n")), (expected, "", 1), arguments)
            self.assertTrue(err.startswith("rawhttp: "))
        self.assertEqual(os.listdir(self.place), [])

    def test_a_terminal_gets_printable_characters(self) -> None:
        terminal = io.StringIO()
        terminal.isatty = lambda: True  # type: ignore[method-assign]  # that is how a test has a terminal
        Output(terminal).write(b"a\x1b[2J\x9b\xe2\x80\xae\r\nb\n")
        self.assertEqual(terminal.getvalue(), "a\\x1b[2J\\x9b\\u202e\nb\n")

    def interrupt(self, number: int) -> int | None:
        """Start a fetch, send a signal in the middle of the body; return the exit status."""
        left = threading.Event()
        command = [sys.executable, "-u", "-m", "sockproto.rawhttp", "-o", str(self.path)]

        def answer(peer: socket.socket) -> None:
            peer.sendall(HELLO[:-1])
            left.wait(60)

        with (
            serving(answer) as url,
            subprocess.Popen(
                [*command, url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as program,
        ):
            assert program.stdout
            assert program.stderr
            self.assertEqual(program.stdout.readline(), b"HTTP/1.1 200 OK\r\n")
            program.send_signal(number)
            self.assertEqual(program.stderr.read(), b"")
            status = program.wait(60)
            left.set()
        return status

    def test_interrupts_leave_nothing(self) -> None:
        self.path.write_text("old")
        for number, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.assertEqual(self.interrupt(number), expected)
            self.assertEqual((self.path.read_text(), os.listdir(self.place)), ("old", ["page"]))

    def test_memory_stays_flat(self) -> None:
        def answer(peer: socket.socket) -> None:
            peer.sendall(OK + b"Content-Length: 50000000\r\n\r\n")
            for _ in range(50):
                peer.sendall(bytes(1_000_000))

        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        with serving(answer) as url, open(os.devnull, "wb") as into:
            self.assertEqual(fetch(url, into).size, 50_000_000)
        self.assertLess(tracemalloc.get_traced_memory()[1], 8_000_000)

    def test_timings_are_there_after_a_failure(self) -> None:
        with serving(lambda peer: peer.sendall(b"")) as url:
            status, out, _ = self.run_main(url, "-o", str(self.path), "-w", "%{http_code}")
        self.assertEqual((status, out), (52, "000"))
        self.assertEqual(Reporter(None, False, False).written_out("%{num_redirects}%%\\t"), b"0%\t")


class ImportTests(TestCase):
    def test_it_loads_no_twisted(self) -> None:
        code = "import sys, sockproto.rawhttp; print({name.split('.')[0] for name in sys.modules})"
        ran = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            cwd=ROOT,
        )
        self.assertIn("'sockproto'", ran.stdout)
        for name in ("twisted", "zope"):
            self.assertNotIn(f"'{name}'", ran.stdout)
