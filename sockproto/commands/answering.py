"""The conversation that answers lines with the commands of a ``CommandSet``.

Turns what a command returns into actions; the carrier runs them, as those of every conversation. Knows no
transport::

    class CommandProtocol(ConversationProtocol):
        conversation = CommandConversation
"""

import re
from collections.abc import Awaitable, Callable
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from twisted.python.failure import Failure

from sockproto.carriers.waiting import as_deferred
from sockproto.commands.caller import Caller
from sockproto.commands.commandset import CommandSet
from sockproto.commands.declaration import Declaration
from sockproto.commands.lines import message_of
from sockproto.core.actions import CLOSE, Action, Actions, Interrupted, Script, Until, Wait
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.errors import CommandError

_PLAIN = frozenset({str, bytes, int})  # what most commands return
_LF = 10  # "10 in line" takes a tenth of the time that b"\n" in line takes


class CommandConversation(Conversation):
    """Does what a line says.

    Args:
        commands: What can be said; one object serves every connection.

    Raises:
        TypeError: It is no ``CommandSet`` object.
    """

    end_connection: Callable[[], object] | None = None
    """What a caller's ``close`` calls."""

    speaks_text = True
    _caller: Any = None  # a Caller, once it is opened

    def __init__(self, commands: CommandSet) -> None:
        if not isinstance(commands, CommandSet):
            raise TypeError(f"a CommandSet object is needed, such as Thermostat(), not {commands!r}")
        self._commands = commands
        self._table = commands.commands
        self._known = self._table.by_word
        self._preprocesses = type(commands).preprocess is not CommandSet.preprocess
        is_plain = type(commands).authorize is CommandSet.authorize and not self._preprocesses
        self._at_once = self._table.at_once if is_plain else {}
        self._hints = commands.prefix_hint and bool(commands.prefix)
        self._folds = not commands.case_sensitive
        self._authorizes = type(commands).authorize is not CommandSet.authorize
        self._fails_as_default = type(commands).failed is CommandSet.failed
        self._has_prefix = bool(commands.prefix)
        self._match = _pattern(commands.prefix, self._folds).match

    def opened(self, peer: Peer) -> Actions:
        """Greet the caller."""
        self._caller = caller = self._commands.caller(peer)
        if self.end_connection is not None:
            caller.attach(self.end_connection)
        try:
            said = self._commands.opened(caller)
        except CommandError as error:
            return self._turned_away(error, caller)
        if said is None:
            return None
        return self._awaited(said, caller, b"") if hasattr(said, "__await__") else self._said(said, b"")

    def received(self, line: bytes) -> Actions:
        """Answer a line; one without the prefix gets no answer."""
        word = line.partition(b" ")[0]
        declared = self._at_once.get(word)
        if declared is None or _LF in line:
            return self._answer(line, self._caller, b"")
        try:
            result = declared.call(self._commands, line[len(word) :], self._caller)
        except CommandError as error:
            return self._failed(error, self._caller, b"")
        if type(result) is bytes and _LF not in result:
            return result
        if type(result) is str and result.isascii() and "\n" not in result:
            return result.encode()
        return self._result(declared, result, self._caller, b"")

    def datagram(self, message: bytes, peer: Peer) -> Actions:
        """Answer a datagram, which is one line, as on a stream."""
        line = message.removesuffix(b"\n").rstrip(b"\r")
        return self._answer(line, self._commands.caller(peer), self._commands.newline or b"\n")

    def closed(self, reason: CloseReason) -> None:
        """Forget the caller."""
        if self._caller is not None:
            self._commands.closed(self._caller, reason)

    def is_reply(self, datagram: bytes) -> bool:
        """An ``error:`` line is."""
        return datagram.startswith(b"error:")

    # Below, *ending* is what ends a message of a datagram; on streams it is empty: the framing ends them.

    def _answer(self, line: bytes, caller: Any, ending: bytes) -> Actions:
        received = line
        if self._preprocesses:
            try:
                preprocessed = self._commands.preprocess(caller, line)
            except CommandError as error:
                return None if self._is_tacit(received, ending) else self._failed(error, caller, ending)
            if type(preprocessed) is not bytes:
                return None if preprocessed is None else self._answer_whole(preprocessed, caller, ending)
            line = preprocessed
        end = line.find(b" ")
        if end < 0:
            end = len(line)
        word = line[:end]
        declared = self._known.get(word.upper() if self._folds else word)
        if declared is None:  # maybe because there are other blanks
            match = self._match(line)
            if match is None:
                return self._hint(caller) if self._hints and line.strip() and not ending else None
            declared = self._table.find(match[1])
            end = match.end()
        if declared is None and self._is_tacit(received, ending):
            return None
        try:
            if _LF in line:  # of a datagram or a netstring; kept and told to others it would be two lines
                raise CommandError("a line can't hold a newline")
            if declared is None:
                raise self._table.unknown()
            if self._authorizes:
                allowing = self._commands.authorize(caller, declared)
                if allowing is not None:
                    return self._authorized(allowing, declared, line[end:], caller, ending)
            return self._perform(declared, line[end:], caller, ending)
        except CommandError as error:
            return self._failed(error, caller, ending)

    def _answer_whole(self, answer: Any, caller: Caller, ending: bytes) -> Actions:
        if hasattr(answer, "__await__"):
            return self._awaited(answer, caller, ending)
        return self._said(answer, ending)

    def _is_tacit(self, received: bytes, ending: bytes) -> bool:
        """Tell whether nothing is said of what may be another server's answer, lest they answer for ever."""
        if not ending or self._fails_as_default:  # of the default's answers, is_reply knows
            return False
        return not (self._has_prefix and self._match(received))

    def _hint(self, caller: Caller) -> Actions:
        """Tell a caller of the prefix that a line lacks, once."""
        self._hints = False
        return self._failed(self._table.unprefixed(), caller, b"")

    def _perform(self, declared: Declaration, text: bytes, caller: Caller, ending: bytes) -> Actions:
        """Do a command.

        Raises:
            CommandError: What was typed is not what it takes, or it refuses.
        """
        if ending and declared.streams:
            raise CommandError("not over datagrams")
        return self._result(declared, declared.call(self._commands, text, caller), caller, ending)

    def _result(self, declared: Declaration, result: Any, caller: Any, ending: bytes) -> Actions:
        if type(result) in _PLAIN:
            return message_of(result, ending)
        if declared.streams:
            return self._streamed(result, declared.endless, caller)
        return self._answer_whole(result, caller, ending)

    def _authorized(
        self, allowing: Awaitable[None], declared: Declaration, text: bytes, caller: Caller, ending: bytes
    ) -> Script:
        try:
            yield Wait(allowing)
            actions = self._perform(declared, text, caller, ending)
        except CommandError as error:
            actions = self._failed(error, caller, ending)
        yield from _script(actions)

    def _awaited(self, awaitable: Awaitable[Any], caller: Caller, ending: bytes) -> Script:
        try:
            actions = self._said((yield Wait(awaitable)), ending)
        except CommandError as error:
            actions = self._failed(error, caller, ending)
        yield from _script(actions)

    def _streamed(self, lines: "AsyncGeneratorType[Any, None]", endless: bool, caller: Caller) -> Script:
        try:
            while True:
                line = yield Until(anext(lines), _is_empty, endless)
                yield from _script(self._said(line, b""))
        except (StopAsyncIteration, Interrupted):
            pass
        except CommandError as error:
            yield from _script(self._failed(error, caller, b""))
        finally:
            if not lines.ag_running:  # otherwise the carrier cancels what it waits for, which ends it
                _close(lines)

    def _turned_away(self, error: CommandError, caller: Caller) -> Script:
        yield from _script(self._failed(error, caller, b""))
        yield CLOSE

    def _failed(self, error: CommandError, caller: Caller, ending: bytes) -> Actions:
        """Tell the caller of an error."""
        said = self._commands.failed(caller, error)
        if type(said) is str:
            if said.isascii() and "\n" not in said:
                return said.encode() + ending
            return message_of(said, ending)
        return None if said is None else self._said(said, ending)

    def _said(self, result: Any, ending: bytes) -> Actions:
        """Make actions of what a command gave; a script is done as it is."""
        if type(result) is GeneratorType:
            return result
        if result is None:
            result = self._commands.done
            if result is None:
                return None
        if isinstance(result, tuple | list):
            return _all([message_of(part, ending) for part in result])
        return message_of(result, ending)


def _pattern(prefix: str, fold: bool) -> re.Pattern[bytes]:
    """Make what finds the word of a line, with the prefix."""
    begin = re.escape(prefix.encode())
    word = rb"(%b\S*)" % begin if prefix else rb"\s*(\S+)"
    return re.compile(word, re.IGNORECASE if fold else 0)


def _close(lines: "AsyncGeneratorType[Any, None]") -> None:
    """End a stream between two of its lines; raise what it raises at once."""
    closing = as_deferred(lines.aclose())
    failures: list[Failure] = []
    if closing.called:  # otherwise its end is some time away, and Twisted logs what nobody handles
        closing.addErrback(failures.append)
    for failure in failures:
        failure.raiseException()


def _is_empty(line: bytes) -> bool:
    return not line


def _all(actions: list[Action]) -> Script:
    yield from actions


def _script(actions: Actions) -> Script:
    """Do actions as a part of a script."""
    if isinstance(actions, GeneratorType):
        yield from actions
    elif actions is not None:
        yield actions  # type: ignore[misc]  # mypy doesn't see that no generator is left
