"""What a definition must be to be served: checked when it is found, not when somebody asks for it.

A definition may be anybody's: its texts reach terminals, and nothing of it is called before it is served::

    flaw(DEFINITION)    # None, or one line: "factory must be a ConversationFactory class, not 3"
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sockproto.carriers.arguments import require_fit
from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.commands import CommandSet
from sockproto.core.conversation import Conversation
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.interfaces import IConversation, IProtocolDefinition
from sockproto.protocols.command import DEFINITION as DEMO, CommandFactory

NAME = re.compile(r"[a-z][a-z0-9-]*")

TAKEN_OPTIONS = {
    *(limit.name.replace("_", "-") for limit in fields(Limits)),
    *("port", "interface", "backlog", "tcp-only", "udp-only", "listen", "proxy-protocol", "proxy-from"),
    *("admin", "lame-duck-seconds", "workers"),
    *("allow", "deny", "client-ca", "fault"),
    *("protocol", "framing", "explain", "help", "version"),
    *("log-connections", "log-format", "logfile"),
    *("i", "p"),  # short for --interface and --port, and to Twisted the same as --i and --p
}
"""The options that are twistd sockproto's own."""

TAKEN_ARGUMENTS = {"access", "faults", "clock", "limits", "proxies", "registry"}
"""The keyword arguments of a carrier that belong to no option; the others are taken as options."""


def flaw(definition: Any) -> str | None:
    """Return what is wrong with a definition, None if nothing is."""
    return next(_flaws(definition), None)


def _flaws(definition: Any) -> Iterator[str]:
    for name in IProtocolDefinition.names():
        if not hasattr(definition, name):
            yield f"it has no {name}"
            return
    yield from _of_name("the name", definition.name)
    yield from _of_text("the description", definition.description)
    if not isinstance(definition.framings, Mapping):
        yield f"framings must be a mapping of words to framings, not {definition.framings!r}"
        return
    for word, framing in definition.framings.items():
        yield from _of_name("the framing", word)
        yield from _of_framing(f"the framing {word!r}", framing)
    if not callable(definition.prepare):
        yield f"prepare must be a call that makes the arguments, not {definition.prepare!r}"
        return
    yield from _of_classes(definition)
    yield from _of_options(definition.options)
    yield from _of_arguments(definition)


def _of_classes(definition: Any) -> Iterator[str]:
    if definition.factory is CommandFactory and definition.prepare is dict and definition is not DEMO:
        yield "CommandFactory has no commands of yours; make the definition by command_definition()"
    for carrier in getattr(definition.factory, "protocol", None), definition.datagram_protocol:
        yield from _of_conversation(getattr(carrier, "conversation", Conversation))
        yield from _of_framing("the framing", getattr(carrier, "framing", Lines))
    for name, base in ("factory", ConversationFactory), ("datagram_protocol", ConversationDatagramProtocol):
        make = getattr(definition, name)
        if not callable(make) or (isinstance(make, type) and not issubclass(make, base)):
            yield f"{name} must make a {base.__name__}, not be {make!r}"
            continue
        if definition.prepare is dict:  # otherwise its arguments are not known before it is served
            try:
                _require_no_arguments(make)
            except TypeError as error:
                yield f"{name} can't be made without options: TypeError: {error}"


def _require_no_arguments(make: Any) -> None:
    """See that a factory, or a datagram protocol, and its conversation need none. Nothing is made of them."""
    require_fit(make)
    if _is_made_as(make, ConversationFactory):
        protocol: Any = make.protocol
        require_fit(protocol)
        make = protocol if _is_made_as(protocol, ConversationProtocol) else None
    elif not _is_made_as(make, ConversationDatagramProtocol):
        make = None
    if make is not None:
        require_fit(make.conversation)


def _of_conversation(conversation: Any) -> Iterator[str]:
    if isinstance(conversation, type) and issubclass(conversation, CommandSet):
        yield f"{conversation!r} has commands; make the definition by command_definition()"
    lacking = [name for name in IConversation.names() if not hasattr(conversation, name)]
    if not callable(conversation) or (isinstance(conversation, type) and lacking):
        yield f"the conversation must be a class such as Echo, not {conversation!r}"


def _of_framing(what: str, framing: Any) -> Iterator[str]:
    made = getattr(framing, "func", framing)  # what a partial makes
    lacking = [name for name in ("feed", "take", "encode") if not hasattr(made, name)]
    if not callable(framing) or (isinstance(made, type) and lacking):
        yield f"{what} must be a class such as Lines, not {framing!r}"
        return
    try:
        require_fit(framing, Limits().max_message_bytes)
    except TypeError as error:
        yield f"{what} can't be made: TypeError: {error}"


def _of_options(options: Any) -> Iterator[str]:
    if not isinstance(options, tuple) or not all(isinstance(option, ProtocolOption) for option in options):
        yield f"options must be a tuple of ProtocolOption, not {options!r}"
        return
    seen: set[str] = set()
    for option in options:
        yield from _of_name("the option", option.name)
        if option.name in TAKEN_OPTIONS:
            yield f"the option {option.name!r} is twistd sockproto's own; name it otherwise"
        if option.argument in TAKEN_ARGUMENTS:
            yield f"the option {option.name!r} would be an argument of the carrier's; name it otherwise"
        if option.name in seen:
            yield f"the option {option.name!r} is there twice"
        seen.add(option.name)
        if not callable(option.convert):
            yield f"convert of the option {option.name!r} must be a call, not {option.convert!r}"
        yield from _of_text(f"default of the option {option.name!r}", option.default)
        yield from _of_text(f"help of the option {option.name!r}", option.help)


def _of_arguments(definition: Any) -> Iterator[str]:
    """Look at whether the conversation takes the options, unless something of theirs takes them first."""
    if definition.prepare is not dict:
        return
    protocol: Any = getattr(definition.factory, "protocol", None)
    datagrams = definition.datagram_protocol
    if _is_made_as(definition.factory, ConversationFactory) and _is_made_as(protocol, ConversationProtocol):
        yield from _of_taken(protocol.conversation, definition.options)
    if _is_made_as(datagrams, ConversationDatagramProtocol):
        yield from _of_taken(datagrams.conversation, definition.options)


def _of_taken(conversation: Any, options: tuple[ProtocolOption, ...]) -> Iterator[str]:
    try:
        signature = inspect.signature(conversation)
    except (TypeError, ValueError):  # of what is written in C, maybe
        return
    for option in options:
        try:
            signature.bind_partial(**{option.argument: None})
        except TypeError:
            yield f"the option {option.name!r} is no argument that {conversation!r} takes"


def _is_made_as(made: Any, base: type) -> bool:
    """Tell whether a class hands its arguments on as *base* does."""
    return inspect.isclass(made) and getattr(made, "__init__", None) is getattr(base, "__init__", None)


def _of_name(what: str, name: Any) -> Iterator[str]:
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        yield f"{what} {name!r} must be lower-case letters, digits and hyphens, beginning with a letter"


def _of_text(what: str, text: Any) -> Iterator[str]:
    if not (isinstance(text, str) and text.isprintable()):
        yield f"{what} must be a line of printable text, not {text!r}"
