"""What answers on the listeners of a server: made of a protocol's definition, as the options say.

::

    factories = Factories(definition, prepared(definition, {"think_seconds": 1.0}), Lines, None, False, None)
    factory = factories.stream("tcp:9999")
    datagram_protocol = factories.datagrams("udp:9999")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.factory import ConversationFactory
from sockproto.core.faults.plan import Faults
from sockproto.errors import OptionError

OWN_ARGUMENTS = ("access", "faults", "framing", "limits", "proxy_from")
"""The arguments of a factory that are made of our own options."""


@dataclass(frozen=True)
class Factories:
    """Makes what answers on each listener.

    Attributes:
        definition: The protocol's.
        arguments: What all that it makes are given.
        framing: What ends a message, for streams; None: the factory's own.
        trusted: The networks whose PROXY headers are believed.
        proxied: Whether each connection begins with such a header, wherever it comes in.
        faults: What is to go wrong, on the listeners that it is for; None: nothing.
    """

    definition: Any
    arguments: Mapping[str, Any]
    framing: Any
    trusted: Sequence[str] | None
    proxied: bool
    faults: Faults | None

    def stream(self, where: str, proxied: bool = False) -> Any:
        """Make the factory for a listener.

        Args:
            where: Its description.
            proxied: Whether each of its connections begins with a PROXY header.

        Raises:
            OptionError: It can't be made with these arguments.
        """
        own = {"framing": self.framing, "proxy_from": self.trusted if proxied or self.proxied else None}
        return _made(self.definition.factory, ConversationFactory, **own, **self._given(where, False))

    def datagrams(self, where: str) -> Any:
        """Make the datagram protocol for a listener; its argument and errors are those of ``stream``."""
        make = self.definition.datagram_protocol
        return _made(make, ConversationDatagramProtocol, **self._given(where, True))

    def _given(self, where: str, datagrams: bool) -> dict[str, Any]:
        fit = self.faults and self.faults.fitting(where, datagrams)
        return {**self.arguments, **({"faults": fit} if fit else {})}


def prepared(definition: Any, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a protocol's conversation, made of the values of its options.

    Raises:
        OptionError: It does not take them.
    """
    made = _made(definition.prepare, **arguments)
    wanted = f"prepare of the protocol {definition.name} must return a mapping of arguments"
    if not (isinstance(made, Mapping) and all(isinstance(name, str) for name in made)):
        raise OptionError(f"{wanted}, not {made!r}")
    for name in OWN_ARGUMENTS:
        if name in made:
            raise OptionError(f"{wanted} of the conversation, not {name!r}, which is twistd sockproto's own")
    return made


def _made(make: Any, base: type = object, /, **arguments: Any) -> Any:
    """Make what answers; a conversation that refuses the values of its options is no bug of ours."""
    try:
        made = make(**arguments)
    except Exception as error:
        reason = (
            str(error) if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: {error}"
        )
        raise OptionError(f"the protocol can't be served with these options: {reason}") from error
    if not isinstance(made, base):
        raise OptionError(f"the protocol must make a {base.__name__}, not {repr(made)[:100]}")
    return made
