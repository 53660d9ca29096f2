r"""Bytes, as a page shows them: as text in which all but printable ASCII is escaped, and in hexadecimal.

One byte is marked, the first that is not as expected; of long runs what stands around it is shown::

    marked = difference(b"Hello", b"Help")      # 3
    as_text(b"Help\n", marked)                  # Hel<mark>p</mark><i>\n</i>
    as_hexadecimal(b"Help\n", marked)
"""

from itertools import groupby

from sockproto.check.body import difference as first_difference
from sockproto.check.markup import Markup, element, joined, text

SHOWN_BYTES = 160
ROW_BYTES = 8  # as many as fit a phone's screen
_ESCAPES = {**{code: f"\\x{code:02x}" for code in range(256)}, 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}


def difference(expected: bytes | None, received: bytes | None) -> int | None:
    """Tell which byte is the first that differs, or where the one that the other begins with ends."""
    if expected is None or received is None or expected == received:
        return None
    return first_difference(expected, received)


def as_text(data: bytes, marked: int | None = None, shown: int = SHOWN_BYTES, end: str = "the end") -> Markup:
    """Return bytes as text; a newline also breaks the line.

    Args:
        data: The bytes.
        marked: Which of them differs; at the length of the data, that they end there does.
        shown: How many to show at most.
        end: What to say of their end, if that is marked.
    """
    begin, last = _window(len(data), marked, shown)
    if marked is None or not begin <= marked <= last:
        middle = _written(data[begin:last])
    else:
        middle = joined(
            [
                _written(data[begin:marked]),
                element("mark", _written(data[marked : marked + 1]) or text(end)),
                _written(data[marked + 1 : last]),
            ]
        )
    return joined([left_out(begin, "before"), middle, left_out(len(data) - last, "more")])


def as_hexadecimal(
    data: bytes, marked: int | None = None, shown: int = SHOWN_BYTES, end: str = "the end"
) -> Markup:
    """Return bytes in rows of eight: where the row begins, its bytes in hexadecimal and as characters."""
    begin, last = _window(len(data), marked, shown)
    rows = [_row(data[at : min(at + ROW_BYTES, last)], at, marked) for at in range(begin, last, ROW_BYTES)]
    if marked == len(data):
        rows.append(joined([text(f"{marked:06x}  "), element("mark", text(end))]))
    return joined(Markup(f"{row}\n") for row in rows)


def left_out(count: int, where: str) -> Markup:
    """Say how many bytes are not shown, if any are not."""
    return element("small", text(f" \u2026 {count:,} {where} \u2026 ")) if count > 0 else Markup("")


def _window(length: int, marked: int | None, shown: int) -> tuple[int, int]:
    """Return the range of bytes to show; a quarter of them comes before the one that is marked."""
    begin = min(max(0, (marked or 0) - shown // 4), max(0, length - shown))
    begin += -begin % ROW_BYTES
    return begin, min(length, begin + shown)


def _written(data: bytes) -> Markup:
    return joined(_run(bytes(run), plain) for plain, run in groupby(data, _is_plain))


def _run(data: bytes, plain: bool) -> Markup:
    if plain:
        return text(data.decode("ascii"))
    # The line breaks after what stands for the newline.
    return element("i", Markup("".join(_ESCAPES[code] + ("\n" if code == 10 else "") for code in data)))


def _is_plain(code: int) -> bool:
    return 32 <= code < 127 and code != 92


def _row(data: bytes, at: int, marked: int | None) -> Markup:
    codes = [_cell(f"{code:02x}", at + i == marked) for i, code in enumerate(data)]
    characters = [
        _cell(chr(code) if 32 <= code < 127 else "\u00b7", at + i == marked) for i, code in enumerate(data)
    ]
    gap = "   " * (ROW_BYTES - len(data))
    return Markup(f"{at:06x}  {' '.join(codes)}{gap}  {joined(characters)}")


def _cell(content: str, marked: bool) -> Markup:
    return element("mark", text(content)) if marked else text(content)
