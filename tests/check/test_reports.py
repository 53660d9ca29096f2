"""A report as text, JSON and JUnit's XML: whole, and harmless whatever the server sent."""

import base64
import json
from dataclasses import replace
from xml.etree import ElementTree

from twisted.trial.unittest import TestCase

from sockproto.check.body import Body, difference
from sockproto.check.jsonlines import JSON_EVENTS, json_case, json_lines, json_report
from sockproto.check.junit import junit_xml
from sockproto.check.reports import summary, text_lines
from sockproto.check.spoken import CHARGEN, answer, unusual, wrong
from sockproto.check.timing import KEPT_EVENTS, Timeline
from sockproto.check.verdict import OUT_OF_TIME, Case, Report, Result, TimelineEvent, Verdict, edges, shown
from tests.reports import large

NASTY = b"\x1b[2J\x00]]>&<\xff\r\n"
CASE = Case("meaning.a-dialogue", "All is answered.", "RFC 862")
REPORT = Report(
    "echo",
    "127.0.0.1:7",
    1_700_000_000.0,
    1.25,
    (
        Result(CASE, Verdict.PASS, seconds=0.5),
        Result(
            Case("binary.a-nul", "A NUL is a byte.", "common sense"),
            Verdict.FAIL,
            f"{shown(NASTY)} came",
            b"a",
            None,
            NASTY,
            (TimelineEvent(0.1, 1, "received", NASTY, len(NASTY)),),
        ),
        Result(CASE, Verdict.OPEN, "it says nothing"),
        Result(CASE, Verdict.SKIP, "no time left"),
    ),
    {"command": "server {port} 'a\nb'"},
    {"habit": "takes bare sends; \x1b"},
)


class ReportTests(TestCase):
    def test_text(self) -> None:
        self.assertEqual(
            text_lines(
                replace(REPORT, command="sockproto check 'a\nb'", version="1.2", label="\x1b[2J mine")
            ),
            [
                "pass  meaning.a-dialogue",
                "FAIL  binary.a-nul: '\\x1b[2J\\x00]]>&<\\xff\\r\\n' came",
                "open  meaning.a-dialogue: it says nothing",
                "",
                "\\x1b[2J mine",
                "1 of 4 cases fails, 1 not judged.",
                "habit: takes bare sends; \\x1b",
                "To mend first:",
                "  1. '\\x1b[2J\\x00]]>&<\\xff\\r\\n' came; but what is right: A NUL is a byte."
                " (binary.a-nul)",
                "",
                "FAIL  binary.a-nul",
                "      '\\x1b[2J\\x00]]>&<\\xff\\r\\n' came",
                "      A NUL is a byte. (common sense)",
                "      sent      'a'",
                "      received  '\\x1b[2J\\x00]]>&<\\xff\\r\\n'",
                "",
                "skip  meaning.a-dialogue: no time left",
                "",
                "server",
                "      command     server {port} 'a\\nb'",
                "sockproto 1.2: sockproto check 'a\\nb'",
                "echo at 127.0.0.1:7: 1 pass, 1 fail, 1 open, 1 skipped, in 1.2 s",
            ],
        )

    def test_the_headline_says_why_what_was_to_be_judged_was_not(self) -> None:
        skipped = replace(REPORT.results[3], unjudged=OUT_OF_TIME)
        for results, expected in (
            ((*REPORT.results[:3], skipped), "1 of 4 cases fails, 1 not judged for want of time."),
            ((*REPORT.results, skipped), "1 of 5 cases fails, 2 not judged (1 for want of time)."),
            ((skipped, skipped), "Nothing was judged, 2 not judged for want of time."),
        ):
            self.assertEqual(replace(REPORT, results=results).headline, expected)

    def test_the_summary_of_a_clean_report_is_short(self) -> None:
        clean = Report("echo", "127.0.0.1:7", 0.0, 2.0, REPORT.results[:1])
        self.assertEqual(summary(clean), "echo at 127.0.0.1:7: 1 pass, in 2.0 s")

    def test_json_is_an_object_a_line_for_each_case_and_a_last_one_for_the_whole(self) -> None:
        lines = json_lines(replace(REPORT, label="mine", version="1.2", command="sockproto check"))
        for line in lines:
            self.assertTrue(line.isprintable() and line.isascii())
        *cases, whole = map(json.loads, lines)
        self.assertEqual([each["type"] for each in (*cases, whole)], ["case"] * 4 + ["report"])
        self.assertEqual(whole["counts"], {"pass": 1, "fail": 1, "open": 1, "skip": 1})
        self.assertTrue(whole["failed"])
        self.assertEqual(whole["headline"], "1 of 4 cases fails, 1 not judged.")
        self.assertEqual([each["cases"] for each in whole["causes"]], [["binary.a-nul"]])
        self.assertEqual(
            (whole["label"], whole["version"], whole["typed"]), ("mine", "1.2", "sockproto check")
        )
        self.assertEqual(whole["known"], REPORT.known)
        self.assertEqual(base64.b64decode(cases[1]["received"]), NASTY)
        self.assertIsNone(cases[1]["expected"])
        self.assertEqual(base64.b64decode(cases[1]["timeline"][0]["data"]), NASTY)
        self.assertEqual([each["case"] for each in cases][:2], [CASE.identifier, "binary.a-nul"])

    def test_its_names_are_stable_and_told(self) -> None:
        case, whole = json.loads(json_case(REPORT.results[1])), json.loads(json_lines(REPORT)[-1])
        told = "\n".join([json_case.__doc__ or "", json_report.__doc__ or ""])
        for name in (*case, *case["timeline"][0], *whole, *whole["causes"][0]):
            self.assertIn(f"``{name}``", told)

    def test_a_failure_is_a_line_of_some_kilobytes(self) -> None:
        for result in large().results:
            line = json_case(result)
            self.assertLess(len(line), 16_000)
            self.assertEqual(len(json.loads(line)["timeline"]), JSON_EVENTS + 1)

    def test_junit_is_well_formed_whatever_came(self) -> None:
        data = junit_xml(REPORT)
        self.assertNotIn(b"\x1b", data)
        [suite] = ElementTree.fromstring(data)
        self.assertEqual(
            [suite.get(name) for name in ("tests", "failures", "errors", "skipped")], ["4", "1", "0", "1"]
        )
        cases = suite.findall("testcase")
        self.assertEqual([[child.tag for child in case] for case in cases[:2]], [[], ["failure"]])
        self.assertEqual(cases[1].get("classname"), "echo.binary")
        failure = cases[1].find("failure")
        assert failure is not None
        self.assertEqual(failure.get("message"), REPORT.results[1].reason)
        self.assertEqual([case[0].tag for case in cases[2:]], ["system-out", "skipped"])

    def test_what_is_skipped_for_one_reason_is_one_line_a_group(self) -> None:
        skipped = Result(Case("many.a", "", ""), Verdict.SKIP, "no time left")
        report = Report("echo", "127.0.0.1:7", 0.0, 2.0, (REPORT.results[0], skipped, skipped, skipped))
        self.assertIn("skip  many, 3 cases: no time left", text_lines(report))
        self.assertEqual(
            summary(Report("echo", "127.0.0.1:7", 0.0, 2.0, (skipped,))),
            "echo at 127.0.0.1:7: nothing was judged, 1 skipped, in 2.0 s",
        )

    def test_long_runs_are_counted(self) -> None:
        sent = edges(b"/echo " + b"x" * 1_048_570 + b"\n")
        failure = Result(CASE, Verdict.FAIL, "", sent, None, sent, said=("'Traceback'",))
        lines = text_lines(Report("command", "127.0.0.1:7", 0.0, 2.0, (failure,)))
        self.assertIn("      sent      '/echo ' + 'x' \u00d7 1,048,570 + '\\n'", lines)
        self.assertIn("      it said   'Traceback'", lines)
        [received, *_] = [line for line in lines if "received" in line]
        self.assertIn("bytes ...]", received)  # what it was, nobody looked at


class BytesTests(TestCase):
    def test_what_comes_on_a_stream_at_once_is_one_event(self) -> None:
        self.patch(Timeline, "seconds", 0.0)
        timeline = Timeline()
        for socket, kind, text in [
            (1, "received", ""),
            (1, "received", ""),
            (2, "received", ""),
            (2, "sent", ""),
            (2, "received", "a datagram"),
            (2, "received", "a datagram"),
        ]:
            timeline.note(socket, kind, b"ab", text)
        self.assertEqual([event.size for event in timeline.events()], [4, 2, 2, 2, 2])

    def test_a_body_is_its_block_again_and_again(self) -> None:
        body = Body(b"abcdefg", 100_000)
        whole = (b"abcdefg" * 20_000)[:100_000]
        for start, count in [(0, 10), (6, 3), (65_530, 20), (99_990, 50), (99_000, 65_536)]:
            self.assertEqual(body.part(start, count), whole[start : start + count])
        self.assertEqual(len(body.part(0, 99_000)), 65_536)
        self.assertEqual(Body(b"abc").part(1), b"bc")
        self.assertEqual(Body(b"").part(0), b"")
        self.assertEqual(Body(CHARGEN, 1 << 20).part(len(CHARGEN) + 3, 5), CHARGEN[3:8])

    def test_the_first_difference(self) -> None:
        self.assertEqual(difference(b"abc", b"abd"), 2)
        self.assertEqual(difference(b"abc", b"ab"), 2)
        self.assertEqual(difference(b"abc", b"abc"), 3)
        self.assertEqual(difference(b"x", b""), 0)

    def test_long_runs_are_cut_in_the_middle(self) -> None:
        self.assertEqual(edges(b"a" * 1_024), b"a" * 1_024)
        self.assertEqual(edges(b"a" * 10 + b"b" * 10, 10), b"aaaaa [... 10 bytes ...] bbbbb")
        self.assertEqual(shown(b"\x1b" + b"a" * 99, 3), "'\\x1baa' and 97 bytes more")

    def test_a_long_story_keeps_its_beginning_and_its_end(self) -> None:
        timeline = Timeline()
        for number in range(3 * KEPT_EVENTS):
            timeline.note(1, "sent", b"%d" % number)
        events = timeline.events()
        self.assertEqual(len(events), 2 * KEPT_EVENTS + 1)
        self.assertEqual(events[0].data, b"0")
        self.assertEqual(events[KEPT_EVENTS].text, f"{KEPT_EVENTS} events are left out here")
        self.assertEqual(events[-1].data, b"%d" % (3 * KEPT_EVENTS - 1))

    def test_an_event_keeps_the_edges_of_its_bytes(self) -> None:
        timeline = Timeline()
        timeline.note(1, "received", b"a" * 600 + b"b" * 600)
        [event] = timeline.events()
        self.assertEqual((event.data, event.size), (b"a" * 512 + b"b" * 512, 1_200))


class SpokenTests(TestCase):
    def test_what_talkers_answer(self) -> None:
        for protocol, message, expected in [
            ("echo", b"a\r\n", b"a\r\n"),
            ("greeting", b"Michael", b"Hello, Michael!"),
            ("greeting", b"Michael\r\n", b"Hello, Michael!\r\n"),
            ("greeting", b"\r\n", b""),
            ("command", b"/version\r\n", b"Demo version\n"),
            ("command", b"/echo Repeat this\n", b" Repeat this\n"),
            ("command", b"talk\n", b""),
        ]:
            self.assertEqual(answer(protocol, message), expected)
        self.assertRaises(ValueError, answer, "command", b"/help\n")

    def test_the_time(self) -> None:
        now = 1_700_000_000.0
        said = (1_700_000_000 + 2_208_988_800).to_bytes(4, "big")
        self.assertEqual((wrong("time", said, now), unusual("time", said, now)), ("", ""))
        self.assertEqual(unusual("time", said, now - 60), "its clock differs from ours by +60 s")
        self.assertIn("counts from 1970", wrong("time", int(now).to_bytes(4, "big"), now))
        self.assertEqual(wrong("time", b"abc", now), "'abc' has 3 bytes, not 4")
        self.assertEqual(wrong("time", b"", now), "it says nothing")
        after_2036 = 2_200_000_000
        said = ((after_2036 + 2_208_988_800) % 2**32).to_bytes(4, "big")
        self.assertEqual((wrong("time", said, after_2036), unusual("time", said, after_2036)), ("", ""))

    def test_the_day(self) -> None:
        now = 1_700_000_000.0
        self.assertEqual(unusual("daytime", b"Tue Nov 14 22:13:20 2023\r\n", now), "")
        self.assertIn("not our time", unusual("daytime", b"Tue Nov 14 02:13:20 2023\r\n", now))
        self.assertIn("not in the form of ctime", unusual("daytime", b"14 NOV 2023 22:13:20\r\n", now))
        self.assertIn("no line of text", wrong("daytime", b"\x00\x01\r\n", now))
        self.assertIn("no line of text", wrong("daytime", b"Tue Nov 14 22:13:20 2023", now))
        self.assertEqual(wrong("daytime", b"14 NOV 2023 22:13:20\r\n", now), "")

    def test_a_quote_that_is_too_long(self) -> None:
        self.assertIn("512", unusual("qotd", b"a" * 513, 0.0))
        self.assertEqual(unusual("qotd", b"a" * 512, 0.0), "")
