"""What a conversation was told, and what became of what it began."""

from inspect import GEN_CLOSED, getgeneratorstate
from types import GeneratorType
from typing import Any

from sockproto.core.actions import Script
from sockproto.core.conversation import CloseReason


class Notes:
    """Notes what happens to a conversation.

    Args:
        conversation: The conversation; its methods do what they did.

    Attributes:
        opened: Whether ``opened`` was called.
        ended: Whether ``ended`` was called.
        closed: What ``closed`` was told.
        said: How many messages it has given to be sent.
        overtaken: Whether a method was called before what the one before had begun was done.
    """

    def __init__(self, conversation: Any) -> None:
        self.opened = self.ended = self.overtaken = False
        self.closed: list[CloseReason] = []
        self.said = 0
        self._script: Any = None
        for name in "opened", "received", "ended":
            setattr(conversation, name, self._noting(name, getattr(conversation, name)))
        conversation.closed = self.closed.append

    @property
    def at_work(self) -> bool:
        """Whether the actions of a method are under way."""
        return self._script is not None and getgeneratorstate(self._script) != GEN_CLOSED

    def _noting(self, name: str, method: Any) -> Any:
        def noting(*args: Any) -> Any:
            self.opened = self.opened or name == "opened"
            self.ended = self.ended or name == "ended"
            self.overtaken = self.overtaken or self.at_work
            result, self._script = method(*args), None
            if isinstance(result, GeneratorType):
                result = self._script = self._counting(result)
            self.said += isinstance(result, bytes)
            return result

        return noting

    def _counting(self, script: Script) -> Script:
        """Yield the same actions, and count what is said."""
        go_on: Any = script.send
        outcome: Any = None
        while True:
            try:
                action = go_on(outcome)
            except StopIteration:
                return
            self.said += isinstance(action, bytes)
            try:
                outcome = yield action
                go_on = script.send
            except GeneratorExit:
                script.close()
                raise
            except BaseException as error:
                outcome, go_on = error, script.throw
