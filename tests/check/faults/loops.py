"""Servers that answer servers."""

from tests.check.faults.datagrams import ANSWERERS
from tests.check.servers import Server

OTHERS = tuple(name for name in ANSWERERS if name != "echo")
"""``echo`` may answer all: for it that is open."""


class AnswersItsOwnKind(Server):
    """Answers whatever comes, as the RFCs have it, from wherever."""

    protocols = OTHERS
    fails = "loops.another-of-its-kind loops.answers-are-not-answered"

    def is_reply(self, datagram: bytes) -> bool:
        return False

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        if self.protocol == "chargen":
            return b"?" * len(datagram)
        if self.protocol == "command":
            return super().reply(datagram) or b"error: that is no command\n"
        return super().reply(datagram)


class AnswersServices(Server):
    """Does not look at the port."""

    protocols = OTHERS
    fails = "loops.services-are-not-answered"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        return super().respond(datagram, 1024)


class AddsToWhatComes(Server):
    """Makes a loop that grows."""

    protocols = ("echo",)
    fails = "loops.another-of-its-kind loops.services-are-not-answered"

    def respond(self, datagram: bytes, port: int) -> bytes | None:
        return datagram + b"!"
