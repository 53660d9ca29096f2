"""The options of twistd that say who may come in: ``--allow``, ``--deny``, ``--client-ca``.

::

    class ServerOptions(AccessOptions): ...

    options.access()    # an Access, None where everybody may come in
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from sockproto.core.access import Access
from sockproto.errors import OptionError
from sockproto.server.authorities import ClientAuthorities
from sockproto.server.faults import FaultOptions


class AccessOptions(FaultOptions):
    """Takes these options."""

    optParameters: ClassVar[list[list[Any]]] = [
        ["client-ca", None, None, "file of authorities; TLS clients must show a certificate of one of them"],
    ]

    def __init__(self) -> None:
        FaultOptions.__init__(self)
        self["allow"] = []
        self["deny"] = []

    def opt_allow(self, network: str) -> None:
        """Network that may come in, and no others; of several the most specific decides; repeatable."""
        self["allow"].append(network)

    def opt_deny(self, network: str) -> None:
        """Network that may not come in; repeatable."""
        self["deny"].append(network)

    def access(self) -> Access | None:
        """Return whom these options let in, by the address; None if everybody.

        Raises:
            OptionError: One names no network, or both name the same.
        """
        for name in "allow", "deny":
            for network in self[name]:
                try:
                    Access([network])
                except ValueError as error:
                    raise OptionError(f"--{name}: {error}") from error
        if not (self["allow"] or self["deny"]):
            return None
        try:
            return Access(self["allow"], self["deny"])
        except ValueError as error:
            raise OptionError(f"--allow and --deny: {error}") from error

    def authorities(self) -> ClientAuthorities | None:
        """Return who must have signed the certificates of TLS clients; None if they need not show one.

        Raises:
            OptionError: The file can't be used.
        """
        try:
            return None if self["client-ca"] is None else ClientAuthorities(self["client-ca"])
        except OptionError as error:
            raise OptionError(f"--client-ca: {error}") from error

    def restrictions(self) -> Iterable[tuple[str, str]]:
        """Yield the name and the values of each of these options that was given."""
        for name in "allow", "deny", "client-ca":
            given = self[name]
            if given:
                yield name, ", ".join(given) if isinstance(given, list) else given
