"""Echo, greeting, welcome and command together, each on a TCP and a UDP port of 127.0.0.1.

twistd -ny tac/four.tac

One ServerService has all the ports or none of them: if one is taken it says so in one line, and nothing
is left running.
"""

from twisted.application import service

from sockproto import (
    CommandDatagramProtocol,
    CommandFactory,
    EchoDatagramProtocol,
    EchoFactory,
    GreetingDatagramProtocol,
    GreetingFactory,
    ServerService,
    WelcomeDatagramProtocol,
    WelcomeFactory,
)
from sockproto.server.listeners import tcp, udp

application = service.Application("four")

ServerService(
    [
        tcp("echo", EchoFactory(), "127.0.0.1", 10007),
        udp("echo", EchoDatagramProtocol(), "127.0.0.1", 10007),
        tcp("greeting", GreetingFactory(), "127.0.0.1", 9999),
        udp("greeting", GreetingDatagramProtocol(), "127.0.0.1", 9999),
        tcp("welcome", WelcomeFactory(), "127.0.0.1", 30000),
        udp("welcome", WelcomeDatagramProtocol(), "127.0.0.1", 30000),
        tcp("command", CommandFactory(), "127.0.0.1", 10064),
        udp("command", CommandDatagramProtocol(), "127.0.0.1", 10064),
    ]
).setServiceParent(application)
