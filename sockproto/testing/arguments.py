"""Checks the arguments that a test passes, and says at once what to pass instead of a wrong one.

::

    require_bytes("hello", "send")          # TypeError: send takes bytes, not str: b'hello'
    factory = made(MyFactory, clock)        # called with the clock, if it takes one
"""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from twisted.internet.interfaces import IProtocolFactory


def require_bytes(data: Any, what: str) -> None:
    """Check that *data* is bytes, or like them; *what* says who takes them."""
    if isinstance(data, bytes | bytearray | memoryview):
        return
    instead = f": {data.encode('utf-8', 'surrogateescape')!r}" if isinstance(data, str) else ""
    raise TypeError(f"{what} takes bytes, not {type(data).__name__}{instead}")


def require_end(how: Any, what: str, ends: Sequence[str | None] = ("orderly", "reset")) -> None:
    """Check that *how* is one of the words for how a stream ends."""
    if how not in ends:
        raise ValueError(f"{what} takes {' or '.join(map(repr, ends))}, not {how!r}")


def require_subject(subject: Any, what: str) -> None:
    """Check that *subject* can be under test: an instance of a Twisted protocol or factory."""
    if isinstance(subject, type):
        name = subject.__name__
        raise TypeError(f"{what} needs an instance, not a class: {name}(), not {name}")
    if not (IProtocolFactory.providedBy(subject) or hasattr(subject, "makeConnection")):
        raise TypeError(f"{what} needs a Twisted protocol or factory, not {_article(subject)}")


def made(make: Callable[..., Any], clock: Any) -> Any:
    """Have a script's factory or protocol made.

    Args:
        make: Makes it. It is given the clock if it has a parameter ``clock`` or ``reactor``, or another that
            it can't do without.
        clock: The clock, or the reactor.
    """
    if not callable(make):
        name = type(make).__name__
        raise TypeError(f"a script needs what makes a factory, not one: lambda clock: {name}()")
    subject = _call(make, clock)
    require_subject(subject, f"a script, from {_name(make)},")
    return subject


def _call(make: Callable[..., Any], clock: Any) -> Any:
    try:
        takes = signature(make)
    except ValueError:  # some that are written in C don't tell
        return make(clock)
    named = [((), {name: clock}) for name in ("clock", "reactor") if name in takes.parameters]
    for args, kwargs in [*named, ((), {}), ((clock,), {})]:
        try:
            takes.bind(*args, **kwargs)
        except TypeError:
            continue
        return make(*args, **kwargs)
    name = _name(make)
    raise TypeError(f"{name} takes more than a clock, {takes}: give a script lambda clock: {name}(…)")


def _name(make: Any) -> str:
    return str(getattr(make, "__name__", type(make).__name__))


def _article(subject: Any) -> str:
    return "None" if subject is None else f"an object of the type {type(subject).__name__}"
