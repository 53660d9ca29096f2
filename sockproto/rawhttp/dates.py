"""Dates as HTTP writes them (pure; RFC 9110, 5.6.7).

::

    http_date(784111777.0)                              # "Sun, 06 Nov 1994 08:49:37 GMT"
    seconds_of(b"Sun, 06 Nov 1994 08:49:37 GMT")        # 784111777.0
"""

from datetime import datetime, timezone
from time import gmtime

MAX_SECONDS = 253_402_300_799.0
"""The end of the year 9999, the last that can be written."""

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """Return a time, in seconds since 1970, as HTTP writes it, whatever the locale."""
    seconds = min(max(seconds, 0.0), MAX_SECONDS)
    year, month, day, hour, minute, second, weekday = gmtime(seconds)[:7]
    date = f"{DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year:04}"
    return f"{date} {hour:02}:{minute:02}:{second:02} GMT"


def seconds_of(date: bytes | None) -> float | None:
    """Return the seconds since 1970 of a date in any of HTTP's three forms; None if it is not a date."""
    from email.utils import parsedate  # few need it, and it takes a while to load

    parsed = parsedate(date.decode("latin-1")) if date else None
    try:
        return datetime(*parsed[:6], tzinfo=timezone.utc).timestamp() if parsed else None
    except ValueError:
        return None
