"""The first bytes of a connection, which tell whether a terminal sends them."""

from sockproto.core.framing.lines import Lines
from tests.core.session.driving import SessionTestCase


class CutOnly(Lines):
    """Lines that take whole reads alone."""

    def feed(self, data: bytes) -> None:
        raise AssertionError(f"{data!r} was fed")


class FirstTests(SessionTestCase):
    def test_whole_lines_are_cut_from_the_first_read_on(self) -> None:
        self.open(CutOnly(), received=bytes.upper)
        self.assertEqual(self.session.receive(b"a\nb\n"), b"A\nB\n")
        self.assertEqual(self.session.receive(b"c\n"), b"C\n")

    def test_no_bytes_tell_nothing(self) -> None:
        self.open(Lines(), received=bytes.upper)
        self.assertEqual(self.session.receive(b""), b"")
        self.assertEqual(self.session.receive(b"\xff\xfd\x01a\r\n"), b"\xff\xfc\x01A\r\n")

    def test_a_command_that_comes_in_pieces(self) -> None:
        self.open(Lines(), received=bytes.upper)
        out = b"".join(self.session.receive(bytes([byte])) for byte in b"\xff\xfd\x01a\r\n")
        self.assertEqual(out, b"\xff\xfc\x01A\r\n")

    def test_a_command_after_text_is_text(self) -> None:
        self.open(Lines(), received=lambda message: message)
        self.assertEqual(self.session.receive(b"a\n"), b"a\n")
        self.assertEqual(self.session.receive(b"\xff\xfd\x01\n"), b"\xff\xfd\x01\n")
