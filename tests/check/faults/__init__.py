"""What servers get wrong: each is right but in one thing, and names the cases that it must fail.

One file for each group of cases. A case of several protocols it must fail in each of its ``protocols``.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from tests.check.servers import Server

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def _below(kind: type[Server]) -> Iterator[type[Server]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


FAULTS = [each for each in _below(Server) if "fails" in vars(each)]
