"""Greeting on port 9999 of 127.0.0.1, TCP and UDP: Welcome!, then Hello, NAME! for each name.

twistd -ny tac/greeting.tac

ServerService listens on all its ports or on none, says in one line why it can't, and closes the
connections when it is stopped. Arguments of a factory are its conversation's; limits is the carrier's.
"""

from twisted.application import service

from sockproto import GreetingDatagramProtocol, GreetingFactory, Limits, ServerService
from sockproto.server.listeners import tcp, udp

application = service.Application("greeting")

ServerService(
    [
        tcp("greeting", GreetingFactory(limits=Limits(max_message_bytes=512)), "127.0.0.1", 9999),
        udp("greeting", GreetingDatagramProtocol(), "127.0.0.1", 9999),
    ]
).setServiceParent(application)
