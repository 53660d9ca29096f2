"""Command on port 10064 of 127.0.0.1, TCP and UDP: /version, /echo TEXT, /help.

twistd -ny tac/command.tac
"""

from twisted.application import service

from sockproto import CommandDatagramProtocol, CommandFactory, ServerService
from sockproto.server.listeners import tcp, udp

application = service.Application("command")

ServerService(
    [
        tcp("command", CommandFactory(), "127.0.0.1", 10064),
        udp("command", CommandDatagramProtocol(), "127.0.0.1", 10064),
    ]
).setServiceParent(application)
