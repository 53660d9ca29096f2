"""What is said of a listener: where it listens and who can reach it, or why it can't listen.

::

    announce(log, listener, port)
    raise ListenError(failure_line(listener, failure))
"""

import errno
import os

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from sockproto.core.text import escape
from sockproto.plain.zones import zone_fault
from sockproto.server.addressing import has_address, is_exposed
from sockproto.server.listeners import Listener

ADVICE = {
    errno.EACCES: "ports below 1024 need root's rights or CAP_NET_BIND_SERVICE; take a higher one",
    errno.EAFNOSUPPORT: "IPv6 is off on this machine; take an IPv4 address, such as 127.0.0.1 or 0.0.0.0",
    errno.EADDRINUSE: "something listens there already; stop it, or take another",
    errno.EADDRNOTAVAIL: "this machine has no such address; take one that it has",
}


def announce(log: Logger, listener: Listener, port: IListeningPort) -> None:
    """Say what is served where, and whether others than this machine can reach it."""
    where = listener.name_of(port)
    told = {"protocol": listener.protocol, "where": where}
    faults = escape(listener.faults)
    text = "{protocol} on {where}" + (", with faults: {faults}" if faults else "")
    log.info(text, event="listening", faults=faults, **told)
    if listener.tls:
        demands = " and demands certificates of clients" if listener.client_ca else ""
        log.info("{where} speaks TLS{demands}", event="speaks_tls", demands=demands, **told)
    host = port.getHost()
    if isinstance(host, IPv4Address | IPv6Address) and is_exposed(host.host):
        log.info("{where} can be reached from other machines", event="reachable", **told)
    if listener.warning:
        log.warn("{where}: {warning}", event="listener_warning", warning=listener.warning, **told)
    if isinstance(host, IPv6Address) and host.host == "::" and not has_address("::1"):
        text = "{where}: IPv6 is off on this machine; only IPv4 reaches it"
        log.warn(text, event="ipv6_off", **told)


def failure_line(listener: Listener, failure: Failure) -> str:
    """Return what a person is told: address, port, reason, and what to do."""
    error = failure.value
    host = listener.interface or getattr(error, "interface", None) or ""
    if isinstance(error, CannotListenError):
        error = error.socketError
    number = error.errno if isinstance(error, OSError) else None
    if str(error) == "Cannot acquire lock":  # how Twisted says it of a UNIX socket
        number = errno.EADDRINUSE
    if number is not None and number > 0:
        reason = os.strerror(number)
    else:  # a name that can't be resolved, or no system error at all
        reason = getattr(error, "strerror", None) or escape(str(error))
    reason = zone_fault(host) or reason
    advice = f" ({ADVICE[number]})" if number in ADVICE else ""
    return f"sockproto: {listener.protocol} can't listen on {escape(listener.where)}: {reason}{advice}"
