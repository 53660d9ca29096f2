"""What all cases of a check share.

::

    CheckContext("echo", find("tcp", "127.0.0.1", 7), FULL)
"""

from dataclasses import dataclass

from sockproto.check.habit import Habit
from sockproto.check.script.dialogue import ProtocolScript
from sockproto.check.started import Started
from sockproto.check.target import ServerAddress
from sockproto.check.timing import Patience


@dataclass(frozen=True)
class CheckContext:
    """What all cases of a check share.

    Attributes:
        protocol: Which protocol is judged; ``script`` if a script says what it is.
        target: Whom.
        patience: How long to wait.
        quick: Whether to be quick: less is sent.
        started: The server, if it was started for the check.
        welcome: What the server says when a connection is made, before it is sent anything.
        life: What its clients are answered, right or wrong, before anything has happened to it.
        script: What is said and what is due, where that is no protocol that we know.
        framing: Which of ``FRAMINGS`` it is said to have; empty: whichever it has.
        found: Its habit, if that was found out.
    """

    protocol: str
    target: ServerAddress
    patience: Patience
    quick: bool = False
    started: Started | None = None
    welcome: bytes = b""
    life: bytes = b""
    script: ProtocolScript | None = None
    framing: str = ""
    found: Habit | None = None

    @property
    def habit(self) -> Habit:
        """Return in which habit it is judged."""
        return self.found or Habit(self.protocol)

    @property
    def name(self) -> str:
        """The protocol's name, for people."""
        return self.protocol if self.script is None else self.script.name
