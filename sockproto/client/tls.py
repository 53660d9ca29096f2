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
from sockproto.plain.tls import tls_context


@dataclass(frozen=True)
class TLS:
    """How to speak TLS. Certificates are checked, against the system's authorities unless told otherwise.

    Attributes:
        cacert: A file of PEM certificates of the authorities to trust instead.
        insecure: Whether any certificate will do: then anybody between can read and change all.
        server_name: The name that the certificate must have; the host's if None.
        certificate: A PEM file of our own certificate and those of its issuers; None: we have none.
        key: A PEM file of its key, without a password; None: the certificate's file has it.
    """

    cacert: str | None = None
    insecure: bool = False
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None


def wrapped(endpoint: Any, host: str, tls: TLS) -> Any:
    """Return an endpoint that speaks TLS over another one.

    Args:
        endpoint: Where to connect.
        host: Whose certificate to expect.
        tls: How.

    Raises:
        OptionError: TLS is not installed, or the host has no name that a certificate can have.
        UnreadableAuthorities: The file of the authorities can't be read.
        UnusableCertificate: Our own certificate, or its key, can't be used.
    """
    try:
        from twisted.internet.endpoints import wrapClientTLS
        from twisted.internet.ssl import optionsForClientTLS, trustRootFromCertificates
    except ImportError as error:
        raise OptionError("TLS needs the extra tls: pip install 'sockproto[tls]'") from error
    try:
        name = server_name(tls.server_name or host)
    except UnicodeError as error:
        raise OptionError(str(error)) from error
    own = _own(tls.certificate, tls.key) if tls.certificate is not None else {}
    if tls.insecure:
        return wrapClientTLS(_Unchecked(name, own), endpoint)
    trust = None
    if tls.cacert is not None:
        try:
            authorities = _certificates(tls.cacert)
            if not authorities:
                raise ValueError("there is no certificate in it")
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error) or "no PEM certificate"
            raise UnreadableAuthorities(f"can't read the certificates of {tls.cacert!r}: {reason}") from error
        trust = trustRootFromCertificates(authorities)
    try:
        options = optionsForClientTLS(name, trustRoot=trust, extraCertificateOptions=own)
        return wrapClientTLS(options, endpoint)
    except (UnicodeError, ValueError) as error:
        raise OptionError(f"{name!r} is no name that a certificate can have: {error}") from error


def _certificates(path: str) -> list[Any]:
    """Return the certificates of a PEM file, in its order."""
    from twisted.internet.ssl import Certificate

    with open(path, "rb") as file:
        blocks = file.read().split(b"-----BEGIN CERTIFICATE-----")[1:]
    return [Certificate.loadPEM(b"-----BEGIN CERTIFICATE-----" + block) for block in blocks]


def _own(certificate: str, key: str | None) -> dict[str, Any]:
    """Return the arguments of ``CertificateOptions`` by which a client shows its certificate.

    Raises:
        UnusableCertificate: It, or its key, can't be used.
    """
    from OpenSSL.crypto import FILETYPE_PEM, load_privatekey

    tls_context(certificate=certificate, key=key)  # refuses what can't be used, in one way for all clients
    first, *issuers = (each.original for each in _certificates(certificate))
    with open(key or certificate, "rb") as file:
        loaded = load_privatekey(FILETYPE_PEM, file.read())
    return {"certificate": first, "privateKey": loaded, "extraCertChain": issuers}


@implementer(IOpenSSLClientConnectionCreator)
class _Unchecked:
    """Makes TLS connections without verifying the peer."""

    def __init__(self, name: str, own: dict[str, Any]) -> None:
        from twisted.internet.ssl import CertificateOptions

        self._name = name
        self._context = CertificateOptions(**own).getContext()

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
