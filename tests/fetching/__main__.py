"""Print docs/fetch-behaviours.md."""

from tests.fetching.page import page

print(page(), end="")
