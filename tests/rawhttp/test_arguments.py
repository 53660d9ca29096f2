"""The command's words: as getopt and curl read them, and one line for what is wrong."""

import contextlib
import io

from twisted.trial.unittest import TestCase

from sockproto.errors import OptionError
from sockproto.rawhttp.arguments import check_together, fetch_options, options, parser

URL = "http://h/"
FREE = {"header", "write_out", "proxy", "noproxy", "password"}
"""What may be empty: `-H ''` is told by what reads headers, of the others empty is a meaning of its own."""


class ArgumentTests(TestCase):
    def wrong(self, *words: str) -> str:
        """Return what is said of words that are wrong."""
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            error = self.assertRaises(SystemExit, parser("fetch").parse_args, [*words])
        self.assertEqual((error.code, told.getvalue().count("\n")), (2, 1), words)
        return told.getvalue()

    def test_a_value_may_begin_with_a_hyphen(self) -> None:
        for words, name, value in (
            (["-r", "-500"], "range", "-500"),
            (["-r-500"], "range", "-500"),
            (["-o", "-x"], "output", "-x"),
            (["-sSo", "-4"], "output", "-4"),
            (["-sSo-"], "output", "-"),
            (["-o=a"], "output", "=a"),
            (["--output=-x=y"], "output", "-x=y"),
            (["-C", "-"], "continue_at", -1),
            (["-w", "-s"], "write_out", "-s"),
            (["--max-redirs", "-1"], "max_redirs", -1),
        ):
            wanted = parser("fetch").parse_args([*words, URL])
            self.assertEqual((getattr(wanted, name), wanted.url), (value, URL), words)

    def test_options_may_follow_the_url(self) -> None:
        wanted = parser("fetch").parse_args([URL, "-vs", "-o", "x"])
        self.assertEqual((wanted.verbose, wanted.silent, wanted.output), (True, True, "x"))
        self.assertEqual(parser("fetch").parse_args(["-s", "--", "-x"]).url, "-x")

    def test_what_is_wrong_is_named(self) -> None:
        for words, named in (
            (["-X", "POST", URL], "No such option '-X' "),
            (["-sX", "POST", URL], "No such option '-X' "),
            (["--request=POST", URL], "No such option '--request' "),
            (["--max", "1", URL], "No such option '--max' "),
            ([URL, "POST"], "POST"),
            (["--max-time", "-1", URL], "--max-time: must be a number of seconds from 0 to "),
            (["--max-filesize", "-1", URL], "--max-filesize: must be a whole number, 0 or more"),
            (["--max-redirs", "-2", URL], "--max-redirs: must be a whole number, -1 or more"),
            ([URL, "-o"], "-o: needs a value, FILE"),
            (["-o", "--", URL], "-o: needs a value, FILE"),
            (["--silent=yes", URL], "--silent: takes no value"),
            (["-C", "x", URL], "-C/--continue-at"),
            (["-r", "9-1", URL], "-r/--range"),
        ):
            self.assertIn(named, self.wrong(*words))

    def test_numbers(self) -> None:
        for text in ("1_0", " 5", "5\n", "٣", "0x10", "nan", "inf", "1e300", "9" * 20, "+1", "-0.5", "."):
            for name in ("--max-time", "--connect-timeout", "--read-timeout"):
                self.wrong(name, text, URL)
        for text in ("1_0", " 5", "5\n", "٣", "0x10", "1.5", "1e3", "9" * 20, "+1"):
            for name in ("--max-filesize", "--max-redirs", "--max-ratio", "-C"):
                self.wrong(name, text, URL)
        self.assertEqual(parser("fetch").parse_args(["--max-time", ".5", URL]).max_time, 0.5)

    def test_an_empty_value_is_wrong(self) -> None:
        for name, dest in options().items():
            if parser("fetch").get_default(dest) not in (True, False) and dest not in {
                *FREE,
                "help",
                "family",
            }:
                self.wrong(
                    f"{name}=" if name.startswith("--") else name, *([] if name[1] == "-" else [""]), URL
                )

    def test_a_password_without_a_certificate(self) -> None:
        for text in (":", ":secret"):  # as of "$CERTIFICATE:$PASSWORD"
            self.assertIn("-E/--cert: must not be empty", self.wrong("-E", text, URL))

    def test_what_goes_together(self) -> None:
        for words in (
            ["-C", "-", "-i"],
            ["-C", "0", "-I"],
            ["-C", "5", "-r", "1-2"],
            ["-C", "-", "--compressed"],
            ["-C", "-", "--no-clobber"],
            ["-r", "1-2", "--compressed"],
            ["--key", "x"],
            ["-C", "-", "-H", "range: bytes=0-4"],
            ["-C", "5", "-H", "If-Range: x"],
            ["-r", "1-2", "-H", "Range: bytes=0-4"],
        ):
            wanted = parser("fetch").parse_args([*words, URL])
            self.assertRaises(OptionError, check_together, wanted)
        for words in ["-E", "a", "--key", "b"], ["-r", "5", "-H", 'If-Range: "a"'], ["-H", "Range: bytes=5-"]:
            check_together(parser("fetch").parse_args([*words, URL]))

    def test_a_certificate_with_a_password(self) -> None:
        for text, certificate, password in (
            ("a", "a", None),
            ("a:b:c", "a", "b:c"),
            ("a:", "a", ""),
            (r"a\:b:c", "a:b", "c"),
            (r"a\\:c", r"a\ "[:2], "c"),
            (r"a\b", r"a\b", None),
            ("a\\", "a\\", None),
        ):
            wanted = parser("fetch").parse_args(["-E", text, URL])
            self.assertEqual(fetch_options(wanted).connect[-3:], (certificate, None, password), text)
        wanted = parser("fetch").parse_args(["-E", "a:b", "--pass", "c", URL])
        self.assertEqual(fetch_options(wanted).connect.password, "c")

    def test_what_they_mean(self) -> None:
        words = [
            "-r",
            "5",
            "-x",
            "",
            "--noproxy",
            "a",
            "-E",
            "c",
            "--key",
            "k",
            "--pass",
            "p",
            "--max-ratio",
            "0",
        ]
        meant = fetch_options(parser("fetch").parse_args([*words, URL]))
        self.assertEqual((meant.headers, meant.proxy, meant.no_proxy), (["Range: bytes=5-"], "", "a"))
        self.assertEqual((meant.connect[-3:], meant.max_ratio), (("c", "k", "p"), None))
