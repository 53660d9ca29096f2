"""The definition of a protocol, which the catalog, twistd, the clients and the documents read.

A file of ``sockproto.protocols``, or of anybody's ``twisted/plugins``, ends with one. Usually it is made from
a conversation, and the classes that Twisted runs are made from it::

    DEFINITION = conversation_definition("shout", "each line comes back in capitals", Shout)

If these classes are written by hand, so that people can look them up and subclass them, it names them::

    DEFINITION = ProtocolDefinition("shout", "each line comes back …", ShoutFactory, ShoutDatagramProtocol)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.framing.lines import Lines
from sockproto.interfaces import IProtocolDefinition


@dataclass(frozen=True)
class ProtocolOption:
    """A twistd option of a protocol; its value is an argument of the conversation.

    Attributes:
        name: The option as it is typed, without the hyphens in front.
        convert: Returns the value that a text means; raises ValueError, whose text says what it must be (see
            ``sockproto.core.text``).
        default: The default as help texts show it.
        help: One line.
    """

    name: str
    convert: Callable[[str], Any]
    default: str
    help: str

    @property
    def argument(self) -> str:
        """The name of the conversation's argument."""
        return self.name.replace("-", "_")


@implementer(IProtocolDefinition, IPlugin)
@dataclass(frozen=True)
class ProtocolDefinition:
    """One protocol. If its classes are not written by hand, :func:`conversation_definition` makes them.

    Attributes:
        name: What people type: lower-case letters, digits and hyphens, beginning with a letter.
        description: One line, for help texts.
        factory: Its ``ConversationFactory``.
        datagram_protocol: Its ``ConversationDatagramProtocol``.
        framings: The framing for each word of ``--framing``, the default first; empty if there is no choice.
        options: Its own options.
        prepare: Called with the options' values as keyword arguments, once for all the listeners of a server;
            returns the arguments of *factory* and *datagram_protocol*. Make here what the listeners share. By
            default the arguments are the options.
    """

    name: str
    description: str
    factory: Callable[..., Any]
    datagram_protocol: Callable[..., Any]
    framings: Mapping[str, Callable[[int], Any]] = field(default_factory=dict)
    options: tuple[ProtocolOption, ...] = ()
    prepare: Callable[..., Mapping[str, Any]] = dict


def conversation_definition(
    name: str,
    description: str,
    conversation: Callable[..., Any],
    framing: Callable[[int], Any] | Mapping[str, Callable[[int], Any]] = Lines,
    options: tuple[ProtocolOption, ...] = (),
    prepare: Callable[..., Mapping[str, Any]] = dict,
) -> ProtocolDefinition:
    """Return the definition of a protocol, and make the classes that run it.

    For the name ``shout`` the classes are ``ShoutFactory``, the ``ShoutProtocol`` that it makes, and
    ``ShoutDatagramProtocol``. Programs and tests take them from the definition.

    Args:
        name: As in :class:`ProtocolDefinition`; also the name in the log.
        description: Likewise.
        conversation: Called to make the conversation; usually its class.
        framing: Called with the longest message in bytes, returns the framing; usually its class. If there is
            a choice: the framing for each word of ``--framing``, the default first.
        options: As in :class:`ProtocolDefinition`.
        prepare: Likewise.

    Returns:
        The definition.

    Raises:
        TypeError: A framing can't be called.
    """
    framings = framing if isinstance(framing, Mapping) else {}
    for each in framings.values() or [framing]:
        if not callable(each):
            raise TypeError(f"framing must be a class such as Lines, not {each!r}")
    title = f"{name}".title().replace("-", "")

    def subclass(base: type, kind: str, doc: str, **members: Any) -> Any:
        module = getattr(conversation, "__module__", __name__)
        return type(f"{title}{kind}", (base,), {"__module__": module, "__doc__": doc, **members})

    protocol = subclass(
        ConversationProtocol,
        "Protocol",
        f"The protocol {name} on a stream.",
        conversation=conversation,
        framing=next(iter(framings.values()), framing),
    )
    factory = subclass(
        ConversationFactory, "Factory", f"Makes {title}Protocol objects.", name=name, protocol=protocol
    )
    datagram_protocol = subclass(
        ConversationDatagramProtocol,
        "DatagramProtocol",
        f"The protocol {name} on datagrams.",
        name=name,
        conversation=conversation,
    )
    return ProtocolDefinition(name, description, factory, datagram_protocol, framings, options, prepare)
