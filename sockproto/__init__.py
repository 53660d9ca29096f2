"""sockproto: socket protocols done right, on Twisted.

A conversation decides, a framing delimits, a carrier moves bytes. In reading order:

============  ==================================================================================
interfaces    what the parts promise each other
errors        what can go wrong, and whose fault it was
conversation  ``Conversation``, ``ClientConversation`` and their actions (pure)
framing       ``Raw``, ``Lines``, ``QuietLines``, ``Discard`` (pure)
prefixed      ``Netstrings``, ``Int8Prefixed``, ``Int16Prefixed``, ``Int32Prefixed`` (pure)
replies       ``Expecting``, ``Sink``, ``Datagrams``: framings of clients (pure)
limits        ``Limits``: how much a peer may have of us (pure)
proxy         the PROXY protocol's header (pure)
rawhttp/      HTTP/1.1 over a bare socket: the plain standard library, a lesson
values        numbers and bytes, as people type them (pure)
address       whom to call, as people write it (pure)
diagnosis     which way a server fails: plain sockets, no Twisted
check/        what a server gets wrong: plain sockets, no Twisted
pending       one mechanism for all that a conversation waits for
timetable     many calls on few timers
stops         why a conversation doesn't go on
outgoing      what it has to send: collected, encoded, written
journal       the log: one line an event, few enough and escaped
ledger        who is there, how many came, how they ended: ``Statistics``
transport     what is to be known of Twisted's transports
dialogue      a conversation under way: the loop that runs it
watch         the limits of time of one connection
connection    a dialogue over a transport: reading, half-close, closing, the end
stream        ``ConversationProtocol``, ``ConversationFactory``
datagram      ``ConversationDatagramProtocol``
definition    ``ProtocolDefinition``: what the catalog knows of a protocol
commands/     ``CommandSet``: commands declared as methods
protocols/    echo, greeting, command, welcome …: one protocol, one file
fitness       what a definition must be to be served
catalog       finds every protocol
client/       the other end: ``greet``, ``echo``, ``welcome``, ``command``, ``converse``
ports         connections that send at the end of a read, and datagram ports that check less
listeners     what is to be listened on
process       open files and signals of a process that serves nothing else
epoll         a reactor: Twisted's own for epoll, with less around each event
service       listens on all of it, or on none: ``ServerService``
parameters    the options of protocols, as Twisted wants them
tap           the options of ``twistd sockproto``
cli/          the ``sockproto`` command
testing/      a kit for tests of any Twisted protocol, in memory and over sockets; its names are its own
============  ==================================================================================

The public names can be imported from here; none is loaded, and nothing of Twisted, before it is asked
for::

    from sockproto import EchoFactory
"""

# Nothing is imported here but on demand: the sockproto command can't see to Ctrl-C before this is loaded.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MODULES = {
    "errors": "SockprotoError LocalError OptionError ListenError ActionError"
    " DeclarationError MessageUnsendable"
    " BadURL UnsupportedProtocol WriteFailed ReadFailed UnreadableAuthorities"
    " RemoteError MessageTooLong MessageMalformed ProxyHeaderInvalid SendRefused"
    " CommandError UnknownCommand MissingArgument ExtraArgument WrongArgument WrongQuoting"
    " CallFailed NameNotFound Refused Unreachable WrongReply CutShort TimedOut TLSFailed EmptyReply Reset"
    " CertificateRejected HTTPErrorStatus TooManyRedirects BadContentEncoding TooLarge",
    "interfaces": "IConversation IFraming IProtocolDefinition",
    "core.conversation": "Conversation OneShot ClientConversation CloseReason Peer"
    " CLOSE ABORT HALF_CLOSE Sleep Wait Input Until Interrupted",
    "core.framing.lines": "Raw Lines QuietLines Discard",
    "core.framing.prefixed": "Netstrings Int8Prefixed Int16Prefixed Int32Prefixed",
    "core.framing.expecting": "Expecting Sink",
    "core.limits": "Limits",
    "carriers.registry": "Statistics",
    "carriers.stream": "ConversationProtocol ConversationFactory",
    "carriers.datagram": "ConversationDatagramProtocol MAX_PACKET_BYTES",
    "commands": "CommandSet Caller command quote",
    "carriers.definition": "ProtocolDefinition ProtocolOption",
    "server.service": "ServerService",
    **{
        f"protocols.{name.lower()}": f"{name} {name}Protocol {name}Factory {name}DatagramProtocol"
        for name in ("Echo", "Greeting", "Welcome", "Chargen", "Daytime", "Time", "Qotd")
    },
    "protocols.command": "Command CommandProtocol CommandFactory CommandDatagramProtocol command_definition",
    "protocols.discard": "DiscardProtocol DiscardFactory DiscardDatagramProtocol",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'sockproto' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"sockproto.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
