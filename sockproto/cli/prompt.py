"""The interactive prompt of ``sockproto command``: history, and completion of what the server's /help lists.

What the server says appears above the prompt as it comes, asked for or not::

    talk(address, reactor, options)     # a Deferred that fires at Ctrl-D, or when the server closes
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import CompleteStyle
from twisted.internet.defer import Deferred, ensureDeferred

from sockproto.cli.completing import Commands
from sockproto.cli.console import INTERRUPTED, at_exit, keep_terminal, leave, printable
from sockproto.client import converse
from sockproto.core.actions import CLOSE, Script, Wait
from sockproto.core.conversation import ClientConversation, Peer
from sockproto.core.framing.expecting import Sink
from sockproto.core.framing.lines import QuietLines
from sockproto.core.text import Address
from sockproto.errors import MessageTooLong, TooLarge

PATIENCE_SECONDS = 1.0
"""How long a reply may take before the prompt comes back without it."""

PADDING = 1_000
"""Spaces added to the datagram that asks for a description: a longer request may have a longer reply."""


class _Interrupted(Exception):
    """Ctrl-C at the prompt."""


class Talk(ClientConversation):
    """Sends what a person types, and shows what comes.

    Args:
        address: Who is called.
        reactor: The reactor, which runs in asyncio's loop.
        prefix: What stands before every command.
    """

    def __init__(self, address: Address, reactor: Any, prefix: str = "/") -> None:
        self._address, self._reactor, self._prefix = address, reactor, prefix
        self._lines = QuietLines()
        self._commands = Commands(prefix)
        self._learn: Callable[[str], bool] | None = None  # what takes the next line, if that was asked for
        self._heard: Deferred[None] | None = None
        self._prompting: asyncio.Future[str] | None = None
        self.done = True  # a person ends it, or the server: neither is a failure

    @property
    def awaiting(self) -> bool:
        """A person sees for himself that no reply comes."""
        return False

    def opened(self, peer: Peer) -> Script:
        """Ask for the commands; then send what is typed."""
        print(f"Connected to {self._address}; Ctrl-D ends.")
        session: PromptSession[str] = PromptSession(
            history=_history(),
            completer=self._commands,
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            reserve_space_for_menu=0,
            interrupt_exception=_Interrupted,
        )
        at_exit(lambda: self._take_away(session))
        yield from self._ask_for_help()
        while True:
            line = yield Wait(self._ask(session))
            if line is None:
                break
            yield self._encoded(line)
            if line and line.startswith(self._prefix):
                yield Wait(self._reply())
        yield CLOSE

    def _ask_for_help(self) -> Script:
        """Ask for the commands, where a prefix tells them; for their arguments too if that was answered."""
        if not self._prefix:
            return
        self._learn = self._commands.learn
        yield self._encoded(f"{self._prefix}help")
        yield Wait(self._reply())
        if self._commands.words:
            padding = " " * PADDING if self._address.datagrams else ""
            yield self._encoded(f"{self._prefix}help json{padding}")
            yield Wait(self._reply())

    def end(self) -> "Deferred[None]":
        """Fires when the prompt, too, is gone from the terminal."""
        self._show_unfinished()
        gone: Deferred[None] = Deferred()
        if self._prompting is None or self._prompting.done():
            gone.callback(None)
        else:
            print("The server closed the connection.")
            self._prompting.add_done_callback(lambda _: gone.callback(None))
        return gone

    def take(self, data: bytes) -> None:
        """Show the lines that came; the first may be the words that were asked for."""
        self._lines.feed(data)
        if self._address.datagrams:
            self._lines.quiet()
        self._show_all()
        if self._lines.unfinished:
            self._reactor.callLater(PATIENCE_SECONDS / 10, self._show_unfinished)

    def _show_unfinished(self) -> None:
        """Show what the server has left without a newline."""
        self._lines.quiet()
        self._show_all()

    def _show_all(self) -> None:
        try:
            while taken := self._lines.take():
                for line in taken:
                    self._show(line)
        except MessageTooLong as error:
            raise TooLarge(f"the server sent a line of more than {error.limit} bytes") from error

    def _show(self, line: bytes) -> None:
        text = printable(line.decode("utf-8", "backslashreplace"))
        if self._learn is not None:
            known = len(self._commands.words)
            learned = self._learn(text)
            if not learned and not text.startswith("error:"):
                print(text)  # a greeting: what was asked for may still come
                return
            if known and not self._commands.described and len(self._commands.words) > known:
                return  # one more line of a long list
            self._learn = self._commands.learn_more if learned and not known else None
        else:
            print(text)
        heard, self._heard = self._heard, None
        if heard is not None:
            heard.callback(None)

    def _encoded(self, line: str) -> bytes:
        return line.encode("utf-8", "surrogateescape") + (b"" if self._address.datagrams else b"\n")

    def _reply(self) -> "Deferred[None]":
        """Fires when something was heard, or after a while."""
        heard: Deferred[None] = Deferred()
        self._heard = heard
        return heard.addTimeout(PATIENCE_SECONDS, self._reactor, lambda *_: self._give_up())

    def _give_up(self) -> None:
        self._heard = self._learn = None

    def _ask(self, session: "PromptSession[str]") -> "Deferred[str | None]":
        """Fires with what was typed; None at the end."""
        return ensureDeferred(self._asking(session))

    async def _asking(self, session: "PromptSession[str]") -> str | None:
        self._prompting = asyncio.ensure_future(session.prompt_async("> "))
        try:
            return await Deferred.fromFuture(self._prompting)
        except EOFError:
            return None
        except _Interrupted:
            leave(INTERRUPTED)

    def _take_away(self, session: "PromptSession[str]") -> None:
        """Take a prompt that still waits from the terminal, which was told to bracket what is pasted."""
        if self._prompting is not None and not self._prompting.done():
            session.app.renderer.erase()


def talk(address: Address, reactor: Any, options: dict[str, Any], prefix: str) -> "Deferred[None]":
    """Hold a conversation with a person.

    Args:
        address: Whom to call.
        reactor: The reactor, which runs in asyncio's loop.
        options: Those of ``converse``.
        prefix: What stands before every command.

    Returns:
        A Deferred that fires at its end.
    """
    keep_terminal()
    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")  # terminals that don't answer it get a warning
    conversation = Talk(address, reactor, prefix)
    patched = patch_stdout(raw=True)
    patched.__enter__()

    def restore(result: Any) -> Any:
        def restored(_: object) -> Any:
            patched.__exit__(None, None, None)
            return result

        return conversation.end().addCallback(restored)

    options = {**options, "framing": lambda limit: Sink(conversation.take)}
    return converse(address, conversation, reactor=reactor, **options).addBoth(restore)


def _history() -> History:
    """Return what was typed earlier; only of this session where that can't be kept."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = Path(state) / "sockproto" / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        return FileHistory(str(path))
    except OSError:
        return InMemoryHistory()
