"""One fault is told of once: lines that end otherwise, a dialogue that fails, a server that is gone."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread

import pytest

from sockproto.check.context import CheckContext
from sockproto.check.registry import Judged, cases, chosen
from sockproto.check.running import run
from sockproto.check.subject import Subject
from sockproto.check.target import find
from sockproto.check.timing import Patience
from sockproto.check.verdict import Report, Result, Verdict, shown
from sockproto.errors import Refused
from tests.check.faults.meaning import AnswersTwice
from tests.check.servers import Loop, Served, Server

HURRY = Patience(answer=3, silence=0.05, case=20, run=100)


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


def check(server: Server, loop: Loop, *only: str, quick: bool = True) -> Report:
    with Served(server, loop) as served:
        context = CheckContext(server.protocol, find("tcp", "127.0.0.1", served.port), HURRY, quick)
        return run(context, chosen(cases(server.protocol), only, []))


def failed(report: Report) -> list[str]:
    return [each.case.identifier for each in report.results if each.verdict is Verdict.FAIL]


GROUPS = ["meaning", "splits.byte*", "splits.a-split-newline", "pipelining", "half-close", "slow", "binary"]


def test_commands_that_end_in_crlf_fail_one_case(loop: Loop) -> None:
    class EndsInCRLF(Server):
        def obey(self, line: bytes) -> bytes:
            return super().obey(line).replace(b"\n", b"\r\n")

    assert failed(check(EndsInCRLF("command"), loop, *GROUPS)) == ["meaning.the-version"]


def test_what_depends_on_the_dialogue_is_skipped_where_that_fails(loop: Loop) -> None:
    report = check(AnswersTwice("echo"), loop, "meaning", "pipelining", "resets.at-once")
    assert failed(report) == ["meaning.a-dialogue"]
    assert {each.reason for each in report.results if each.verdict is Verdict.SKIP} == {
        "meaning.a-dialogue fails"
    }
    assert report.results[-1].verdict is Verdict.PASS
    assert failed(check(AnswersTwice("echo"), loop, "pipelining.every-*"))


def test_words_that_are_not_the_demo_s_are_open(loop: Loop) -> None:
    class HasOtherWords(Server):
        def obey(self, line: bytes) -> bytes:
            if line.startswith((b"/help", b"/nonesuch")):
                return b"commands:\n  /quit\n"
            return super().obey(line)

    report = check(HasOtherWords("command"), loop, "meaning.help*", "meaning.an-unknown-word")
    assert {each.verdict for each in report.results} == {Verdict.OPEN}
    assert all(shown(b"commands:\n  /quit\n") in each.reason for each in report.results)


def test_the_quick_form_takes_the_groups_in_turn(loop: Loop) -> None:
    heard: list[str] = []

    def hear(judged: Judged, result: Result | None) -> None:
        if result is None:
            heard.append(judged.identifier)

    with Served(Server("echo"), loop) as served:
        context = CheckContext("echo", find("tcp", "127.0.0.1", served.port), HURRY, quick=True)
        report = run(context, chosen(cases("echo"), ["meaning", "binary"], []), hear)
    groups = [each.case.group for each in report.results]
    assert [each.partition(".")[0] for each in heard[:4]] == ["meaning", "binary", "meaning", "binary"]
    assert groups == sorted(groups, reverse=True)


def test_ctrl_c_leaves_what_there_is(loop: Loop) -> None:
    def interrupted(subject: Subject) -> None:
        raise KeyboardInterrupt

    found = chosen(cases("echo"), ["meaning", "binary.a-nul"], [])
    found[1] = replace(found[1], judge=interrupted)
    with Served(Server("echo"), loop) as served:
        report = run(CheckContext("echo", find("tcp", "127.0.0.1", served.port), HURRY), found)
    assert [(str(each.verdict), each.reason) for each in report.results] == [
        ("pass", ""),
        ("skip", "interrupted"),
        ("skip", "interrupted"),
    ]


@pytest.fixture
def mortal() -> Iterator[int]:
    """The port of an echo server that is gone after its third client."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            for _ in range(3):
                client = listener.accept()[0]
                with client:
                    while data := client.recv(1_024):
                        client.sendall(data)

    thread = Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(10)


def test_a_server_that_is_gone_fails_one_case(mortal: int) -> None:
    context = CheckContext("echo", find("tcp", "127.0.0.1", mortal), HURRY)
    report = run(context, chosen(cases("echo"), ["meaning", "binary"], []))
    [case] = failed(report)
    after = [each.reason for each in report.results if each.verdict is Verdict.SKIP]
    assert set(after) == {f"the server is gone since {case}"}
    assert len(after) >= 2


def test_nobody_takes_datagrams_there() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(Refused, match=f"udp:127.0.0.1:{port}: nothing listens there"):
        find("udp", "127.0.0.1", port)


def test_a_server_that_knows_one_client_at_a_time_fails_only_what_is_about_more(loop: Loop) -> None:
    class OneAtATime(Server):
        turn = asyncio.Lock()

        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with self.turn:
                await super().serve(reader, writer)

    assert failed(check(OneAtATime("greeting"), loop, "meaning", "binary", "pipelining", "resets")) == []
