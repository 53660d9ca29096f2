"""The option of twistd that has things go wrong: ``--fault``.

::

    class ServerOptions(FaultOptions): ...

    options.faults()                                    # a Faults, None where nothing is to go wrong
"""

from twisted.python import usage

from sockproto.core.faults.catalog import FAULTS, SHARED, Fault
from sockproto.core.faults.plan import Faults
from sockproto.core.faults.spec import FaultSpec
from sockproto.errors import OptionError
from sockproto.server.listeners import Listener


class FaultOptions(usage.Options):
    """Takes this option."""

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self["fault"] = []

    def opt_fault(self, spec: str) -> None:
        """Misbehave like this, as in delay=0.2,share=0.1; --fault help lists the faults; repeatable."""
        self["fault"].append(spec)

    def faults(self) -> Faults | None:
        """Return what is to go wrong; None if nothing.

        Raises:
            OptionError: One of the specs is wrong.
        """
        specs = []
        for text in self["fault"]:
            try:
                specs.append(FaultSpec.parsed(text))
            except OptionError as error:
                raise OptionError(f"--fault: {error}") from error
        return Faults(*specs) if specs else None

    def require_effect(self, planned: list[tuple[str, Listener]]) -> None:
        """See that each spec has something to do on a listener.

        Args:
            planned: The listeners, each with its description.

        Raises:
            OptionError: One has not.
        """
        for text in self["fault"]:
            spec = Faults(text)
            if not any(spec.fitting(where, listener.datagrams) for where, listener in planned):
                kinds = {"datagrams" if listener.datagrams else "streams" for _, listener in planned}
                raise OptionError(
                    f"--fault: {text!r} would do nothing: what is served is {' and '.join(sorted(kinds))}"
                    f" on {', '.join(dict.fromkeys(where for where, _ in planned))}"
                )


def fault_help() -> str:
    """Return what ``--fault help`` prints."""
    rows = [(f"{fault.name}{_value(fault.form)}", _whose(fault), fault.help) for fault in FAULTS.values()]
    rows += [(f"{name}{_value(form)}", "", help) for name, (form, help) in SHARED.items()]
    lines = ["--fault NAME=VALUE,...: one or more of", ""]
    lines += [f"  {written:<27}{whose:<12}{help}" for written, whose, help in rows]
    lines += [
        "",
        "SECONDS is a time such as 0.5, or a range such as 0.1..0.5. AMOUNT is a number of bytes sent,",
        "or of messages handled as in 3messages. SHARE is from 0 to 1. Write \\, for a comma in a value.",
    ]
    return "\n".join(lines)


def _value(form: str) -> str:
    if form.startswith("["):
        return f"[={form[1:]}"
    return f"={form}" if form else ""


def _whose(fault: Fault) -> str:
    if fault.streams and fault.datagrams:
        return ""
    return "streams" if fault.streams else "datagrams"
