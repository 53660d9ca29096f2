"""Echo: every byte comes back."""

from sockproto import Conversation, ConversationFactory, ConversationProtocol, Raw


class Echo(Conversation):
    """What to say."""

    def received(self, message):
        """Say the same."""
        return message


class EchoProtocol(ConversationProtocol):
    """How it runs on a stream: its bytes are not cut into messages."""

    conversation = Echo
    framing = Raw


class EchoFactory(ConversationFactory):
    """What Twisted listens with."""

    protocol = EchoProtocol
