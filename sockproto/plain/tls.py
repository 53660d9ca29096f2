"""TLS over plain sockets, by the standard library: whom to trust.

::

    context = tls_context("ca.pem")
    sock = context.wrap_socket(sock, server_hostname="example.org")
"""

import ssl

from sockproto.errors import UnreadableAuthorities
from sockproto.plain.failures import reason_of


def tls_context(cacert: str | None = None, insecure: bool = False) -> ssl.SSLContext:
    """Return how a client speaks TLS: certificates and names are checked unless that is switched off.

    Args:
        cacert: A file of PEM certificates of the authorities to trust; None: the system's.
        insecure: Whether any certificate will do.

    Raises:
        UnreadableAuthorities: The file can't be read.
    """
    try:
        context = ssl.create_default_context(cafile=cacert)
    except OSError as error:  # as ssl's errors are
        text = f"can't read the certificates of {cacert!r}: {reason_of(error)}"
        raise UnreadableAuthorities(text) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
