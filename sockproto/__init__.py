"""sockproto: socket protocols done right, on Twisted.

A conversation decides, a framing delimits, a carrier moves bytes. Folders are layers: each imports only the
ones above it in this list, which is in reading order:

============  ==================================================================================
errors        what can go wrong, and whose fault it was
interfaces    the zope interfaces between the parts
core/         what a protocol means, and how bytes become messages: pure, no Twisted
reactor/      changes to Twisted's reactor and transports; the only place with its private names
plain/        plain sockets: connecting, and how it fails; the standard library only
carriers/     they move the bytes: ``ConversationProtocol``, ``ConversationDatagramProtocol``
testing/      a kit for tests of any Twisted protocol, in memory and over sockets
commands/     ``CommandSet``: commands declared as methods
rawhttp/      HTTP/1.1 over a bare socket: the plain standard library, a lesson
check/        finds faults of any server: plain sockets, no Twisted
admin/        for those who run a server: metrics, health, open connections
scpi/         instruments that speak SCPI, declared as methods: ``Instrument``
protocols/    echo, greeting, command, welcome …: one protocol, one file
server/       ``ServerService``; the catalog of protocols, listeners, the options of twistd
client/       the other end: ``greet``, ``echo``, ``welcome``, ``command``, ``converse``
workers/      several processes that serve the same ports, and the one that starts them
cli/          the ``sockproto`` command
============  ==================================================================================

The public names can be imported from here. Each is loaded, and Twisted with it, when it is first used::

    from sockproto import EchoFactory

The names for instruments are in ``sockproto.scpi`` only, because the decorator ``scpi`` has that name too.
"""

# Everything is imported on demand: the sockproto command can't handle Ctrl-C before this is loaded.
TYPE_CHECKING = False
if TYPE_CHECKING:  # the modules of the names below, for type checkers
    from typing import Any

    from sockproto.admin.resource import *
    from sockproto.carriers.datagram import *
    from sockproto.carriers.definition import *
    from sockproto.carriers.factory import *
    from sockproto.carriers.registry import *
    from sockproto.carriers.stream import *
    from sockproto.commands import *
    from sockproto.core.access import *
    from sockproto.core.actions import *
    from sockproto.core.conversation import *
    from sockproto.core.faults.plan import *
    from sockproto.core.framing.expecting import *
    from sockproto.core.framing.lines import *
    from sockproto.core.framing.prefixed import *
    from sockproto.core.framing.program import *
    from sockproto.core.framing.raw import *
    from sockproto.core.limits import *
    from sockproto.errors import *
    from sockproto.interfaces import *
    from sockproto.protocols.chargen import *
    from sockproto.protocols.command import *
    from sockproto.protocols.daytime import *
    from sockproto.protocols.discard import *
    from sockproto.protocols.echo import *
    from sockproto.protocols.faults import *
    from sockproto.protocols.greeting import *
    from sockproto.protocols.qotd import *
    from sockproto.protocols.time import *
    from sockproto.protocols.welcome import *
    from sockproto.server.service import *

_NAMES = {
    "core.conversation": "Conversation OneShot ClientConversation Peer CloseReason",
    "core.actions": "CLOSE ABORT HALF_CLOSE Sleep Wait Until Input Interrupted",
    "core.framing.raw": "Raw Discard",
    "core.framing.lines": "Lines QuietLines",
    "core.framing.program": "ProgramMessages",
    "core.framing.prefixed": "Netstrings Int8Prefixed Int16Prefixed Int32Prefixed",
    "core.framing.expecting": "Expecting Sink",
    "core.limits": "Limits",
    "core.access": "Access",
    "core.faults.plan": "Faults",
    "carriers.stream": "ConversationProtocol",
    "carriers.factory": "ConversationFactory",
    "carriers.datagram": "ConversationDatagramProtocol MAX_PACKET_BYTES",
    "carriers.registry": "Statistics",
    "carriers.definition": "ProtocolDefinition ProtocolOption conversation_definition",
    "commands": "CommandSet Caller Kind command quote rate_limit",
    "protocols.echo": "Echo EchoProtocol EchoFactory EchoDatagramProtocol",
    "protocols.greeting": "Greeting GreetingProtocol GreetingFactory GreetingDatagramProtocol",
    "protocols.welcome": "Welcome WelcomeProtocol WelcomeFactory WelcomeDatagramProtocol",
    "protocols.command": "Command CommandProtocol CommandFactory CommandDatagramProtocol command_definition",
    "protocols.discard": "DiscardProtocol DiscardFactory DiscardDatagramProtocol",
    "protocols.chargen": "Chargen ChargenProtocol ChargenFactory ChargenDatagramProtocol",
    "protocols.daytime": "Daytime DaytimeProtocol DaytimeFactory DaytimeDatagramProtocol",
    "protocols.time": "Time TimeProtocol TimeFactory TimeDatagramProtocol",
    "protocols.qotd": "Qotd QotdProtocol QotdFactory QotdDatagramProtocol",
    "protocols.faults": "FaultsProtocol FaultsFactory FaultsDatagramProtocol",
    "server.service": "ServerService",
    "admin.resource": "AdminResource",
    "interfaces": "IConversation IFraming IProtocolDefinition",
    # All the others of its tree can be imported from here too.
    "errors": "SockprotoError LocalError RemoteError OptionError ListenError CommandError CallFailed"
    " InstrumentError SendRefused",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = list(_HOMES)


def __getattr__(name: str) -> "Any":
    if name.startswith("_"):
        raise AttributeError(f"module 'sockproto' has no attribute {name!r}")
    from importlib import import_module

    try:
        value = globals()[name] = getattr(import_module(f"sockproto.{_HOMES.get(name, 'errors')}"), name)
    except AttributeError:
        raise AttributeError(f"module 'sockproto' has no attribute {name!r}") from None
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
