r"""Quote of the day: sends its text and closes (RFC 865).

The same conversation as ``welcome``, under the name and port that the RFC gives it::

    endpoint.listen(QotdFactory(b"Simplicity is prerequisite for reliability.\r\n"))
"""

from sockproto.carriers.definition import ProtocolDefinition
from sockproto.protocols.welcome import (
    MESSAGE,
    Welcome,
    WelcomeDatagramProtocol,
    WelcomeFactory,
    WelcomeProtocol,
)


class Qotd(Welcome):
    """Sends its text; the RFC asks for at most 512 characters.

    Args:
        message: The text.
    """


class QotdProtocol(WelcomeProtocol):
    """Quote of the day on a stream."""

    conversation = Qotd


class QotdFactory(WelcomeFactory):
    """Makes :class:`QotdProtocol` objects. Takes :class:`Qotd`'s arguments."""

    protocol = QotdProtocol


class QotdDatagramProtocol(WelcomeDatagramProtocol):
    """Quote of the day on datagrams: the text for each."""

    conversation = Qotd


DEFINITION = ProtocolDefinition(
    "qotd",
    "says its text and closes (RFC 865)",
    QotdFactory,
    QotdDatagramProtocol,
    options=(MESSAGE,),
)
