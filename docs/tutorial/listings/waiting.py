"""A greeting that waits, for time and for somebody else's answer."""

from sockproto import Conversation, ConversationFactory, ConversationProtocol, Sleep, Wait


class Patient(Conversation):
    """Thinks, looks up a title, and greets.

    Args:
        find_title: Takes a name, gives a Deferred or a coroutine of bytes.
    """

    def __init__(self, find_title):
        self.find_title = find_title

    def received(self, name):
        """A generator gives one action after the other."""
        yield Sleep(0.1)
        try:
            title = yield Wait(self.find_title(name))
        except LookupError:
            title = b"dear"
        yield b"Hello, %b %b!" % (title, name)


class PatientProtocol(ConversationProtocol):
    """Each line is a message: that is the framing if none is named."""

    conversation = Patient


class PatientFactory(ConversationFactory):
    """Takes the conversation's arguments."""

    protocol = PatientProtocol
