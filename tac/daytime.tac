"""Daytime (RFC 867) on port 10013 of 127.0.0.1, TCP and UDP: the time for people.

twistd -ny tac/daytime.tac
"""

from twisted.application import service

from sockproto import DaytimeDatagramProtocol, DaytimeFactory, ServerService
from sockproto.server.listeners import tcp, udp

application = service.Application("daytime")

ServerService(
    [
        tcp("daytime", DaytimeFactory(), "127.0.0.1", 10013),
        udp("daytime", DaytimeDatagramProtocol(), "127.0.0.1", 10013),
    ]
).setServiceParent(application)
