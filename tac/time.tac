"""Time (RFC 868) on port 10037 of 127.0.0.1, TCP and UDP: the time for programs.

twistd -ny tac/time.tac
"""

from twisted.application import service

from sockproto import ServerService, TimeDatagramProtocol, TimeFactory
from sockproto.server.listeners import tcp, udp

application = service.Application("time")

ServerService(
    [
        tcp("time", TimeFactory(), "127.0.0.1", 10037),
        udp("time", TimeDatagramProtocol(), "127.0.0.1", 10037),
    ]
).setServiceParent(application)
