"""The protocol ``faults`` in memory: what each command says and does, when, and within which bounds."""

import json
import ssl
from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.address import UNIXAddress
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sockproto import CloseReason, FaultsDatagramProtocol, FaultsFactory, Limits
from sockproto.carriers.datagram import MAX_PACKET_BYTES
from sockproto.commands.faults import FaultCommands
from sockproto.errors import OptionError
from sockproto.protocols.faults import alpn_names
from sockproto.reactor.alpn import asks_factories
from sockproto.server.tap import Options
from sockproto.testing import (
    DatagramNetwork,
    Remote,
    assert_bounded,
    assert_ended,
    assert_no_faults,
    connect,
    cuts,
)
from tests.carriers.over_tls import TLSTests

SERVER = ("192.0.2.1", 9999)
NOTHING = dict.fromkeys(("client", "tls", "sni", "alpn", "certificate", "listener", "worker", "serial"))


class FaultsTestCase(TestCase):
    """Has connections to a server of faults."""

    def connect(self, *, kernel_bytes: int = 0, **options: Any) -> Remote:
        self.clock = Clock()
        self.factory = FaultsFactory(clock=self.clock, **options)
        self.remote = connect(self.factory, kernel_bytes=kernel_bytes)
        self.addCleanup(self.finish)
        return self.remote

    def finish(self) -> None:
        """End the connection: nothing is left, and nothing went wrong."""
        self.remote.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.factory.statistics.closed[CloseReason.CONVERSATION_ERROR], 0)
        assert_no_faults(self.remote)

    def say(self, *lines: bytes) -> bytes:
        """Send lines; return what is answered without time passing."""
        self.remote.send(b"".join(line + b"\n" for line in lines))
        return self.remote.read_to_end()

    def after(self, seconds: float) -> bytes:
        """Return what is said in that time."""
        self.clock.advance(seconds)
        return self.remote.read_to_end()


class AnswerTests(FaultsTestCase):
    def test_help(self) -> None:
        self.connect()
        words = (
            "bytes close delay drip garble half-close help hold lines long push reset segments stop-reading"
        )
        self.assertEqual(self.say(b"/help").decode().split(), [f"/{w}" for w in [*words.split(), "whoami"]])
        said = self.say(b"/help drip").decode()
        self.assertEqual(said.partition(":")[0], "/drip N SECONDS")
        self.assertEqual(self.say(b"/nope"), b"error: unknown command, see /help\n")
        self.assertEqual(self.say(b"no command"), b"")

    def test_lines(self) -> None:
        for line, reply in [
            (b"/bytes 0", b""),
            (b"/bytes 12", b"012345678901"),
            (b"/long 0", b"\n"),
            (b"/long 12", b"012345678901\n"),
            (b"/lines 0", b""),
            (b"/lines 3", b"line 1\nline 2\nline 3\n"),
            (b"/garble Hello", b"\xc8\xe5\xec\xec\xef\n"),
            (b"/garble \x8a\x8d", b"\x8a\x8d\n"),  # they would end the line
        ]:
            self.connect()
            self.assertEqual(self.say(line), reply)
            self.assertEqual(self.say(line + b"\r", b"/long 1"), reply + b"0\n")

    def test_bytes_across_pieces(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/bytes 100003"), (b"0123456789" * 10_001)[:100_003])

    def test_delay(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/delay 1.5 a  b ", b"/long 1"), b"")
        self.assertEqual(self.after(1.4), b"")
        self.assertEqual(self.after(0.1), b"a  b \n0\n")

    def test_drip(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/drip 3 1.5", b"/long 1"), b"")
        self.assertEqual([self.after(0.5) for _ in range(3)], [b"0", b"1", b"2" + b"0\n"])
        self.assertEqual(self.say(b"/drip 25 0"), b"0123456789012345678901234")
        self.assertEqual(self.say(b"/drip 0 5", b"/long 1"), b"")
        self.assertEqual(self.after(5), b"0\n")

    def test_a_drip_of_many_bytes_is_even(self) -> None:
        self.connect()
        self.say(b"/drip 1000000 1")
        sizes = [len(self.after(0.01)) for _ in range(101)]
        self.assertEqual(sum(sizes), 1_000_000)
        self.assertLessEqual(max(sizes), 20_000)

    def test_segments(self) -> None:
        self.connect()
        self.assertEqual(self.say(b'/segments Hel lo, "big world"', b"/long 1"), b"Hel")
        self.assertEqual(self.after(0.02), b"lo,")
        self.assertEqual(self.after(0.02), b"big world\n0\n")

    def test_what_is_wrong_is_said(self) -> None:
        self.connect(max_answer_bytes=99, max_answer_lines=9, max_answer_seconds=2.5)
        for line, reply in [
            (b"/bytes 100", b"N must be from 0 to 99"),
            (b"/bytes -1", b"N must be from 0 to 99"),
            (b"/bytes 1e1", b"N must be a whole number"),
            (b"/bytes", b"N is missing; write /bytes N"),
            (b"/long 100", b"N must be from 0 to 99"),
            (b"/drip 100 1", b"N must be from 0 to 99"),
            (b"/drip 1 2.6", b"SECONDS must be from 0 to 2.5"),
            (b"/drip 1 -1", b"SECONDS must be from 0 to 2.5"),
            (b"/close after 100", b"N must be from 0 to 99"),
            (b"/close after", b"N is missing; write /close after N"),
            (b"/close before 1", b"AFTER must be after"),
            (b"/lines 10", b"N must be from 0 to 9"),
            (b"/delay 3 x", b"SECONDS must be from 0 to 2.5"),
            (b"/delay nan x", b"SECONDS must be a number"),
            (b"/delay 1", b"TEXT is missing; write /delay SECONDS TEXT..."),
            (b"/push 3 x", b"SECONDS must be from 0 to 2.5"),
            (b"/stop-reading 3", b"SECONDS must be from 0 to 2.5"),
            (b"/segments", b"TEXT is missing; write /segments TEXT..."),
            (b"/segments" + b" x" * 126, b"so many segments take longer than 2.5 seconds"),
        ]:
            self.assertEqual(self.say(line), b"error: " + reply + b"\n", line)

    def test_0_is_no_limit(self) -> None:
        self.connect(max_answer_bytes=0, max_answer_lines=0, max_answer_seconds=0, max_pushes=0)
        self.assertEqual(self.say(b"/delay 1000000 x"), b"")
        self.assertEqual(self.after(1_000_000), b"x\n")
        self.assertEqual(self.say(b"/push 1 x", *[b"/push 1 x"] * 16), b"ok\n" * 17)

    def test_what_nobody_reads_is_not_made(self) -> None:
        self.connect(max_answer_bytes=0)
        self.remote.send(b"/bytes 1000000000000\n")
        assert_bounded(self.remote, 256 * 1024)
        self.assertEqual(len(self.remote.read(1_000_000)), 1_000_000)
        assert_bounded(self.remote, 256 * 1024)


class EndTests(FaultsTestCase):
    def test_close(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/long 3", b"/close", b"/long 3"), b"012\n")
        assert_ended(self.remote, "orderly")
        self.connect()
        self.assertEqual(self.say(b"/long 3", b"/close after 5", b"/long 3"), b"012\n01234")
        assert_ended(self.remote, "orderly")

    def test_a_reset_follows_what_was_said(self) -> None:
        self.connect()
        self.remote.send(b"/long 3\n/reset\n/long 3\n")
        self.clock.advance(5)
        self.assertFalse(self.remote.ended)  # nothing is read yet
        self.assertEqual(self.remote.read(), b"012\n")
        self.clock.advance(0.01)
        assert_ended(self.remote, "reset")
        self.assertEqual(self.remote.protocol.reason, CloseReason.ABORTED)

    def test_a_reset_of_who_reads_nothing(self) -> None:
        self.connect()
        self.remote.send(b"/long 3\n/reset\n")
        for _ in range(3_001):
            self.clock.advance(0.01)
        assert_ended(self.remote, "reset")

    def test_half_close(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/push 1 x", b"/long 3", b"/half-close", b"/long 3"), b"ok\n012\n")
        assert_ended(self.remote, "orderly")
        self.remote.send(b"/long 3\n", b"x" * 200_000)
        self.assertEqual(self.after(1), b"")
        self.assertFalse(self.remote.lost)
        self.remote.half_close()
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.remote.protocol.reason, CloseReason.PEER_CLOSED)

    def test_hold(self) -> None:
        self.connect(limits=Limits(idle_seconds=10, message_seconds=1, max_message_bytes=100))
        self.assertEqual(self.say(b"/push 1 x", b"/long 3", b"/hold", b"/long 3"), b"ok\n012\n")
        for _ in range(3):
            self.remote.send(b"/long 3\n", b"x" * 200_000)
            self.assertEqual(self.after(9), b"")
            self.assertFalse(self.remote.lost)
        self.assertEqual(self.after(11), b"")
        self.assertEqual(self.remote.protocol.reason, CloseReason.IDLE)

    def test_hold_until_the_peer_ends(self) -> None:
        self.connect()
        self.say(b"/hold")
        self.remote.half_close(b"/long 3")
        self.assertEqual(self.remote.read_to_end(), b"")
        self.assertEqual(self.remote.protocol.reason, CloseReason.PEER_CLOSED)

    def test_the_service_stops(self) -> None:
        for line, reply in [(b"/push 5 x", b"ok\n"), (b"/hold", b""), (b"/half-close", b"")]:
            self.connect()
            self.assertEqual(self.say(line), reply)
            drained = self.factory.drain()
            self.clock.advance(2)
            self.assertEqual(self.remote.read_to_end(), b"")
            self.assertTrue(drained.called, line)


class StopReadingTests(FaultsTestCase):
    def test_nothing_is_read_for_so_long(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/stop-reading 2"), b"ok\n")
        self.remote.send(b"/long 3\n")
        self.assertEqual(self.after(1.9), b"")
        self.assertEqual(self.remote.protocol.bytes_in, len(b"/stop-reading 2\n"))
        self.assertEqual(self.after(0.1), b"012\n")
        self.assertEqual(self.say(b"/long 4"), b"0123\n")

    def test_what_was_read_before_waits(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/stop-reading 2", b"/long 3", *[b"x" * 1000] * 200), b"ok\n")
        self.assertEqual(self.after(1.9), b"")
        self.assertEqual(self.after(0.1), b"012\n")

    def test_pushes_wait_too_and_the_peer_may_go(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/push 1 x", b"/stop-reading 2"), b"ok\nok\n")
        self.assertEqual(self.after(1.9), b"")
        self.assertEqual(self.after(0.1), b"x\n")
        self.assertEqual(self.say(b"/stop-reading 2"), b"ok\n")
        self.remote.reset()
        self.clock.advance(2)
        self.assertTrue(self.remote.lost)

    def test_the_service_stops_meanwhile(self) -> None:
        self.connect()
        self.say(b"/stop-reading 200")
        drained = self.factory.drain()
        self.factory.abort()
        self.remote.run()
        self.assertTrue(drained.called)


class PushTests(FaultsTestCase):
    def test_between_other_answers(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/push 2 later", b"/push 1 sooner", b"/long 3"), b"ok\nok\n012\n")
        self.assertEqual(self.after(1), b"sooner\n")
        self.assertEqual(self.say(b"/delay 3 x"), b"")
        self.assertEqual(self.after(2.9), b"")  # an answer is finished first
        self.assertEqual(self.after(0.1), b"x\nlater\n")

    def test_at_once(self) -> None:
        self.connect()
        self.assertEqual(self.say(b"/push 0 x"), b"ok\n")
        self.assertEqual(self.after(0), b"x\n")

    def test_of_a_peer_that_sends_no_more(self) -> None:
        self.connect()
        self.remote.half_close(b"/push 2 later\n/push 1 sooner\n")
        self.assertEqual(self.remote.read_to_end(), b"ok\nok\n")
        self.assertEqual([self.after(1), self.after(1)], [b"sooner\n", b"later\n"])
        self.assertTrue(self.remote.lost)

    def test_so_many_may_wait(self) -> None:
        self.connect(max_pushes=2)
        refused = b"error: 2 are to be pushed already\n"
        self.assertEqual(self.say(*[b"/push 1 x"] * 3), b"ok\nok\n" + refused)
        self.assertEqual(self.after(1), b"x\nx\n")
        self.assertEqual(self.say(b"/push 1 x"), b"ok\n")

    def test_so_many_bytes_may_wait(self) -> None:
        self.connect()
        long = b"/push 1 " + b"x" * 33_000
        refused = b"error: more than 65536 bytes would be to be pushed\n"
        self.assertEqual(self.say(long, long), b"ok\n" + refused)

    def test_a_peer_that_reads_nothing(self) -> None:
        self.connect()
        for _ in range(40):
            self.remote.send(b"/push 0 " + b"x" * 60_000 + b"\n")
            self.clock.advance(0)
        assert_bounded(self.remote, 512 * 1024)

    def test_none_is_left_when_the_peer_goes(self) -> None:
        self.connect()
        self.say(b"/push 5 x")
        self.remote.reset()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class WhoamiTests(FaultsTestCase):
    def whoami(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.say(b"/whoami"))
        self.assertTrue(told.pop("host"))
        return told

    def test_who_it_is(self) -> None:
        self.connect()
        transport = self.remote.transport
        peer, host = transport.getPeer(), transport.getHost()
        expected = {"peer": f"{peer.host}:{peer.port}", "listener": f"{host.host}:{host.port}", "serial": 1}
        self.assertEqual(self.whoami(), {**NOTHING, **expected})
        self.factory.worker = 3
        self.assertEqual(self.whoami(), {**NOTHING, **expected, "worker": 3})

    def test_behind_a_proxy(self) -> None:
        self.clock = Clock()
        self.factory = FaultsFactory(clock=self.clock, proxy_from=["0.0.0.0/0"])
        for header, client in [
            (b"PROXY TCP4 192.0.2.77 192.0.2.2 5000 80\r\n", "192.0.2.77:5000"),
            (b"PROXY TCP6 2001:db8::1 2001:db8::2 5000 80\r\n", "[2001:db8::1]:5000"),
            (b"PROXY UNKNOWN\r\n", None),
        ]:
            self.remote = connect(self.factory)
            self.remote.send(header)
            told, peer = self.whoami(), self.remote.transport.getPeer()
            self.assertEqual((told["peer"], told["client"]), (f"{peer.host}:{peer.port}", client))
            self.remote.lose()

    def test_on_a_unix_socket(self) -> None:
        self.factory = FaultsFactory(clock=Clock())
        self.remote = connect(self.factory, peer=UNIXAddress(None), host=UNIXAddress(b"/run/a\x1b"))
        told = self.whoami()
        self.assertEqual((told["peer"], told["listener"]), ("unix:", "unix:/run/a\\x1b"))
        self.remote.lose()


class TLSCommandTests(TLSTests):
    def greet(self, *offered: str, **options: Any) -> Any:
        factory = FaultsFactory(clock=self.clock, **options)
        self.serve(factory=factory, context=self.options())
        peer = self.peer(offered=offered)
        peer.shake_hands()
        return peer

    def say(self, peer: Any, line: bytes) -> bytes:
        """Send a line; return what is answered at once."""
        peer.send(line + b"\n")
        self.clock.advance(0)  # TLS sends small writes together
        answer: bytes = peer.read()
        return answer

    def test_whoami(self) -> None:
        told = json.loads(self.say(self.greet(), b"/whoami"))
        self.assertRegex(told["tls"], r"^TLSv1\.[23]$")
        self.assertEqual((told["sni"], told["alpn"], told["certificate"]), ("localhost", None, None))

    def test_declared_protocols(self) -> None:
        if not asks_factories():
            self.assertRaises(ValueError, FaultsFactory, alpn=["h2"])
            return
        peer = self.greet("h2", "http/1.1", alpn=["spdy", "http/1.1"])
        self.assertEqual(json.loads(self.say(peer, b"/whoami"))["alpn"], "http/1.1")
        self.assertRaises(ssl.SSLError, self.greet, "h2", alpn=["spdy"])  # none in common

    def test_without_declared_protocols_it_goes_on_without(self) -> None:
        peer = self.greet("h2")
        self.assertIsNone(json.loads(self.say(peer, b"/whoami"))["alpn"])

    def test_there_is_no_half_close(self) -> None:
        peer = self.greet()
        self.assertEqual(
            self.say(peer, b"/half-close\n/long 3"), b"error: TLS has no half-close; write /close\n012\n"
        )

    def test_a_reset_comes_without_close_notify(self) -> None:
        peer = self.greet()
        peer.send(b"/long 3\n/reset\n")
        self.clock.advance(0.01)
        self.assertEqual(peer.read(), b"012\n")
        self.clock.advance(0.01)
        assert_ended(self.remote, "reset")


class DatagramTests(TestCase):
    def ask(self, datagram: bytes, *seconds: float) -> bytes | None:
        clock, network = Clock(), DatagramNetwork()
        network.listenUDP(SERVER[1], FaultsDatagramProtocol(clock=clock), SERVER[0], MAX_PACKET_BYTES)
        remote = network.remote()
        remote.send(datagram, SERVER)
        network.run()
        for each in seconds:
            clock.advance(each)
        replies = remote.read()
        self.assertEqual(clock.getDelayedCalls(), [])
        return replies[0] if replies else None

    def test_what_needs_no_connection(self) -> None:
        for datagram, reply in [
            (b"/long 3", b"012\n"),
            (b"/bytes 3\r\n", b"012"),
            (b"/lines 2\n", b"line 1\nline 2\n"),
            (b"/garble a", b"\xe1\n"),
            (b"/hold", None),
            (b"text", None),
            (b"/nope", b"error: unknown command, see /help\n"),
        ]:
            self.assertEqual(self.ask(datagram), reply)
        self.assertEqual(self.ask(b"/delay 2 x", 2), b"x\n")
        self.assertEqual(self.ask(b"/drip 3 3", 1, 1, 1), b"012")

    def test_nothing_is_amplified(self) -> None:
        for datagram in b"/bytes 69", b"/lines 100000", b"/bytes 67000000", b"/whoami":
            self.assertEqual(self.ask(datagram), b"error: reply too long\n")
        self.assertEqual(len(self.ask(b"/bytes 68") or b""), 68)  # 4 times 9, and 32
        self.assertEqual(len(self.ask(b"/bytes 1000".ljust(300)) or b""), 1000)

    def test_whoami_where_the_request_is_as_long_as_that_needs(self) -> None:
        told = json.loads(self.ask(b"/whoami".ljust(100)) or b"")
        self.assertTrue(told.pop("host"))
        peer = told.pop("peer")
        self.assertEqual(told, {**NOTHING, "listener": "192.0.2.1:9999"})
        self.assertRegex(peer, r"^[\d.]+:\d+$")

    def test_what_needs_a_connection(self) -> None:
        for line in ("/segments a b", "/push 1 x", "/close", "/close after 3", "/reset", "/half-close"):
            self.assertEqual(self.ask(line.encode()), b"error: not over datagrams\n")
        self.assertEqual(self.ask(b"/stop-reading 1"), b"error: not over datagrams\n")


class OptionTests(TestCase):
    def parse(self, *options: str) -> Any:
        made = Options()
        made.parseOptions(["--protocol", "faults", "--port", "0", *options])
        return made.served()

    def test_they_reach_streams_and_datagrams(self) -> None:
        [stream, datagrams] = self.parse(
            *("--max-answer-bytes", "5", "--max-answer-seconds", "1.5", "--max-answer-lines", "2"),
            *("--max-pushes", "1", *(("--alpn", "h2,http/1.1") if asks_factories() else ())),
        )
        self.assertEqual(stream.server.acceptableProtocols(), [b"h2", b"http/1.1"] * asks_factories())
        datagrams.server.clock = Clock()
        self.assertEqual(
            datagrams.server.answer(b"/bytes 6", ("192.0.2.9", 5000)), b"error: N must be from 0 to 5\n"
        )

    def test_alpn(self) -> None:
        self.assertEqual(alpn_names("h2,http/1.1"), ["h2", "http/1.1"])
        for wrong in "", "h2,", "h2,\n", "é", "x" * 256:
            with self.assertRaises(OptionError):
                alpn_names(wrong)

    def test_another_protocol_does_not_take_them(self) -> None:
        with self.assertRaises(SystemExit) as raised:
            Options().parseOptions(["--protocol", "echo", "--alpn", "h2"])
        self.assertIn("--alpn does not fit the protocol echo", str(raised.exception))


NUMBERS = st.sampled_from([b"0", b"1", b"7", b"0.05", b"100", b"70000", b"-1", b"x", b""])
WORDS = st.sampled_from(sorted(word for word in FaultCommands.commands.by_word if word != b"/whoami"))
TEXTS = st.sampled_from([b"", b" a", b" a b", b' "a b"', b" after", b" after 9", b"\r", b" \xff\x8a"])
LINES = st.builds(lambda word, *rest: b"%b %b%b\n" % (word, *rest), WORDS, NUMBERS, TEXTS)


class SplitTests(TestCase):
    """Whatever is asked, it is the same however the bytes are split; nothing is left, nothing goes wrong."""

    @given(st.lists(LINES, max_size=12).map(b"".join).flatmap(cuts))
    def test_however_split(self, cut: list[bytes]) -> None:
        self.assertEqual(self.told(*cut), self.told(b"".join(cut)))

    def told(self, *chunks: bytes) -> tuple[bytes, Any]:
        clock = Clock()
        factory = FaultsFactory(clock=clock, max_answer_seconds=100)
        remote = connect(factory)
        remote.send(*chunks)
        for _ in range(12):
            remote.read_to_end()
            for _ in range(30):
                clock.advance(0.05)
            remote.read_to_end()
        remote.lose()
        self.assertEqual(clock.getDelayedCalls(), [])
        self.assertEqual(factory.statistics.closed[CloseReason.CONVERSATION_ERROR], 0)
        assert_no_faults(remote)
        return remote.received, remote.protocol.reason
