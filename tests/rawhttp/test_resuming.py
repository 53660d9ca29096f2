"""Going on with a file: never with a part of another version."""

import os
from typing import Any

from sockproto.errors import CutShort, HTTPErrorStatus, OptionError, WrongReply
from sockproto.rawhttp.dates import http_date
from sockproto.rawhttp.events import Headers, Status
from sockproto.rawhttp.resuming import AlreadyWhole, ResumedFile, Unresumable, strong_date
from tests.rawhttp.places import PlaceCase

OK, PART, BEYOND = (Status(b"1.1", code, b"") for code in (200, 206, 416))
STAMP = 784_111_777.0
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"


def headers(**fields: bytes) -> Headers:
    """Make headers."""
    return Headers(tuple((name.replace("_", "-").encode(), value) for name, value in fields.items()))


V1 = headers(ETag=b'"1"', Last_Modified=DATE, Date=b"Sun, 06 Nov 1994 09:00:00 GMT")
DATED = headers(Last_Modified=DATE, Date=b"Sun, 06 Nov 1994 09:00:00 GMT")


class ResumedTests(PlaceCase):
    def resume(
        self, status: Status, fields: Headers, data: bytes, cut: bool = False, **options: Any
    ) -> list[str]:
        """Go on with the file; return what was asked for."""
        file = ResumedFile(str(self.path), **options)
        asked = file.header_lines
        try:
            with file:
                file.opened(status, fields).write(data)
                if cut:
                    raise CutShort("cut")
        except CutShort:
            assert cut
        return asked

    def test_what_came_stays_and_is_gone_on_with(self) -> None:
        for fields, validator in ((V1, '"1"'), (DATED, DATE.decode())):
            self.assertEqual(self.resume(OK, fields, b"hel", cut=True), [])
            self.assertEqual(self.path.read_bytes(), b"hel")
            asked = self.resume(PART, fields, b"l", cut=True)
            self.assertEqual(asked, ["Range: bytes=3-", f"If-Range: {validator}"])
            asked = self.resume(PART, fields, b"o")
            self.assertEqual(asked, ["Range: bytes=4-", f"If-Range: {validator}"])
            self.assertEqual(self.path.read_bytes(), b"hello")
            self.assertNotEqual(self.path.stat().st_mtime, STAMP)
            self.path.unlink()

    def test_another_version_is_never_glued_on(self) -> None:
        for fields, other in (
            (V1, headers(ETag=b'"2"')),
            (V1, headers(ETag=b'W/"1"')),
            (V1, headers(Last_Modified=DATE)),  # a part has the ETag that the whole has, RFC 9110, 15.3.7
            (DATED, headers(Last_Modified=b"Sun, 06 Nov 1994 08:49:38 GMT")),
        ):
            self.resume(OK, fields, b"hel", cut=True)
            self.assertRaises(Unresumable, self.resume, PART, other, b"LO")
            self.assertEqual(self.path.read_bytes(), b"hel")
            self.resume(OK, other, b"HELLO")
            self.assertEqual(self.path.read_bytes(), b"HELLO")
            self.path.unlink()

    def test_a_file_of_whom_nobody_knows(self) -> None:
        """Its date can be the server's only by chance, and then it proves nothing."""
        self.path.write_bytes(b"hel")
        os.utime(self.path, ns=(0, int(STAMP) * 10**9 + 1))
        self.assertRaises(Unresumable, self.resume, PART, DATED, b"lo")
        asked = self.resume(OK, DATED, b"HELLO")
        self.assertEqual(asked, ["Range: bytes=3-", f"If-Range: {http_date(STAMP)}"])
        self.assertEqual(self.path.read_bytes(), b"HELLO")

    def test_what_was_changed_here_is_of_no_version(self) -> None:
        self.resume(OK, V1, b"hel", cut=True)
        self.path.write_bytes(b"else")
        self.assertNotIn('If-Range: "1"', self.resume(OK, V1, b"hello"))

    def test_what_came_from_the_beginning(self) -> None:
        self.path.write_bytes(b"hello")
        self.resume(OK, Headers(), b"HEL", cut=True)
        self.assertEqual(self.path.read_bytes(), b"hello")  # the longer one, and perhaps the same
        self.resume(OK, V1, b"HELLO,", cut=True)
        self.assertEqual(self.path.read_bytes(), b"HELLO,")
        self.resume(OK, headers(ETag=b'"2"'), b"new", cut=True)
        self.assertEqual(self.path.read_bytes(), b"new")  # the other one is known to be an old one
        self.assertEqual(os.listdir(self.place), ["page"])

    def test_nothing_more(self) -> None:
        self.path.write_bytes(b"hello")
        self.assertRaises(AlreadyWhole, self.resume, BEYOND, headers(Content_Range=b"bytes */5"), b"")
        for fields in (headers(Content_Range=b"bytes */4"), Headers()):
            self.assertRaises(Unresumable, self.resume, BEYOND, fields, b"")
        self.assertEqual(self.path.read_bytes(), b"hello")

    def test_what_is_no_page(self) -> None:
        self.path.write_bytes(b"hel")
        self.assertRaises(HTTPErrorStatus, self.resume, Status(b"1.1", 404, b"no"), Headers(), b"no")
        self.assertRaises(WrongReply, self.resume, Status(b"1.1", 302, b"no"), Headers(), b"no")
        self.assertEqual(self.path.read_bytes(), b"hel")

    def test_an_offset(self) -> None:
        self.path.write_bytes(b"help")
        asked = self.resume(PART, Headers(), b"lo", offset=3)
        self.assertEqual((asked[0], self.path.read_bytes()), ("Range: bytes=3-", b"hello"))
        self.assertRaises(OptionError, ResumedFile, str(self.path), 6)
        self.assertRaises(OptionError, ResumedFile, "/dev/null")

    def test_dates_that_prove_something(self) -> None:
        self.assertEqual(strong_date(DATED), STAMP)
        for fields in (headers(Last_Modified=DATE, Date=DATE), headers(Last_Modified=DATE), Headers()):
            self.assertIsNone(strong_date(fields))
        self.resume(OK, headers(Last_Modified=DATE, Date=DATE), b"hel", cut=True)
        self.assertNotEqual(self.path.stat().st_mtime, STAMP)
