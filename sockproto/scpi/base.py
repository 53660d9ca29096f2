"""How a class becomes an instrument: its headers, its settings, its status, and what its bugs become.

Knows none of the commands that instruments have; those are in ``common`` and ``instrument``::

    class Common(BaseInstrument):
        @scpi("*IDN?")
        def identify(self) -> str: ...

    Common.headers.find(b"*idn?", Common.headers.root)
"""

import inspect
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

from twisted.logger import Logger
from twisted.python.failure import Failure

from sockproto.carriers.log import EscapedFailure
from sockproto.commands.caller import Caller
from sockproto.errors import CommandError, DeclarationError, InstrumentError
from sockproto.scpi.calls import CallReader
from sockproto.scpi.declaration import MARK, ScpiCommand
from sockproto.scpi.headers import Declared, HeaderTree
from sockproto.scpi.operations import Operations
from sockproto.scpi.setting import RegisterCommands, Setting
from sockproto.scpi.status import StatusSystem

_LOG = Logger("sockproto")


class BaseInstrument:
    """What an instrument is without a single command; :class:`Instrument` is the one to subclass."""

    caller: ClassVar[type[Caller]] = Caller

    headers: ClassVar[HeaderTree]
    parse_message: ClassVar[CallReader]
    settings: ClassVar[tuple[Setting, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        attributes = {name: inspect.getattr_static(cls, name) for name in dir(cls)}
        cls.settings = tuple(each for each in attributes.values() if isinstance(each, Setting))
        cls.headers = HeaderTree()
        by_header: dict[Any, ScpiCommand] = {}
        for name in attributes:
            try:
                for declared in cls._declared(name, attributes[name]):
                    if not issubclass(cls.caller, declared.caller_class):
                        raise DeclarationError(
                            f"{cls.__name__}.caller must be {declared.caller_class.__name__}"
                        )
                    cls.headers.add(declared)
                    by_header[declared.header.mnemonics, declared.header.is_query] = declared
            except DeclarationError as error:
                raise DeclarationError(f"{cls.__name__}.{name}: {error}") from None
        cls.headers.require_unambiguous()
        cls.parse_message = CallReader(cls.headers)
        for (mnemonics, is_query), declared in by_header.items():
            command = by_header.get((mnemonics, False))
            if is_query and command is not None:
                declared.limits = command.numeric

    @classmethod
    def _declared(cls, name: str, attribute: Any) -> Iterator[ScpiCommand]:
        """Yield what an attribute declares, in its own class or where it is overridden from."""
        if isinstance(attribute, Setting | RegisterCommands):
            yield from attribute.commands()
        elif inspect.isfunction(attribute):
            marks = (getattr(vars(base)[name], MARK, None) for base in cls.__mro__ if name in vars(base))
            for header, overlapped in next(filter(None, marks), ()):
                yield ScpiCommand(attribute, header, overlapped)

    @cached_property
    def status(self) -> StatusSystem:
        """Its status registers and error queue."""
        return StatusSystem()

    @cached_property
    def operations(self) -> Operations:
        """Its overlapped commands that are not over."""
        return Operations()

    @cached_property
    def _logged(self) -> set[object]:
        return set()

    def failed(self, declared: Declared, failure: Failure) -> None:
        """Report what a method has raised: an instrument's error is queued, anything else is a bug.

        A bug is -310 for the client; the log has its traceback, once for each command, so that nobody can
        flood it.
        """
        if isinstance(failure.value, CommandError):
            self.status.report(failure.value)
            return
        self.status.report(InstrumentError(-310))
        if declared not in self._logged:
            self._logged.add(declared)
            header = str(declared.header)
            _LOG.failure(
                "error in {header}", EscapedFailure(failure), event="conversation_error", header=header
            )
