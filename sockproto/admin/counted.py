"""What a service has counted and who is connected, as plain data, which other processes can read too.

::

    snapshot(service)["listeners"][0]["opened"]     # connections that came
    merged([before, now])                           # of two processes, or two lives of one
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeAlias

from sockproto.carriers.registry import Durations, Registry, Statistics
from sockproto.carriers.transport import subject_of

Snapshot: TypeAlias = Mapping[str, Any]

MOST_CONNECTIONS = 1_000
"""So many connections are told of, the oldest."""

WITH_ITS_PROCESS = "process ended"
"""The reason of connections that were open when their process ended without a word."""


def counters(service: Any) -> dict[str, Any]:
    """Return what the listeners of a service have counted.

    Args:
        service: A ``ServerService``.

    Returns:
        ``listeners``: for each its ``protocol``, its address as the log announces it (``listener``), whether
        it is for ``datagrams``, the fields of ``Statistics`` (reasons as text, and with the bytes and
        messages of connections that are open), how many connections are ``open``, and how many datagrams are
        ``waiting`` for their answers.
    """
    return {"listeners": [_counted(each, service.name_of(each)) for each in service.listeners]}


def snapshot(service: Any) -> dict[str, Any]:
    """Return what a service has counted, its limits, and its connections.

    Args:
        service: A ``ServerService``.

    Returns:
        What ``counters`` returns, each listener with its ``limits``; and ``connections``, the first thousand
        in order of their beginning.
    """
    told = counters(service)
    found: list[dict[str, Any]] = []
    for listener, counted in zip(service.listeners, told["listeners"], strict=True):
        counted["limits"] = asdict(listener.server.limits)
        if not listener.datagrams:
            found += _connections(listener.server.registry, counted["listener"])
    found.sort(key=lambda each: -float(each["age_seconds"]))
    return {**told, "connections": found[:MOST_CONNECTIONS]}


def merged(snapshots: Sequence[Snapshot], ended: bool = False) -> dict[str, Any]:
    """Add up the snapshots of several processes with the same listeners.

    Args:
        snapshots: Theirs.
        ended: Whether the processes are gone: what was open is closed then.
    """
    total: dict[str, Any] = {}
    for each in snapshots:
        total = _sum(total, each)
    if ended and total:
        total["listeners"] = [_ended(listener) for listener in total["listeners"]]
    if "connections" in total:
        connections = [] if ended else total["connections"]
        total["connections"] = sorted(connections, key=lambda each: -each["age_seconds"])[:MOST_CONNECTIONS]
    return total


def _ended(listener: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a listener has counted whose process is gone."""
    lost = {WITH_ITS_PROCESS: listener["open"]} if listener["open"] else {}
    return {**listener, "closed": _sum(listener["closed"], lost), "open": 0, "waiting": 0}


def _counted(listener: Any, where: str) -> dict[str, Any]:
    server = listener.server
    statistics: Statistics = server.statistics
    told = {
        "protocol": listener.protocol,
        "listener": where,
        "datagrams": listener.datagrams,
        "opened": statistics.opened,
        "open": statistics.open,
        "closed": {str(reason): number for reason, number in statistics.closed.items()},
        "bytes_in": statistics.bytes_in,
        "bytes_out": statistics.bytes_out,
        "messages_in": statistics.messages_in,
        "messages_out": statistics.messages_out,
        "dropped": dict(statistics.dropped),
        "faults": dict(statistics.faults),
        "waiting": server.waiting if listener.datagrams else 0,
    }
    durations = statistics.durations
    if durations is not None:
        told["durations"] = {"counts": list(durations.counts), "total": durations.total}
    for connection in () if listener.datagrams else server.registry.connections:  # not yet counted there
        told["bytes_in"] += connection.bytes_in
        told["bytes_out"] += connection.bytes_out
        told["messages_in"] += connection.session.messages_in
        told["messages_out"] += connection.session.messages_out
    return told


def count_durations(service: Any) -> None:
    """Have the listeners of a service count how long connections last."""
    for listener in service.listeners:
        if not listener.datagrams:
            listener.server.statistics.durations = listener.server.statistics.durations or Durations()


def _connections(registry: Registry, where: str) -> Iterable[dict[str, Any]]:
    """Tell of the connections of a listener, the oldest first."""
    for connection in islice(registry.connections, MOST_CONNECTIONS):
        certificate = connection.peer.certificate
        yield {
            "serial": connection.serial,
            "listener": where,
            "protocol": connection.name,
            "peer": str(connection.peer),
            "subject": "" if certificate is None else subject_of(certificate),
            "age_seconds": round(connection.age, 3),
            "idle_seconds": round(connection.idle, 3),
            "bytes_in": connection.bytes_in,
            "bytes_out": connection.bytes_out,
            "messages_in": connection.session.messages_in,
            "messages_out": connection.session.messages_out,
            "waits_for": connection.waits_for,
        }


def _sum(one: Any, other: Any) -> Any:
    """Add numbers, those of tables by name, those of lists by place; of text the later counts."""
    if isinstance(other, Mapping):
        found = dict(one or {})
        for name, value in other.items():
            keeps = name == "limits" or name not in found
            found[name] = value if keeps else _listed(name, found[name], value)
        return found
    is_number = isinstance(other, int | float) and not isinstance(other, bool)
    return one + other if is_number else other


def _listed(name: str, one: Any, other: Any) -> Any:
    if name == "connections":
        return [*one, *other]
    if isinstance(other, list):
        return [_sum(mine, theirs) for mine, theirs in zip(one, other, strict=True)]
    return _sum(one, other)
