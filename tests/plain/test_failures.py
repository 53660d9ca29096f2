"""What the errors of sockets and of TLS mean: the same however TLS is spoken."""

import errno
import os
import ssl

from twisted.trial.unittest import TestCase

from sockproto.errors import (
    CallFailed,
    CertificateRejected,
    CutShort,
    Refused,
    Reset,
    TimedOut,
    TLSFailed,
    Unreachable,
)
from sockproto.plain.failures import call_failed, tls_failed


def system(number: int) -> OSError:
    """Return the system's error of a number."""
    return OSError(number, os.strerror(number))


def rejected(message: str) -> ssl.SSLCertVerificationError:
    """Return the error of a certificate that is refused."""
    error = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] {message} (_ssl.c:1)")
    error.verify_message = message
    return error


class TLSFailedTests(TestCase):
    def test_openssl_s_words(self) -> None:
        for words, kind, begin in (
            ("certificate verify failed", CertificateRejected, "the certificate is signed by nobody"),
            (
                "Hostname mismatch, certificate is not valid",
                CertificateRejected,
                "the certificate is not",
            ),
            ("IP address mismatch", CertificateRejected, "the certificate is not for this host"),
            ("tlsv13 alert certificate required", TLSFailed, "the server takes no client without a"),
            ("TLSV1_ALERT_UNKNOWN_CA", TLSFailed, "the server takes no client without a certificate"),
            ("ssl/tls alert bad certificate", TLSFailed, "the server takes no client without a"),
            ("sslv3 alert certificate expired", TLSFailed, "the server takes no client without a"),
            ("unexpected eof while reading", CutShort, "the server ended TLS without saying so"),
            ("UNEXPECTED_EOF_WHILE_READING", CutShort, "the server ended TLS without saying so"),
            ("wrong version number", TLSFailed, "the TLS handshake failed (wrong version number);"),
            ("", TLSFailed, "the TLS handshake failed; does"),
        ):
            failed = tls_failed(words)
            self.assertIs(type(failed), kind, words)
            self.assertTrue(failed.reason.startswith(begin), failed.reason)

    def test_nothing_is_missing_that_had_not_begun(self) -> None:
        failed = tls_failed("unexpected eof while reading", "handshake")
        self.assertEqual((type(failed), failed.phase), (TLSFailed, "handshake"))


class CallFailedTests(TestCase):
    def check(self, error: Exception, kind: type[CallFailed], reason: str, phase: str = "connect") -> None:
        failed = call_failed(error, phase, "127.0.0.1:7", 1.5)
        self.assertIs(type(failed), kind)
        self.assertTrue(failed.reason.startswith(reason), failed.reason)
        self.assertEqual((failed.address, failed.seconds), ("127.0.0.1:7", 1.5))

    def test_the_system_s_errors(self) -> None:
        self.check(system(errno.ECONNREFUSED), Refused, "nothing listens there (Connection refused)")
        self.check(system(errno.ENOENT), Refused, "nothing listens there (No such file")
        self.check(system(errno.ENETUNREACH), Unreachable, "Network is unreachable")
        self.check(system(errno.ECONNRESET), Reset, "the connection was cut: Connection reset")
        self.check(system(errno.EPIPE), Reset, "the connection was cut: Broken pipe")
        self.check(system(errno.ETIMEDOUT), TimedOut, "timed out after 1.5 seconds")
        self.check(TimeoutError("timed out"), TimedOut, "timed out after 1.5 seconds", "handshake")

    def test_errors_of_tls(self) -> None:
        untrusted = (
            "the certificate is signed by nobody that we trust, or has expired (certificate verify failed: "
        )
        self.check(
            rejected("self-signed certificate"), CertificateRejected, f"{untrusted}self-signed certificate)"
        )
        self.check(rejected("Hostname mismatch"), CertificateRejected, "the certificate is not for this host")
        self.check(
            ssl.SSLError(1, "no protocols available"), TLSFailed, "the TLS handshake failed (no protocols"
        )
        self.check(
            ssl.SSLEOFError(8, "UNEXPECTED_EOF_WHILE_READING"), TLSFailed, "the TLS handshake failed ("
        )

    def test_whatever_fails_in_a_handshake_is_tls(self) -> None:
        reset, name = system(errno.ECONNRESET), ValueError("no name")
        self.check(reset, TLSFailed, "the TLS handshake failed (Connection reset", "handshake")
        self.check(name, TLSFailed, "the TLS handshake failed (no name)", "handshake")
