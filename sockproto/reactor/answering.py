"""Who is asked and who is told: a method of ours is preferred only to the one that everybody may override.

::

    if asks_for_answers(protocol, "dataReceived"):
        transport.write(protocol.answer(data))
"""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1_024)
def defines_first(kind: Any, name: str, other: str) -> bool:
    """Tell whether a class has *name* of the same class as it has *other*, or of one that overrides that.

    So a subclass that overrides a public method is called through that method, which is never bypassed.

    Args:
        kind: The class.
        name: What is preferred, such as ``answer``.
        other: What every such class has, such as ``dataReceived``.
    """
    for each in kind.__mro__:
        if name in vars(each):
            return True
        if other in vars(each):
            return False
    return False


def asks_for_answers(protocol: Any, told: str) -> bool:
    """Tell whether a protocol is asked for its answer (``answer``) rather than told what came.

    Args:
        protocol: The protocol.
        told: What it is told by, ``dataReceived`` or ``datagramReceived``: if that is its own, not its
            class's, or of a class that overrides the one with ``answer``, it is told.
    """
    kind: Any = type(protocol)
    if not defines_first(kind, "answer", told):
        return False
    return getattr(getattr(protocol, told, None), "__func__", None) is getattr(kind, told, protocol)


def inherits(thing: Any, name: str) -> bool:
    """Tell whether an object uses its class's method, not one set on the object."""
    return getattr(getattr(thing, name, None), "__func__", None) is getattr(type(thing), name, thing)
