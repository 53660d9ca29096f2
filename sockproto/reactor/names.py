"""Whether Twisted has the private names that a module of this package relies on.

::

    RELIES_ON: RelyingOn = {FileDescriptor: ("dataBuffer", "offset")}

    has_all(FileDescriptor(reactor), RELIES_ON[FileDescriptor])
"""

from collections.abc import Iterable, Mapping
from typing import Any

RelyingOn = Mapping[Any, tuple[str, ...]]
"""Classes or modules of Twisted's, and the names that they or their instances must have."""


def has_all(thing: object, names: Iterable[str]) -> bool:
    """Tell whether a class, a module or an instance has all of some names."""
    return all(hasattr(thing, name) for name in names)
