"""A check as a whole: it ends in time whatever the server does, and says what it has seen."""

import asyncio
import socket
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from sockproto.check.acquainting import acquainted
from sockproto.check.context import CheckContext
from sockproto.check.registry import Judged, cases, chosen
from sockproto.check.running import judge, run
from sockproto.check.spoken import PROTOCOLS
from sockproto.check.subject import Subject
from sockproto.check.target import ServerAddress, find
from sockproto.check.timing import Patience
from sockproto.check.verdict import OUT_OF_TIME, Result, Verdict
from sockproto.errors import OptionError, Refused
from sockproto.plain.deadline import Deadline
from tests.check.faults.meaning import MixesInWhatComes
from tests.check.faults.shutdown import FallsDead
from tests.check.servers import Loop, Served, Server
from tests.check.serving import Here

HURRY = Patience(answer=0.2, silence=0.05, case=0.5, run=1.5)
CALM = Patience(answer=10, silence=0.05, case=30, run=100)  # where nothing is waited for in vain


class IsMute(Server):
    """Accepts, reads, and says nothing."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.read_all(reader)
        writer.close()


class Floods(Server):
    """Sends zeros, as many as it can."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(bytes(65_536))
            await writer.drain()


class Trickles(Server):
    """Says something again and again, always a little too early to be silent."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in cycle(b"Welcome!\r\n"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)


class HangsUp(Server):
    """Closes at once."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


@pytest.mark.parametrize("kind", [IsMute, Floods, Trickles, HangsUp])
@pytest.mark.parametrize("protocol", ["greeting", "chargen", "daytime"])
def test_it_ends_in_time_whatever_the_server_does(kind: type[Server], protocol: str, loop: Loop) -> None:
    with Served(kind(protocol), loop) as served:
        began = time.monotonic()
        judged = cases(protocol)
        report = run(CheckContext(protocol, find("tcp", "127.0.0.1", served.port), HURRY), judged)
        assert time.monotonic() - began < HURRY.run + 20
    # Characters that trickle are only too slow to be judged.
    assert report.failed or (kind, protocol) == (Trickles, "chargen")
    assert len(report.results) == len(judged)
    assert all(result.seconds < HURRY.case + 5 for result in report.results)


def test_a_server_that_is_gone_fails_everything_quickly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = find("tcp", "127.0.0.1", listener.getsockname()[1])
    began = time.monotonic()
    report = run(
        CheckContext("echo", target, Patience()), [each for each in cases("echo") if "lost" not in str(each)]
    )
    assert time.monotonic() - began < 20
    assert {result.verdict for result in report.results} <= {Verdict.FAIL, Verdict.SKIP}
    assert "can't be reached: Connection refused" in report.results[0].reason


def test_what_there_is_no_time_for_is_skipped_with_that_reason(loop: Loop) -> None:
    seconds = [0.0]

    def hear(judged: Judged, result: Result | None) -> None:
        if result is not None:
            seconds[0] = 99.9

    with Served(IsMute("echo"), loop) as served:
        context = CheckContext("echo", find("tcp", "127.0.0.1", served.port), replace(CALM, answer=0.2))
        first, *others = run(context, cases("echo"), hear, Deadline(100, lambda: seconds[0])).results
    assert first.verdict is Verdict.FAIL, first
    reason = "no time left of 100 s: --seconds allows more, --only chooses"
    assert {(each.verdict, each.reason) for each in others} == {(Verdict.SKIP, reason)}


@pytest.mark.parametrize(("kind", "judged_to_the_end"), [(Server, True), (IsMute, False)])
def test_while_nothing_fails_there_is_more_time(
    kind: type[Server], judged_to_the_end: bool, loop: Loop
) -> None:
    chosen_ones = chosen(cases("echo"), ["meaning", "splits"], [])
    with Served(kind("echo"), loop) as served:
        target = find("tcp", "127.0.0.1", served.port)
        patience = Patience(answer=3, silence=0.05, case=20, run=0.3, more=100)
        report = run(CheckContext("echo", target, patience), chosen_ones)
    assert report.complete is judged_to_the_end
    last = report.results[-1]
    assert (last.verdict, last.unjudged) == (
        (Verdict.PASS, "") if judged_to_the_end else (Verdict.SKIP, OUT_OF_TIME)
    )


def test_the_quick_form_leaves_out_what_is_long(loop: Loop) -> None:
    [judged] = chosen(cases("echo"), ["meaning.a-dialogue"], [])
    with Served(Server("echo"), loop) as served:
        context = CheckContext("echo", find("tcp", "127.0.0.1", served.port), HURRY, quick=True)
        [result] = run(context, [replace(judged, quick=False)]).results
    assert (result.verdict, result.reason) == (Verdict.SKIP, "not part of the quick form")


def test_a_case_that_is_wrong_itself_is_skipped(loop: Loop) -> None:
    def wrong(subject: Subject) -> None:
        raise ZeroDivisionError("our own")

    [judged] = chosen(cases("echo"), ["meaning.a-dialogue"], [])
    with Served(Server("echo"), loop) as served:
        context = CheckContext("echo", find("tcp", "127.0.0.1", served.port), CALM)
        report = run(context, [replace(judged, judge=wrong)])
    assert report.unjudged == "1 not judged for an error of the check's own"
    [result] = report.results
    assert (result.verdict, result.reason) == (
        Verdict.SKIP,
        "this case itself is wrong, please report it: ZeroDivisionError('our own')",
    )


def test_each_case_is_told_of_before_and_after(loop: Loop) -> None:
    heard: list[tuple[str, Result | None]] = []

    def hear(judged: Judged, result: Result | None) -> None:
        heard.append((judged.identifier, result))

    with Served(Server("echo"), loop) as served:
        context = CheckContext("echo", find("tcp", "127.0.0.1", served.port), CALM)
        report = run(context, chosen(cases("echo"), ["meaning"], []), hear)
    [first, second] = report.results
    assert heard == [
        (first.case.identifier, None),
        (first.case.identifier, first),
        (second.case.identifier, None),
        (second.case.identifier, second),
    ]


def test_a_failure_tells_the_bytes_and_what_happened(loop: Loop) -> None:
    class Shouts(Server):
        async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65_536):
                writer.write(data.upper())

    with Served(Shouts("echo"), loop) as served:
        context = CheckContext("echo", find("tcp", "127.0.0.1", served.port), CALM)
        [result] = run(context, chosen(cases("echo"), ["meaning.a-dialogue"], [])).results
    assert result.reason == "another answer came, from byte 1 on"
    assert (result.sent, result.expected, result.received) == (b"Hello\r\n", b"Hello\r\n", b"HELLO\r\n")
    assert [(event.kind, event.data) for event in result.timeline] == [
        ("connected", b""),
        ("sent", b"Hello\r\n"),
        ("received", b"HELLO\r\n"),
        ("closed", b""),
    ]
    assert result.case.source == "RFC 862"


def test_failures_about_bytes_show_them(loop: Loop) -> None:
    [judged] = chosen(cases("chargen"), ["meaning.what-is-sent-is-thrown-away"], [])
    with Served(MixesInWhatComes("chargen"), loop) as served:
        context = CheckContext("chargen", find("tcp", "127.0.0.1", served.port), replace(CALM, answer=1))
        [result] = run(context, [judged]).results
    assert result.verdict is Verdict.FAIL
    assert result.sent == b"\x00" * 1_000
    assert result.received is not None
    assert b"\x00" in result.received


def test_a_last_answer_that_is_cut_shows_the_bytes(loop: Loop) -> None:
    [judged] = chosen(cases("greeting"), ["shutdown.no-answer-is-cut"], [])
    server, patient = FallsDead("greeting"), Patience(answer=3, silence=0.05, case=15)
    with Served(server, loop) as served:
        target = find("tcp", "127.0.0.1", served.port)
        result = judge(acquainted(CheckContext("greeting", target, patient, True, Here(server))), judged)
    assert result.verdict is Verdict.FAIL, result
    assert result.sent is not None
    assert result.sent.startswith(b"0000xxx")
    assert result.expected is not None
    assert result.received is not None


def test_a_server_that_reads_slowly_without_end_does_not_pass(loop: Loop) -> None:
    class ReadsSlowly(Server):
        async def give_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.set_write_buffer_limits(high=1 << 40)
            while data := await reader.read(65_536):
                writer.write(data)
                if writer.transport.get_write_buffer_size():
                    await asyncio.sleep(0.01)

    [judged] = chosen(cases("echo"), ["never-reads.it-stops-reading"], [])
    with Served(ReadsSlowly("echo"), loop) as served:
        context = CheckContext(
            "echo", find("tcp", "127.0.0.1", served.port), replace(HURRY, silence=0.3, case=3, run=6)
        )
        [result] = run(context, [judged]).results
    assert result.verdict is Verdict.SKIP, result


def test_cases_are_chosen_by_name_group_and_pattern() -> None:
    names = [each.identifier for each in chosen(cases("echo"), ["splits", "*.a-nul"], ["splits.byte-*"])]
    assert "binary.a-nul" in names
    assert "splits.random-cuts" in names
    assert {name.partition(".")[0] for name in names} == {"splits", "binary"}
    assert "splits.byte-by-byte" not in names
    with pytest.raises(OptionError, match="'nonesuch' names no case of this protocol: --list shows them"):
        chosen(cases("echo"), [], ["nonesuch"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cases_say_what_they_expect_and_who_says_so(protocol: str) -> None:
    for kind in False, True:
        found = [each.case(protocol) for each in cases(protocol, kind)]
        assert found
        assert len({case.identifier for case in found}) == len(found)
        for case in found:
            assert case.expectation.endswith(".")
            assert case.source


def test_a_target_is_written_as_people_write_it() -> None:
    assert str(ServerAddress("tcp", "::1", 7, socket.AF_INET6, None)) == "[::1]:7"
    assert str(ServerAddress("udp", "localhost", 7, socket.AF_INET, None)) == "udp localhost:7"
    assert str(ServerAddress("unix", "/run/echo", 0, socket.AF_UNIX, None)) == "unix /run/echo"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Refused, match=rf"127\.0\.0\.1:{port}: nothing listens there"):
        find("tcp", "127.0.0.1", port)


def test_a_unix_socket_that_is_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "echo")
    with pytest.raises(Refused, match="nothing listens there"):
        find("unix", path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        target = find("unix", path)
    [result] = run(
        CheckContext("echo", target, HURRY), chosen(cases("echo"), ["meaning.a-dialogue"], [])
    ).results
    assert (result.verdict, result.reason) == (
        Verdict.FAIL,
        "the server can't be reached: Connection refused: it is gone, or bounds its connections a second,"
        " as xinetd's cps does",
    )
