"""What drives a session in these tests: a scripted conversation, and a loop like the carrier's.

No transport, no clock, no Deferred::

    drive = Drive(Session(Scripted(received=answer), Lines()))
    drive("open", PEER)
    drive("receive", b"a\\n")       # what is written
"""

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import TestCase

from sockproto.core.actions import Interrupted
from sockproto.core.conversation import CloseReason, Conversation, Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.session import Need, Session

PEER = Peer("192.0.2.1", 4321)

NOTHING: Any = object()
"""Something to wait for; the session never looks at it."""


class Drive:
    """Writes what a session gives, and sees to what it needs where that takes no time.

    Args:
        session: The session.

    Attributes:
        session: The session.
        writes: What was written, a piece a write.
        paused: Whether the peer takes no more: nothing is asked of the session until ``go_on``.
        half_closed: How often our half of the stream was ended.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self.writes: list[bytes] = []
        self.paused = False
        self.half_closed = 0

    def __call__(self, event: str, *args: Any) -> bytes:
        """Tell the session of an event; return what is written for it."""
        before = len(self.writes)
        if event == "hold":
            self.paused = True
        elif event == "go_on":
            self.paused = False
        self._write(getattr(self.session, event)(*args))
        self._attend()
        return b"".join(self.writes[before:])

    def _write(self, data: bytes | None) -> None:
        if data:
            self.writes.append(data)

    def _attend(self) -> None:
        session = self.session
        self._write(session.look_ahead())
        while True:
            if session.need is Need.LOST:
                session.closed()
                return
            if session.interrupted:
                self._write(session.throw(Interrupted()))
            elif session.need in (Need.MORE, Need.HALF_CLOSE) and not self.paused:
                self.half_closed += session.need is Need.HALF_CLOSE
                self._write(session.go_on())
            else:
                return
            self._write(session.look_ahead())


class Scripted(Conversation):
    """Does what the test says, and notes what happens to it; echoes if the test says nothing."""

    def __init__(self, speaks_text: bool = True, **methods: Callable[..., Any]) -> None:
        self.speaks_text = speaks_text
        self.methods = methods
        self.notes: list[Any] = []

    def _do(self, name: str, *args: Any, default: Any = None) -> Any:
        return self.methods[name](*args) if name in self.methods else default

    def opened(self, peer: Peer) -> Any:
        return self._do("opened")

    def received(self, message: bytes) -> Any:
        self.notes.append(message)
        return self._do("received", message, default=b"<%b>" % message)

    def ended(self) -> Any:
        self.notes.append("ended")
        return self._do("ended")

    def closed(self, reason: CloseReason) -> None:
        self.notes.append(reason)
        self._do("closed")


class PlainLines(Lines):
    """Lines that know no ``cut``."""

    cut = property()  # which raises an AttributeError


class SessionTestCase(TestCase):
    """Has a session whose conversation is scripted."""

    def begin(self, framing: Any = None, speaks_text: bool = True, **methods: Any) -> Drive:
        """Begin a session that isn't opened yet."""
        self.conversation = Scripted(speaks_text, **methods)
        self.session = Session(self.conversation, Lines() if framing is None else framing)
        self.drive = Drive(self.session)
        return self.drive

    def open(self, framing: Any = None, speaks_text: bool = True, **methods: Any) -> Drive:
        """Begin a session and open it."""
        drive = self.begin(framing, speaks_text, **methods)
        drive("open", PEER)
        return drive

    @property
    def notes(self) -> list[Any]:
        """What happened to the conversation."""
        return self.conversation.notes

    @property
    def failures(self) -> list[type[BaseException]]:
        """What errors were noted, by type."""
        return [type(error) for _, error in self.session.errors]

    def script(self, *actions: Any) -> Any:
        """Do actions; note where it goes on, and when it is closed."""
        try:
            for action in actions:
                yield action
                self.notes.append("went on")
        finally:
            self.notes.append("finally")

    def assert_closed(self, reason: CloseReason) -> None:
        self.assertIs(self.session.need, Need.CLOSE)
        self.assertIs(self.session.reason, reason)
        self.assertEqual(self.failures, [])
