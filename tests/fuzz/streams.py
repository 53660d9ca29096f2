"""A server of connections, and what is checked of it."""

from collections import Counter
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogEvent

from sockproto.core.conversation import CloseReason
from tests.fuzz.checks import Tally, check, check_log
from tests.fuzz.links import Link, check_said
from tests.fuzz.noting import Notes
from tests.fuzz.plans import DEFINITIONS, HEADERS, NONE, Event, Plan, arguments


class Server:
    """A factory and its connections."""

    def __init__(self, planned: Plan, logged: list[LogEvent]) -> None:
        self.plan, self.clock, self.logged = planned, Clock(), logged
        self.definition = definition = DEFINITIONS[planned.protocol]
        proxies = {"proxied": ["192.168.0.0/16"], "distrusted": ["127.0.0.0/8"]}.get(planned.carrier)
        self.factory = definition.factory(
            clock=self.clock,
            limits=planned.limits,
            framing=self.make_framing,
            proxy_from=proxies,
            **arguments(planned),
        )
        made = definition.factory.protocol
        self.factory.protocol = type(
            made.__name__, (made,), {"conversation": staticmethod(self.make_conversation)}
        )
        self.links = [self.make_link() for _ in range(planned.links)]
        self.drained: Any = None

    def make_framing(self, longest: int) -> Any:
        """Make a framing that can be looked at."""
        make = self.definition.framings.get(self.plan.framing) or self.definition.factory.protocol.framing
        self.framing = make(longest)
        return self.framing

    def make_conversation(self, *args: Any, **kwargs: Any) -> Any:
        """Make a conversation, and note what happens to it."""
        conversation = self.definition.factory.protocol.conversation(*args, **kwargs)
        self.notes = Notes(conversation)
        return conversation

    def make_link(self) -> Link:
        """Make a connection."""
        protocol = self.factory.buildProtocol(None)
        return Link(self.plan, protocol, self.framing, self.notes)

    def happens(self, event: Event) -> bool:
        """Have one thing happen; return whether it could."""
        if event.kind == "drain":
            if self.drained is not None:
                return False
            self.drained = self.factory.drain()
        elif event.kind == "advance":
            self.clock.advance(event.value)
        elif event.kind == "quiet":
            self.clock.advance(0.02)
            self.clock.advance(0)
        elif not self.links[event.link].happens(event):
            return False
        self.pump()
        return True

    def pump(self) -> None:
        """Have the server read what it wants to."""
        for link in self.links:
            link.pump()
            link.check()
            if self.at_rest:
                link.check_answered()
        check_log(self.logged)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is to be done before more comes or time passes."""
        due = any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls())
        return self.drained is None and not self.plan.think_seconds and not due

    def finish(self) -> int:
        """Bring every connection to its end, as planned; return how many inputs that took."""
        end, inputs = self.plan.end, 0
        if end == "eof":
            inputs = sum(link.happens(Event(0, "eof")) for link in self.links)
        elif end == "drain" and self.drained is None:
            self.drained = self.factory.drain()
            inputs = 1
        elif end == "abort":
            self.factory.abort()
            inputs = 1
        # Each message may take its time to think.
        messages = sum(event.value.count(b"\n") + 1 for event in self.plan.events if event.kind == "data")
        endless = end == "eof" and self.plan.protocol == "chargen"
        endless = endless or (self.plan.limits is NONE and end in ("silence", "drain"))
        for _ in range(4 if endless else 60 + messages):
            if all(link.lost for link in self.links) or end == "reset":
                break
            if end != "silence":
                inputs += sum(link.happens(Event(0, "take")) for link in self.links)
            self.pump()
            self.clock.advance(31 if end == "silence" else 0.1)
        else:
            check(endless, f"still open after {end}")
        for link in self.links:
            inputs += link.happens(Event(0, "reset"))
        self.pump()
        return inputs

    def check(self, tally: Tally) -> None:
        """Check that nothing is left, and what was said."""
        counted, left = self.factory.statistics, self.clock.getDelayedCalls()
        check(not left, f"{len(left)} timers left behind")
        check(self.factory.abort() == 0, "connections left")
        check(counted.open == 0 and counted.opened == len(self.links), "statistics that don't add up")
        check(self.drained is None or self.drained.called, "a drain that never ends")
        for link in self.links:
            protocol = link.protocol
            check(protocol.reason is not None, "no close reason")
            closed = [protocol.reason] * link.notes.opened
            check(link.notes.closed == closed, "closed() not called exactly once")
            check(not link.transport.faults, f"a fault: {link.transport.faults[:1]}")
            check(not link.notes.at_work, "an action left under way")
            check_said(self.plan, link)
            tally.reasons[str(protocol.reason)] += 1
        reasons = Counter(link.protocol.reason for link in self.links)
        check(counted.closed == reasons, "close reasons that don't add up")
        tally.conversations += len(self.links)
        self.check_places()

    def check_places(self) -> None:
        """Check that every place is given back: where there is one, the next connection has it."""
        if 1 not in (self.plan.limits.max_connections, self.plan.limits.max_connections_per_peer):
            return
        for header in (b"", *HEADERS) if self.plan.carrier == "proxied" else (b"",):
            link = self.make_link()
            if header and not link.lost:
                link.protocol.dataReceived(header)
            taken = link.protocol.reason in (CloseReason.TOO_MANY, CloseReason.TOO_MANY_OF_PEER)
            check(not taken, "places left taken")
            link.remote.lose()
        check(self.factory.statistics.open == 0, "places left taken")
