"""All that is tested of the stream carrier on Twisted's transport is tested on ours, which asks too."""

from importlib import import_module

from sockproto.core.actions import ABORT
from sockproto.testing import Remote
from tests.carriers.fast import FastTransport
from tests.carriers.scripted import CarrierTestCase

TOPICS = (
    "admission",
    "closing",
    "drain",
    "errors",
    "half_close",
    "outgoing",
    "quiet",
    "send",
    "stream",
    "time_limits",
)


def fast(tests: type[CarrierTestCase]) -> type[CarrierTestCase]:
    """Return the same tests on our transport."""
    topic = tests.__module__.rpartition("test_")[2].title().replace("_", "")
    members = {"transport": FastTransport, "__module__": __name__}
    return type(f"Fast{topic}{tests.__name__}", (tests,), members)


for module in [import_module(f"tests.carriers.test_{topic}") for topic in TOPICS]:
    for found in list(vars(module).values()):
        if getattr(found, "__module__", "") == module.__name__ and hasattr(found, "transport"):
            made = fast(found)
            assert made.__name__ not in globals()
            globals()[made.__name__] = made
del module, found, made  # which would be tested once more


class FastTests(CarrierTestCase):
    transport = FastTransport

    def test_the_protocol_is_asked(self) -> None:
        remote: Remote = self.connect()
        self.protocol.dataReceived = None  # type: ignore[assignment,method-assign]  # not to be called
        remote.send(b"one\n")
        self.assertEqual(remote.read(), b"<one>\n")

    def test_closed_may_close(self) -> None:
        remote = self.connect()
        self.conversation.closed = lambda reason: self.protocol.close()
        remote.half_close()
        self.assertTrue(remote.lost)

    def test_an_abort_at_the_end_is_one(self) -> None:
        remote = self.connect(ended=lambda: ABORT)
        remote.half_close()
        self.assertTrue(remote.transport.aborted)
