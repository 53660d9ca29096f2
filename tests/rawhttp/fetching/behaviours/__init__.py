"""What servers do, and what a fetcher has to make of it: one table, for the tests and for the reader."""

from tests.rawhttp.fetching.behaviours import bodies, contents, files, heads, ranges, redirects, tls
from tests.rawhttp.fetching.behaviours.behaviour import Behaviour
from tests.rawhttp.fetching.server import Script

MODULES = (bodies, heads, redirects, contents, files, ranges, tls)
"""In the order of the groups."""

BEHAVIOURS: list[Behaviour] = [behaviour for module in MODULES for behaviour in module.BEHAVIOURS]

# The tests of curl (tests/data/test*) that show the same.
CURL_TESTS = {
    "chunked-and-length": 365,
    "chunked-bad-trailer": 2106,
    "chunked-bare-lf": 1417,
    "chunked-no-last": 207,
    "chunked-overflow": 1416,
    "chunked-trailers": 266,
    "chunked-word": 36,
    "coding-chunked-first": 1722,
    "coding-gzip": 1496,
    "coding-identity": 1494,
    "coding-twice": 1482,
    "coding-two-lines": 1483,
    "connection-no-word": 1079,
    "content-chain": 387,
    "content-deflate": 222,
    "content-gzip": 220,
    "content-header-fields": 224,
    "content-members": 2305,
    "content-no-deflate": 223,
    "content-no-gzip": 221,
    "content-raw-deflate": 232,
    "content-twice": 230,
    "empty-204-chunked": 334,
    "empty-head-body": 1484,
    "header-bare-cr": 2105,
    "header-folded": 1274,
    "header-folded-first": 1473,
    "header-huge": 1154,
    "header-long": 1205,
    "header-no-end": 1665,
    "interim-102": 1033,
    "interim-only": 1480,
    "length-list": 770,
    "length-negative": 178,
    "redirect-fragment": 1413,
    "redirect-no-host": 1141,
    "redirect-no-scheme": 1314,
    "redirect-query": 1031,
    "redirect-umlaut": 1138,
    "size-chunked": 457,
    "status-long-version": 1433,
    "status-not-http": 1172,
}

BY_NAME = {behaviour.name: behaviour for behaviour in BEHAVIOURS}


def find(name: str, rest: str) -> Script | None:
    """Return the script for a path."""
    behaviour = BY_NAME.get(name)
    if behaviour is None:
        return None
    if rest in behaviour.further:
        return behaviour.further[rest]
    return None if rest and behaviour.further else behaviour.reply
