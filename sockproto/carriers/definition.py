"""What the catalog, twistd, the clients and the documents know of a protocol.

A file of ``sockproto.protocols``, or of anybody's ``twisted/plugins``, ends in one::

    DEFINITION = ProtocolDefinition(
        name="echo",
        description="every byte comes back (RFC 862)",
        factory=EchoFactory,
        datagram_protocol=EchoDatagramProtocol,
    )
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

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
    """One protocol.

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
