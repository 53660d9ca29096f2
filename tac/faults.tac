"""Faults on port 10065 of 127.0.0.1, TCP and UDP: misbehaves as its client asks; /help lists how.

twistd -ny tac/faults.tac
"""

from twisted.application import service

from sockproto import FaultsDatagramProtocol, FaultsFactory, ServerService
from sockproto.server.listeners import tcp, udp

application = service.Application("faults")

ServerService(
    [
        tcp("faults", FaultsFactory(), "127.0.0.1", 10065),
        udp("faults", FaultsDatagramProtocol(), "127.0.0.1", 10065),
    ]
).setServiceParent(application)
