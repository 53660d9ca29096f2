"""What the catalog, twistd, the clients and the documents know of a protocol.

A file of ``sockproto.protocols``, or of anybody's ``twisted/plugins``, ends in one. Mostly it is made of a
conversation, and the classes that Twisted runs follow from it::

    DEFINITION = conversation_definition("shout", "each line comes back in capitals", Shout)

Where they are written by hand, for people to look up and subclass, it has those::

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
    """An option of twistd's that fits a protocol; its value is an argument of the conversation.

    Attributes:
        name: As it is typed, without the hyphens in front.
        convert: Makes the value of the text; raises ValueError with what it must be (see
            ``sockproto.core.text``).
        default: What help texts name as the default.
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
    """One protocol. Where its classes are not written by hand, :func:`conversation_definition` makes them.

    Attributes:
        name: What people type: lower-case letters, digits and hyphens, beginning with a letter.
        description: One line, for help texts.
        factory: Its ``ConversationFactory``.
        datagram_protocol: Its ``ConversationDatagramProtocol``.
        framings: The framing for each word of ``--framing``, the default first; empty where there is no
            choice to make.
        options: The options that fit it.
        prepare: Makes the arguments of *factory* and *datagram_protocol* of the options' values, its keyword
            arguments, once for all the listeners of a server: what they are to share is made here. By
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
    """Make the definition of a protocol, and the classes that run it.

    For the name ``shout`` those are ``ShoutFactory``, the ``ShoutProtocol`` that it makes, and
    ``ShoutDatagramProtocol``: classes like any other, for programs and tests to take from the definition.

    Args:
        name: As in :class:`ProtocolDefinition`; the log has it too.
        description: Likewise.
        conversation: Makes the conversation: mostly its class.
        framing: Makes the framing, given the longest message: mostly its class. Where there is a choice, the
            framing for each word of ``--framing``, the default first.
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
