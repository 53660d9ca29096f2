"""Discard (RFC 863) on port 10009 of 127.0.0.1, TCP and UDP: throws away whatever comes.

twistd -ny tac/discard.tac
"""

from twisted.application import service

from sockproto import DiscardDatagramProtocol, DiscardFactory, ServerService
from sockproto.server.listeners import tcp, udp

application = service.Application("discard")

ServerService(
    [
        tcp("discard", DiscardFactory(), "127.0.0.1", 10009),
        udp("discard", DiscardDatagramProtocol(), "127.0.0.1", 10009),
    ]
).setServiceParent(application)
