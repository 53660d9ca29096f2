"""The command's parts that need no process: what is shown, and how it is escaped."""

import json
import os
import pty
import tempfile
import tty

from click.shell_completion import ShellComplete
from twisted.trial.unittest import TestCase

from sockproto.cli.commands import EXAMPLES, run, sockproto
from sockproto.cli.console import Console, printable, size_of
from sockproto.cli.listing import aligned
from sockproto.cli.report import CallReport, TransferProgress, json_value, quantity
from sockproto.errors import OptionError, WriteFailed


class ConsoleTests(TestCase):
    def pipe(self) -> tuple[int, int]:
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        return reading, writing

    def terminal(self) -> tuple[int, int]:
        reading, writing = pty.openpty()
        tty.setraw(writing)
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        return reading, writing

    def test_a_pipe_gets_the_bytes_as_they_are(self) -> None:
        reading, writing = self.pipe()
        data = bytes(range(256))
        console = Console(writing)
        console.write(data)
        console.end_line()
        self.assertEqual(os.read(reading, 1_000), data)

    def test_a_terminal_gets_nothing_that_does_anything_to_it(self) -> None:
        reading, writing = self.terminal()
        console = Console(writing)
        console.write("é\x1b[2J\r\x9b\n\tß".encode()[:-1])
        console.write("ß".encode()[-1:] + b"\xff")
        console.end_line()
        expected = "é\\x1b[2J\\r\\x9b\n\tß\\xff\n".encode()
        came = b""
        while len(came) < len(expected):
            came += os.read(reading, 1_000)
        self.assertEqual(came, expected)

    def test_a_line_of_crlf_is_a_line_on_a_terminal_and_no_end_is_lost(self) -> None:
        reading, writing = self.terminal()
        console = Console(writing)
        for piece in [b"a\r", b"\nb\r\n", b"c\rd caf\xc3"]:
            console.write(piece)
        console.end_line()
        expected = b"a\nb\nc\\rd caf\\xc3\n"
        came = b""
        while len(came) < len(expected):
            came += os.read(reading, 1_000)
        self.assertEqual(came, expected)

    def test_what_can_t_be_written(self) -> None:
        with open("/dev/full", "wb") as full, self.assertRaises(WriteFailed) as caught:
            Console(full.fileno()).write(b"x")
        self.assertEqual((caught.exception.status, str(caught.exception)[:11]), (23, "can't write"))

    def test_printable(self) -> None:
        self.assertEqual(printable("plain é\n"), "plain é\n")
        self.assertEqual(printable("\u202e\u200b\x00"), "\\u202e\\u200b\\x00")

    def test_the_size_of_what_is_left(self) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(b"12345")
            file.seek(2)
            self.assertEqual(size_of(file.fileno()), 3)
        self.assertIsNone(size_of(self.pipe()[0]))


class ReportTests(TestCase):
    def test_bytes_in_json(self) -> None:
        self.assertEqual(json_value("é".encode()), "é")
        self.assertEqual(json_value(b"\xff\x00"), {"base64": "/wA="})

    def test_json_is_one_object_at_the_end(self) -> None:
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        report = CallReport("greet", "127.0.0.1:1", as_json=True, output=Console(writing))
        report.reply(b"Hello")
        report.failed(OptionError("wrong"))
        os.close(writing)
        found = json.loads(os.read(reading, 10_000))
        self.assertGreaterEqual(found.pop("seconds"), 0)
        self.assertEqual(
            found,
            {
                "command": "greet",
                "address": "127.0.0.1:1",
                "replies": ["Hello"],
                "error": "OptionError",
                "message": "wrong",
                "status": 2,
            },
        )

    def test_the_wire_in_hexadecimal(self) -> None:
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        report = CallReport("greet", "x", hex=True, errors=Console(writing))
        assert report.trace is not None
        report.trace(">", b"Michael\n")
        report.trace("<", bytes(range(60, 80)))
        report.trace("<", b"")
        lines = os.read(reading, 10_000).decode().splitlines()
        self.assertEqual(
            [line[10:] for line in lines],
            [
                "> 00000000  4d 69 63 68 61 65 6c 0a                          |Michael.|",
                "< 00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  |<=>?@ABCDEFGHIJK|",
                "< 00000010  4c 4d 4e 4f                                      |LMNO|",
                "< 00000014                                                   ||",
            ],
        )

    def test_progress(self) -> None:
        progress = TransferProgress(200_000_000)
        progress.add(50_000_000)
        self.assertEqual(progress.text(2.0), "50.0 MB of 200.0 MB, 25.0 MB/s, 0:06 left")
        progress = TransferProgress(None)
        progress.add(999)
        self.assertEqual(progress.text(0.5), "999 B, 2.0 kB/s")

    def test_quantities(self) -> None:
        given = [0, 999, 1_000, 1_500_000, 2e9, 5e12]
        expected = ["0 B", "999 B", "1.0 kB", "1.5 MB", "2.0 GB", "5000.0 GB"]
        self.assertEqual([quantity(count) for count in given], expected)


class ListingTests(TestCase):
    def test_columns_are_aligned(self) -> None:
        self.assertEqual(aligned([["a", "long", "x"], ["bcd", "e", ""]]), ["a    long  x", "bcd  e"])


class CommandTests(TestCase):
    def test_each_command_has_an_example(self) -> None:
        self.assertEqual(set(sockproto.all_commands()), set(EXAMPLES))

    def test_what_a_shell_completes(self) -> None:
        def completed(*words: str) -> list[tuple[str, str]]:
            found = ShellComplete(sockproto, {}, "sockproto", "_X").get_completions([*words[:-1]], words[-1])
            return [(item.type, item.value) for item in found]

        self.assertEqual(completed("gr"), [("plain", "greet")])
        self.assertEqual(completed("greet", "--cac"), [("plain", "--cacert")])
        self.assertEqual(completed("greet", "--cacert", "x"), [("file", "x")])
        self.assertEqual(completed("serve", "--proto"), [("plain", "--protocol")])
        self.assertEqual(completed("fetch", "--max-t"), [("plain", "--max-time")])
        self.assertEqual(completed("fetch", "-o", "x"), [("file", "x")])

    def test_wrong_usage_is_2(self) -> None:
        for arguments in [
            [],
            ["nonsense"],
            ["greet"],
            ["greet", "localhost"],
            ["greet", "--tries", "0", "localhost:1"],
            ["greet", "--reply-timeout", "-1", "localhost:1"],
            ["greet", "--tls", "--udp", "localhost:1"],
            ["echo", "localhost:1"],
            ["probe", "tls:localhost:1"],
            ["completion", "csh"],
        ]:
            self.assertEqual(run(arguments), 2, arguments)

    def test_authorities_that_can_t_be_read(self) -> None:
        self.assertEqual(run(["probe", "--cacert", "/nonexistent", "localhost:1"]), 77)
