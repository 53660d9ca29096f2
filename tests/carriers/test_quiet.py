"""The quiet period, which ends a message that no newline ends."""

from sockproto.core.actions import Sleep
from sockproto.core.framing.lines import QuietLines
from tests.carriers.scripted import CarrierTestCase


class QuietTests(CarrierTestCase):
    def test_a_bare_send_is_a_message_after_the_quiet_period(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Mich")
        self.clock.advance(0.019)
        self.receive(b"ael")
        self.clock.advance(0.019)
        self.assertEqual(remote.read(), b"")
        self.clock.advance(0.001)
        self.assertEqual(remote.read(), b"<Michael>")

    def test_bytes_in_the_kernel_when_it_ends_belong_to_the_message(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Mich")
        # Timers run before reads: the period's end, then the read, in one turn of the reactor.
        self.clock.callLater(0.02, self.receive, b"ael")
        self.clock.advance(0.02)
        self.assertEqual(remote.read(), b"")
        self.clock.advance(0.02)
        self.assertEqual(remote.read(), b"<Michael>")

    def test_it_counts_while_an_action_is_pending(self) -> None:
        remote = self.connect(QuietLines, received=lambda message: (yield from (Sleep(1), b"<%b>" % message)))
        self.receive(b"a\nb")
        self.clock.advance(0.02)
        self.receive(b"c\n")
        self.clock.advance(1)
        self.clock.advance(1)
        self.clock.advance(1)
        self.assertEqual(remote.read(), b"<a>\n<b><c>\n")

    def test_it_does_not_count_while_reading_is_paused(self) -> None:
        remote = self.connect(QuietLines)
        self.protocol.pauseProducing()
        self.receive(b"Mich")
        self.clock.advance(5)
        self.protocol.resumeProducing()
        self.receive(b"ael\n")
        self.assertEqual(remote.read(), b"<Michael>\n")

    def test_it_stops_when_reading_pauses_and_begins_anew(self) -> None:
        for pause_after in 0, 0.02:
            remote = self.connect(QuietLines)
            self.receive(b"Mich")
            self.clock.callLater(pause_after, self.protocol.pauseProducing)
            self.clock.advance(0.02)
            self.clock.advance(5)
            self.assertEqual(remote.read(), b"")
            self.protocol.resumeProducing()
            self.clock.advance(0.019)
            self.assertEqual(remote.read(), b"")
            self.clock.advance(0.001)
            self.assertEqual(remote.read(), b"<Mich>")

    def test_eof_ends_it(self) -> None:
        remote = self.connect(QuietLines)
        self.receive(b"Michael")
        remote.half_close()
        self.assertEqual(remote.read(), b"<Michael>")
