"""TLS that fails: it is counted by a reason of its own, and said in one line with OpenSSL's words."""

import ssl
from collections.abc import Callable
from typing import Any

import trustme

from sockproto.core.conversation import CloseReason
from sockproto.core.limits import Limits
from tests.carriers.over_tls import TLSTests


def only(version: ssl.TLSVersion) -> Callable[[ssl.SSLContext], object]:
    """Return what has a context speak one version."""

    def configure(context: ssl.SSLContext) -> None:
        context.minimum_version = context.maximum_version = version

    return configure


class TLSFailureTests(TLSTests):
    def check(self, *words: str, closed: CloseReason = CloseReason.TLS_FAILED) -> None:
        """Check the reason, and that all of some words are in the one line of the log."""
        self.assertTrue(self.remote.lost)
        self.assertEqual(self.factory.statistics.closed, {closed: 1})
        [event] = self.events
        text = event["log_format"].format(**event)
        self.assertIn(f"closed: {closed}", text)
        for word in words:
            self.assertIn(word, text)

    def fail_handshake(self, *words: str, context: Any = None, **client: Any) -> None:
        """Have the client's handshake fail, and check what is said of it."""
        self.serve(context=context)
        self.assertRaises(ssl.SSLError, self.peer(**client).shake_hands)
        self.check("TLS failed (handshake: ", *words)
        self.assertEqual(self.conversation.notes, [], "it was never opened")


class HandshakeTests(TLSFailureTests):
    def test_other_protocols(self) -> None:
        for sent, words in (
            (b"GET / HTTP/1.0\r\n\r\n", "http request"),
            (b"Michael\n", "wrong version number"),
        ):
            self.serve()
            self.remote.send(sent)
            self.check(f"closed: TLS failed (handshake: {words}); 0 bytes")

    def test_an_old_version(self) -> None:
        def configure(context: ssl.SSLContext) -> None:
            context.set_ciphers("ALL:@SECLEVEL=0")
            only(ssl.TLSVersion.TLSv1_1)(context)
            self.flushWarnings()  # it is deprecated

        self.fail_handshake("unsupported protocol", context=self.options(), configure=configure)

    def test_no_common_cipher(self) -> None:
        def configure(context: ssl.SSLContext) -> None:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("AES128-SHA:@SECLEVEL=0")

        self.fail_handshake("no shared cipher", context=self.options(), configure=configure)

    def test_a_client_that_trusts_nobody(self) -> None:
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            self.serve(context=self.options())
            self.issuer = trustme.CA()
            peer = self.peer(configure=only(version))
            self.assertRaises(ssl.SSLCertVerificationError, peer.shake_hands)
            peer.flush()
            self.check("TLS failed (handshake: ", "alert unknown ca")

    def test_a_client_that_shows_no_certificate(self) -> None:
        self.fail_handshake(
            "peer did not return a certificate",
            context=self.options(self.issuer),
            configure=only(ssl.TLSVersion.TLSv1_2),
        )

    def test_a_client_that_shows_no_certificate_and_believes_that_all_is_done(self) -> None:
        self.serve(context=self.options(self.issuer))
        self.peer(configure=only(ssl.TLSVersion.TLSv1_3)).shake_hands()
        self.remote.read()
        self.check("TLS failed (handshake: peer did not return a certificate)")

    def test_a_client_that_leaves(self) -> None:
        for sent in b"", b"\x16\x03\x01":
            for leave in "close", "reset":
                self.serve()
                self.remote.send(sent)
                getattr(self.remote, leave)()
                self.check("TLS failed (handshake: the peer left)")

    def test_a_client_that_does_not_end_it(self) -> None:
        self.serve(limits=Limits(first_message_seconds=3))
        self.remote.send(b"\x16\x03\x01")
        self.clock.pump([1] * 4)
        self.check(closed=CloseReason.NO_HANDSHAKE)


class LaterTests(TLSFailureTests):
    """The handshake was done."""

    def test_what_is_no_record(self) -> None:
        for sent, words in (
            (b"GET / HTTP/1.0\r\n\r\n", ""),
            (b"\x17\x03\x03\x00\x20" + b"x" * 32, "decryption failed or bad record mac"),
        ):
            self.serve()
            self.peer().shake_hands()
            self.remote.send(sent)
            self.remote.read()
            self.check("closed: TLS failed (", words)
            self.assertEqual(self.conversation.notes, [CloseReason.TLS_FAILED])

    def test_an_end_without_close_notify_is_none_of_them(self) -> None:
        self.serve()
        self.peer().shake_hands()
        self.remote.close()
        self.check(closed=CloseReason.PEER_RESET)
