"""Every case is failed by a server that is wrong, and passed by one that is right."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sockproto.check.acquainting import acquainted
from sockproto.check.context import CheckContext
from sockproto.check.registry import Judged, cases
from sockproto.check.running import judge
from sockproto.check.spoken import PROTOCOLS, SAYERS
from sockproto.check.started import Started
from sockproto.check.target import ServerAddress, find, free_port
from sockproto.check.timing import Patience
from sockproto.check.verdict import Result, Verdict
from tests.check.faults import FAULTS
from tests.check.servers import Loop, Served, Server
from tests.check.serving import Here, Process
from tests.hanging import attempts

RIGHT = Patience(answer=5, silence=0.05)
WRONG = Patience(answer=0.15, silence=0.05)
WRONG_IF_FULL = replace(WRONG, silence=0.2)  # until it is: a busy machine's pause must not seem to be the end
CARRIERS = {"tcp": False, "udp": True}


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


ALIKE = {"welcome", "time", "qotd"}
"""Said and judged by the same code as daytime: a fault that all of them have is tried with that one."""


def faulty() -> "Iterator[tuple[type[Server], str, str]]":
    """Yield each fault with each protocol that it is of and each case that it must fail there."""
    for fault in FAULTS:
        for protocol in fault.protocols:
            known = {each.identifier for kind in CARRIERS.values() for each in cases(protocol, kind)}
            for identifier in fault.fails.split():
                if identifier in known:
                    yield fault, protocol, identifier


def tried() -> "Iterator[tuple[type[Server], str, str]]":
    """Yield those that are run."""
    for fault, protocol, identifier in faulty():
        if protocol not in ALIKE or not {*SAYERS} <= {*fault.protocols}:
            yield fault, protocol, identifier


def run(server: Server, loop: Loop, judged: Judged, patience: Patience) -> Result:
    """Judge a server by one case."""
    if "memory" in judged.identifier:  # of this process nobody knows what else it keeps, or gives back
        port = free_port()
        with Process(type(server).__name__, server.protocol, port) as started:
            started.wait_until_up("tcp", "127.0.0.1", port)
            target = find("tcp", "127.0.0.1", port)
            return judge(terms(server.protocol, target, patience, started), judged)
    with Served(server, loop) as served:
        target = find("udp" if judged.datagrams else "tcp", "127.0.0.1", served.port)
        return judge(terms(server.protocol, target, patience, Here(server)), judged)


def judged_wrong(fault: type[Server], protocol: str, loop: Loop, judged: Judged) -> Result:
    """Judge a wrong server by a case that it must fail; judge it again if that could not be seen.

    On a busy machine it may read at once what was sent apart, and be right, or there is not time enough.
    """
    patience = WRONG_IF_FULL if judged.group == "never_reads" else WRONG
    for _ in attempts():
        result = run(fault(protocol), loop, judged, patience)
        if result.verdict is Verdict.FAIL or forbidden(result):
            break
    return result


def forbidden(result: Result) -> bool:
    """Say whether only root could have judged it: what sends from a port such as 19."""
    return result.verdict is Verdict.SKIP and os.strerror(errno.EACCES) in result.reason


def terms(protocol: str, target: ServerAddress, patience: Patience, started: Started) -> CheckContext:
    """Return the context of a quick check."""
    return acquainted(CheckContext(protocol, target, patience, quick=True, started=started))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", CARRIERS)
def test_a_right_server_passes_all(protocol: str, kind: str, loop: Loop) -> None:
    server = Server(protocol)
    with Served(server, loop) as served:
        target = find(kind, "127.0.0.1", served.port)
        given = terms(protocol, target, RIGHT, Here(server))
        results = [judge(given, each) for each in cases(protocol, CARRIERS[kind])]
    wrong = [result for result in results if result.verdict is not Verdict.PASS and not forbidden(result)]
    assert not wrong, wrong[0]


@pytest.mark.parametrize(
    ("fault", "protocol", "identifier"),
    [pytest.param(*each, id=f"{each[0].__name__}-{each[1]}-{each[2]}") for each in tried()],
)
def test_a_wrong_server_fails(fault: type[Server], protocol: str, identifier: str, loop: Loop) -> None:
    [judged] = [
        each for kind in CARRIERS.values() for each in cases(protocol, kind) if each.identifier == identifier
    ]
    result = judged_wrong(fault, protocol, loop, judged)
    if forbidden(result):
        pytest.skip(result.reason)
    assert result.verdict is Verdict.FAIL, result
    assert result.reason


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_case_has_a_server_that_fails_it(protocol: str) -> None:
    known = {each.identifier for kind in CARRIERS.values() for each in cases(protocol, kind)}
    proved = {identifier for _, its, identifier in faulty() if its == protocol}
    assert known - proved == set()


def test_every_fault_names_cases_that_there_are() -> None:
    known = {
        each.identifier for name in PROTOCOLS for kind in CARRIERS.values() for each in cases(name, kind)
    }
    assert {identifier for fault in FAULTS for identifier in fault.fails.split()} - known == set()
