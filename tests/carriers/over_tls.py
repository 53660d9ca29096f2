"""Connections over Twisted's TLS, in memory: a scripted server, and a client by the standard library."""

import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import trustme
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    DefaultOpenSSLContextFactory,
    PrivateCertificate,
    trustRootFromCertificates,
)
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import Logger, LogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase

from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.log import EventLog
from sockproto.carriers.stream import ConversationProtocol
from sockproto.core.framing.lines import Lines
from sockproto.core.limits import Limits
from sockproto.testing import Remote, connect
from tests.carriers.scripted import Scripted


class TLSPeer:
    """A client: the standard library's TLS over a connection in memory.

    Args:
        remote: The connection.
        issuer: Whom it believes.
        offered: The protocols that it offers by ALPN.
        configure: What else to do with its context.
    """

    def __init__(
        self,
        remote: Remote,
        issuer: trustme.CA,
        offered: Sequence[str] = (),
        configure: Callable[[ssl.SSLContext], object] = lambda context: None,
    ) -> None:
        self._remote = remote
        self._inbound, self._outbound = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context()
        issuer.configure_trust(context)
        if offered:
            context.set_alpn_protocols(offered)
        configure(context)
        self._tls = context.wrap_bio(self._inbound, self._outbound, server_hostname="localhost")

    def shake_hands(self) -> None:
        """Do the handshake; what there is to say is sent, however it ends."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                self._inbound.write(self._remote.read())
            else:
                break
        self.flush()

    def flush(self) -> None:
        """Send what TLS has to say."""
        self._remote.send(self._outbound.read())

    @property
    def protocol(self) -> str | None:
        """What ALPN has chosen."""
        return self._tls.selected_alpn_protocol()

    def end(self) -> None:
        """End TLS, as the other end has: an error if it hasn't."""
        self._inbound.write(self._remote.read())
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.read()
        self._tls.unwrap()
        self._remote.send(self._outbound.read())

    def read(self) -> bytes:
        """Return what has come."""
        self._inbound.write(self._remote.read())
        return self._tls.read()

    def send(self, *pieces: bytes, end: bool = False) -> None:
        """Send so many pieces, and close_notify behind them, all at once."""
        for piece in pieces:
            self._tls.write(piece)
        if end:
            with contextlib.suppress(ssl.SSLError):  # the other end's close_notify is yet to come
                self._tls.unwrap()
        self._remote.send(self._outbound.read())


class TLSTests(TestCase):
    """Has a server over TLS whose conversation is scripted, and a certificate for it."""

    def setUp(self) -> None:
        self.clock, self.issuer, self.path = Clock(), trustme.CA(), self.mktemp()
        made = self.issuer.issue_cert("localhost")
        made.private_key_and_cert_chain_pem.write_to_path(self.path)

    def serve(
        self,
        framing: Callable[[int], Any] = Lines,
        context: Any = None,
        limits: Limits | None = None,
        factory: Any = None,
        **methods: Any,
    ) -> None:
        """Make the server's end of a connection.

        Args:
            framing: Makes the framing.
            context: What makes the server's TLS connections; one with the certificate if not given.
            limits: How much the peer may have.
            factory: What answers; a factory of the scripted conversation if not given.
            methods: The conversation's.
        """
        self.conversation: Any = Scripted(**methods)

        class ScriptedProtocol(ConversationProtocol):
            conversation = staticmethod(lambda: self.conversation)

        class ScriptedFactory(ConversationFactory):
            protocol = ScriptedProtocol

        self.factory = ScriptedFactory(framing=framing, clock=self.clock, limits=limits)
        self.events = EventLoggingObserver()
        self.factory.registry.log = EventLog(log=Logger("test", observer=LogPublisher(self.events)))
        context = context or DefaultOpenSSLContextFactory(self.path, self.path)
        wrapped = TLSMemoryBIOFactory(context, False, factory or self.factory, self.clock)
        self.remote = connect(wrapped, kernel_bytes=0)
        self.addCleanup(self.remote.lose)

    def options(self, *authorities: trustme.CA, **options: Any) -> CertificateOptions:
        """Return what makes TLS connections as endpoints have it, with the certificate.

        Args:
            authorities: Who must have signed the client's certificate, which it must show then.
            options: Others of ``CertificateOptions``.
        """
        self.addCleanup(self.flushWarnings)  # pyOpenSSL would rather be given other objects by Twisted
        with open(self.path, "rb") as file:
            own = PrivateCertificate.loadPEM(file.read())
        trusted = [Certificate.loadPEM(authority.cert_pem.bytes()) for authority in authorities]
        if trusted:
            options["trustRoot"] = trustRootFromCertificates(trusted)
        return CertificateOptions(privateKey=own.privateKey.original, certificate=own.original, **options)

    def peer(self, **options: Any) -> TLSPeer:
        """Return the client's end, which has yet to shake hands."""
        return TLSPeer(self.remote, self.issuer, **options)

    def connect(self, framing: Callable[[int], Any], **methods: Any) -> TLSPeer:
        """Return a client that has shaken hands."""
        self.serve(framing, **methods)
        peer = self.peer()
        peer.shake_hands()
        return peer

    def read_all(self) -> None:
        """Let time pass and the client read, until nothing more comes."""
        for _ in range(10):
            self.clock.advance(0.01)
            self.remote.read()
