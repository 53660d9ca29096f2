"""What stands in the description of an endpoint, such as ``unix:/run/echo:mode=660``.

::

    kind, given = "unix", arguments("/run/echo:mode=660", ("address", "mode"))
    given == {"address": "/run/echo", "mode": "660"}
"""

import re
from collections.abc import Sequence

from sockproto.errors import OptionError


def arguments(text: str, names: Sequence[str]) -> dict[str, str]:
    r"""Take the arguments of a description apart, as Twisted does.

    Args:
        text: What follows the kind: values in the order of *names*, or ``NAME=VALUE``, between colons. A
            backslash before a colon makes it part of a value.
        names: What the arguments may be called.

    Returns:
        The values by name.

    Raises:
        OptionError: One is given twice, or there are more than names.
    """
    given: dict[str, str] = {}
    order = iter(names)
    for part in re.findall(r"((?:[^:\\]|\\.)+)(?::|$)", text):
        name, equals, value = part.partition("=")
        if not equals or name not in names:
            name, value = next(order, ""), part
        if not name or name in given:
            raise OptionError(f"there is no use for {part!r}")
        given[name] = re.sub(r"\\(.)", r"\1", value)
    return given
