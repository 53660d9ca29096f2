"""Everything that was measured, its medians and ratios.

It knows no server and draws nothing::

    results = Results()
    results.add("echo-64-10", "uvloop", measurement)
    results.ratio("echo-64-10", "uvloop", "twisted")
"""

from dataclasses import astuple, dataclass, field
from statistics import median

from benchmarks.speed.measure import Measurement


@dataclass
class Results:
    """What was measured.

    Attributes:
        runs: The measurements of each case and peer.
        failures: What went wrong there.
    """

    runs: dict[tuple[str, str], list[Measurement]] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, case: str, peer: str, measurement: Measurement) -> None:
        """Keep a measurement."""
        self.runs.setdefault((case, peer), []).append(measurement)

    def fail(self, case: str, peer: str, why: str) -> None:
        """Keep what went wrong; then there are no figures."""
        self.failures[case, peer] = why

    def medians(self, case: str, peer: str) -> Measurement | None:
        """Return the median of each figure, None if there is none."""
        runs = self.runs.get((case, peer))
        if not runs or (case, peer) in self.failures:
            return None
        return Measurement(*(median(figures) for figures in zip(*map(astuple, runs), strict=True)))

    def spread(self, case: str, peer: str) -> float:
        """Return how far the rounds are apart, as a part of their median."""
        values = [run.value for run in self.runs[case, peer]]
        return (max(values) - min(values)) / median(values) if median(values) else 0

    def ratio(self, case: str, peer: str, reference: str) -> float | None:
        """Return how many times the reference's figure a peer's is, None if one of them is not there.

        Of what takes time the figures are those for each second of the server's CPU time: what else the
        machine does meanwhile changes these least.
        """
        ours, theirs = self.medians(case, peer), self.medians(case, reference)
        if not ours or not theirs:
            return None
        if theirs.per_cpu:
            return ours.per_cpu / theirs.per_cpu
        return ours.value / theirs.value if theirs.value else None

    def slower(self, case: str, peer: str, reference: str) -> float | None:
        """Return how many times the reference's 99th percentile of latency a peer's is, None likewise."""
        ours, theirs = self.medians(case, peer), self.medians(case, reference)
        return ours.p99 / theirs.p99 if ours and theirs and theirs.p99 else None
