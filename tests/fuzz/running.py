"""Runs plans; a fault is told with the shortest list of events that still shows it."""

import gc
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from random import Random
from typing import Any, cast

from twisted.logger import (
    ILogObserver,
    LogEvent,
    globalLogPublisher,
)

from tests.fuzz.checks import Fault, Tally, check, check_log
from tests.fuzz.datagrams import Port
from tests.fuzz.plans import Plan, plan
from tests.fuzz.streams import Server


def run(planned: Plan, tally: Tally, tell: Callable[[str], object] | None = None) -> None:
    """Hold one conversation.

    Raises:
        Fault: Something is wrong.
    """
    try:
        with observed() as logged:
            made: Any = Port if planned.carrier == "datagrams" else Server
            carrier = made(planned, logged)
            for event in planned.events:
                if tell:
                    tell(f"  {event.link} {event.kind} {event.value!r}")
                tally.inputs += carrier.happens(event)
            tally.inputs += carrier.finish()
            carrier.check(tally)
            check_log(logged)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}") from error


@contextmanager
def observed() -> Iterator[list[LogEvent]]:
    """Collect what is logged."""
    logged: list[LogEvent] = []
    observer = cast("ILogObserver", logged.append)
    globalLogPublisher.addObserver(observer)
    try:
        yield logged
    finally:
        globalLogPublisher.removeObserver(observer)


def shortest(planned: Plan) -> Plan:
    """Leave out of a plan that fails whatever it fails without."""

    def fails(candidate: Plan) -> bool:
        try:
            run(candidate, Tally())
        except Fault:
            return True
        return False

    size = max(len(planned.events) // 2, 1)
    while size:
        start = 0
        while start < len(planned.events):
            less = planned._replace(events=planned.events[:start] + planned.events[start + size :])
            if fails(less):
                planned = less
            else:
                start += size
        size //= 2
    return planned


@contextmanager
def nothing_logged() -> Iterator[list[str]]:
    """Collect the failures that reach the global log, such as an unhandled error in a Deferred."""
    failures: list[str] = []

    def observe(event: LogEvent) -> None:
        if "log_failure" in event or event.get("isError"):
            failures.append(str(event.get("log_failure") or event))

    globalLogPublisher.addObserver(cast("ILogObserver", observe))
    try:
        yield failures
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(cast("ILogObserver", observe))


def report(fault: Fault, planned: Plan, seed: int, number: int) -> str:
    """Return what is needed to see a fault again."""
    less = shortest(planned)
    return "\n".join(
        [
            f"FAULT: {fault}",
            f"seed {seed}, conversation {number}: python -m tests.fuzz --seed {seed} --only {number}",
            f"{less._replace(events=())}"[:-1].replace(", events=()", ""),
            *(f"  {event.link} {event.kind} {event.value!r:.300}" for event in less.events),
        ]
    )


def fuzz(inputs: int, seed: int) -> tuple[Tally, str | None]:
    """Feed so many inputs; return what was counted, and what is wrong, None if nothing."""
    tally, rng, number = Tally(), Random(), 0
    with nothing_logged() as failures:
        while tally.inputs < inputs:
            number += 1
            planned = plan(seed, number, rng)
            try:
                run(planned, tally)
                check(not failures, f"in the global log: {failures[:1]}")
            except Fault as fault:
                return tally, report(fault, planned, seed, number)
    return tally, f"FAULT: in the global log, seed {seed}: {failures[0]}" if failures else None


def summary(tally: Tally, seed: int, seconds: float) -> str:
    """Return the one line."""
    versions = f"Python {platform.python_version()}, Twisted {version('twisted')}"
    reasons = ", ".join(f"{reason} {count}" for reason, count in tally.reasons.most_common())
    dropped = ", ".join(f"{reason} {count}" for reason, count in tally.dropped.most_common())
    return (
        f"{tally.inputs} inputs in {tally.conversations} conversations, {seconds:.0f} seconds, seed {seed}, "
        f"sockproto {version('sockproto')}, {versions}; closed: {reasons}; "
        f"datagrams dropped: {dropped}; no errors"
    )
