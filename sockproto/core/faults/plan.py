"""Which connections and datagrams of a listener go wrong, and how; what went wrong is counted.

::

    EchoFactory(faults="drip=10/s,share=0.5")
    Faults("delay=0.2", "drop=0.1").fitting("udp:9999", datagrams=True)
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from sockproto.core.faults.datagrams import FaultyDatagrams
from sockproto.core.faults.spec import FaultSpec
from sockproto.core.faults.stream import FaultyStream
from sockproto.errors import OptionError


class Faults:
    """What is to go wrong. Nothing of it is random but by its seed: the same run has the same faults again.

    Args:
        specs: Each is one or more faults and what they share, such as ``delay=0.1..0.5,share=0.05``: see
            docs/howto/faults.md.

    Attributes:
        specs: The same, as values.

    Raises:
        OptionError: One of them is wrong.
    """

    def __init__(self, *specs: str | FaultSpec) -> None:
        self.specs = tuple(FaultSpec.parsed(spec) if isinstance(spec, str) else spec for spec in specs)

    def __str__(self) -> str:
        return " and ".join(map(str, self.specs))

    @classmethod
    def given(cls, faults: "GivenFaults") -> "Faults | None":
        """Return the faults that were given, None for none.

        Raises:
            OptionError: They are wrong.
            TypeError: They are none.
        """
        if faults is None or isinstance(faults, cls):
            return faults
        specs = (
            [faults] if isinstance(faults, str) else list(faults) if isinstance(faults, Iterable) else None
        )
        if specs is None or not all(isinstance(spec, str) for spec in specs):
            raise TypeError(f"faults must be Faults(...) or text such as 'delay=0.2', not {faults!r}")
        return cls(*specs) if specs else None

    def fitting(self, description: str, datagrams: bool) -> "Faults | None":
        """Return those that a listener can have, None if there are none.

        Args:
            description: The listener's, such as ``udp:9999``.
            datagrams: Whether it is for datagrams.
        """
        found = [spec.fitting(datagrams) for spec in self.specs if spec.is_on(description)]
        fit = [replace(spec, on="") for spec in found if spec is not None]
        return Faults(*fit) if fit else None


GivenFaults: TypeAlias = Faults | str | Iterable[str] | None


class FaultPlan:
    """Has the connections, or the datagrams, of one listener go wrong.

    Args:
        faults: How.
        counted: Where it is counted how often.
        datagrams: Whether the listener is for datagrams.

    Raises:
        OptionError: It can't have any of these faults, or they are ``on`` a listener, which it doesn't know.
    """

    def __init__(self, faults: Faults, counted: Counter[str], datagrams: bool = False) -> None:
        found = [spec.fitting(datagrams) for spec in faults.specs]
        self._specs = [spec for spec in found if spec is not None]
        self._counted = counted
        self._serial = 0
        if not self._specs:
            raise OptionError(f"{faults} is nothing that {'datagrams' if datagrams else 'streams'} can have")
        for spec in self._specs:
            if spec.on:
                raise OptionError(f"on={spec.on} is for --fault: give faults to what is served there alone")

    def inject(self, session: Any) -> None:
        """Have a connection go wrong, if it is one of those that do.

        Args:
            session: Its ``Session``, which is not open yet.
        """
        self._serial += 1
        FaultyStream(session, self._specs, self._serial, self._counted)

    def wrapped(self, conversation: Any) -> Any:
        """Return the conversation of a port whose datagrams go wrong."""
        return FaultyDatagrams(conversation, self._specs, self._counted)
