"""A greeting: says welcome, answers names, ends at ``exit``."""

from sockproto import CLOSE, Conversation, ConversationFactory, ConversationProtocol, Lines


class Greeting(Conversation):
    """What to say; a message is a name."""

    def opened(self, peer):
        """Somebody is there."""
        return b"Welcome!"

    def received(self, name):
        """A whole name came."""
        if name == b"exit":
            return CLOSE
        return b"Hello, %b!" % name


class GreetingProtocol(ConversationProtocol):
    """Each line is a message."""

    conversation = Greeting
    framing = Lines


class GreetingFactory(ConversationFactory):
    """What Twisted listens with."""

    protocol = GreetingProtocol
