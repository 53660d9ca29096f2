r"""Ways to cut bytes into reads: a stream keeps their order, and nothing else.

::

    pieces(b"abc", cut="bytes") == [b"a", b"b", b"c"]

    @given(cuts(b"a\nb\n"))
    def test_however_it_is_cut(self, chunks): ...
"""

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Cut = Literal["whole", "bytes"] | int
"""``"whole"``: not cut; ``"bytes"``: single bytes; a number: at random places, and the number is the
seed."""


def pieces(data: bytes, cut: "Cut | Random" = "whole") -> list[bytes]:
    """Cut bytes.

    Args:
        data: The bytes.
        cut: How to cut them; or the source of random places.

    Returns:
        The pieces, none of them empty.

    Raises:
        ValueError: *cut* is not such a way.
    """
    if cut == "whole":
        return [data] if data else []
    if cut == "bytes":
        return [data[place : place + 1] for place in range(len(data))]
    if isinstance(cut, str):
        raise ValueError(f"cut is 'whole', 'bytes' or a number, not {cut!r}")
    rng = cut if isinstance(cut, Random) else Random(cut)
    count = rng.randint(0, min(len(data) - 1, 8)) if len(data) > 1 else 0
    return _split(data, rng.sample(range(1, len(data)), count) if count else [])


def cuts(data: bytes) -> "SearchStrategy[list[bytes]]":
    """Return a hypothesis strategy for the ways to cut *data*; it shrinks to fewer cuts.

    Needs hypothesis: ``pip install 'sockproto[testing]'``.
    """
    from hypothesis import strategies as st

    if len(data) < 2:
        return st.just([data] if data else [])
    places = st.sets(st.integers(1, len(data) - 1), max_size=min(len(data) - 1, 32))
    return places.map(lambda chosen: _split(data, chosen))


def _split(data: bytes, places: "list[int] | set[int]") -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges) if begin < end]
