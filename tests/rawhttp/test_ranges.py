"""Parts of a page, and dates."""

from twisted.trial.unittest import TestCase

from sockproto.errors import OptionError, WrongReply
from sockproto.rawhttp.dates import http_date, seconds_of
from sockproto.rawhttp.events import Headers
from sockproto.rawhttp.ranges import ContentRange, asked_ranges, check_part, content_range, parse_ranges


def said(content: bytes, *more: tuple[bytes, bytes]) -> Headers:
    """Make the headers of a part."""
    return Headers(((b"content-range", content), *more))


class RangeTests(TestCase):
    def test_what_is_asked_for(self) -> None:
        for text, expected in (
            ("0-499", [(0, 499)]),
            ("500-", [(500, None)]),
            ("500", [(500, None)]),
            ("-500", [(None, 500)]),
            ("0-0,-1", [(0, 0), (None, 1)]),
            ("0-1, 4-5", [(0, 1), (4, 5)]),
        ):
            self.assertEqual(parse_ranges(text), expected)
        for text in (
            "",
            "-",
            "x",
            "5-4",
            "-0",
            "1-2-3",
            "1,",
            "+1-2",
            "٣-",
            "1_0-",
            "1 -2",
            "0-1\n",
            "9" * 19,
        ):
            self.assertRaises(OptionError, parse_ranges, text)

    def test_what_a_header_line_asks_for(self) -> None:
        self.assertEqual(asked_ranges(b"bytes=0-4"), [(0, 4)])
        self.assertEqual(asked_ranges(None), [])
        for value in (b"lines=1-2", b"bytes=x", b""):
            self.assertIsNone(asked_ranges(value))

    def test_what_came(self) -> None:
        self.assertEqual(content_range(said(b"bytes 0-4/10")), ContentRange(0, 4, 10))
        self.assertEqual(content_range(said(b"BYTES 5-9/*")), ContentRange(5, 9, None))
        self.assertEqual(content_range(said(b"bytes */10")), ContentRange(None, None, 10))
        self.assertEqual(content_range(Headers()), None)
        for wrong in (b"", b"bytes 4-0/10", b"bytes 5-10/10", b"bytes 0-4", b"lines 0-4/5", b"bytes +0-4/5"):
            self.assertIsNone(content_range(said(wrong)), wrong)
        self.assertIsNone(
            content_range(
                Headers(((b"Content-Range", b"bytes 0-4/9"),) * 1 + ((b"Content-Range", b"bytes 0-4/10"),))
            )
        )

    def test_what_is_right(self) -> None:
        for asked, came, length in (
            ("0-4", b"bytes 0-4/10", 5),
            ("0-4", b"bytes 0-4/*", 5),
            ("0-99", b"bytes 0-9/10", 10),
            ("5-", b"bytes 5-9/10", 5),
            ("5-", b"bytes 5-9/*", 5),
            ("-4", b"bytes 6-9/10", 4),
            ("-40", b"bytes 0-9/10", 10),
            ("0-0,99-", b"bytes 0-0/10", 1),
            ("0-5,3-9", b"bytes 0-9/20", 10),  # joined, RFC 9110, 14.2
            ("4-9,0-3,99-", b"bytes 0-9/20", 10),
            ("0-4,-4", b"bytes 0-9/10", 10),
        ):
            self.assertEqual(check_part(parse_ranges(asked), said(came)), length, (asked, came))
        multipart = Headers(((b"Content-Type", b"multipart/byteranges; boundary=x"),))
        self.assertIsNone(check_part(parse_ranges("0-0,-1"), multipart))
        self.assertIsNone(check_part(None, Headers()))

    def test_what_is_wrong(self) -> None:
        for asked, came in (
            ("0-4", b"bytes 1-5/10"),
            ("0-4", b"bytes 0-5/10"),
            ("0-4", b"bytes 0-3/10"),
            ("0-4", b"bytes 0-5/*"),
            ("5-", b"bytes 0-9/10"),
            ("5-", b"bytes 5-8/10"),
            ("-4", b"bytes 5-9/10"),
            ("-4", b"bytes 0-3/10"),
            ("-4", b"bytes 0-4/*"),
            ("0-4", b"bytes */10"),
            ("0-4", b"nonsense"),
            ("0-0,-1", b"bytes 3-4/10"),
            ("0-4,6-9", b"bytes 0-8/20"),
            ("0-4,6-9", b"bytes 1-9/20"),
            ("20-,30-", b"bytes 0-9/10"),
        ):
            self.assertRaises(WrongReply, check_part, parse_ranges(asked), said(came))
        self.assertRaises(WrongReply, check_part, parse_ranges("0-4"), Headers())
        self.assertRaises(WrongReply, check_part, [], said(b"bytes 0-4/10"))


class DateTests(TestCase):
    def test_the_three_forms(self) -> None:
        for text in (
            b"Sun, 06 Nov 1994 08:49:37 GMT",
            b"Sunday, 06-Nov-94 08:49:37 GMT",
            b"Sun Nov  6 08:49:37 1994",
        ):
            self.assertEqual(seconds_of(text), 784_111_777.0)
        self.assertEqual(http_date(784_111_777.9), "Sun, 06 Nov 1994 08:49:37 GMT")
        for wrong in (None, b"", b"yesterday", b"\xff", b"Sun, 99 Nov 1994 99:99:99 GMT", b"0"):
            self.assertIsNone(seconds_of(wrong), wrong)
