"""What ``--explain`` prints.

::

    print(explanation(listeners, Limits()))
"""

from collections.abc import Iterable
from dataclasses import fields

from sockproto.core.limits import Limits
from sockproto.server.addressing import is_exposed
from sockproto.server.listeners import Listener
from sockproto.server.parameters import typed


def explanation(
    listeners: Iterable[Listener], limits: Limits, settings: Iterable[tuple[str, str]] = ()
) -> str:
    """Return what would be served, to whom and under which limits, as text."""
    lines = []
    for listener in listeners:
        if listener.interface is None:
            reach = "whoever can reach it"
        else:
            reach = "other machines too" if is_exposed(listener.interface) else "this machine only"
        shown = " and has a certificate" if listener.client_ca else ""
        failing = f", with faults: {listener.faults}" if listener.faults else ""
        lines.append(f"{listener.protocol} on {listener.where}, for {reach}{shown}{failing}")
    lines += [f"  {name:<26}{value}" for name, value in settings]
    for limit in fields(limits):
        value = getattr(limits, limit.name)
        lines.append(f"  {typed(limit.name):<26}{value or 'no limit':<10}  {limit.metadata['help']}")
    return "\n".join(lines)
