"""The log as JSON, and the file that it is appended to."""

import ast
import json
import os
from collections.abc import Iterator
from enum import Enum
from io import StringIO
from pathlib import Path
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import LegacyLogObserverWrapper, Logger, LogPublisher
from twisted.python import log as legacy
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

import sockproto
from sockproto.carriers.log import EventLog
from sockproto.errors import OptionError
from sockproto.server.logs import LogFile, connections, json_line, json_lines, observer


class Colour(Enum):
    RED = "red"


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class JSONTests(TestCase):
    def setUp(self) -> None:
        self.file = StringIO()
        self.publisher = LogPublisher(json_lines(self.file))
        self.log = Logger("sockproto", observer=self.publisher)

    def line(self) -> dict[str, Any]:
        """Return what the one line says that was written, and forget it."""
        [text] = self.file.getvalue().split("\n")[:-1]
        self.assertTrue(self.file.getvalue().endswith("}\n"))
        self.assertTrue(text.isascii() and text.isprintable(), text)
        self.file.seek(0)
        self.file.truncate()
        said: dict[str, Any] = json.loads(text, parse_constant=self.fail)
        return said

    def test_what_is_always_there_comes_first(self) -> None:
        self.log.warn("{count} of them", event="counted", count=3)
        said = self.line()
        self.assertEqual(list(said), ["time", "pid", "level", "event", "message", "system", "count"])
        self.assertRegex(said.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            said,
            {
                "pid": os.getpid(),
                "level": "warn",
                "event": "counted",
                "message": "3 of them",
                "system": "sockproto",
                "count": 3,
            },
        )

    def test_the_time_is_utc(self) -> None:
        text = json_line({"log_format": "x", "log_time": 1_700_000_000.0625})
        assert text
        self.assertEqual(json.loads(text)["time"], "2023-11-14T22:13:20.062Z")

    def test_values(self) -> None:
        values: dict[str, tuple[Any, Any]] = {
            "text": ("naïve 麦\n\x1b\u2028", "naïve 麦\n\x1b\u2028"),
            "half": ("\ud800", "\\ud800"),
            "bytes": (b"\xffMichael\n", "\\xffMichael\n"),
            "whole": (10**15, 10**15),
            "large": (2**64, str(2**64)),
            "fraction": (0.25, 0.25),
            "nothing": (None, None),
            "true": (True, True),
            "endless": (float("inf"), "inf"),
            "none": (float("nan"), "nan"),
            "list": ([1, "a"], "[1, 'a']"),
            "enum": (Colour.RED, "Colour.RED"),
        }
        self.log.info("x", **{name: given for name, (given, _) in values.items()})
        said = self.line()
        self.assertEqual({name: said[name] for name in values}, {n: told for n, (_, told) in values.items()})

    def test_what_has_no_text(self) -> None:
        self.log.info("x {it}", it=Unspeakable(), huge=10**5_000)
        said = self.line()
        self.assertIn("Unspeakable", said["it"])
        self.assertIsInstance(said["huge"], str)

    def test_a_field_that_is_named_as_ours(self) -> None:
        self.log.info("at {time}", time=3, pid="p", message="m", traceback="t")
        said = self.line()
        self.assertEqual(
            (said["time_"], said["pid_"], said["message_"], said["traceback_"]), (3, "p", "m", "t")
        )
        self.assertEqual((said["pid"], said["message"]), (os.getpid(), "at 3"))

    def test_a_traceback_is_inside(self) -> None:
        try:
            raise ValueError("bad\nforged\x1b")
        except ValueError:
            EventLog(log=self.log).failure(Clock(), "it failed", Failure(), self)
        said = self.line()
        self.assertEqual((said["level"], said["message"]), ("critical", "it failed"))
        self.assertIn("ValueError: bad\n  forged\\x1b", said["traceback"])
        self.assertIn("\n", said["traceback"])

    def test_a_traceback_that_fails(self) -> None:
        class Untold(Failure):
            def getTraceback(self, *args: Any, **kwargs: Any) -> str:
                raise RuntimeError

        self.log.failure("it failed", Untold(ValueError("x")))
        self.assertEqual(self.line()["traceback"], "no traceback: RuntimeError")

    def test_what_others_log_in_the_old_way(self) -> None:
        legacy.LogPublisher(self.publisher, self.publisher).msg("an old line", extra=1)
        said = self.line()
        self.assertEqual((said["message"], said["extra"], said["event"]), ("an old line", 1, None))
        self.assertNotIn("isError", said)

    def test_an_event_that_was_told_in_the_old_way_too(self) -> None:
        self.publisher = LogPublisher(
            LegacyLogObserverWrapper(cast("Any", lambda _: None)), json_lines(self.file)
        )
        Logger("sockproto", observer=self.publisher).info("x", count=1)
        self.assertEqual(set(self.line()), {"time", "pid", "level", "event", "message", "system", "count"})

    def test_what_says_nothing_is_no_line(self) -> None:
        self.log.info("")
        self.log.info()
        self.assertEqual(self.file.getvalue(), "")


class LogFileTests(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.file = LogFile(str(self.path))
        self.addCleanup(self.file.close)

    def test_it_appends(self) -> None:
        self.file.write("one\n")
        other = LogFile(str(self.path))
        self.addCleanup(other.close)
        other.write("two\n")
        self.file.write("thr\u00e9e\udcff\n")
        self.assertEqual(self.path.read_text("utf-8"), "one\ntwo\nthrée\\udcff\n")

    def test_it_is_opened_again_once_it_was_renamed_or_removed(self) -> None:
        old = self.path.with_suffix(".1")
        self.file.write("one\n")
        self.path.rename(old)
        self.file.write("two\n")
        self.assertEqual((old.read_text(), self.path.read_text()), ("one\n", "two\n"))
        self.path.unlink()
        self.file.write("three\n")
        self.assertEqual(self.path.read_text(), "three\n")

    def test_the_new_one_has_the_permissions_of_the_old(self) -> None:
        self.path.chmod(0o600)
        self.path.rename(self.path.with_suffix(".1"))
        self.file.reopen()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_where_it_cannot_be_opened_the_old_one_goes_on(self) -> None:
        old = self.path.with_suffix(".1")
        self.path.rename(old)
        self.path.mkdir()
        self.file.write("one\n")
        self.assertEqual(old.read_text(), "one\n")
        self.assertRaises(IsADirectoryError, self.file.reopen)
        self.file.write("two\n")
        self.assertEqual(old.read_text(), "one\ntwo\n")

    def test_it_leaves_no_descriptor_open(self) -> None:
        before = os.listdir("/dev/fd")
        for _ in range(3):
            self.file.reopen()
        self.assertEqual(os.listdir("/dev/fd"), before)

    def test_the_text_is_twistds(self) -> None:
        Logger("sockproto", observer=LogPublisher(observer("text", self.file))).info("hello")
        self.assertRegex(self.path.read_text(), r"^\S+T\S+ \[sockproto#info\] hello\n$")


class WordTests(TestCase):
    def test_which_connections(self) -> None:
        for word in "all", "failed", "none":
            self.assertEqual(connections(word), word)
        error = self.assertRaises(OptionError, connections, "some")
        self.assertEqual(str(error), "must be all, failed or none, not 'some'")


class NameTests(TestCase):
    def test_every_event_of_ours_has_a_name(self) -> None:
        logged = 0
        for path in Path(sockproto.__file__).parent.rglob("*.py"):
            for call in calls(ast.parse(path.read_text("utf-8"))):
                logged += 1
                given = {keyword.arg for keyword in call.keywords}
                self.assertTrue(given & {"event", None}, f"{path.name}, line {call.lineno}")
        self.assertGreater(logged, 10)


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that log an event."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=log, attr="info" | "warn" | "error" | "critical" | "failure")
            ):
                if ast.unparse(log).lower().endswith(("log", "logger('sockproto')")):
                    yield node
