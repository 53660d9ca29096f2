"""TLS at a client: whom to trust, and what a failed handshake means.

Needs the extra ``tls``; nothing of it is loaded before a call asks for TLS::

    endpoint = wrapped(endpoint, "example.org", TLS(cacert="ca.pem"))
"""

from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from sockproto.carriers.transport import openssl_words
from sockproto.errors import CallFailed, OptionError, UnreadableAuthorities
from sockproto.plain.failures import tls_failed
from sockproto.plain.hostname import server_name


@dataclass(frozen=True)
class TLS:
    """How to speak TLS. Certificates are checked, against the system's authorities unless told otherwise.

    Attributes:
        cacert: A file of PEM certificates of the authorities to trust instead.
        insecure: Whether any certificate will do: then anybody between can read and change all.
        server_name: The name that the certificate must have; the host's if None.
    """

    cacert: str | None = None
    insecure: bool = False
    server_name: str | None = None


def wrapped(endpoint: Any, host: str, tls: TLS) -> Any:
    """Give an endpoint that speaks TLS over another one.

    Args:
        endpoint: Where to connect.
        host: Whose certificate to expect.
        tls: How.

    Raises:
        OptionError: TLS is not installed, or the host has no name that a certificate can have.
        UnreadableAuthorities: The file of the authorities can't be read.
    """
    try:
        from twisted.internet.endpoints import wrapClientTLS
        from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
    except ImportError as error:
        raise OptionError("TLS needs the extra tls: pip install 'sockproto[tls]'") from error
    try:
        name = server_name(tls.server_name or host)
    except UnicodeError as error:
        raise OptionError(str(error)) from error
    if tls.insecure:
        return wrapClientTLS(_Unchecked(name), endpoint)
    trust = None
    if tls.cacert is not None:
        try:
            with open(tls.cacert, "rb") as file:
                blocks = file.read().split(b"-----BEGIN CERTIFICATE-----")[1:]
            authorities = [Certificate.loadPEM(b"-----BEGIN CERTIFICATE-----" + block) for block in blocks]
            if not authorities:
                raise ValueError("there is no certificate in it")
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error) or "no PEM certificate"
            raise UnreadableAuthorities(f"can't read the certificates of {tls.cacert!r}: {reason}") from error
        trust = trustRootFromCertificates(authorities)
    try:
        return wrapClientTLS(optionsForClientTLS(name, trustRoot=trust), endpoint)
    except (UnicodeError, ValueError) as error:
        raise OptionError(f"{name!r} is no name that a certificate can have: {error}") from error


@implementer(IOpenSSLClientConnectionCreator)
class _Unchecked:
    """Makes TLS connections to whoever answers."""

    def __init__(self, name: str) -> None:
        from twisted.internet.ssl import CertificateOptions

        self._name = name
        self._context = CertificateOptions().getContext()

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        from OpenSSL.SSL import Connection

        connection = Connection(self._context, None)
        if not self._name.replace(".", "").isdigit() and ":" not in self._name:
            connection.set_tlsext_host_name(self._name.encode("ascii"))
        return connection


def tls_failure(error: BaseException | None) -> CallFailed | None:
    """Return our error for one of pyOpenSSL's or of those who check certificates; None if it is neither."""
    if type(error).__module__.partition(".")[0] == "service_identity":
        return tls_failed("hostname mismatch")
    words = openssl_words(error)
    return None if words is None else tls_failed(words)
