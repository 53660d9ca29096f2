"""The page of a check's report: whole, safe, in order, bounded. What a browser makes of it: tests/live."""

import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import TestCase

from sockproto.check.octets import as_hexadecimal, as_text, difference
from sockproto.check.page import html
from sockproto.check.timeline import SHOWN_EVENTS, SHOWN_SOCKETS, chosen, drawing, moment, size, table
from sockproto.check.verdict import Report, TimelineEvent, Verdict
from tests import example_count
from tests.reports import BEGAN, FAULTY, HOSTILE, HOSTILE_TEXT, LOST, RIGHT, case, hostile, large

Attributes = dict[str, str | None]


class Page(HTMLParser):
    """A page that was read; an element that is not closed, or not where it should be, is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), attrs
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def inside(self, tag: str) -> str:
        """Return the text that stands in elements of that name, and not deeper."""
        return "".join(data for within, data in self.texts if within == tag)

    def all(self, tag: str) -> list[Attributes]:
        """Return the attributes of the elements of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """All that is to be read."""
        return "".join(data for within, data in self.texts if within != "style")


ELEMENTS = {tag for tag, _ in Page(html(FAULTY)).elements}


class PageTests(TestCase):
    def test_what_is_late_is_not_the_end(self) -> None:
        timeline = tuple(event for event in LOST.timeline if event.kind not in ("ended", "reset"))
        for result, end in (LOST, "the end"), (replace(LOST, timeline=timeline), "nothing more"):
            page = Page(html(Report("echo", "127.0.0.1:7", BEGAN, 1.0, (result,))))
            self.assertIn(end, page.inside("mark"))
        self.assertIn("boom", html(Report("echo", "", BEGAN, 1.0, (replace(LOST, said=("'boom'",)),))))

    def test_it_says_what_was_judged_when_and_the_verdict(self) -> None:
        page = Page(html(FAULTY))
        self.assertIn("greeting at 127.0.0.1:9999", page.text)
        self.assertIn("2026-01-02 03:04:05 UTC, in 12.40 s", page.text)
        self.assertEqual(
            page.inside("title").partition("judged.")[0] + "judged.",
            "greeting at 127.0.0.1:9999: 2 of 34 cases fail, 1 not judged.",
        )
        for told in ("2 fail", "1 open", "1 skipped", "30 pass", *FAULTY.server, *FAULTY.server.values()):
            self.assertIn(told, page.text)

    def test_the_verdict_is_a_sentence(self) -> None:
        for verdicts, expected in (
            ("", "Nothing was judged."),
            ("p", "The one case passes."),
            ("pp", "All 2 cases pass."),
            ("pf", "1 of 2 cases fails."),
            ("ffo", "2 of 3 cases fail."),
            ("po", "Nothing fails; 1 of 2 cases passes."),
            ("pps", "Nothing fails; 2 of 3 cases pass, 1 not judged."),
            ("pfssss", "1 of 6 cases fails, 4 not judged."),
        ):
            by_initial = {verdict.value[0]: verdict for verdict in Verdict}
            results = tuple(case(f"a.{at}", by_initial[letter]) for at, letter in enumerate(verdicts))
            report = Report("echo", "here", BEGAN, 1.0, results)
            self.assertEqual(report.headline, expected)
            self.assertIn(expected, Page(html(report)).text)

    def test_failures_come_first_and_whole_and_the_rest_is_folded(self) -> None:
        page = Page(html(FAULTY))
        headings = [data for tag, data in page.texts if tag in ("h2", "h3")]
        failing = [r.case.identifier for r in FAULTY.results if r.verdict is Verdict.FAIL]
        self.assertEqual(headings[:4], ["What to mend first", "What fails", *failing])
        folds = [(str(found.get("class")), "open" in found) for found in page.all("details")]
        self.assertEqual(sum(unfolded for _, unfolded in folds), 2)
        self.assertTrue(all(unfolded == (name == "case fail") for name, unfolded in folds))
        for result in FAULTY.results:
            for told in (result.case.identifier, result.case.expectation, result.case.source, result.reason):
                self.assertIn(told, page.text)

    def test_of_many_failures_the_first_are_unfolded(self) -> None:
        results = tuple(case(f"a.{at}", Verdict.FAIL) for at in range(20))
        page = Page(html(replace(RIGHT, results=results)))
        unfolded = ["open" in found for found in page.all("details") if found.get("class") == "case fail"]
        self.assertEqual(unfolded, [True] * 8 + [False] * 12)

    def test_links_lead_to_what_is_there_once(self) -> None:
        page = Page(html(FAULTY))
        names = Counter(found["id"] for _, found in page.elements if "id" in found)
        self.assertEqual(set(names.values()), {1})
        links = [str(found["href"]) for found in page.all("a")]
        self.assertEqual(len(links), 2 + 3)  # two to mend; two that fail, one that is open
        self.assertTrue(all(link.startswith("#") and link[1:] in names for link in links), links)

    def test_it_loads_and_runs_nothing(self) -> None:
        for report in (FAULTY, RIGHT, hostile()):
            page = Page(html(report))
            [policy] = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
            digest = b64encode(sha256(page.inside("style").encode()).digest()).decode()
            wanted = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
            self.assertEqual(policy, wanted)
            self.assertEqual(re.findall(r"@import|url\((?!#)|expression", page.inside("style")), [])
            for tag, attributes in page.elements:
                self.assertNotIn(tag, ("script", "img", "link", "iframe", "object", "base", "form"))
                self.assertFalse([a for a in attributes if a in ("style", "src") or a.startswith("on")])

    def test_a_page_is_always_the_same(self) -> None:
        self.assertEqual(html(FAULTY), html(FAULTY))
        self.assertNotEqual(html(FAULTY), html(RIGHT))

    def test_it_is_bounded(self) -> None:
        for data in (HOSTILE, b"\0a"):
            page = html(large(data))
            self.assertIn("100 of 100 cases fail.", page)
            self.assertLess(len(page.encode()), 2_000_000, data)


class HostileTests(TestCase):
    def test_what_a_peer_says_is_text(self) -> None:
        page = Page(html(hostile()))
        self.assertLessEqual({tag for tag, _ in page.elements}, ELEMENTS)
        shown = page.text
        self.assertIn("</code><script>alert('x')</script>]]>\"&quot;", shown)
        self.assertIn(r"\x00\x1b", shown)
        self.assertIn(r"\x7f\xff\xfe\xe2\x80\xae", shown)
        self.assertIn('<script>alert("x")</script>]]>\'&\\x1b[31m\\u202egnp.exe\\u2066\\ud800<!--', shown)

    def test_nothing_that_does_not_print_is_in_it(self) -> None:
        page = html(hostile())
        self.assertEqual({c for c in page if not c.isprintable()}, {"\n"})
        page.encode()  # not so with a lone surrogate
        self.assertNotIn(HOSTILE_TEXT, page)

    @settings(max_examples=example_count(40))
    @given(data=st.binary(max_size=40), said=st.text(max_size=40))
    def test_whatever_it_is(self, data: bytes, said: str) -> None:
        timeline = (TimelineEvent(0.0, 1, "sent", data, len(data), said), TimelineEvent(0.0, 2, said, data))
        result = case("a.b", Verdict.FAIL, said, sent=data, expected=data, received=b"x", timeline=timeline)
        page = html(Report(said, said, BEGAN, 0.0, (result,), {said: said}))
        self.assertLessEqual({tag for tag, _ in Page(page).elements}, ELEMENTS)
        page.encode()


class OctetsTests(TestCase):
    def test_the_first_difference(self) -> None:
        for expected, received, at in (
            (b"Hello", b"Help", 3),
            (b"Hello", b"Hell", 4),
            (b"", b"x", 0),
            (b"same", b"same", None),
            (None, b"x", None),
            (b"x", None, None),
        ):
            self.assertEqual(difference(expected, received), at)

    def test_text_with_the_difference_marked(self) -> None:
        self.assertEqual(as_text(b"a<b\r\n\\", 1), "a<mark>&lt;</mark>b<i>\\r\\n\n\\\\</i>")
        self.assertEqual(as_text(b"Hell", 4), "Hell<mark>the end</mark>")
        self.assertEqual(as_text(b"Hell", 4, end="nothing more"), "Hell<mark>nothing more</mark>")
        self.assertEqual(as_text("\u00e9\t".encode()), r"<i>\xc3\xa9\t</i>")

    def test_hexadecimal_in_rows(self) -> None:
        self.assertEqual(
            as_hexadecimal(b"Hello, <\n", 7),
            "000000  48 65 6c 6c 6f 2c 20 <mark>3c</mark>  Hello, <mark>&lt;</mark>\n"
            "000008  0a                       \u00b7\n",
        )
        self.assertIn("000002  <mark>the end</mark>", as_hexadecimal(b"ab", 2))

    @given(length=st.integers(0, 700), share=st.floats(0, 1))
    def test_of_long_runs_what_is_around_the_difference(self, length: int, share: float) -> None:
        marked = round(length * share)
        for shown in (as_text(b"x" * length, marked), as_hexadecimal(b"x" * length, marked)):
            self.assertIn("<mark>", shown)
            self.assertLess(len(shown), 1_700)
        told = [int(count) for count in re.findall(r"\u2026 (\d+) ", as_text(b"x" * length, marked))]
        read = Page(re.sub("<small>.*?</small>", "", as_text(b"x" * length, marked)))
        self.assertEqual(read.text.count("x") + sum(told), length)


class TimelineTests(TestCase):
    def test_times_and_sizes_as_people_say_them(self) -> None:
        times = (0, 0.00042, 0.0123, 0.9996, 5.0031, 119.4)
        self.assertEqual(
            [moment(each) for each in times], ["0", "0.4 ms", "12 ms", "1.00 s", "5.00 s", "119 s"]
        )
        self.assertEqual([size(each) for each in (0, 1023, 1536, 1 << 20)], ["0 B", "1023 B", "1.5 K", "1 M"])

    def test_arrows_bars_and_crosses(self) -> None:
        crossed = next(r for r in FAULTY.results if r.case.group == "clients" and r.verdict is Verdict.FAIL)
        page = Page(drawing(crossed.timeline))
        drawn = Counter((tag, found.get("class")) for tag, found in page.elements)
        self.assertEqual((drawn["line", "s"], drawn["line", "r"]), (2, 3))
        self.assertEqual((drawn["line", "rail"], drawn["line", "end"], drawn["line", "x"]), (4, 2, 1))
        self.assertIn("16 B", page.text)
        self.assertIn("socket 2", page.text)
        self.assertIn("3.1 ms: received 16 bytes", page.text)

    def test_a_rail_ends_where_its_side_does(self) -> None:
        [lost] = [r for r in FAULTY.results if r.case.group == "half-close" and r.verdict is Verdict.FAIL]
        page = Page(drawing(lost.timeline))
        ours, theirs = (found for found in page.all("line") if found.get("class") == "rail")
        bars = [found["x1"] for found in page.all("line") if found.get("class") == "end"]
        self.assertEqual([ours["x2"], theirs["x2"]], bars)
        titles = [data for tag, data in page.texts if tag == "title"]
        self.assertIn("1.1 ms: half-closed", titles)
        self.assertIn("1.9 ms: ended", titles)

    def test_time_runs_to_the_right(self) -> None:
        events = [TimelineEvent(0.001 * at**3, 1, "sent", b"x", 1) for at in range(SHOWN_EVENTS)]
        page = Page(drawing(events))
        places = [
            float(str(found["x1"]).rstrip("%")) for found in page.all("line") if found.get("class") == "s"
        ]
        self.assertEqual(places, sorted(set(places)))
        self.assertLess(places[-1], 100)

    def test_the_table_says_it_in_words(self) -> None:
        told = Page(
            table(
                (
                    TimelineEvent(0.5, 3, "received", b"Hi\n", 70_000, "late"),
                    TimelineEvent(1, 0, "note", text="so"),
                )
            )
        )
        self.assertEqual(told.inside("td"), "500 ms3received1.00 snote")
        self.assertIn("70,000 bytes Hi\\n\n \u2026 69,968 more \u2026 late", told.text)
        self.assertIn("so", told.text)

    def test_of_many_events_the_first_and_the_last(self) -> None:
        events = [TimelineEvent(at, 1 + at % 30, "sent", b"x", 1) for at in range(400)]
        events[200] = TimelineEvent(200, 0, "note", text="9,000 events are left out here")
        shown = chosen(events)
        self.assertEqual([shown.events[0], shown.events[-1]], [events[0], events[-1]])
        self.assertEqual(len(shown.events), SHOWN_EVENTS)
        told = f"{400 - SHOWN_EVENTS} events are left out; 9,000 events are left out here"
        self.assertIn(told, Page(table(events)).text)
        page = Page(drawing(events))
        self.assertEqual(page.text.count("socket "), SHOWN_SOCKETS)
        self.assertIn("left out", page.text)
        result = case("a.b", Verdict.FAIL, timeline=tuple(events))
        self.assertIn(
            "400 events, on 22 more sockets than are drawn", html(replace(RIGHT, results=(result,)))
        )

    def test_nothing_to_draw(self) -> None:
        self.assertEqual(drawing([TimelineEvent(0.0, 0, "note", text="not connected")]), "")
