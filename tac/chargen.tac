"""Character generator (RFC 864) on port 10019 of 127.0.0.1, TCP and UDP.

twistd -ny tac/chargen.tac
"""

from twisted.application import service

from sockproto import ChargenDatagramProtocol, ChargenFactory, ServerService
from sockproto.server.listeners import tcp, udp

application = service.Application("chargen")

ServerService(
    [
        tcp("chargen", ChargenFactory(), "127.0.0.1", 10019),
        udp("chargen", ChargenDatagramProtocol(), "127.0.0.1", 10019),
    ]
).setServiceParent(application)
