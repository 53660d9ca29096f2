"""A client's endpoint whose server the test plays; transports said to be of TLS, or over a real socket."""

import socket
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import ISSLTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from sockproto.testing import Transport, assert_no_faults, connect


@implementer(ISSLTransport)
class TLSTransport(Transport):
    """One whose handshake isn't done, and whose peer shows no certificate."""

    def getPeerCertificate(self) -> None:
        """There is none."""


class KernelTransport(Transport):
    """One over a real socket, as far as the system is asked about it: what is with the kernel, either way.

    Attributes:
        kernel: The socket; what a test sends here, the peer has not read.
        kernel_peer: The peer's; what a test sends here, we have not read.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kernel, self.kernel_peer = socket.socketpair()

    def getHandle(self) -> socket.socket:
        """Return the socket."""
        return self.kernel

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone."""
        super().connectionLost(reason)
        self.kernel.close()
        self.kernel_peer.close()


class Endpoint:
    """A client endpoint in memory.

    Args:
        transport: What makes the transport.
        error: What connecting fails with; None: it succeeds at once.
        late: Whether connecting takes until ``connect_now``.

    Attributes:
        protocol: What was connected.
        remote: The server.
        error: What connecting fails with; None: it succeeds.
    """

    def __init__(
        self, transport: type[Transport] = Transport, error: Exception | None = None, late: bool = False
    ) -> None:
        self._transport, self.error, self._late = transport, error, late
        self.remote: Any = None
        self.connecting: Deferred[Any] = Deferred(lambda _: None)

    def connect(self, factory: Any) -> "Deferred[Any]":
        """Connect a protocol of *factory*."""
        self._factory = factory
        if self.error is not None:
            return fail(self.error)
        if not self._late:
            self.connect_now()
        return self.connecting

    def connect_now(self) -> None:
        """The connection is there."""
        self.remote = connect(self._factory, kernel_bytes=0, transport=self._transport)
        self.protocol = self.remote.protocol
        self.connecting.callback(self.protocol)

    def run(self) -> None:
        """Have all happen that needs no time."""
        if self.remote is not None:
            self.remote.run()

    def assert_no_faults(self) -> None:
        """See that the client has done nothing that a transport doesn't take well."""
        if self.remote is not None:
            assert_no_faults(self.remote)

    def say(self, *pieces: bytes) -> bytes:
        """Have the server say something; return what the client has said."""
        self.remote.send(*pieces)
        said: bytes = self.remote.read()
        return said

    def end(self) -> None:
        """Have the server end its half of the stream, and let the client close."""
        self.remote.half_close()
        self.remote.read()
