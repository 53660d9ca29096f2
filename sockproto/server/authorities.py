"""The authorities for the certificates of TLS clients (``--client-ca``): one of them must have signed each.

Needs the extra ``tls``::

    authorities = ClientAuthorities("ca.pem")
    endpoint = serverFromString(authorities.demanded(reactor), "ssl:9999:privateKey=key.pem:certKey=cert.pem")
"""

from importlib.util import find_spec
from typing import Any

from sockproto.errors import OptionError
from sockproto.server.certificates import certificates_of, warning


class ClientAuthorities:
    """The certificates of authorities, of a file.

    Args:
        file: Its name. They are read once.

    Attributes:
        file: Its name.
        warning: What is wrong with them, though they can be used; mostly empty.

    Raises:
        OptionError: The file can't be used.
    """

    def __init__(self, file: str) -> None:
        if find_spec("OpenSSL") is None:
            raise OptionError("needs the extra tls: pip install 'sockproto[tls]'")
        from twisted.internet.ssl import trustRootFromCertificates

        found = certificates_of(file)
        self.file = file
        faults = (warning(f"an authority of {file!r}", each, "its clients are refused") for each in found)
        self.warning = next(filter(None, faults), "")
        self._root = trustRootFromCertificates(found)

    def demanded(self, reactor: Any) -> Any:
        """Return a reactor for an ``ssl:`` endpoint: its description can't ask for this."""
        return _Demanding(reactor, self._root)


class _Demanding:
    """Listens for TLS alone, so that no endpoint listens in another way and demands nothing."""

    def __init__(self, reactor: Any, root: Any) -> None:
        self._reactor, self._root = reactor, root

    def listenSSL(self, *args: Any, **kwargs: Any) -> Any:
        """Listen, and demand a certificate of each client in its handshake."""
        options = kwargs["contextFactory"]  # Twisted's CertificateOptions, whose context is not yet made
        options.verify = options.requireCertificate = True
        options.trustRoot = self._root
        return self._reactor.listenSSL(*args, **kwargs)
