"""Commands declared as methods: ``CommandSet``, ``command``, ``Caller``, ``Kind``, ``rate_limit``.

::

    class Thermostat(CommandSet):
        @command
        def set(self, degrees: float) -> None: ...

In reading order:

============  ======================================================
words         how a line becomes arguments: blanks and quotes
kinds         the types that an argument may have
caller        who sends the commands of one connection
rates         how often a command may be called
results       what a command may return
lines         how a result becomes a line
signature     a method's signature, read as that of a command
declaration   ``command``, and what a decorated method declares
table         the commands by their words
commandset    ``CommandSet``, the class to subclass, with ``/help``
answering     the conversation that answers lines with it
faultscripts  what a server says that misbehaves
faults        the commands of the protocol ``faults``
============  ======================================================

``sockproto.protocols.command`` makes Twisted protocols and factories of it.
"""

from sockproto.commands.caller import Caller
from sockproto.commands.commandset import CommandSet
from sockproto.commands.declaration import command
from sockproto.commands.kinds import Kind
from sockproto.commands.rates import rate_limit
from sockproto.commands.words import quote

__all__ = ["Caller", "CommandSet", "Kind", "command", "quote", "rate_limit"]
