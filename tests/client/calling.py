"""Calls of the clients in memory, to a server that the test plays."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.endpoints import Endpoint


def settle(call: "Deferred[Any]") -> None:
    """Take a call's failure where the test is not about how it ends."""
    call.addErrback(lambda _: None)


class ClientTestCase(TestCase):
    """Has a call to a server that the test plays."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.endpoints: list[Endpoint] = []
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), [], "a timer was left behind"))

    def call(self, client: Callable[..., Any], *args: Any, to: Endpoint | None = None, **options: Any) -> Any:
        self.endpoint = to or Endpoint()
        self.endpoints.append(self.endpoint)
        self.addCleanup(self.endpoint.assert_no_faults)
        call = client(self.endpoint, *args, reactor=self.clock, **options)
        self.addCleanup(settle, call)
        return call

    def failureResultOf(self, call: Any, *kinds: Any) -> Any:
        for endpoint in self.endpoints:
            endpoint.run()  # what cuts its connection has its answer a turn later
        return TestCase.failureResultOf(self, call, *kinds)

    def say(self, *pieces: bytes) -> bytes:
        return self.endpoint.say(*pieces)

    def end(self) -> None:
        self.endpoint.end()
