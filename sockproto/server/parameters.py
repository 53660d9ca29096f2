"""The options of protocols as Twisted's ``usage.Options`` wants them: a row each, with what the help says.

::

    optParameters = described(definitions().values())
"""

from collections.abc import Iterable
from typing import Any


def described(offered: Iterable[Any]) -> list[list[Any]]:
    """Return the rows for ``optParameters``.

    Args:
        offered: The definitions whose options can be given. Options of one name share a row, and its help
            says which protocol takes which value where they differ; each protocol keeps its own ``convert``.
    """
    helps: dict[str, dict[str, list[str]]] = {}
    framings = []
    for definition in offered:
        for option in definition.options:
            text = f"{option.help}  [default: {option.default}]"
            helps.setdefault(option.name, {}).setdefault(text, []).append(definition.name)
        if definition.framings:
            framings.append(f"{definition.name}: {' or '.join(definition.framings)}")
    rows: list[list[Any]] = [[name, None, None, _joined(texts)] for name, texts in helps.items()]
    if framings:
        text = f"what ends a message (auto: lines and bare sends)  [{'; '.join(framings)}]"
        rows.append(["framing", None, None, text])
    return rows


def _joined(texts: dict[str, list[str]]) -> str:
    if len(texts) == 1:
        return next(iter(texts))
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in texts.items())


def typed(name: str) -> str:
    """Return an option's name as it is typed."""
    return name.replace("_", "-")
