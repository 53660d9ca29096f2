"""Who sends the commands of one connection.

Pure. Subclass it to keep more of them::

class Session(Caller):
authenticated = False
"""

from sockproto.core.conversation import Peer


class Caller:
    """The other end of one connection, and what a ``CommandSet`` keeps of it; of a datagram, its sender.

    Args:
        peer: Its address; over TLS also its certificate.

    Attributes:
        peer: The same.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
