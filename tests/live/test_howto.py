"""Every listing of docs/howto is run, as it stands but for the ports."""

from pathlib import Path

import pytest

from tests.listings import figures, listings, start

# They write files first: test_protocols_of_others.py, test_howto_check.py, test_howto_testing.py.
OF_THEIR_OWN = {"protocols", "check", "testing"}
PAGES = {path.stem: path for path in (Path(__file__).parents[2] / "docs" / "howto").glob("*.md")}


def test_there_is_one_for_each_client_and_for_what_one_writes_oneself() -> None:
    clients = {"greet", "echo", "welcome", "command", "converse", "probe", "fetch"}
    assert set(PAGES) == {*clients, "commands", "serve", "trouble", *OF_THEIR_OWN}


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OF_THEIR_OWN])
def test_its_listings_print_what_it_shows(page: str, tmp_path: Path) -> None:
    [serving, *clients] = (
        listing for listing in listings(PAGES[page].read_text("utf-8")) if listing.kind != "picture"
    )
    assert serving.kind == "server"
    with start(serving, tmp_path) as server:
        server.tcp_port()
        for listing in clients:
            assert listing.kind == "client", listing.text
            assert listing.output is not None, listing.text
            ran = listing.run(server)
            assert (ran.stderr, ran.returncode) == ("", 0)
            # What ends without a newline is shown with one.
            assert figures(ran.stdout).rstrip("\n") == listing.expected(server).rstrip("\n")
