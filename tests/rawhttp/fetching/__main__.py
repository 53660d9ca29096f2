"""Print docs/reference/measured/fetch-behaviours.md."""

from tests.rawhttp.fetching.page import page

print(page(), end="")
