"""``--explain``: what it tells of the options that are neither a port's nor a limit."""

import contextlib
import io
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.server.tap import Options
from sockproto.workers.foreground import ForegroundOptions


class ExplanationTests(TestCase):
    def explained(self, *words: str, options: type[Any] = Options) -> list[str]:
        """Return the lines that are printed, each space run as one space."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), self.assertRaises(SystemExit):
            options().parseOptions(["--explain", *words])
        return [" ".join(line.split()) for line in printed.getvalue().splitlines()]

    def test_the_admin_port(self) -> None:
        for given, told in {
            "9990": "admin on TCP 127.0.0.1:9990, for this machine only",
            "tcp:9990": "admin on tcp:9990, for whoever can reach it",
        }.items():
            self.assertIn(told, self.explained("--admin", given))
        self.assertNotIn("admin", " ".join(self.explained()))

    def test_whose_proxy_headers_are_believed(self) -> None:
        for words in ["--proxy-protocol"], ["--listen", "haproxy:tcp:0"]:
            self.assertIn("proxy-from 127.0.0.0/8, ::1/128", self.explained(*words))
            given = [*words, "--proxy-from", "10.0.0.0/8", "--proxy-from", "192.0.2.1"]
            self.assertIn("proxy-from 10.0.0.0/8, 192.0.2.1", self.explained(*given))
        self.assertNotIn("proxy-from", " ".join(self.explained()))

    def test_what_stops_and_logs(self) -> None:
        lines = self.explained("--lame-duck-seconds", "5", "--log-connections", "failed")
        self.assertIn("lame-duck-seconds 5", lines)
        self.assertIn("log-connections failed", lines)

    def test_what_only_sockproto_serve_has(self) -> None:
        words = ("--workers", "2", "--log-format", "json", "--logfile", "never-opened.log")
        lines = self.explained(*words, "--lame-duck-seconds", "5", options=ForegroundOptions)
        for told in "workers 2", "log-format json", "logfile never-opened.log", "lame-duck-seconds 5":
            self.assertIn(told, lines)
