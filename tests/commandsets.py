"""Command sets of any signature, whose methods answer with what they were called with."""

import enum
import inspect
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from sockproto.commands import Caller, CommandSet, command
from sockproto.errors import CommandError

REFUSED = "Ask me something else."


class Mode(enum.Enum):
    HEAT = "heat"
    COOL = "Cool"
    OFF = 0


Level = Literal["low", "very high", 3]

TYPES: dict[str, Any] = {
    "text": str,
    "bytes": bytes,
    "integer": int,
    "number": float,
    "boolean": bool,
    "mode": Mode,
    "level": Level,
}
# The commands.


@dataclass(frozen=True)
class Form:
    """How a method is written.

    Attributes:
        required: The types of the arguments that must be given.
        optional: Of those that may be left out: by ``| None`` if no default is there.
        defaults: So many of them, from the end, have a default.
        tail: ``""``, ``"repeated"``, ``"rest"`` or ``"optional rest"``.
        tail_type: The type of that.
        caller: ``""``, ``"first"`` or ``"keyword"``.
        answer: ``"plain"``, ``"coroutine"``, ``"deferred"`` or ``"streamed"``.
    """

    required: list[str]
    optional: list[str]
    defaults: int
    tail: str
    tail_type: str
    caller: str
    answer: str

    def signature(self) -> inspect.Signature:
        """Write it."""
        kind = inspect.Parameter
        made = [kind("self", kind.POSITIONAL_OR_KEYWORD)]
        if self.caller == "first":
            made.append(kind("who", kind.POSITIONAL_OR_KEYWORD, annotation=Caller))
        for number, name in enumerate(self.required):
            made.append(kind(f"needed{number}", kind.POSITIONAL_OR_KEYWORD, annotation=TYPES[name]))
        for number, name in enumerate(self.optional):
            default = kind.empty if number < len(self.optional) - self.defaults else None
            made.append(
                kind(
                    f"maybe{number}",
                    kind.POSITIONAL_OR_KEYWORD,
                    annotation=TYPES[name] | None,
                    default=default,
                )
            )
        if self.tail == "repeated":
            made.append(kind("more", kind.VAR_POSITIONAL, annotation=TYPES[self.tail_type]))
        elif self.tail:
            default = kind.empty if self.tail == "rest" else None
            made.append(kind("text", kind.KEYWORD_ONLY, annotation=TYPES[self.tail_type], default=default))
        if self.caller == "keyword":
            made.append(kind("who", kind.KEYWORD_ONLY, annotation=Caller))
        return inspect.Signature(made)


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Draw a method that can be a command."""
    names = st.sampled_from(sorted(TYPES))
    tails = ["", "", "repeated", "rest", "optional rest"]
    optional = draw(st.lists(names, max_size=2))
    if optional:
        tails.remove("rest")  # it must be given, so what stands before it can't be left out
    return Form(
        draw(st.lists(names, max_size=2)),
        optional,
        draw(st.integers(0, len(optional))),
        draw(st.sampled_from(tails)),
        draw(names),
        draw(st.sampled_from(["", "first", "keyword"])),
        draw(st.sampled_from(["plain", "coroutine", "deferred", "streamed"])),
    )


def answer(word: str, values: list[Any]) -> list[str]:
    """Return the lines that a command answers with: what it was called with."""
    return [word, *(f"{word} {value!a}" for value in values)]


class Noting(CommandSet):
    """Notes what its commands are called with; they answer with it, at once or later."""

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self.calls: list[tuple[str, list[Any]]] = []

    @command("refuse", "deny")
    async def refuse(self) -> None:
        """Refuse, later."""
        await deferLater(self.clock, 0)
        raise CommandError(REFUSED)

    def note(self, word: str, signature: inspect.Signature, args: Any, kwargs: Any) -> list[str]:
        bound = signature.bind(self, *args, **kwargs)  # an error here is one of a real method's call
        bound.apply_defaults()
        del bound.arguments["self"]
        caller = bound.arguments.pop("who", None)
        assert ("who" in signature.parameters) == isinstance(caller, Caller)
        values = list(bound.arguments.pop("more", ()))
        text = [bound.arguments.pop("text")] if "text" in signature.parameters else []
        self.calls.append((word, [*bound.arguments.values(), *values, *text]))
        return answer(*self.calls[-1])


def method(word: str, form: Form) -> Any:
    """Make a method of a form."""
    signature = form.signature()

    def plain(self: Noting, *args: Any, **kwargs: Any) -> Any:
        return tuple(self.note(word, signature, args, kwargs))

    async def coroutine(self: Noting, *args: Any, **kwargs: Any) -> Any:
        lines = self.note(word, signature, args, kwargs)
        await deferLater(self.clock, 0)
        return tuple(lines)

    def deferred(self: Noting, *args: Any, **kwargs: Any) -> Any:
        lines = self.note(word, signature, args, kwargs)
        return deferLater(self.clock, 0, lambda: tuple(lines))

    async def streamed(self: Noting, *args: Any, **kwargs: Any) -> Any:
        for line in self.note(word, signature, args, kwargs):
            await deferLater(self.clock, 0)
            yield line

    made: Any = {function.__name__: function for function in (plain, coroutine, deferred, streamed)}
    function = made[form.answer]
    function.__signature__ = signature
    function.__annotations__ = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if parameter.annotation is not parameter.empty
    }
    function.__doc__ = f"Note what {word} is given."
    return function


@st.composite
def command_sets(draw: st.DrawFn) -> type[Noting]:
    """Draw a class of commands."""
    attributes: dict[str, Any] = {
        "prefix": draw(st.sampled_from(["/", ""])),
        "separator": draw(st.sampled_from([" ", ","])),
        "case_sensitive": draw(st.booleans()),
    }
    for number, form in enumerate(draw(st.lists(forms(), min_size=1, max_size=3))):
        names = (f"Do{number}", *draw(st.sampled_from([(), (f"alias{number}",)])))
        attributes[f"method{number}"] = command(*names)(method(names[0], form))
    return type("Made", (Noting,), attributes)
