"""``sockproto probe``: asks, and shows what came of each address.

::

    run(["probe", "--json", "127.0.0.1:9999"])      # of ``commands``, which makes a command of do_probe
"""

import dataclasses
import json
import math
import os
import ssl
import time
from typing import Any

import click

from sockproto.cli.console import Console
from sockproto.cli.options import Count, PossiblyEmpty, Seconds, address_options, refuse_unused, speaks_tls
from sockproto.cli.report import json_value
from sockproto.core.text import Address, parse_address
from sockproto.errors import OptionError
from sockproto.plain import tls
from sockproto.plain.deadline import Deadline
from sockproto.plain.diagnosis import ProbeOptions, ProbeResult, probe

SHORTEST_SECONDS = 0.05
"""So much time a try must have at least."""


@click.argument("address")
@click.option(
    "--wait", type=Seconds(), default=0.0, metavar="SECONDS", help="How long to go on trying until it is up."
)
@click.option("--count", type=Count(1), default=1, show_default=True, help="How many probes to make.")
@click.option(
    "--interval",
    type=Seconds(),
    default=1.0,
    show_default=True,
    help="Time between two probes, or two tries.",
)
@click.option(
    "--reply-timeout",
    type=Seconds(),
    default=1.0,
    show_default=True,
    help="How long to wait for a first byte, or a datagram's answer.",
)
@click.option(
    "--data",
    type=PossiblyEmpty(),
    default="",
    help="What to send, exactly as given.  [default: nothing; with --udp an empty datagram]",
)
@address_options
def do_probe(
    address: str,
    wait: float,
    count: int,
    interval: float,
    reply_timeout: float,
    data: str,
    **given: Any,
) -> int:
    """Say which way a server fails: refused, timed out, unreachable, reset …, and what each phase took.

    A stream that connects is up, whether it speaks first or not; a datagram needs an answer.
    """
    if not wait and count == 1:
        refuse_unused("interval", "between two probes; give --count or --wait too")
    target = parse_address(address, given["udp"], given["unix"])
    context = tls_context(target, given)
    options = ProbeOptions(given["connect_timeout"], reply_timeout, os.fsencode(data), context)
    show = _probe_json if given["as_json"] else _probe_text
    status = 0
    for number in range(count):
        if number:
            time.sleep(interval)
        result = _probe_until_up(target, options, interval, Deadline(wait or None))
        show(result)
        status = status or result.status
    return status


def _probe_until_up(
    target: Address, options: ProbeOptions, interval: float, deadline: Deadline
) -> ProbeResult:
    """Probe, and within a time again while that fails; a try that the end cuts short tells nothing.

    Towards the end, where another interval would be too long, at the half of what is left.
    """
    result = probe(target, options, deadline)
    while result.status and SHORTEST_SECONDS < deadline.left < math.inf:
        time.sleep(min(interval, deadline.left / 2))
        again = probe(target, options, deadline)
        if again.status and not deadline.left:
            break
        result = again
    return result


def tls_context(target: Address, given: dict[str, Any]) -> ssl.SSLContext | None:
    """Make what TLS needs, in the standard library's way."""
    if not speaks_tls(given):
        return None
    if target.datagrams:
        raise OptionError("TLS is for streams, not for datagrams")
    return tls.tls_context(given["cacert"], given["insecure"], given["cert"], given["key"])


def _probe_text(result: ProbeResult) -> None:
    console = Console(1)
    if not result.attempts:
        took = f"{1000 * result.name_seconds:.1f} ms"
        detail = f": {result.detail}" if result.detail else ""
        console.line(f"{result.address}: {result.outcome}{detail} (name {took})".encode())
        return
    for attempt in result.attempts:
        phases = [
            f"{name} {1000 * seconds:.1f} ms"
            for name, seconds in (
                ("name", result.name_seconds),
                ("connect", attempt.connect_seconds),
                ("handshake", attempt.handshake_seconds),
                ("first byte", attempt.first_byte_seconds),
            )
            if seconds is not None
        ]
        number = f" {attempt.errno}" if attempt.errno else ""
        detail = f": {attempt.detail}" if attempt.detail else ""
        said = f": {attempt.reply!r}" if attempt.reply else ""
        line = f"{attempt.address}: {attempt.outcome}{number}{detail}{said} ({', '.join(phases)})"
        console.line(line.encode("utf-8", "backslashreplace"))


def _probe_json(result: ProbeResult) -> None:
    found = dataclasses.asdict(result)
    for attempt in found["attempts"]:
        attempt["reply"] = json_value(attempt["reply"])
    Console(1).line(json.dumps({"command": "probe", **found, "status": result.status}).encode())
