"""What the stream carrier has to know about Twisted's transports and their addresses.

::

    if can_half_close(self.transport):
        self.transport.loseWriteConnection()
"""

import os
from typing import Any, NamedTuple

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, IHalfCloseableDescriptor, IProtocol, ISSLTransport

from sockproto.core.conversation import Peer
from sockproto.core.text import escape
from sockproto.reactor.connections import TCPConnection

MAX_SUBJECT = 256
"""How many characters of a certificate's subject are shown at most; usual subjects are short."""


def can_half_close(transport: Any) -> bool:
    """Return whether a transport can end its own half of the stream and go on reading: plain TCP or UNIX.

    Asking for ``IHalfCloseableDescriptor`` alone is not enough. A TLS transport claims it, and cuts TCP
    without a close_notify; a wrapper claims whatever the transport below it does, but a wrapper is a
    protocol, which a transport is not.

    Args:
        transport: An ``ITransport``.

    Returns:
        Whether ``loseWriteConnection`` works.
    """
    return (
        IHalfCloseableDescriptor.providedBy(transport)
        and not ISSLTransport.providedBy(transport)
        and not IProtocol.providedBy(transport)
    )


def announces_handshake(transport: Any) -> bool:
    """Return whether a transport has a TLS handshake and reports when it is done.

    A wrapper around a TLS transport claims to be one, but doesn't report the end of the handshake.

    Args:
        transport: An ``ITransport``.

    Returns:
        Whether ``handshakeCompleted`` will be called.
    """
    return ISSLTransport.providedBy(transport) and (
        ISSLTransport.implementedBy(type(transport)) or not IProtocol.providedBy(transport)
    )


def abort(transport: Any) -> None:
    """Cut a connection; close it if the transport can't abort, as that of standard input and output.

    Args:
        transport: An ``ITransport``.
    """
    getattr(transport, "abortConnection", transport.loseConnection)()


def closes_below(transport: Any) -> bool:
    """Return whether a transport below this one is closing already, though this one has not been told to.

    TLS does so once the peer's close_notify has come: it throws away what is written, and closes TCP. TCP
    waits with its close as long as a paused producer is registered.

    Args:
        transport: An ``ITransport``.

    Returns:
        Whether only the producer must be unregistered; ``connectionLost`` follows.
    """
    below = getattr(transport, "transport", None)
    while below is not None:
        if getattr(below, "disconnecting", False):
            return True
        below = getattr(below, "transport", None)
    return False


def peer_of(address: IAddress | None) -> Peer:
    """Return a Twisted address as plain data.

    Args:
        address: The address that ``getPeer`` or ``getHost`` returned.

    Returns:
        Host and port; the path of a UNIX socket and None; the text of any other address and 0.
    """
    if isinstance(address, IPv4Address | IPv6Address):
        return Peer(address.host, address.port)
    if isinstance(address, UNIXAddress):
        return Peer((address.name or b"").decode("utf-8", "surrogateescape"), None)
    return Peer(str(address), 0)


def ends_of(transport: Any) -> tuple[Peer, IAddress, bool]:
    """Return the peer, the address of this end, and whether the transport reports a TLS handshake.

    Our own transports know all three, so no Twisted address is made for them.

    Args:
        transport: An ``ITransport``.
    """
    if isinstance(transport, TCPConnection) and not transport.TLS:
        client: Any = transport.client
        peer = tuple.__new__(Peer, (client[0], client[1], None))
        return peer, transport.host or transport.getHost(), False
    return peer_of(transport.getPeer()), transport.getHost(), announces_handshake(transport)


def datagram_peer(address: tuple[str, int] | bytes | str) -> Peer:
    """Return the address of a datagram as plain data.

    Args:
        address: The address that ``datagramReceived`` got.
    """
    if isinstance(address, tuple):
        return Peer(address[0], address[1])
    return Peer(os.fsdecode(address), None)


def openssl_words(error: BaseException | None) -> str | None:
    """Return OpenSSL's own words for an error, such as ``http request``.

    Args:
        error: The error that ended a connection.

    Returns:
        The words, escaped; None if it is not an OpenSSL error.
    """
    if error is None or type(error).__module__.partition(".")[0] != "OpenSSL":
        return None
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list | tuple):  # library, function and reason of each, ERR_get_error(3)
        words = [str(entry[-1]) for entry in queue if entry]
    else:
        words = [str(argument) for argument in error.args if not isinstance(argument, int)]
    return escape("; ".join(words)) or "no reason given"


class Handshake(NamedTuple):
    """The result of a TLS handshake, as text that is safe for a terminal.

    Attributes:
        tls: The version, such as ``TLSv1.3``.
        sni: The server name that the client asked for (RFC 6066, section 3); None if it named none.
        alpn: The protocol that was chosen (RFC 7301); None if none was chosen.
    """

    tls: str
    sni: str | None
    alpn: str | None


def tls_of(transport: Any) -> Handshake | None:
    """Return the result of a transport's TLS handshake; None if there was no handshake."""
    if not ISSLTransport.providedBy(transport):
        return None
    below: Any = transport  # ITransport leaves it out
    connection = below.getHandle()
    name, protocol = connection.get_servername(), connection.get_alpn_proto_negotiated()
    return Handshake(
        connection.get_protocol_version_name(),
        escape(name.decode("utf-8", "backslashreplace")) if name else None,
        escape(protocol.decode("utf-8", "backslashreplace")) if protocol else None,
    )


def certificate_of(transport: Any) -> bytes | None:
    """Return the certificate that the peer of a TLS transport presented, in DER; None if there is none."""
    certificate = transport.getPeerCertificate()
    if certificate is None:
        return None
    from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

    return dump_certificate(FILETYPE_ASN1, certificate)


def subject_of(certificate: bytes | None) -> str:
    """Return the subject of a certificate, such as ``CN=Michael,O=Example`` (RFC 4514), safe for a terminal.

    Args:
        certificate: In DER, as in ``Peer.certificate``.

    Returns:
        At most 256 characters, and ``…`` if it is longer; empty if there is no certificate, or if it can't be
        read.
    """
    if certificate is None:
        return ""
    from cryptography.x509 import load_der_x509_certificate

    try:
        subject = load_der_x509_certificate(certificate).subject.rfc4514_string()
    except Exception:  # it is stricter than OpenSSL, which has taken it
        return ""
    text = escape(subject)
    return text if len(text) <= MAX_SUBJECT else f"{text[:MAX_SUBJECT]}…"
