"""What twistd lists, its reactors too; imports nothing of sockproto until one of them is chosen."""

from typing import Any

from twisted.application.reactors import Reactor
from twisted.application.service import ServiceMaker
from twisted.python.reflect import namedAny


class ProtocolServiceMaker(ServiceMaker):
    """The plugin of one protocol."""

    def __init__(self, protocol: str) -> None:
        ServiceMaker.__init__(
            self,
            f"sockproto-{protocol}",
            "sockproto.server.tap",
            f"{protocol}: a server for this protocol alone (sockproto).",
            f"sockproto-{protocol}",
        )
        self.protocol = protocol

    @property
    def options(self) -> Any:
        """The class of its options."""
        return namedAny("sockproto.server.tap.options_for")(self.protocol)


SOCKPROTO = ServiceMaker(
    "sockproto",
    "sockproto.server.tap",
    "A server for small socket protocols: greeting, echo, command …",
    "sockproto",
)
SOCKPROTO_ECHO = ProtocolServiceMaker("echo")
SOCKPROTO_GREETING = ProtocolServiceMaker("greeting")
SOCKPROTO_COMMAND = ProtocolServiceMaker("command")
SOCKPROTO_REACTOR = Reactor(
    "sockproto", "sockproto.reactor.epoll", "epoll(7) with less around each event (sockproto)."
)
