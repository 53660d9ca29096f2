"""Commands taken apart by hand. It breaks, as the page shows."""

from sockproto import Conversation, ConversationFactory, ConversationProtocol


class HandmadeBook(Conversation):
    """A phone book: ``/add NAME NUMBER``, ``/find NAME``."""

    speaks_text = True

    def __init__(self):
        self.numbers = {}

    def received(self, line):
        """Find out what is wanted."""
        word, *arguments = line.split()
        if word == b"/add":
            name, number = arguments
            self.numbers[name] = int(number)
            return b"ok"
        if word == b"/find":
            return b"%d" % self.numbers[arguments[0]]
        return b"error: unknown command"


class HandmadeBookProtocol(ConversationProtocol):
    """A line is a command."""

    conversation = HandmadeBook


class HandmadeBookFactory(ConversationFactory):
    """What Twisted listens with."""

    protocol = HandmadeBookProtocol
