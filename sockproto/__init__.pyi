"""The public names of sockproto, for type checkers; ``__init__.py`` loads them on demand."""

from sockproto.carriers.datagram import (
    MAX_PACKET_BYTES as MAX_PACKET_BYTES,
    ConversationDatagramProtocol as ConversationDatagramProtocol,
)
from sockproto.carriers.definition import (
    ProtocolDefinition as ProtocolDefinition,
    ProtocolOption as ProtocolOption,
)
from sockproto.carriers.registry import (
    Statistics as Statistics,
)
from sockproto.carriers.stream import (
    ConversationFactory as ConversationFactory,
    ConversationProtocol as ConversationProtocol,
)
from sockproto.commands import (
    Caller as Caller,
    CommandSet as CommandSet,
    command as command,
    quote as quote,
)
from sockproto.core.conversation import (
    ABORT as ABORT,
    CLOSE as CLOSE,
    HALF_CLOSE as HALF_CLOSE,
    ClientConversation as ClientConversation,
    CloseReason as CloseReason,
    Conversation as Conversation,
    Input as Input,
    Interrupted as Interrupted,
    OneShot as OneShot,
    Peer as Peer,
    Sleep as Sleep,
    Until as Until,
    Wait as Wait,
)
from sockproto.core.framing.expecting import (
    Expecting as Expecting,
    Sink as Sink,
)
from sockproto.core.framing.lines import (
    Discard as Discard,
    Lines as Lines,
    QuietLines as QuietLines,
    Raw as Raw,
)
from sockproto.core.framing.prefixed import (
    Int8Prefixed as Int8Prefixed,
    Int16Prefixed as Int16Prefixed,
    Int32Prefixed as Int32Prefixed,
    Netstrings as Netstrings,
)
from sockproto.core.limits import (
    Limits as Limits,
)
from sockproto.errors import (
    ActionError as ActionError,
    BadContentEncoding as BadContentEncoding,
    BadURL as BadURL,
    CallFailed as CallFailed,
    CertificateRejected as CertificateRejected,
    CommandError as CommandError,
    CutShort as CutShort,
    DeclarationError as DeclarationError,
    EmptyReply as EmptyReply,
    ExtraArgument as ExtraArgument,
    HTTPErrorStatus as HTTPErrorStatus,
    ListenError as ListenError,
    LocalError as LocalError,
    MessageMalformed as MessageMalformed,
    MessageTooLong as MessageTooLong,
    MessageUnsendable as MessageUnsendable,
    MissingArgument as MissingArgument,
    NameNotFound as NameNotFound,
    OptionError as OptionError,
    ProxyHeaderInvalid as ProxyHeaderInvalid,
    ReadFailed as ReadFailed,
    Refused as Refused,
    RemoteError as RemoteError,
    Reset as Reset,
    SendRefused as SendRefused,
    SockprotoError as SockprotoError,
    TimedOut as TimedOut,
    TLSFailed as TLSFailed,
    TooLarge as TooLarge,
    TooManyRedirects as TooManyRedirects,
    UnknownCommand as UnknownCommand,
    Unreachable as Unreachable,
    UnreadableAuthorities as UnreadableAuthorities,
    UnsupportedProtocol as UnsupportedProtocol,
    WriteFailed as WriteFailed,
    WrongArgument as WrongArgument,
    WrongQuoting as WrongQuoting,
    WrongReply as WrongReply,
)
from sockproto.interfaces import (
    IConversation as IConversation,
    IFraming as IFraming,
    IProtocolDefinition as IProtocolDefinition,
)
from sockproto.protocols.chargen import (
    Chargen as Chargen,
    ChargenDatagramProtocol as ChargenDatagramProtocol,
    ChargenFactory as ChargenFactory,
    ChargenProtocol as ChargenProtocol,
)
from sockproto.protocols.command import (
    Command as Command,
    CommandDatagramProtocol as CommandDatagramProtocol,
    CommandFactory as CommandFactory,
    CommandProtocol as CommandProtocol,
    command_definition as command_definition,
)
from sockproto.protocols.daytime import (
    Daytime as Daytime,
    DaytimeDatagramProtocol as DaytimeDatagramProtocol,
    DaytimeFactory as DaytimeFactory,
    DaytimeProtocol as DaytimeProtocol,
)
from sockproto.protocols.discard import (
    DiscardDatagramProtocol as DiscardDatagramProtocol,
    DiscardFactory as DiscardFactory,
    DiscardProtocol as DiscardProtocol,
)
from sockproto.protocols.echo import (
    Echo as Echo,
    EchoDatagramProtocol as EchoDatagramProtocol,
    EchoFactory as EchoFactory,
    EchoProtocol as EchoProtocol,
)
from sockproto.protocols.greeting import (
    Greeting as Greeting,
    GreetingDatagramProtocol as GreetingDatagramProtocol,
    GreetingFactory as GreetingFactory,
    GreetingProtocol as GreetingProtocol,
)
from sockproto.protocols.qotd import (
    Qotd as Qotd,
    QotdDatagramProtocol as QotdDatagramProtocol,
    QotdFactory as QotdFactory,
    QotdProtocol as QotdProtocol,
)
from sockproto.protocols.time import (
    Time as Time,
    TimeDatagramProtocol as TimeDatagramProtocol,
    TimeFactory as TimeFactory,
    TimeProtocol as TimeProtocol,
)
from sockproto.protocols.welcome import (
    Welcome as Welcome,
    WelcomeDatagramProtocol as WelcomeDatagramProtocol,
    WelcomeFactory as WelcomeFactory,
    WelcomeProtocol as WelcomeProtocol,
)
from sockproto.server.service import (
    ServerService as ServerService,
)
