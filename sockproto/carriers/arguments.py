"""Checks arguments by signatures alone, without running anybody's code.

::

    require_fit(Greeting, welcome=b"Hi!")
    require_fit(Greeting, colour="red")  # TypeError: Greeting.__init__() got an unexpected keyword argument …
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any

OURS = "sockproto."


def require_fit(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """Check that a callable accepts these arguments; one without a readable signature passes.

    Raises:
        TypeError: It doesn't accept them, or can't be called.
    """
    _bind(call, "bind", args, kwargs)


def require_protocol_fit(
    protocol: Any, base: type, args: Sequence[Any], kwargs: Mapping[str, Any], **given: Any
) -> None:
    """Check that a protocol, and the conversation that it makes, accept a factory's arguments.

    Args:
        protocol: The class of protocol.
        base: Its base class, which passes on to the conversation all arguments that it doesn't use.
        args: The positional arguments.
        kwargs: The keyword arguments.
        given: The arguments that the factory adds.

    Raises:
        TypeError: They don't accept them, as far as this can be checked: of the arguments that the protocol's
            own ``__init__`` passes to its base only the names are known.
    """
    require_fit(protocol, *args, **given, **kwargs)
    conversation, inits = protocol.conversation, _inits(protocol, base)
    if inits:
        known = {name for init in inits for name in _names(init)}
        _bind(conversation, "bind_partial", (), {name: kwargs[name] for name in kwargs if name not in known})
    else:
        require_fit(conversation, *args, **kwargs)
    if isinstance(conversation, type) and all(map(_is_ours, (conversation, *inits))):
        conversation(*args, **kwargs)  # ours look at values too; theirs are not made before their server runs


def _bind(call: Any, how: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    try:
        takes = signature(call)
    except ValueError as error:
        if isinstance(call, partial):  # what it was given already doesn't fit
            raise TypeError(str(error)) from None
        return
    try:
        getattr(takes, how)(*args, **kwargs)
    except TypeError as error:
        name = getattr(call, "__qualname__", type(call).__qualname__)
        raise TypeError(f"{name}{'.__init__' if isinstance(call, type) else ''}() {error}") from None


def _is_ours(made: Any) -> bool:
    return str(made.__module__).startswith(OURS)


def _inits(protocol: type, base: type) -> list[Any]:
    """Return the ``__init__`` methods of a class that come before its base's."""
    before = protocol.__mro__[: protocol.__mro__.index(base)]
    return [vars(kind)["__init__"] for kind in before if "__init__" in vars(kind)]


def _names(init: Any) -> set[str]:
    """Return the names that a method takes, those that it knows of its ``**kwargs`` too."""
    constants = init.__code__.co_consts if hasattr(init, "__code__") else ()
    return {*signature(init).parameters, *(each for each in constants if isinstance(each, str))}
