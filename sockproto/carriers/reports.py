"""What the log says about a connection's end, and which ends are logged.

::

    if told(Reports.FAILED, connection):
        found = end_fields(connection)
        log.write(end_text(connection, found), **found)
"""

from enum import Enum
from typing import Any

from sockproto.carriers.closing import PEER_LEFT
from sockproto.carriers.connection import Connection
from sockproto.carriers.transport import subject_of
from sockproto.core.conversation import CloseReason


class Reports(Enum):
    """Which connections' ends are logged."""

    ALL = "all"  #: all connections
    FAILED = "failed"  #: connections that did not end as they should; health checks are not among them
    NONE = "none"  #: none; an error in a conversation is still logged


ORDERLY = frozenset({CloseReason.PEER_CLOSED, CloseReason.CLOSED, CloseReason.DRAINED})
"""The reasons of connections that ended as they should."""


def told(reports: Reports, connection: Connection) -> bool:
    """Return whether the end of a connection is logged."""
    if reports is Reports.FAILED:
        return not (connection.session.reason in ORDERLY or is_health_check(connection))
    return reports is Reports.ALL


def is_health_check(connection: Connection) -> bool:
    """Return whether a connection was only a load balancer's health check of the port.

    The peer has sent nothing (except perhaps a PROXY header) and has closed or reset the connection, or has
    left during the TLS handshake. (haproxy resets its health checks; Source: its manual, "option tcp-check".)
    """
    reason = connection.session.reason
    if reason is CloseReason.TLS_FAILED:
        return connection.detail == PEER_LEFT
    return reason in (CloseReason.PEER_CLOSED, CloseReason.PEER_RESET) and not connection.bytes_in


def end_text(connection: Connection, told_of: dict[str, Any]) -> str:
    """Return the format of the line about a connection's end; its fields are those of ``end_fields``."""
    why = "{reason} ({detail})" if told_of["detail"] else "{reason}"
    who = "{peer} ({subject})" if connection.peer.certificate is not None else "{peer}"
    return (
        "{protocol} connection {serial} from " + who + " closed: " + why + "; "
        "{bytes_in} bytes and {messages_in} messages in, "
        "{bytes_out} bytes and {messages_out} messages out, {seconds:.3f} seconds"
    )


def end_fields(connection: Connection) -> dict[str, Any]:
    """Return the fields of that line and its event: only text and numbers."""
    session = connection.session
    return {
        "event": "connection_closed",
        **fields(connection),
        "reason": str(session.reason),
        "detail": connection.detail,
        "bytes_in": connection.bytes_in,
        "bytes_out": connection.bytes_out,
        "messages_in": session.messages_in,
        "messages_out": session.messages_out,
        "seconds": connection.age,
    }


def fields(connection: Connection) -> dict[str, Any]:
    """Return the fields that every event of a connection has."""
    certificate = connection.peer.certificate
    return {
        "protocol": connection.name,
        "serial": connection.serial,
        "peer": str(connection.peer),
        "subject": "" if certificate is None else subject_of(certificate),
        "host": str(connection.host),
    }
