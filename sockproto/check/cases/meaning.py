"""The protocol's plain meaning: what is said, and what is answered.

::

    sockproto check daytime 127.0.0.1:13 --only meaning
"""

import re
import time

from sockproto.check.habit import NEWLINES, RIGHT
from sockproto.check.registry import case
from sockproto.check.spoken import CHARGEN, SAYERS, TALKERS, unusual, wrong
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, edges, shown
from sockproto.check.wire import Silent

TOLD_APART = {
    "auto": "it takes bare sends, and tells apart lines that come at once",
    "lines": "a name without a newline gets no answer",
    "bare": "it takes bare sends, and does not tell apart lines that come at once",
}
"""What shows how a greeting server tells names apart."""

CROWD = 5
"""How many connections a server must let wait to be accepted: what ``listen`` was given in old books."""

DEMO = "this project's demo: the tutorials have no such word"
WORDS = {b"/echo", b"/help", b"/version"}

# What talks.


@case(*TALKERS, basic=True)
def a_dialogue(subject: Subject) -> None:
    """Messages that are sent one after the other's answer are answered, each by what is due and no more."""
    stream = subject.open()
    for message in subject.habit.messages:
        stream.send(message)
        stream.expect(subject.answer(message))


@case("echo", "command", "discard")
def nothing_comes_unasked(subject: Subject) -> None:
    """A client that has sent nothing is sent nothing, and stays connected."""
    subject.connect().expect_silence()


@case("greeting")
def the_welcome_comes_first(subject: Subject) -> None:
    """Each client is sent ``Welcome!`` before it has sent anything."""
    if not subject.context.welcome:
        raise Open("no welcome comes before the client has sent something")
    said = subject.connect().receive(len(subject.context.welcome))
    if said.rstrip(b"\r\n") != b"Welcome!":
        raise Failed(f"{shown(said)} comes first", None, b"Welcome!", said)


@case("greeting")
def a_name_is_greeted(subject: Subject) -> None:
    """The line ``Michael`` is answered ``Hello, Michael!``, with the newline that ended it."""
    stream = subject.open()
    for newline in NEWLINES:
        stream.send(b"Michael" + newline)
        stream.expect(subject.answer(b"Michael" + newline))
    if any(subject.habit.endings.get(newline, RIGHT[newline]) != RIGHT[newline] for newline in NEWLINES):
        said = " and ".join(shown(subject.answer(b"Michael" + newline)) for newline in NEWLINES)
        raise Open(f"after LF and CR LF the name is answered {said}")


@case("greeting")
def a_bare_name(subject: Subject) -> None:
    """A name that no newline follows, as the tutorials' clients send it, is greeted after a short while."""
    stream = subject.open()
    stream.send(b"Michael")
    said = stream.what_comes(first=subject.patience.answer / 2)
    if said and subject.habit.ending(b"Michael", said) is None:
        raise Failed(f"{shown(said)} came", b"Michael", b"Hello, Michael!", said)
    _judge_framing(subject, "" if said else "lines")
    if not said:
        raise Open("a name without a newline gets no answer: this server reads lines")
    if said != b"Hello, Michael!":
        raise Open(f"a name without a newline is answered {shown(said)}")


def _judge_framing(subject: Subject, seen: str) -> None:
    """Complain if names are told apart otherwise than is stated.

    Args:
        subject: The server.
        seen: Its framing, if that was seen just now.
    """
    stated, found = subject.context.framing, seen or subject.habit.framing
    if stated and found != stated:
        raise Failed(f"its framing is {found}, not {stated}: {TOLD_APART[found]}")


@case("greeting")
def an_empty_line_gets_no_answer(subject: Subject) -> None:
    """Empty lines are not answered; a name after them is."""
    messages = [b"\n", b"\r\n", b"Ann\n"]
    if any(map(subject.answer, messages[:2])):
        raise Open("an empty line is a name to it: a newline, or a CR, is part of the name")
    stream = subject.open()
    for message in [b"".join(messages)] if subject.habit.together else messages:
        stream.send(message)
        if message.strip():
            stream.expect(subject.answer(b"Ann\n"))
        stream.expect_silence()


@case("greeting")
def exit_ends_the_stream(subject: Subject) -> None:
    """The line ``exit`` is not answered: the server ends the stream."""
    for newline in NEWLINES if subject.habit.newline else (b"",):
        with subject.open() as stream:
            stream.send(b"exit" + newline)
            stream.expect_end()


@case("greeting")
def exit_is_the_whole_line(subject: Subject) -> None:
    """A name that only begins or ends with ``exit`` is a name."""
    stream = subject.open()
    for line in map(subject.habit.line, (b"exits", b"no exit")):
        stream.send(line)
        stream.expect(subject.answer(line))


# Commands.


@case("command")
def the_version(subject: Subject) -> None:
    """``/version`` is answered ``Demo version``, a line that ends in LF."""
    stream = subject.open()
    for newline in NEWLINES:
        stream.send(b"/version" + newline)
        stream.expect(b"Demo version\n")


@case("command")
def echo_is_verbatim(subject: Subject) -> None:
    """``/echo`` gives back what follows the word, blanks too."""
    stream = subject.open()
    for text in b" Repeat this", b"  two  blanks ", b"":
        stream.send(b"/echo" + text + b"\n")
        stream.expect(subject.answer(b"/echo" + text + b"\n"))


@case("command", source=DEMO)
def help_lists_the_words(subject: Subject) -> None:
    """If ``/help`` names the demo's words, it does so in one line, with all of them in it."""
    said = _answer(subject, b"/help\n")
    named = _words(said)
    if not named & {b"/echo", b"/version"}:
        raise Open(f"`/help` does not name the demo's words: {_told(said)}")
    if missing := sorted(WORDS - named):
        reason = f"its answer does not name {missing[0].decode()}"
        raise Failed(reason, b"/help\n", b"/echo /help /version\n", edges(said))
    if not _is_a_line(subject, said):
        raise Failed("its answer is not one line", b"/help\n", b"/echo /help /version\n", edges(said))


@case("command", source=DEMO)
def help_explains_a_word(subject: Subject) -> None:
    """Where there is the demo's ``/help``, ``/help version`` is answered by one line, or by an error."""
    said = _answer(subject, b"/help version\n")
    if not said.strip() or said.startswith(b"error") or not _words(_answer(subject, b"/help\n")) >= WORDS:
        raise Open(f"`/help version` explains no word of the demo's: {_told(said)}")
    if not _is_a_line(subject, said):
        raise Failed("its answer is not one line", b"/help version\n", None, edges(said))


@case("command", source=DEMO)
def an_unknown_word(subject: Subject) -> None:
    """If an unknown ``/word`` is answered by ``error:``, then in one line, which names ``/help``."""
    _judge_error(subject, _answer(subject, b"/nonesuch\n"), b"/nonesuch\n")


@case("command")
def talk_gets_no_answer(subject: Subject) -> None:
    """A line that does not begin with ``/`` is not answered; a command after it is."""
    stream = subject.open()
    stream.send(b"version\n /version\n\n/version\n")
    stream.expect(subject.answer(b"/version\n"))
    stream.expect_silence()


def _answer(subject: Subject, message: bytes) -> bytes:
    """Return what answers a command, before what answers the next one."""
    version = subject.answer(b"/version\n")
    with subject.open() as stream:
        stream.send(message + b"/version\n")
        try:
            return stream.until(version, 1 << 16).removesuffix(version)
        except Silent as silent:
            return silent.received or b""


def _judge_error(subject: Subject, said: bytes, message: bytes) -> None:
    """Judge the answer to an unknown word."""
    if not said.startswith(b"error:") or b"/help" not in said:
        raise Open(f"{shown(message.strip())} is answered in its own way: {_told(said)}")
    if not _is_a_line(subject, said):
        raise Failed("the error is not one line", message, b"error: ... /help ...\n", edges(said))


def _is_a_line(subject: Subject, said: bytes) -> bool:
    ending = subject.answer(b"/version\n").removeprefix(b"Demo version")
    return said.endswith(ending) and b"\n" not in said.removesuffix(ending)


def _words(said: bytes) -> set[bytes]:
    return set(re.findall(rb"/\w+", said))


def _told(said: bytes) -> str:
    return shown(said, 200) if said else "nothing comes"


# What throws away, and what speaks.


@case("discard", basic=True)
def nothing_comes_back(subject: Subject) -> None:
    """Whatever is sent is thrown away: nothing comes back, and the stream stays open."""
    stream = subject.open()
    stream.send(b"Is anybody there?\r\n" * 100)
    stream.expect_silence()


@case("discard")
def everything_is_taken(subject: Subject) -> None:
    """As much as is sent is read."""
    size = (16 if subject.quick else 64) << 20  # more than both kernels hold
    taken = subject.open().push(b"Is anybody there?\r\n", size, subject.patience.answer)
    if taken < size:
        raise Failed(f"the server has stopped reading after {taken:,} of {size:,} bytes")


@case("chargen", basic=True)
def characters_without_end(subject: Subject) -> None:
    """Characters come unasked and without end, in the pattern that the RFC recommends."""
    said = subject.connect().receive(1 << (16 if subject.quick else 20))
    lines = CHARGEN * (len(said) // len(CHARGEN) + 2)
    if said not in lines:
        raise Open(f"the characters are not in the pattern that the RFC shows: {shown(said, 76)}")


@case("chargen")
def what_is_sent_is_thrown_away(subject: Subject) -> None:
    """What a client sends changes nothing: the characters go on, and none of it is among them."""
    stream = subject.connect()
    stream.send(b"\x00" * 1_000)
    said = stream.receive(100_000)
    if b"\x00" in said:
        place = max(0, said.index(b"\x00") - 32)
        raise Failed("what was sent is among the characters", b"\x00" * 1_000, None, said[place:][:64])


@case(*SAYERS, basic=True)
def the_text_and_the_end(subject: Subject) -> None:
    """The text comes unasked and is what it must be; then the server ends the stream."""
    said = subject.connect().until_end()
    _judge_text(subject, said, None)
    _judge_form(subject, said)


@case(*SAYERS)
def clients_that_speak_first(subject: Subject) -> None:
    """A client that sends something first can read the whole text and the end: no reset destroys it."""
    for _ in range(4):
        streams = []
        for _ in range(CROWD):  # so many that some have spoken before the server sees them
            streams.append(subject.connect())
            streams[-1].send(b"Is anybody there?\r\n" * 50)
        for stream in streams:
            _judge_said(subject, stream.until_end(), b"Is anybody there?\r\n" * 50)
            stream.close()


@case(*SAYERS)
def a_client_that_speaks_much(subject: Subject) -> None:
    """What a client sends is thrown away: it can send a megabyte, then read the whole text and the end."""
    stream = subject.connect()
    stream.send(b"Is anybody there?\r\n" * 55_000)
    _judge_said(subject, stream.until_end(), b"Is anybody there?\r\n")


def _judge_said(subject: Subject, said: bytes, sent: bytes) -> None:
    """Judge a text where it is not the matter: one that is always wrong will do."""
    if reason := subject.habit.wrong(said, time.time()):
        raise Failed(reason, sent, None, edges(said))


def _judge_text(subject: Subject, said: bytes, sent: bytes | None) -> None:
    if reason := wrong(subject.protocol, said, time.time()):
        raise Failed(reason, sent, None, edges(said))


def _judge_form(subject: Subject, said: bytes) -> None:
    if reason := unusual(subject.protocol, said, time.time()):
        raise Open(reason)


# Datagrams.


@case("echo", datagrams=True, basic=True)
def the_same_datagram_comes_back(subject: Subject) -> None:
    """A datagram comes back as it was sent."""
    socket = subject.datagrams()
    for data in b"Hello", b"a\r\n", b"\x00\xff" * 700:
        socket.expect(data, data)


@case("greeting", datagrams=True, basic=True)
def a_name_in_a_datagram(subject: Subject) -> None:
    """Each datagram is a name, and is greeted; one newline at its end comes back after the ``!``."""
    socket = subject.datagrams()
    for newline in b"", b"\n", b"\r\n":
        socket.expect(b"Michael" + newline, b"Hello, Michael!" + newline)


@case("greeting", datagrams=True)
def exit_in_a_datagram(subject: Subject) -> None:
    """The datagram ``exit`` is not answered; the next one is."""
    socket = subject.datagrams()
    socket.send(b"exit")
    socket.expect_silence()
    socket.expect(b"Michael", b"Hello, Michael!")


@case("command", datagrams=True, basic=True)
def a_command_in_a_datagram(subject: Subject) -> None:
    """Each datagram is a line, with or without a newline at its end, and has a line's answer."""
    socket = subject.datagrams()
    for newline in b"", b"\n", b"\r\n":
        socket.expect(b"/version" + newline, b"Demo version\n")
        socket.expect(b"/echo Repeat this" + newline, b" Repeat this\n")


@case("command", datagrams=True)
def an_unknown_word_in_a_datagram(subject: Subject) -> None:
    """Talk is not answered; if an unknown ``/word`` is answered by ``error:``, then in one line."""
    socket = subject.datagrams()
    socket.send(b"/nonesuch")
    said = socket.receive(subject.patience.answer / 2)
    socket.send(b"version")
    socket.expect_silence()
    _judge_error(subject, said or b"", b"/nonesuch")


@case("discard", datagrams=True, basic=True)
def no_datagram_comes_back(subject: Subject) -> None:
    """No datagram is answered."""
    socket = subject.datagrams()
    socket.send(b"Is anybody there?")
    socket.expect_silence()


@case("chargen", datagrams=True, basic=True)
def characters_in_a_datagram(subject: Subject) -> None:
    """A datagram is answered by 0 to 512 characters: as many as it is long, so that nothing is amplified."""
    socket = subject.datagrams()
    said = socket.ask(b"?" * 100)
    if len(said) > 512:
        raise Failed(f"{len(said):,} characters came", b"?" * 100, None, edges(said))
    if len(said) > 100:
        raise Open(f"{len(said):,} characters answer a datagram of 100: the RFC allows it, but it amplifies")


@case(*SAYERS, datagrams=True, basic=True)
def the_text_in_a_datagram(subject: Subject) -> None:
    """A datagram is answered by the text, whatever it says."""
    request = b"Is anybody there?\r\n" * 7
    said = subject.datagrams().ask(request)
    _judge_text(subject, said, request)
    _judge_form(subject, said)
