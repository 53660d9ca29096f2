"""How pytest runs the tests that trial runs too."""

import unittest

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run TestCases first: one that waits on the reactor fails once pytest-twisted has started it."""
    items.sort(key=lambda item: not issubclass(getattr(item, "cls", None) or object, unittest.TestCase))
