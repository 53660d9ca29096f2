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
    """Which faults are to happen. All random choices follow from the seed: the same run has the same faults.

    Args:
        specs: Each is one or more faults and their common settings, such as ``delay=0.1..0.5,share=0.05``
            (docs/howto/faults.md).

    Attributes:
        specs: The same, as values.

    Raises:
        OptionError: A spec is wrong.
    """

    def __init__(self, *specs: str | FaultSpec) -> None:
        self.specs = tuple(FaultSpec.parsed(spec) if isinstance(spec, str) else spec for spec in specs)

    def __str__(self) -> str:
        return " and ".join(map(str, self.specs))

    @classmethod
    def given(cls, faults: "GivenFaults") -> "Faults | None":
        """Return the faults that an argument means; None for no faults.

        Raises:
            OptionError: A spec is wrong.
            TypeError: The argument is neither ``Faults`` nor text.
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
        """Return the faults that a listener can have; None if it can have none of them.

        Args:
            description: The listener's, such as ``udp:9999``.
            datagrams: Whether it is for datagrams.
        """
        found = [spec.fitting(datagrams) for spec in self.specs if spec.is_on(description)]
        fit = [replace(spec, on="") for spec in found if spec is not None]
        return Faults(*fit) if fit else None


GivenFaults: TypeAlias = Faults | str | Iterable[str] | None


class FaultPlan:
    """Makes the connections, or the datagrams, of one listener go wrong.

    Args:
        faults: Which faults.
        counted: Where they are counted.
        datagrams: Whether the listener is for datagrams.

    Raises:
        OptionError: The listener can't have any of these faults, or a spec names listeners with ``on``.
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
        """Make a connection go wrong, if it is one of those that should.

        Args:
            session: Its ``Session``, which is not open yet.
        """
        self._serial += 1
        FaultyStream(session, self._specs, self._serial, self._counted)

    def wrapped(self, conversation: Any) -> Any:
        """Return the conversation of a port whose datagrams go wrong."""
        return FaultyDatagrams(conversation, self._specs, self._counted)
