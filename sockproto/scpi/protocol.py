"""What serves an instrument: the classes that Twisted runs, and the definition that twistd finds.

::

    endpoint.listen(InstrumentFactory(Supply()))

    DEFINITION = instrument_definition("supply", "a power supply that speaks SCPI", Supply)
"""

from collections.abc import Callable
from typing import Any

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.commands.caller import end_of
from sockproto.core.framing.program import ProgramMessages
from sockproto.scpi.answering import InstrumentConversation
from sockproto.scpi.instrument import Instrument


class InstrumentProtocol(ConversationProtocol):
    """An instrument on a stream, as at port 5025 (``TCPIP::HOST::5025::SOCKET``)."""

    conversation, framing = InstrumentConversation, ProgramMessages

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        conversation = self.session.conversation
        if isinstance(conversation, InstrumentConversation):
            conversation.end_connection = end_of(self)


class InstrumentFactory(ConversationFactory):
    """Makes :class:`InstrumentProtocol` objects, which share one ``Instrument`` object.

    Args:
        instrument: The instrument. Log and metrics call the protocol as its class.
        kwargs: The carrier's.
    """

    protocol = InstrumentProtocol

    def __init__(self, instrument: Instrument, **kwargs: Any) -> None:
        super().__init__(instrument, **kwargs)
        self.name = self.name or type(instrument).__name__.lower()


class InstrumentDatagramProtocol(ConversationDatagramProtocol):
    """An instrument on datagrams: one message each."""

    conversation = InstrumentConversation


def instrument_definition(
    name: str,
    description: str,
    instrument: Callable[..., Instrument],
    options: tuple[ProtocolOption, ...] = (),
) -> ProtocolDefinition:
    """Make the definition of a protocol that is an instrument's; all listeners share one object.

    Args:
        name: What people type.
        description: One line, for help texts.
        instrument: Makes the object, mostly its class; the options' values are its keyword arguments.
        options: The options that fit it.

    Returns:
        The definition.
    """
    return ProtocolDefinition(
        name,
        description,
        InstrumentFactory,
        InstrumentDatagramProtocol,
        options=options,
        prepare=lambda **values: {"instrument": instrument(**values)},
    )
