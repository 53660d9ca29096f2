"""The lean reactor serves, as docs/topics/reactor.md says."""

import re
import select
from pathlib import Path
from typing import Any

import pytest

from sockproto.server.options import LOOPBACK
from sockproto.testing import Transport, connect
from tests.carriers.fast import FastTransport
from tests.listings import Listing, exchange, listings, start
from tests.live.server import Serve, require

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "topics" / "reactor.md").read_text("utf-8")
[SAYS] = re.findall(r"`(reactor class: \S+)`", PAGE)
*SERVERS, EMBEDDED, ANSWERING, TESTS = listings(PAGE)


@pytest.fixture(autouse=True)
def _epoll() -> None:
    require(hasattr(select, "epoll"), "epoll")


def test_every_listing_is_of_a_kind_that_is_run() -> None:
    assert [listing.kind for listing in (*SERVERS, EMBEDDED)] == ["server"] * 3
    assert TESTS.text in re.sub("^ +", "", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("listing", SERVERS, ids=["serve", "twistd"])
def test_the_servers_use_it(listing: Listing, tmp_path: Path) -> None:
    with start(listing, tmp_path) as server:
        assert exchange((LOOPBACK, server.tcp_port()), b"Hello") == b"Hello"
        server.wait_for(f"{re.escape(SAYS)}\\.$")


def test_a_program_of_ones_own(tmp_path: Path) -> None:
    with start(EMBEDDED, tmp_path) as server:
        assert exchange((LOOPBACK, server.tcp_port()), b"Hello") == b"Hello"


def test_a_protocol_that_returns_its_answer() -> None:
    names: dict[str, Any] = {}
    exec(ANSWERING.text, names)
    for transport in Transport, FastTransport:
        remote = connect(names["Upper"](), transport=transport)
        remote.send(b"hello")
        assert remote.read() == b"HELLO"
        remote.half_close()
        assert remote.lost
        assert remote.transport.faults == []


def test_twistd_has_its_own_unless_told(serve: Serve) -> None:
    server = serve()
    server.wait_for(r"reactor class: twisted\.internet\.\S+Reactor\.$")


def test_another_can_be_chosen(serve: Serve) -> None:
    server = serve(twistd=("--reactor=select",))
    server.wait_for(r"reactor class: twisted\.internet\.selectreactor\.SelectReactor\.$")
