"""TLS over plain sockets, by the standard library: whom to trust.

::

    context = tls_context("ca.pem")
    sock = context.wrap_socket(sock, server_hostname="example.org")
"""

import ssl

from sockproto.core.text import escape
from sockproto.errors import UnreadableAuthorities, UnusableCertificate
from sockproto.plain.failures import reason_of


def tls_context(
    cacert: str | None = None,
    insecure: bool = False,
    certificate: str | None = None,
    key: str | None = None,
    password: str | None = None,
) -> ssl.SSLContext:
    """Return how a client speaks TLS: certificates and names are checked unless that is switched off.

    Args:
        cacert: A file of PEM certificates of the authorities to trust; None: the system's.
        insecure: Whether any certificate will do.
        certificate: A PEM file of the client's own certificate and those of its issuers; None: it has none.
        key: A PEM file of its key; None: the certificate's file has it.
        password: The key's password; None: the key must have no password.

    Raises:
        UnreadableAuthorities: The file of authorities can't be read.
        UnusableCertificate: The client's certificate, or its key, can't be used.
    """
    try:
        context = ssl.create_default_context(cafile=cacert)
    except OSError as error:  # as ssl's errors are
        text = f"can't read the certificates of {cacert!r}: {reason_of(error)}"
        raise UnreadableAuthorities(text) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        try:
            context.load_cert_chain(
                certificate, key, lambda: password or ""
            )  # else OpenSSL asks the terminal
        except (OSError, ValueError) as error:  # as ssl's errors are
            files = repr(certificate) if key is None else f"{certificate!r} with the key {key!r}"
            text = f"can't use the client certificate {escape(files)}: {reason_of(error)}"
            about_key = "a key without a password" if password is None else "--pass for a key's password"
            raise UnusableCertificate(f"{text}; it takes PEM files, and {about_key}") from error
    return context
