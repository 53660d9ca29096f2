"""A server is judged in its own habit: what the tutorials leave to it is open, and never a failure."""

from dataclasses import replace

import pytest

from sockproto.check.context import CheckContext
from sockproto.check.habit import FRAMINGS, Habit, payload
from sockproto.check.registry import cases, chosen
from sockproto.check.running import run
from sockproto.check.target import find
from sockproto.check.timing import Patience
from sockproto.check.verdict import Report, Verdict
from tests.check.faults.meaning import AnswersTwice, CountsFrom1970
from tests.check.faults.splits import EchoesTheFirstReadOnly, TakesReadsForMessages
from tests.check.habits import (
    HABITS,
    EchoesLines,
    EchoesText,
    Habitual,
    KnowsNoNewlines,
    ReadsLines,
    StripsNewlines,
)
from tests.check.servers import Loop, Served, Server

THOROUGHLY = [StripsNewlines, ReadsLines, KnowsNoNewlines]
"""One of each framing is judged by all; of the others, what is about messages and their ends."""

PATIENT = Patience(answer=2, silence=0.1, case=30, run=300)


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


def check(server: Server, loop: Loop, *only: str, framing: str = "", answer: float = 2) -> Report:
    """Judge a server by the quick form."""
    with Served(server, loop) as served:
        target, patience = find("tcp", "127.0.0.1", served.port), replace(PATIENT, answer=answer)
        context = CheckContext(server.protocol, target, patience, quick=True, framing=framing)
        return run(context, chosen(cases(server.protocol), only, ["shutdown", "*memory*"]))


def verdicts(report: Report, verdict: Verdict) -> list[str]:
    return [each.case.identifier for each in report.results if each.verdict is verdict]


def skipped(report: Report) -> list[str]:
    """Return what was skipped that could be judged of a server that runs already."""
    found = [each for each in report.results if "--start" not in each.reason and each.case.quick]
    return [each.case.identifier for each in found if each.verdict is Verdict.SKIP]


@pytest.mark.parametrize("kind", HABITS)
def test_a_right_server_fails_nothing(kind: type[Habitual], loop: Loop) -> None:
    groups = [] if kind in THOROUGHLY else ["meaning", "splits", "pipelining", "half-close", "binary"]
    report = check(kind("greeting"), loop, *groups, answer=1)
    assert verdicts(report, Verdict.FAIL) == []
    assert skipped(report) == []
    assert set(verdicts(report, Verdict.OPEN)) == set(kind.open.split())
    assert report.known == {"habit": kind.habit}
    assert report.complete


@pytest.mark.parametrize("kind", [Habitual, ReadsLines, KnowsNoNewlines])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_another_framing_than_is_stated_is_a_failure(kind: type[Habitual], framing: str, loop: Loop) -> None:
    report = check(kind("greeting"), loop, "meaning.a-bare-name", framing=framing, answer=1)
    assert report.failed is (framing != kind.framing)
    if report.failed:
        assert report.results[0].reason.startswith(f"its framing is {kind.framing}, not {framing}: ")


def test_reads_taken_for_messages_are_found_out_but_for_lines_where_bare_sends_are_stated(loop: Loop) -> None:
    for framing, due in ("", Verdict.FAIL), ("bare", Verdict.OPEN):
        report = check(TakesReadsForMessages("greeting"), loop, "meaning.a-bare*", "splits", framing=framing)
        assert report.known == {"habit": "takes bare sends; keeps newlines"}
        found = {each.case.identifier: each.verdict for each in report.results}
        assert found["splits.each-two-way-split"] is found["splits.byte-by-byte"] is Verdict.FAIL
        assert found["splits.all-in-one-segment"] is due
        assert found["meaning.a-bare-name"] is Verdict.PASS


def test_reads_taken_for_messages_hide_nothing_else(loop: Loop) -> None:
    groups = ["half-close", "never-reads", "many", "slow", "resets"]
    report = check(TakesReadsForMessages("greeting"), loop, *groups)
    assert verdicts(report, Verdict.FAIL) == ["never-reads.it-stops-reading"]  # which it does not, either
    assert skipped(report) == []


@pytest.mark.parametrize(
    ("kind", "habit", "fails"),
    [
        (EchoesLines, "reads lines", {"meaning.a-dialogue"}),
        (
            EchoesText,
            "gives back what comes; takes only UTF-8",
            {"meaning.a-dialogue", "binary.every-byte", "binary.invalid-utf-8"},
        ),
    ],
)
def test_an_echo_that_can_t_take_all_is_judged_by_what_it_can(
    kind: type[Server], habit: str, fails: set[str], loop: Loop
) -> None:
    report = check(kind("echo"), loop, answer=1)
    assert set(verdicts(report, Verdict.FAIL)) == fails
    assert skipped(report) == []
    assert report.known == {"habit": habit}


def test_one_message_a_connection_is_enough_for_some_cases(loop: Loop) -> None:
    report = check(EchoesTheFirstReadOnly("echo"), loop, "meaning", "many", "slow", "pipelining", answer=1)
    assert verdicts(report, Verdict.FAIL) == ["meaning.a-dialogue"]
    assert "many.all-are-served" in verdicts(report, Verdict.PASS)
    assert skipped(report) == [
        "pipelining.every-answer-in-order",
        "pipelining.the-last-answer-is-not-late",
        "many.each-gets-its-own-answers",
        "many.halves-are-not-mixed",
    ]
    assert report.known == {"habit": "gives back what comes"}
    assert report.unjudged == "4 not judged as meaning.a-dialogue fails"


def test_where_nothing_is_answered_as_is_due_what_depends_on_that_is_not_judged(loop: Loop) -> None:
    report = check(AnswersTwice("echo"), loop, "meaning", "pipelining", answer=1)
    assert report.unjudged == "2 not judged as meaning.a-dialogue fails"
    assert not report.complete


def test_a_text_that_is_wrong_is_told_of_once(loop: Loop) -> None:
    report = check(CountsFrom1970("time"), loop)
    assert verdicts(report, Verdict.FAIL) == ["meaning.the-text-and-the-end"]
    assert skipped(report) == []
    assert report.known == {}


def test_a_habit_in_words_and_answers() -> None:
    inside = Habit("greeting", endings={b"\n": b"\n!", b"\r\n": b"\r\n!"}, together=False)
    assert inside.answers([b"Ann\n", b"\n"]) == b"Hello, Ann\n!Hello, \n!"
    assert (inside.name(7), inside.line(b"Ann"), inside.framing) == (b"client 7", b"Ann", "bare")
    assert Habit("greeting").answers([b"Ann\r\n", b"\n", b"Ann"]) == b"Hello, Ann!\r\nHello, Ann!"
    assert str(Habit("command", endings={b"\n": b"\r\n"})) == "reads lines; ends answers with CR LF"
    assert Habit("greeting").ending(b"Ann\n", b"Hello, Ann!\r\n") == b"!\r\n"
    assert Habit("greeting").ending(b"Ann\n", b"Hello, Ann?\n") is None
    assert payload(b"Hello, cli!Hello, ent 1\n!") == b"client1"
