"""Quote of the day (RFC 865) on port 10017 of 127.0.0.1, TCP and UDP: says its text and closes.

twistd -ny tac/qotd.tac

Over UDP a reply is at most four times as long as the request, plus 32 bytes: this one takes a request of
12 bytes or more.
"""

from twisted.application import service

from sockproto import QotdDatagramProtocol, QotdFactory, ServerService
from sockproto.server.listeners import tcp, udp

QUOTE = b"A message on a stream ends where the protocol says, not where the read did.\r\n"

application = service.Application("qotd")

ServerService(
    [
        tcp("qotd", QotdFactory(QUOTE), "127.0.0.1", 10017),
        udp("qotd", QotdDatagramProtocol(QUOTE), "127.0.0.1", 10017),
    ]
).setServiceParent(application)
