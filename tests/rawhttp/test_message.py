"""The parser of HTTP responses: framing, any split, and h11's opinion."""

import random

import h11
from hypothesis import example, given, settings, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.errors import CutShort
from sockproto.rawhttp import EndOfMessage, Headers, ResponseParser, Status
from sockproto.rawhttp.message import MAX_HEAD_BYTES, MAX_HEAD_LINES, MAX_INTERIM
from tests import example_count, fuzz_http
from tests.fuzz_http import outcome, split

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 \r\nLink: a\r\n\r\n"]
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

SEEDS = st.integers(0, 2**32)
TOKENS = st.text("abcXYZ019-_!", min_size=1, max_size=8).map(str.encode)
VALUES = st.text("abc 019,;\t:\xe9", max_size=12).map(lambda text: text.encode("latin-1").strip(b" \t"))
FIELDS = st.lists(st.tuples(st.just(b"X-") | TOKENS.map(lambda name: b"X-" + name), VALUES), max_size=4)


def chunked(body: bytes, size: int) -> bytes:
    """Return a body in chunks of this size."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Make right responses."""
    code: int = draw(st.sampled_from([200, 204, 304, 404, 500, 599]))
    body: bytes = draw(st.binary(max_size=40))
    fields = b"".join(b"%b: %b\r\n" % field for field in draw(FIELDS))
    interim = draw(
        st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 \r\nLink: a\r\n\r\n"])
    )
    head = interim + b"HTTP/1.1 %d %b\r\n%b" % (code, draw(VALUES), fields)
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    if code in (204, 304):
        return head + b"\r\n"
    if framing == "length":
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == "chunked":
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, draw(st.integers(1, 50)))
    return head + b"\r\n" + body


def h11_says(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Return status, fields and body as h11 reads them; None where it doesn't accept them."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    status, fields, body = 0, list[tuple[bytes, bytes]](), bytearray()
    try:
        for piece in (data, b""):
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    status, fields = event.status_code, list(event.headers.raw_items())
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return status, fields, bytes(body)
    except h11.RemoteProtocolError:
        pass
    return None


def we_say(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Return the same as this parser reads it."""
    events, body, ended = outcome([data])
    if ended != "end":
        return None
    [status] = [event for event in events if isinstance(event, Status)]
    [headers] = [event for event in events if isinstance(event, Headers)]
    return status.code, list(headers.fields), body


class SplitTests(TestCase):
    @given(responses(), SEEDS)
    def test_any_split_gives_the_same(self, data: bytes, seed: int) -> None:
        whole = outcome([data])
        self.assertEqual(whole.ended, "end")
        self.assertEqual(outcome([data[at : at + 1] for at in range(len(data))]), whole)
        self.assertEqual(outcome(split(data, random.Random(seed))), whole)

    @given(responses(), SEEDS)
    def test_a_response_cut_short_never_ends_unless_only_the_close_ends_it(
        self, data: bytes, seed: int
    ) -> None:
        if b"Content-Length" in data or b"chunked" in data:
            cut = data[: random.Random(seed).randrange(len(data))]
            self.assertNotEqual(outcome([cut]).ended, "end")

    @given(SEEDS)
    @settings(max_examples=example_count(20))
    def test_mutated_responses(self, seed: int) -> None:
        fuzz_http.fuzz(100, seed)

    def test_the_fuzzer_sees_every_end(self) -> None:
        tally = fuzz_http.fuzz(2_000, 7)
        self.assertEqual(set(tally), {"end", "WrongReply", "CutShort"})
        self.assertEqual(tally, fuzz_http.fuzz(2_000, 7))


class H11Tests(TestCase):
    """Where both accept a response they agree; where one alone does, the RFC's sentence is named."""

    @given(responses())
    @example(OK + b"Content-Length: 5, 5\r\n\r\nhello")
    @example(OK + b"X-A: b\r\n  c\r\nContent-Length: 1\r\n\r\nx")
    @example(OK + b"Content-Length: 3\n\r\nabc")
    def test_agreement_on_right_responses(self, data: bytes) -> None:
        ours, theirs = we_say(data), h11_says(data)
        assert ours is not None
        assert theirs is not None
        self.assertEqual((ours[0], ours[2]), (theirs[0], theirs[2]))
        if b"," not in b"".join(value for name, value in ours[1] if name.lower() == b"content-length"):
            self.assertEqual(ours[1], theirs[1])

    @given(SEEDS)
    def test_agreement_on_mutated_responses_that_both_accept(self, seed: int) -> None:
        for _, data in zip(range(20), fuzz_http.responses(random.Random(seed)), strict=False):
            ours, theirs = we_say(data), h11_says(data)
            if ours and theirs:
                self.assertEqual((ours[0], ours[2]), (theirs[0], theirs[2]), data)

    def differ(self, data: bytes, ours: bool) -> None:
        self.assertEqual((we_say(data) is not None, h11_says(data) is not None), (ours, not ours), data)

    def test_both_framings(self) -> None:
        """RFC 9112, 6.3: "... and ought to be handled as an error." h11 lets Transfer-Encoding win."""
        self.differ(CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n", ours=False)

    def test_chunked_in_an_old_version(self) -> None:
        """RFC 9112, 6.1: "MUST treat the message as if the framing is faulty"."""
        self.differ(CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n", ours=False)


class FramingTests(TestCase):
    def ends(self, data: bytes, method: str = "GET") -> str:
        return outcome([data], method).ended

    def test_bad_lengths(self) -> None:
        for value in ("-5", "+5", "0x5", "5_0", "5.0", "", "5 5", "5, 6", "5,", "\xb2", "9" * 30):
            said = self.ends(OK + f"Content-Length: {value}\r\n\r\nhello".encode("latin-1"))
            self.assertTrue(said.startswith("WrongReply: a bad Content-Length"), value)

    def test_bad_chunks(self) -> None:
        for line in ("-5", "+5", "0x5", "5_0", "", "5 5", " 5", "1" * 16, "5\n", "5;a\rb"):
            self.assertIn(
                "bad chunk size", self.ends(CHUNKED + f"{line}\r\nhello\r\n0\r\n\r\n".encode()), line
            )
        self.assertIn("longer than it says", self.ends(CHUNKED + b"5\r\nhelloo\r\n0\r\n\r\n"))

    def test_bad_heads(self) -> None:
        for line in (b"A b", b": c", b"A : b", b"A: b\rc", b"A: \0", b" A: b", b"A\xe9: b"):
            self.assertIn("WrongReply", self.ends(OK + line + b"\r\nContent-Length: 0\r\n\r\n"), line)
        for start in (
            b"SSH-2.0-x\r\n",
            b"HTTP/2.0 200\r\n\r\n",
            b"HTTP/1.1 99 \r\n\r\n",
            b"HTTP/1.1  200\r\n\r\n",
        ):
            self.assertIn("WrongReply: no HTTP", self.ends(start), start)
        self.assertIn("nobody asked for", self.ends(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"))
        self.assertIn("101", self.ends(b"HTTP/1.1 101 \r\n\r\n"))

    def test_limits(self) -> None:
        long, interim = b"A" * MAX_HEAD_BYTES, b"HTTP/1.1 100 \r\n\r\n"
        self.assertIn("longer than", outcome([OK, long], end=False).ended)
        self.assertIn("longer than", outcome([b"HTTP/", long], end=False).ended)
        self.assertIn("header lines", outcome([OK, b"A:b\r\n" * (MAX_HEAD_LINES + 1)], end=False).ended)
        self.assertIn("interim", outcome([interim * (MAX_INTERIM + 1)], end=False).ended)
        self.assertEqual(outcome([interim * MAX_INTERIM, OK, b"Content-Length: 0\r\n\r\n"]).ended, "end")

    def test_no_body(self) -> None:
        for data, method in (
            (OK + b"Content-Length: 5\r\n\r\n", "HEAD"),
            (CHUNKED, "HEAD"),
            (b"HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n", "GET"),
            (b"HTTP/1.1 304\r\nTransfer-Encoding: chunked\r\n\r\n", "GET"),
        ):
            self.assertEqual(outcome([data], method, end=False).ended, "end", data)

    def test_trailers_and_folded_lines(self) -> None:
        events = outcome([CHUNKED + b'1;a="b"\r\nx\r\n0\r\nA: b\r\n  c\r\n\r\n']).events
        self.assertEqual(events[-1], EndOfMessage(Headers(((b"A", b"b c"),))))

    def test_a_body_until_the_close_of_tls_needs_its_closing_alert(self) -> None:
        parser = ResponseParser()
        parser.feed(OK + b"\r\nhel")
        parser.end(clean=False)
        for _ in range(3):
            parser.take()
        for _ in range(2):
            self.assertRaises(CutShort, parser.take)

    def test_cut_short_and_empty(self) -> None:
        self.assertTrue(outcome([]).ended.startswith("EmptyReply"))
        for data in (
            b"HT",
            OK,
            OK + b"A: b",
            OK + b"Content-Length: 5\r\n\r\nhell",
            CHUNKED + b"5\r\nhello\r\n",
        ):
            self.assertTrue(self.ends(data).startswith("CutShort"), data)
