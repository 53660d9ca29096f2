"""The stream carrier: order, waiting, back-pressure."""

from typing import Any

from twisted.internet.defer import Deferred, succeed

from sockproto.core.actions import Sleep, Wait
from sockproto.core.framing.raw import Discard, Raw
from sockproto.core.limits import TURN_STEPS, Limits
from sockproto.testing import Transport, to_next_call
from tests.carriers.scripted import CarrierTestCase


class OrderTests(CarrierTestCase):
    def test_one_read_one_write(self) -> None:
        remote = self.connect()
        self.receive(b"a\nb\nc\n")
        self.assertEqual(remote.transport.writes, [b"<a>\n<b>\n<c>\n"])

    def test_a_write_per_64_kib(self) -> None:
        remote = self.connect()
        remote.transport.bufferSize = 10**9
        self.protocol.dataReceived(b"".join(b"%04096d\n" % i for i in range(40)))
        self.assertEqual([len(data) // 4099 for data in remote.transport.writes], [16, 16, 8])

    def test_replies_in_order_though_one_sleeps(self) -> None:
        def received(message: bytes) -> Any:
            yield b"first " + message
            if message == b"slow":
                yield Sleep(3)
            yield b"then " + message

        remote = self.connect(received=received)
        self.receive(b"slow\nfast\n")
        self.assertEqual(remote.read(), b"first slow\n")
        self.receive(b"later\n")
        self.clock.advance(2.9)
        self.assertEqual(remote.read(), b"")
        self.clock.advance(0.1)
        self.assertEqual(remote.read(), b"then slow\nfirst fast\nthen fast\nfirst later\nthen later\n")

    def test_wait_gives_result_and_failure(self) -> None:
        waiting: Deferred[bytes] = Deferred()
        failing: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield (yield Wait(waiting))
            try:
                yield Wait(failing)
            except ZeroDivisionError:
                yield b"failed"

        remote = self.connect(received=received)
        self.receive(b"x\n")
        waiting.callback(b"result")
        self.assertEqual(remote.read(), b"result\n")
        failing.errback(ZeroDivisionError())
        self.assertEqual(remote.read(), b"failed\n")

    def test_wait_for_a_coroutine(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        async def answer() -> bytes:
            return b"%b!" % await waiting

        def received(message: bytes) -> Any:
            yield (yield Wait(answer()))

        remote = self.connect(received=received)
        self.receive(b"x\n")
        waiting.callback(b"coroutine")
        self.assertEqual(remote.read(), b"coroutine!\n")

    def test_ten_thousand_deferreds_that_have_fired_do_not_recurse(self) -> None:
        def received(message: bytes) -> Any:
            total = 0
            for _ in range(10_000):
                total += yield Wait(succeed(1))
                yield Sleep(0)
            yield b"%d" % total

        remote = self.connect(received=received)
        self.receive(b"x\n")
        self.clock.pump([0] * (20_000 // TURN_STEPS))
        self.assertEqual(remote.read(), b"10000\n")

    def test_what_never_waits_lets_the_others_have_their_turn(self) -> None:
        steps = 0

        def received(message: bytes) -> Any:
            nonlocal steps
            while steps < 1_000:
                yield Wait(succeed(None))
                steps += 1

        self.connect(received=received)
        self.receive(b"x\n")
        self.assertTrue(TURN_STEPS // 2 < steps <= TURN_STEPS, steps)
        self.clock.advance(0)
        self.assertEqual(steps, 1_000)

    def test_ten_thousand_messages_that_wait_do_not_recurse(self) -> None:
        remote = self.connect(received=lambda message: Wait(succeed(None)))
        for _ in range(20):
            self.receive(b"x\n" * 500)
        self.clock.pump([0] * 100)
        self.assertEqual((self.protocol.messages_in, remote.transport.writes), (10_000, []))

    def test_single_actions(self) -> None:
        for action, wire in [(None, b""), (b"bytes", b"bytes\n"), (Sleep(0), b"")]:
            remote = self.connect(received=lambda message, action=action: action)
            self.receive(b"x\n")
            self.assertEqual(remote.read(), wire)

    def test_data_that_comes_while_a_generator_runs_is_handled_after_it(self) -> None:
        def received(message: bytes) -> Any:
            if message == b"a":
                self.receive(b"b\n")
            yield b"begin " + message
            yield b"end " + message

        remote = self.connect(received=received)
        self.receive(b"a\n")
        self.assertEqual(remote.read(), b"begin a\nend a\nbegin b\nend b\n")


class BackPressureTests(CarrierTestCase):
    def test_pauses_between_two_messages_of_one_read(self) -> None:
        handled = []

        def received(message: bytes) -> bytes:
            handled.append(message)
            return b"x" * 60_000

        remote = self.connect(received=received)
        self.receive(b"1\n2\n3\n4\n5\n6\n")
        self.assertEqual(handled, [b"1", b"2"])
        self.assertFalse(remote.transport.reading)
        remote.read()
        self.assertEqual(handled, [b"1", b"2", b"3", b"4"])
        remote.read()
        self.assertEqual(handled[4:], [b"5", b"6"])
        self.assertFalse(remote.transport.reading)
        remote.read()
        self.assertTrue(remote.transport.reading)

    def test_pauses_inside_a_generator(self) -> None:
        def opened() -> Any:
            for _ in range(5):
                yield b"x" * 70_000

        remote = self.connect(Raw, opened=opened)
        for _ in range(5):
            self.assertEqual(len(remote.read()), 70_000)

    def test_a_wait_that_fires_while_the_transport_is_full_delivers_its_value(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield b"x" * 70_000
            yield (yield Wait(waiting))

        def first_pause_then_wait(message: bytes) -> Any:
            result = yield Wait(waiting)
            yield result

        remote = self.connect(Raw, received=first_pause_then_wait)
        self.receive(b"x")
        self.protocol.pauseProducing()
        waiting.callback(b"value")
        self.assertEqual(remote.read(), b"")
        self.protocol.resumeProducing()
        self.assertEqual(remote.read(), b"value")

    def test_a_wait_that_fires_in_the_write_that_ends_the_turn_delivers_its_value(self) -> None:
        waiting: Deferred[bytes] = Deferred()

        def received(message: bytes) -> Any:
            yield b"x" * 250_000
            yield (yield Wait(waiting))

        remote = self.connect(Raw, received=received)
        remote.transport.bufferSize = 10**9  # never full
        write = remote.transport.write

        def fire_and_write(data: bytes) -> None:
            write(data)
            if not waiting.called:
                waiting.callback(b"value")

        self.patch(remote.transport, "write", fire_and_write)
        self.receive(b"x")
        self.clock.advance(0)
        self.assertEqual(remote.read()[250_000:], b"value")

    def test_data_that_comes_while_paused_is_held(self) -> None:
        remote = self.connect()
        self.protocol.pauseProducing()
        self.protocol.dataReceived(b"a\n")  # as TLS does
        self.assertEqual(remote.transport.writes, [])
        self.assertFalse(remote.transport.reading)
        self.protocol.resumeProducing()
        self.assertEqual(remote.transport.writes, [b"<a>\n"])
        self.assertTrue(remote.transport.reading)

    def test_reads_ahead_64_kib_while_an_action_is_pending(self) -> None:
        remote = self.connect(received=lambda message: Sleep(1))
        line = b"x" * 1_023 + b"\n"
        self.receive(line)
        for _ in range(64):
            self.receive(line)
            self.assertTrue(remote.transport.reading)
        self.receive(line)
        self.assertFalse(remote.transport.reading)
        self.clock.advance(1)
        self.assertTrue(remote.transport.reading)
        self.clock.pump([1] * 66)

    def test_a_message_longer_than_the_read_ahead_is_read_to_its_end(self) -> None:
        for limit, first in [(65_536, b"x" * 65_536 + b"\r"), (200_000, b"x" * 100_000), (0, b"x" * 100_000)]:
            remote = self.connect(limits=Limits(max_message_bytes=limit))
            self.receive(first)
            self.assertTrue(remote.transport.reading)
            self.receive(b"\n")
            self.assertIn(b"x>", remote.read())

    def test_an_endless_generator_yields_to_others_after_256_kib(self) -> None:
        def opened() -> Any:
            while True:
                yield b"x" * 7_000

        class NeverFull(Transport):
            bufferSize = 10**9

        remote = self.connect(Discard, transport=NeverFull, opened=opened)
        for _ in range(5):
            produced = len(remote.read())
            self.assertTrue(128 * 1024 < produced <= 256 * 1024, produced)
            # One turn of the reactor; advancing the clock would run what the turn schedules too.
            self.assertTrue(to_next_call(self.clock, max_seconds=0))
        remote.lose()

    def test_discard_never_stops_reading(self) -> None:
        def opened() -> Any:
            while True:
                yield b"x" * 70_000

        remote = self.connect(Discard, opened=opened)
        for _ in range(3):
            self.receive(b"y" * 70_000)
            self.assertTrue(remote.transport.reading)
        remote.lose()
