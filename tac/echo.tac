"""Echo (RFC 862) on port 10007 of 127.0.0.1, TCP and UDP: every byte comes back.

twistd -ny tac/echo.tac

Services of Twisted alone: an endpoint that takes the factory, a UDPServer that takes the datagram
protocol. A port that is taken shows as Twisted's traceback; greeting.tac has one line for it.
"""

from twisted.application import internet, service, strports

from sockproto import MAX_PACKET_BYTES, EchoDatagramProtocol, EchoFactory

application = service.Application("echo")

strports.service("tcp:10007:interface=127.0.0.1", EchoFactory()).setServiceParent(application)

internet.UDPServer(
    10007, EchoDatagramProtocol(), interface="127.0.0.1", maxPacketSize=MAX_PACKET_BYTES
).setServiceParent(application)
