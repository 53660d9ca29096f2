"""What an error of a socket, or of TLS, means for a call: the one table that says it.

It imports neither ``socket`` nor ``ssl``: a program with another TLS API (pyOpenSSL) asks it by OpenSSL's
words::

    try:
        context.wrap_socket(sock, server_hostname="example.org")
    except OSError as error:
        raise call_failed(error, "handshake") from error
"""

from collections.abc import Iterable

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

MISNAMED = "the certificate is not for this host{}; check the name, or say --insecure to trust anybody"
UNTRUSTED = (
    "the certificate is signed by nobody that we trust, or has expired{}; name the authority with "
    "--cacert FILE, or say --insecure to trust anybody"
)
UNENDED = "the server ended TLS without saying so: something may be missing"
DEMANDED = "the server takes no client without a certificate of its choice{}; give one with --cert FILE"
UNSPOKEN = "the TLS handshake failed{}; does the server speak TLS?"

WORDS = (
    ("hostname mismatch", CertificateRejected, MISNAMED),
    ("ip address mismatch", CertificateRejected, MISNAMED),
    ("certificate verify failed", CertificateRejected, UNTRUSTED),
    ("alert bad certificate", TLSFailed, DEMANDED),
    ("alert certificate", TLSFailed, DEMANDED),
    ("alert no certificate", TLSFailed, DEMANDED),
    ("alert unknown ca", TLSFailed, DEMANDED),
    ("alert unsupported certificate", TLSFailed, DEMANDED),
    ("unexpected eof", CutShort, UNENDED),
)
"""What OpenSSL says (``X509_verify_cert_error_string``, ``ERR_reason_error_string``), and what it means."""


def tls_failed(words: str, phase: str = "reply") -> CallFailed:
    """Return the failure that OpenSSL's words mean.

    Args:
        words: What it says.
        phase: What was under way; in a ``handshake`` nothing can be missing yet.
    """
    known = words.lower().replace("_", " ")
    meanings = ((kind, text) for part, kind, text in WORDS if part in known)
    kind, text = next(meanings, (TLSFailed, UNSPOKEN))
    if kind is CutShort and phase == "handshake":
        kind, text = TLSFailed, UNSPOKEN
    return kind(text.format(f" ({words})" if words else ""), phase=phase)


def failure_type(error: Exception) -> type[CallFailed]:
    """Return which failure of a call a socket's error is."""
    if isinstance(error, TimeoutError):
        return TimedOut
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return Refused
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Reset
    return Unreachable


def most_telling(failures: Iterable[type[CallFailed]]) -> type[CallFailed]:
    """Return which of the failures of a host's addresses is the host's; there is at least one.

    A machine without IPv6 finds no way to one address, which tells nothing of the server at the other; one
    that never answers is what curl waits for, and reports, where another has refused.
    """
    order = (Unreachable, Refused, TimedOut)
    return max(failures, key=lambda kind: order.index(kind) if kind in order else len(order))


def reason_of(error: Exception) -> str:
    """Return the system's, or OpenSSL's, words for an error."""
    told = (getattr(error, name, None) for name in ("verify_message", "reason", "strerror"))
    return str(next(filter(None, told), None) or error or "no reason given")


def call_failed(error: Exception, phase: str, address: str = "", seconds: float = 0.0) -> CallFailed:
    """Return the failure of a call that an error of a plain socket, or of ``ssl``, means.

    Args:
        error: What was raised.
        phase: What was under way: ``connect``, ``handshake`` or ``reply``.
        address: Who was called, as people write it.
        seconds: How long that had lasted.
    """
    kind, reason = failure_type(error), reason_of(error)
    of_tls = type(error).__module__ == "ssl"  # which need not be loaded
    if kind is not TimedOut and (of_tls or phase == "handshake"):
        rejected = "certificate verify failed: " if hasattr(error, "verify_message") else ""
        failed, phase = tls_failed(rejected + reason, "handshake"), "handshake"
        return type(failed)(failed.reason, address, phase, seconds)
    if kind is TimedOut:
        reason = f"timed out after {seconds:.1f} seconds" if seconds else reason
    elif kind is Refused:
        reason = f"nothing listens there ({reason}): start the server first"
    elif kind is Reset:
        reason = f"the connection was cut: {reason}"
    return kind(reason, address, phase, seconds)
