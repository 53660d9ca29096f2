"""How pytest runs the tests that trial runs too."""

import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.trial.unittest import TestCase


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run TestCases first: one that waits on the reactor fails once pytest-twisted has started it.

    Files stay whole, since each is run by one process. Those that take long come next, lest a process be left
    with one at the end; otherwise the order may be any.
    """

    def is_plain(item: pytest.Item) -> bool:
        return not issubclass(getattr(item, "cls", None) or object, unittest.TestCase)

    mixed = {item.path for item in items if is_plain(item)}
    long = {item.path for item in items if item.get_closest_marker("long")}
    places: dict[Path, int] = {}
    for item in items:
        places.setdefault(item.path, len(places))
    items.sort(
        key=lambda item: (item.path in mixed, item.path not in long, places[item.path], is_plain(item))
    )


@pytest.fixture(scope="session", autouse=True)
def mktemp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have trial's ``mktemp`` name files in pytest's directories, not in the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestCase, "mktemp", lambda _: str(tmp_path_factory.mktemp("trial") / "file"))
        yield
