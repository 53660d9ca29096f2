"""How a server is reached: endpoints for streams, connected sockets for datagrams.

::

    endpoint = stream_endpoint(reactor, parse_address("localhost:9999"), tls=None)
"""

from contextlib import ExitStack
from typing import Any, cast

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import (
    UNIXClientEndpoint,
    clientFromString,
)
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import ConnectedDatagramProtocol

from sockproto.carriers.datagram import MAX_PACKET_BYTES
from sockproto.client.call import Call
from sockproto.client.datagram import Target
from sockproto.client.hosts import HostEndpoint, address_endpoint, host_addresses
from sockproto.client.tls import TLS, wrapped
from sockproto.core.conversation import Peer
from sockproto.core.text import Address
from sockproto.errors import OptionError
from sockproto.plain.unix import temporary_name
from sockproto.plain.zones import numeric_host


def stream_endpoint(reactor: Any, address: Address, tls: TLS | None) -> Any:
    """Return the endpoint that connects to an address; it has no time-out, since the call has one.

    Args:
        reactor: What it connects with.
        address: Where to; host names in ASCII.
        tls: How to speak TLS, None not to.

    Raises:
        OptionError: Twisted doesn't understand the description, or TLS can't be spoken there.
    """
    if address.kind == "tcp":
        numeric = isIPAddress(address.host) or isIPv6Address(address.host)
        endpoint = (address_endpoint if numeric else HostEndpoint)(reactor, address.host, address.port)
        return endpoint if tls is None else wrapped(endpoint, address.host, tls)
    if tls is not None and tls.server_name is None and not tls.insecure:
        raise OptionError(
            "TLS needs a name to check the certificate against: write HOST:PORT, or name the server"
        )
    if address.kind == "unix":
        endpoint = UNIXClientEndpoint(reactor, address.host, timeout=None)
    else:
        try:
            endpoint = clientFromString(reactor, address.host)
        except (TypeError, ValueError) as error:  # in Python's words
            reason = "write HOST:PORT, [IPV6]:PORT, unix:PATH, or a Twisted client endpoint description"
            raise OptionError(f"{str(address)!r} is no address: {reason}") from error
        except Exception as error:
            raise OptionError(f"Twisted can't use {str(address)!r}: {error}") from error
    return endpoint if tls is None else wrapped(endpoint, "", tls)


def datagram_targets(reactor: Any, address: Address, call: Call) -> "Deferred[list[Target]]":
    """Return every address that may answer, each with what opens a socket for it."""
    if address.kind == "unix-dgram":
        return succeed([_unix_target(reactor, address.host, call)])
    found = host_addresses(reactor, address.host, address.port)
    return found.addCallback(lambda found: [_udp_target(reactor, each) for each in found])


def _udp_target(reactor: Any, address: Any) -> Target:
    host, port = address.host, address.port
    scope = getattr(address, "scopeID", 0)  # of a link-local address
    scoped = (host, port, 0, scope) if scope else None

    def open_port(protocol: ConnectedDatagramProtocol) -> IListeningPort:
        interface = "::" if ":" in host else ""
        opened: IListeningPort = reactor.listenUDP(0, protocol, interface, MAX_PACKET_BYTES)
        transport = cast("Any", protocol.transport)
        try:
            if scoped:  # Twisted leaves the scope out; the socket keeps it
                transport.getHandle().connect(scoped)
            transport.connect(host, port)
        except OSError:
            opened.stopListening()
            raise
        return opened

    return Peer(numeric_host(scoped) if scoped else host, port), open_port


def _unix_target(reactor: Any, path: str, call: Call) -> Target:
    names = ExitStack()
    call.result.addBoth(_closing, names)

    def open_port(protocol: ConnectedDatagramProtocol) -> IListeningPort:
        names.close()  # that of the socket before, which is closed
        own = names.enter_context(temporary_name())
        opened: IListeningPort = reactor.connectUNIXDatagram(path, protocol, MAX_PACKET_BYTES, 0o666, own)
        return opened

    return Peer(path, None), open_port


def _closing(result: Any, stack: ExitStack) -> Any:
    stack.close()
    return result
