"""The public names of sockproto, for type checkers; ``__init__.py`` loads them on demand."""

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
    HTTPErrorStatus as HTTPErrorStatus,
    ListenError as ListenError,
    LocalError as LocalError,
    MessageMalformed as MessageMalformed,
    MessageTooLong as MessageTooLong,
    MessageUnsendable as MessageUnsendable,
    NameNotFound as NameNotFound,
    OptionError as OptionError,
    ProxyHeaderInvalid as ProxyHeaderInvalid,
    ReadFailed as ReadFailed,
    Refused as Refused,
    RemoteError as RemoteError,
    Reset as Reset,
    SendRefused as SendRefused,
    SockprotoError as SockprotoError,
    TLSFailed as TLSFailed,
    TimedOut as TimedOut,
    TooLarge as TooLarge,
    TooManyRedirects as TooManyRedirects,
    Unreachable as Unreachable,
    UnreadableAuthorities as UnreadableAuthorities,
    UnsupportedProtocol as UnsupportedProtocol,
    WriteFailed as WriteFailed,
    WrongReply as WrongReply,
)
from sockproto.interfaces import (
    IConversation as IConversation,
    IFraming as IFraming,
    IProtocolDefinition as IProtocolDefinition,
)
from sockproto.conversation import (
    ABORT as ABORT,
    CLOSE as CLOSE,
    ClientConversation as ClientConversation,
    CloseReason as CloseReason,
    Conversation as Conversation,
    HALF_CLOSE as HALF_CLOSE,
    Input as Input,
    Interrupted as Interrupted,
    OneShot as OneShot,
    Peer as Peer,
    Sleep as Sleep,
    Until as Until,
    Wait as Wait,
)
from sockproto.framing import (
    Discard as Discard,
    Lines as Lines,
    QuietLines as QuietLines,
    Raw as Raw,
)
from sockproto.prefixed import (
    Int16Prefixed as Int16Prefixed,
    Int32Prefixed as Int32Prefixed,
    Int8Prefixed as Int8Prefixed,
    Netstrings as Netstrings,
)
from sockproto.replies import (
    Expecting as Expecting,
    Sink as Sink,
)
from sockproto.limits import (
    Limits as Limits,
)
from sockproto.ledger import (
    Statistics as Statistics,
)
from sockproto.stream import (
    ConversationFactory as ConversationFactory,
    ConversationProtocol as ConversationProtocol,
)
from sockproto.datagram import (
    ConversationDatagramProtocol as ConversationDatagramProtocol,
    MAX_PACKET_BYTES as MAX_PACKET_BYTES,
)
from sockproto.commands import (
    Caller as Caller,
    CommandSet as CommandSet,
    command as command,
    quote as quote,
)
from sockproto.definition import (
    ProtocolDefinition as ProtocolDefinition,
    ProtocolOption as ProtocolOption,
)
from sockproto.service import (
    ServerService as ServerService,
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
from sockproto.protocols.welcome import (
    Welcome as Welcome,
    WelcomeDatagramProtocol as WelcomeDatagramProtocol,
    WelcomeFactory as WelcomeFactory,
    WelcomeProtocol as WelcomeProtocol,
)
from sockproto.protocols.command import (
    Command as Command,
    CommandDatagramProtocol as CommandDatagramProtocol,
    CommandFactory as CommandFactory,
    CommandProtocol as CommandProtocol,
)
from sockproto.protocols.chargen import (
    Chargen as Chargen,
    ChargenDatagramProtocol as ChargenDatagramProtocol,
    ChargenFactory as ChargenFactory,
    ChargenProtocol as ChargenProtocol,
)
from sockproto.protocols.daytime import (
    Daytime as Daytime,
    DaytimeDatagramProtocol as DaytimeDatagramProtocol,
    DaytimeFactory as DaytimeFactory,
    DaytimeProtocol as DaytimeProtocol,
)
from sockproto.protocols.time import (
    Time as Time,
    TimeDatagramProtocol as TimeDatagramProtocol,
    TimeFactory as TimeFactory,
    TimeProtocol as TimeProtocol,
)
from sockproto.protocols.qotd import (
    Qotd as Qotd,
    QotdDatagramProtocol as QotdDatagramProtocol,
    QotdFactory as QotdFactory,
    QotdProtocol as QotdProtocol,
)
from sockproto.protocols.discard import (
    DiscardDatagramProtocol as DiscardDatagramProtocol,
    DiscardFactory as DiscardFactory,
    DiscardProtocol as DiscardProtocol,
)
