"""What to mend first: derived from what the deliberately wrong servers fail, and how."""

from dataclasses import replace

import pytest

from sockproto.check.causes import MOST, first_causes
from sockproto.check.mistakes import MISTAKES
from sockproto.check.registry import cases
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.verdict import SPEAKS_TLS, Case, Report, Result, TimelineEvent, Verdict
from tests.check.faults import (
    binary,
    datagrams,
    half_close,
    long_messages,
    loops,
    many,
    meaning,
    never_reads,
    resets,
    shutdown,
    slow,
    splits,
)
from tests.check.servers import Loop, Server
from tests.check.test_cases import CARRIERS, forbidden, judged_wrong
from tests.hanging import attempts

CAUSES: dict[type[Server], tuple[str, str]] = {
    binary.ReplacesWhatIsNoText: ("echo", "It decodes bytes as text"),
    binary.CutsAtNul: ("echo", "It ends text at a NUL"),
    binary.TakesCRForANewline: ("greeting", "It takes a CR for the end of a line"),
    datagrams.StopsAtAnEmptyOne: ("echo", "It serves nobody any more after an empty datagram"),
    datagrams.CutsLargeOnes: ("echo", "It reads datagrams into a buffer that is too small"),
    half_close.DropsTheLastLine: ("greeting", "It drops a last line"),
    half_close.IgnoresTheEnd: ("echo", "It takes no notice of the client's half-close"),
    half_close.TakesItForTheEnd: ("daytime", "It closes at the client's half-close without answering"),
    long_messages.CutsLines: ("greeting", "It takes a part of a long line for the whole"),
    loops.AnswersServices: ("greeting", "It answers answers"),
    many.AnswersTheLastClient: ("echo", "It seems to keep a client's connection"),
    many.ServesTen: ("echo", "It serves only some of many clients"),
    meaning.AnswersTwice: ("echo", "It answers each message twice"),
    meaning.SpeaksFirst: ("echo", "It says something before it is asked"),
    meaning.ClosesWithInputUnread: ("daytime", "It closes with input unread"),
    meaning.GreetsTheNewlineToo: ("greeting", "It takes the newline for a part of the name"),
    meaning.CountsFrom1970: ("time", "6b "),
    never_reads.BuffersWithoutEnd: ("echo", "It buffers without end"),
    splits.EchoesTheFirstReadOnly: ("echo", "It loses bytes, or changes them"),
    splits.TakesReadsForMessages: ("greeting", "It takes what one read gives for one message"),
    resets.KeepsDescriptors: ("echo", "It does not close its sockets"),
    shutdown.IgnoresSIGTERM: ("echo", "It seems to ignore SIGTERM"),
    slow.CutsIdleClients: ("echo", "It ends connections that say nothing"),
}


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


def failures(fault: type[Server], protocol: str, loop: Loop) -> tuple[Result, ...]:
    """Return what a server fails of what it must fail."""
    return tuple(
        judged_wrong(fault, protocol, loop, judged)
        for kind in CARRIERS.values()
        for judged in cases(protocol, kind)
        if judged.identifier in fault.fails.split() and "memory" not in judged.identifier
    )


@pytest.mark.parametrize("fault", CAUSES, ids=lambda fault: fault.__name__)
def test_a_wrong_server_is_told_its_mistake(fault: type[Server], loop: Loop) -> None:
    protocol, begins = CAUSES[fault]
    for _ in attempts():  # a pause of this machine is told as a silence of the server's
        results = failures(fault, protocol, loop)
        if any(map(forbidden, results)):
            pytest.skip("only root can send from the port of a service")
        [*found] = first_causes(Report(protocol, "", 0.0, 0.0, results))
        if found[0].sentence.startswith(begins):
            break
    assert found[0].sentence.startswith(begins), found
    assert set(found[0].cases) <= set(fault.fails.split())


def failure(identifier: str, **what: object) -> Result:
    return replace(Result(Case(identifier, "All is right.", ""), Verdict.FAIL, "it is not"), **what)  # type: ignore[arg-type]  # its fields


def sentences(*results: Result, protocol: str = "echo") -> list[str]:
    return [cause.sentence for cause in first_causes(Report(protocol, "", 0.0, 0.0, results))]


def test_an_echo_that_reads_lines() -> None:
    waited = (TimelineEvent(0.0, 1, "sent", b"Hello"), TimelineEvent(1.0, 1, "waited"))
    held = failure("meaning.a-dialogue", sent=b"Hello", expected=b"Hello", received=b"", timeline=waited)
    assert sentences(held)[0].startswith("It seems to read lines")
    whole = replace(held, sent=b"Hello\n", expected=b"Hello\n")
    assert not sentences(whole)[0].startswith("It seems to read lines")


def test_an_answer_without_its_newline() -> None:
    lacks = failure("meaning.a-name-is-greeted", expected=b"Hello, Ann!\n", received=b"Hello, Ann!")
    assert sentences(lacks, protocol="greeting") == ["Its answers lack the newline that ended the message."]


def test_a_decoder_that_complains() -> None:
    said = ("UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9",)
    assert sentences(failure("binary.every-byte", said=said))[0].startswith("It decodes bytes as text")


def test_one_that_ends_and_one_that_speaks_tls() -> None:
    assert sentences(failure("resets.at-once", ended="status 1"))[0].startswith("It ends, or crashes")
    speaks = failure("meaning.a-dialogue", reason=f"no answer came; {SPEAKS_TLS}")
    assert sentences(speaks, failure("binary.a-nul"))[0].startswith("It speaks TLS")


def test_one_client_at_a_time_and_reading_late() -> None:
    waited = (TimelineEvent(0.0, 1, "connected"), TimelineEvent(1.0, 2, "waited"))
    one = failure("slow.waiting-clients-delay-nobody", timeline=waited)
    others = failure("never-reads.others-are-served", timeline=waited)
    assert [each[:28] for each in sentences(one, others)] == ["It seems to serve one client"]
    assert sentences(others)[0].startswith("It blocks in a write")


def test_what_no_mistake_explains_is_told_as_it_was_found() -> None:
    assert sentences(failure("nonesuch.a")) == ["it is not; but what is right: All is right."]
    sent = failure("nonesuch.a", sent=b"a\x1b", expected=b"b", received=b"c")
    assert sentences(sent) == ["'a\\x1b' is answered by 'c', where 'b' is due."]


def test_what_is_only_judged_strictly_comes_last() -> None:
    was_open = replace(failure("many.all-are-served"), verdict=Verdict.OPEN, reason="short").strict()
    [first, last] = sentences(was_open, failure("many.no-descriptor-is-left"))
    assert first.startswith("It does not close its sockets")
    assert last.startswith("short (open, and judged strictly)")


def test_three_at_most_and_none_where_nothing_fails() -> None:
    assert len(sentences(*(failure(f"nonesuch.{at}") for at in range(9)))) == MOST
    assert sentences(replace(failure("a.b"), verdict=Verdict.OPEN)) == []


def test_every_mistake_is_of_cases_that_there_are() -> None:
    known = [each for name in PROTOCOLS for kind in CARRIERS.values() for each in cases(name, kind)]
    for mistake in MISTAKES:
        for pattern in f"{mistake.needs} {mistake.explains} {mistake.also} {mistake.unless}".split():
            case = Case(pattern.replace("*", ""), "", "")
            assert any(each.identifier.startswith(case.identifier) for each in known), pattern
