"""What a service has counted, for Prometheus: https://prometheus.io/docs/practices/naming/.

Needs the extra ``metrics``. Everything is read when it is asked for::

    text = exposition([("", snapshot(service))], accept="text/plain")
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate
from platform import python_version
from typing import Any, TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sockproto.admin.counted import WITH_ITS_PROCESS, Snapshot
from sockproto.carriers.closing import REFUSALS
from sockproto.carriers.registry import DURATIONS
from sockproto.core.conversation import CloseReason

Snapshots: TypeAlias = Sequence[tuple[str, Snapshot]]
"""Those of each process, with the number of the worker; empty where there is one process."""

Labelled: TypeAlias = tuple[list[str], Mapping[str, Any]]
"""The labels of a listener, and what it has counted."""

KINDS = ((False, True), (False,), (True,))
LABELS = ("protocol", "listener")
REFUSED = frozenset(str(reason) for reason in REFUSALS)
REASONS = dict.fromkeys(map(str, CloseReason), 0)
"""There from the start: what comes into being with its first event is not seen to grow by it."""

BYTES = {
    "bytes_in": (CounterMetricFamily, "bytes_received", "Bytes received, in connections or datagrams."),
    "bytes_out": (CounterMetricFamily, "bytes_sent", "Bytes sent, in connections or datagrams."),
}
CONNECTIONS = {
    "opened": (CounterMetricFamily, "connections_opened", "Connections that came, the refused ones too."),
    "open": (GaugeMetricFamily, "connections_open", "Connections that are open."),
    "messages_in": (CounterMetricFamily, "messages_received", "Messages received in connections."),
    "messages_out": (CounterMetricFamily, "messages_sent", "Messages sent in connections."),
}
DATAGRAMS = {
    "messages_in": (CounterMetricFamily, "datagrams_received", "Datagrams received."),
    "messages_out": (CounterMetricFamily, "datagrams_answered", "Datagrams answered."),
    "waiting": (GaugeMetricFamily, "datagrams_waiting", "Datagrams whose answers are being made."),
}


def exposition(snapshots: Snapshots, accept: str) -> tuple[bytes, str]:
    """Write the metrics out.

    Args:
        snapshots: Of each process.
        accept: The header of the request, which chooses between Prometheus' text and OpenMetrics.

    Returns:
        The text, and its content type.
    """
    registry = CollectorRegistry(auto_describe=False)
    for collect in ProcessCollector, PlatformCollector, GCCollector:
        collect(registry=registry)
    registry.register(SnapshotCollector(snapshots))
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


class SnapshotCollector(Collector):
    """Makes metrics of what processes have counted.

    Args:
        snapshots: Of each process.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        workers = any(worker for worker, _ in snapshots)
        self._labels = (*LABELS, "worker") if workers else LABELS
        self._reasons = {**REASONS, WITH_ITS_PROCESS: 0} if workers else REASONS

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        build = {"version": version("sockproto"), "twisted": version("twisted"), "python": python_version()}
        yield InfoMetricFamily("sockproto_build", "What serves.", build)
        everywhere, streams, datagrams = (self._listeners(kinds) for kinds in KINDS)
        yield from self._plain(BYTES, everywhere)
        yield from self._plain(CONNECTIONS, streams)
        yield self._by_reason("connections_closed", "Connections that ended.", streams, "closed")
        yield self._refused(streams)
        yield self._durations(streams)
        yield from self._plain(DATAGRAMS, datagrams)
        yield self._by_reason("datagrams_dropped", "Datagrams not answered.", datagrams, "dropped")
        faults = "Connections or messages with a fault that was asked for."
        yield self._by_reason("faults", faults, everywhere, "faults", "fault")

    def _listeners(self, kinds: Sequence[bool]) -> list[Labelled]:
        """Return the listeners for datagrams, for streams, or both, with their labels."""
        found: list[Labelled] = []
        for worker, told in self._snapshots:
            for listener in told.get("listeners", ()):
                if listener["datagrams"] in kinds:
                    labels = [listener["protocol"], listener["listener"], worker]
                    found.append((labels[: len(self._labels)], listener))
        return found

    def _plain(self, table: Mapping[str, Any], listeners: Iterable[Labelled]) -> Iterator[Metric]:
        for name, (kind, called, meaning) in table.items():
            metric = kind(f"sockproto_{called}", meaning, labels=self._labels)
            for labels, listener in listeners:
                metric.add_metric(labels, listener[name])
            yield metric

    def _by_reason(
        self, called: str, meaning: str, listeners: Iterable[Labelled], name: str, label: str = "reason"
    ) -> Metric:
        labels_too = (*self._labels, label)
        metric = CounterMetricFamily(f"sockproto_{called}", meaning, labels=labels_too)
        known = self._reasons if name == "closed" else {}
        for labels, listener in listeners:
            for reason, number in {**known, **listener[name]}.items():
                metric.add_metric([*labels, reason], number)
        return metric

    def _refused(self, listeners: Iterable[Labelled]) -> Metric:
        called = "sockproto_connections_refused"
        metric = CounterMetricFamily(called, "Connections that were not let in.", labels=self._labels)
        for labels, listener in listeners:
            closed = listener["closed"]
            metric.add_metric(labels, sum(closed[reason] for reason in REFUSED & closed.keys()))
        return metric

    def _durations(self, listeners: Iterable[Labelled]) -> Metric:
        called = "sockproto_connection_seconds"
        metric = HistogramMetricFamily(called, "How long connections lasted.", labels=self._labels)
        bounds = [*map(str, DURATIONS), "+Inf"]
        for labels, listener in listeners:
            durations = listener.get("durations")
            if durations:
                buckets = list(zip(bounds, accumulate(durations["counts"]), strict=True))
                metric.add_metric(labels, buckets, sum_value=durations["total"])
        return metric
