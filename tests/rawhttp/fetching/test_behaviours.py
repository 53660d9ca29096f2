"""The fetcher against every behaviour of a server, and the page that lists them."""

from pathlib import Path

import pytest

from tests.rawhttp.fetching.behaviours import BEHAVIOURS, BY_NAME, CURL_TESTS
from tests.rawhttp.fetching.behaviours.behaviour import GROUPS, STATUSES, Behaviour
from tests.rawhttp.fetching.checks import Run, wrong
from tests.rawhttp.fetching.page import page
from tests.rawhttp.fetching.server import Server

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "measured" / "fetch-behaviours.md"

# In a process of their own: each way to end once.
APART = [
    "length-exact",
    "length-short",
    "chunked-word",
    "connection-no-word",
    "connection-reset",
    "connection-stall",
    "content-check-sum",
    "fail-404",
    "header-endless",
    "name-plain",
    "old-short",
    "output-stdout-binary",
    "redirect-ftp",
    "redirect-loop",
    "redirect-other-origin",
    "size-chunked",
    "status-not-http",
    "tls-trusted",
    "tls-untrusted",
]


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: str(behaviour.name))
def test_behaviour(behaviour: Behaviour, server: Server, run: Run, tmp_path: Path) -> None:
    assert wrong(behaviour, server, run, tmp_path) == []


@pytest.mark.parametrize("name", APART)
def test_behaviour_as_a_program(name: str, server: Server, run_program: Run, tmp_path: Path) -> None:
    assert wrong(BY_NAME[name], server, run_program, tmp_path) == []


def test_the_table_is_in_order() -> None:
    assert len(BY_NAME) == len(BEHAVIOURS) >= 60
    groups = list(GROUPS)
    found = [groups.index(behaviour.group) for behaviour in BEHAVIOURS]
    assert found == sorted(found)
    assert set(found) == set(range(len(groups)))
    used = {status for behaviour in BEHAVIOURS for status in behaviour.status}
    assert used == set(STATUSES)
    assert set(CURL_TESTS) <= set(BY_NAME)


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text("utf-8") == page(), "the page is printed by python -m tests.rawhttp.fetching"
