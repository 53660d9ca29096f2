r"""Faults: misbehaves as its client asks; "httpbin for sockets".

Text commands, such as ``/drip 10 5``, ``/reset`` and ``/whoami``; ``/help`` lists them. For people who test
clients, proxies, and everything else on the path. Served only if it is selected by name::

    endpoint.listen(FaultsFactory(max_answer_seconds=10))
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocolNegotiationFactory
from zope.interface import implementer

from sockproto.carriers.datagram import ConversationDatagramProtocol
from sockproto.carriers.definition import ProtocolDefinition, ProtocolOption
from sockproto.carriers.factory import ConversationFactory
from sockproto.carriers.stream import ConversationProtocol
from sockproto.carriers.transport import can_half_close, peer_of, subject_of, tls_of
from sockproto.commands import faults
from sockproto.commands.faults import FaultsConversation, described
from sockproto.core.conversation import Peer
from sockproto.core.framing.lines import Lines
from sockproto.core.text import count, seconds
from sockproto.errors import OptionError, SendRefused
from sockproto.reactor.alpn import asks_factories
from sockproto.reactor.buffers import unsent_bytes


class FaultsProtocol(ConversationProtocol):
    """Faults on a stream: here the commands act on the connection.

    Its conversation gets the connection itself, and ``describe``. It takes all other arguments of
    :class:`~sockproto.commands.faults.FaultsConversation`, and those of the carrier.

    Attributes:
        ignores: Whether input is thrown away, however long it is.
        stopped: Whether reading is stopped.
    """

    conversation = FaultsConversation
    framing = partial(Lines, newline=b"")  # commands say themselves where a line ends
    ignores = stopped = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pushes: dict[IDelayedCall, bytes] = {}
        super().__init__(*args, connection=self, describe=self.describe, **kwargs)

    def answer(self, data: bytes) -> bytes:
        """Bytes came; return the bytes to send."""
        if not self.ignores:
            return super().answer(data)
        self.bytes_in += len(data)
        self.restart_timeouts()
        return b""

    def update_reading(self) -> None:
        """Read as the session needs it, unless a command forbids it."""
        if not self.stopped:
            super().update_reading()
        elif self.reading:
            self.reading = False
            self.transport.pauseProducing()

    def describe(self, peer: Peer) -> dict[str, Any]:
        """Return the answer to ``/whoami``.

        Args:
            peer: The other end; behind a proxy that tells its address, the client.
        """
        transport = self.transport
        direct, tls = peer_of(transport.getPeer()), tls_of(transport)
        return described(
            direct,
            client=str(peer) if peer[:2] != direct[:2] else None,
            **(tls._asdict() if tls is not None else {}),
            certificate=subject_of(peer.certificate) or None,
            listener=str(peer_of(transport.getHost())),
            worker=getattr(self.factory, "worker", None),
            serial=self.serial,
        )

    @property
    def has_halves(self) -> bool:
        """Whether it can be half-closed."""
        return can_half_close(self.transport)

    @property
    def undelivered(self) -> int:
        """How many bytes the peer's system has not acknowledged yet, as far as can be known."""
        return unsent_bytes(self.transport) or 0

    @property
    def pushes(self) -> Sequence[bytes]:
        """The messages that are still to be pushed."""
        return list(self._pushes.values())

    def push_later(self, seconds: float, message: bytes) -> None:
        """Send a message in *seconds* seconds, between two answers.

        It is dropped if the connection ends before, or 64 KiB wait for the peer then.
        """
        self._pushes[self.clock.callLater(seconds, self._push)] = message

    def take_pushes(self) -> list[tuple[float, bytes]]:
        """Cancel all pushes; return their messages in order, each with the seconds that were left."""
        now = self.clock.seconds()
        taken = [(call.getTime() - now, self._pushes[call]) for call in self._in_order()]
        for call in self._pushes:
            call.cancel()
        self._pushes.clear()
        return taken

    def _push(self) -> None:
        [first, *_] = self._in_order()
        with suppress(SendRefused):
            self.send(self._pushes.pop(first))

    def _in_order(self) -> list[IDelayedCall]:
        return sorted(self._pushes, key=lambda call: call.getTime())


@implementer(IProtocolNegotiationFactory)
class FaultsFactory(ConversationFactory):
    """Makes :class:`FaultsProtocol` objects.

    Args:
        args: Positional arguments of the conversation.
        alpn: The protocols accepted over TLS by ALPN (RFC 7301), the preferred first. If empty, ALPN is not
            used, whatever a client offers.
        kwargs: Keyword arguments of the conversation and of ``ConversationFactory``.

    Raises:
        ValueError: *alpn* has protocols, but the installed Twisted has no support for ALPN.
    """

    protocol = FaultsProtocol

    def __init__(self, *args: Any, alpn: Iterable[str] = (), **kwargs: Any) -> None:
        self._alpn = [name.encode() for name in alpn]
        if self._alpn and not asks_factories():
            raise ValueError("alpn needs the extra tls and a newer Twisted")
        super().__init__(*args, **kwargs)

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols that are accepted by ALPN."""
        return self._alpn


class FaultsDatagramProtocol(ConversationDatagramProtocol):
    """Faults on datagrams: the commands that need no connection. Ignores ``alpn``."""

    conversation = FaultsConversation

    def __init__(self, *args: Any, alpn: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, describe=self.describe, **kwargs)

    def describe(self, peer: Peer) -> dict[str, Any]:
        """Return what ``/whoami`` tells a peer."""
        transport: Any = self.transport
        return described(peer, listener=str(peer_of(transport.getHost())), worker=self.worker)


def alpn_names(text: str) -> list[str]:
    """Return the ALPN protocol names in *text*, such as ``h2,http/1.1``.

    Raises:
        OptionError: A name is not valid: it has 1 to 255 bytes (RFC 7301, section 3.1).
    """
    names = text.split(",")
    if not all(1 <= len(name) <= 255 and name.isascii() and name.isprintable() for name in names):
        raise OptionError(f"must be names of protocols such as h2,http/1.1, not {text!r}")
    return names


DEFINITION = ProtocolDefinition(
    "faults",
    "misbehaves as its client asks: /drip N SECONDS, /reset, /whoami and others",
    FaultsFactory,
    FaultsDatagramProtocol,
    options=(
        ProtocolOption(
            "max-answer-bytes", count, str(faults.MAX_ANSWER_BYTES), "longest answer; 0: no limit"
        ),
        ProtocolOption(
            "max-answer-lines", count, str(faults.MAX_ANSWER_LINES), "most lines of an answer; 0: no limit"
        ),
        ProtocolOption(
            "max-answer-seconds",
            seconds,
            f"{faults.MAX_ANSWER_SECONDS:g}",
            "longest time that can be asked for; 0: no limit",
        ),
        ProtocolOption(
            "max-pushes", count, str(faults.MAX_PUSHES), "messages to be pushed, of a connection; 0: no limit"
        ),
        ProtocolOption("alpn", alpn_names, "none", "protocols taken over TLS, such as h2,http/1.1"),
    ),
)
