"""The protocol's plain meaning: what is said, and what is answered.

::

    sockproto check daytime 127.0.0.1:13 --only meaning
"""

import time

from sockproto.check.judging import TUTORIALS, Subject, case
from sockproto.check.spoken import CHARGEN, SAYERS, SCRIPTS, TALKERS, answer, unusual, wrong
from sockproto.check.verdict import Failed, Open, edges, shown

CROWD = 5
"""How many connections a server must let wait to be accepted: what ``listen`` was given in old books."""

# What talks.


@case(*TALKERS)
def a_dialogue(subject: Subject) -> None:
    """Messages that are sent one after the other's answer are answered, each by what is due and no more."""
    stream = subject.open()
    for message in SCRIPTS[subject.protocol]:
        stream.send(message)
        stream.expect(answer(subject.protocol, message))


@case("echo", "command", "discard")
def nothing_comes_unasked(subject: Subject) -> None:
    """A client that has sent nothing is sent nothing, and stays connected."""
    subject.connect().expect_silence()


@case("greeting")
def the_welcome_comes_first(subject: Subject) -> None:
    """Each client is sent ``Welcome!`` before it has sent anything."""
    if not subject.terms.welcome:
        raise Open("no welcome comes before the client has sent something")
    said = subject.connect().receive(len(subject.terms.welcome))
    if said.rstrip(b"\r\n") != b"Welcome!":
        raise Failed(f"{shown(said)} comes first", None, b"Welcome!", said)


@case("greeting")
def a_name_is_greeted(subject: Subject) -> None:
    """The line ``Michael`` is answered ``Hello, Michael!``, with the newline that ended it."""
    stream = subject.open()
    for newline in b"\n", b"\r\n":
        stream.send(b"Michael" + newline)
        stream.expect(b"Hello, Michael!" + newline)


@case("greeting")
def a_bare_name(subject: Subject) -> None:
    """A name that no newline follows, as the tutorials' clients send it, is greeted after a short while."""
    stream = subject.open()
    stream.send(b"Michael")
    said = stream.what_comes(first=subject.patience.answer / 2)
    if not said:
        raise Open("a name without a newline gets no answer: this server reads lines")
    if said != b"Hello, Michael!":
        raise Failed(f"{shown(said)} came", b"Michael", b"Hello, Michael!", said)


@case("greeting")
def an_empty_line_gets_no_answer(subject: Subject) -> None:
    """Empty lines are not answered; a name after them is."""
    stream = subject.open()
    stream.send(b"\n\r\nAnn\n")
    stream.expect(b"Hello, Ann!\n")
    stream.expect_silence()


@case("greeting")
def exit_ends_the_stream(subject: Subject) -> None:
    """The line ``exit`` is not answered: the server ends the stream."""
    for newline in b"\n", b"\r\n":
        with subject.open() as stream:
            stream.send(b"exit" + newline)
            stream.expect_end()


@case("greeting")
def exit_is_the_whole_line(subject: Subject) -> None:
    """A name that only begins or ends with ``exit`` is a name."""
    stream = subject.open()
    stream.send(b"exits\n")
    stream.expect(b"Hello, exits!\n")
    stream.send(b"no exit\n")
    stream.expect(b"Hello, no exit!\n")


# Commands.


@case("command")
def the_version(subject: Subject) -> None:
    """``/version`` is answered ``Demo version``, a line that ends in LF."""
    stream = subject.open()
    for newline in b"\n", b"\r\n":
        stream.send(b"/version" + newline)
        stream.expect(b"Demo version\n")


@case("command")
def echo_is_verbatim(subject: Subject) -> None:
    """``/echo`` gives back what follows the word, blanks too."""
    stream = subject.open()
    for text in b" Repeat this", b"  two  blanks ", b"":
        stream.send(b"/echo" + text + b"\n")
        stream.expect(text + b"\n")


@case("command")
def help_lists_the_words(subject: Subject) -> None:
    """``/help`` is answered by one line, with ``/echo``, ``/help`` and ``/version`` in it."""
    line = _line(subject, b"/help\n")
    missing = [word for word in (b"/echo", b"/help", b"/version") if word not in line.split()]
    if missing:
        raise Failed(f"{shown(missing[0])} is not in it", b"/help\n", b"/echo /help /version\n", line)


@case("command")
def help_explains_a_word(subject: Subject) -> None:
    """``/help version`` is answered by one line, which is no error."""
    line = _line(subject, b"/help version\n")
    if line.startswith(b"error") or not line.strip():
        raise Failed(f"{shown(line)} came", b"/help version\n", None, line)


@case("command")
def an_unknown_word(subject: Subject) -> None:
    """An unknown ``/word`` is answered by one line that begins ``error:`` and names ``/help``."""
    line = _line(subject, b"/nonesuch\n")
    if not line.startswith(b"error:") or b"/help" not in line:
        raise Failed(f"{shown(line)} came", b"/nonesuch\n", b"error: ... /help ...\n", line)


@case("command")
def talk_gets_no_answer(subject: Subject) -> None:
    """A line that does not begin with ``/`` is not answered; a command after it is."""
    stream = subject.open()
    stream.send(b"version\n /version\n\n/version\n")
    stream.expect(b"Demo version\n")
    stream.expect_silence()


def _line(subject: Subject, message: bytes) -> bytes:
    """Give the one line that answers a command; another one after it must be the next command's."""
    stream = subject.open()
    stream.send(message + b"/version\n")
    said = b""
    while not said.endswith(b"Demo version\n"):
        said += stream.receive(1)
        if len(said) > 4_096 or said.count(b"\n") > 2:
            break
    line = said.removesuffix(b"Demo version\n")
    if line.count(b"\n") != 1 or not line.endswith(b"\n"):
        raise Failed(f"{shown(line)} is not one line", message, None, edges(line))
    return line


# What throws away, and what speaks.


@case("discard")
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


@case("chargen")
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
        raise Failed("what was sent is among the characters", b"\x00" * 1_000)


@case(*SAYERS)
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
            _judge_text(subject, stream.until_end(), b"Is anybody there?\r\n" * 50)
            stream.close()


@case(*SAYERS)
def a_client_that_speaks_much(subject: Subject) -> None:
    """What a client sends is thrown away: it can send a megabyte, then read the whole text and the end."""
    stream = subject.connect()
    stream.send(b"Is anybody there?\r\n" * 55_000)
    _judge_text(subject, stream.until_end(), b"Is anybody there?\r\n")


def _judge_text(subject: Subject, said: bytes, sent: bytes | None) -> None:
    if reason := wrong(subject.protocol, said, time.time()):
        raise Failed(reason, sent, None, edges(said))


def _judge_form(subject: Subject, said: bytes) -> None:
    if reason := unusual(subject.protocol, said, time.time()):
        raise Open(reason)


# Datagrams.


@case("echo", datagrams=True)
def the_same_datagram_comes_back(subject: Subject) -> None:
    """A datagram comes back as it was sent."""
    socket = subject.datagrams()
    for data in b"Hello", b"a\r\n", b"\x00\xff" * 700:
        socket.expect(data, data)


@case("greeting", datagrams=True, source=TUTORIALS)
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


@case("command", datagrams=True)
def a_command_in_a_datagram(subject: Subject) -> None:
    """Each datagram is a line, with or without a newline at its end, and has a line's answer."""
    socket = subject.datagrams()
    for newline in b"", b"\n", b"\r\n":
        socket.expect(b"/version" + newline, b"Demo version\n")
        socket.expect(b"/echo Repeat this" + newline, b" Repeat this\n")


@case("command", datagrams=True)
def an_unknown_word_in_a_datagram(subject: Subject) -> None:
    """An unknown ``/word`` is answered by one line that begins ``error:``, and talk by nothing."""
    socket = subject.datagrams()
    said = socket.ask(b"/nonesuch")
    if not said.startswith(b"error:") or said.count(b"\n") != 1:
        raise Failed(f"{shown(said)} came", b"/nonesuch", b"error: ...\n", edges(said))
    socket.send(b"version")
    socket.expect_silence()


@case("discard", datagrams=True)
def no_datagram_comes_back(subject: Subject) -> None:
    """No datagram is answered."""
    socket = subject.datagrams()
    socket.send(b"Is anybody there?")
    socket.expect_silence()


@case("chargen", datagrams=True)
def characters_in_a_datagram(subject: Subject) -> None:
    """A datagram is answered by 0 to 512 characters: as many as it is long, so that nothing is amplified."""
    socket = subject.datagrams()
    said = socket.ask(b"?" * 100)
    if len(said) > 512:
        raise Failed(f"{len(said):,} characters came", b"?" * 100, None, edges(said))
    if len(said) > 100:
        raise Open(f"{len(said):,} characters answer a datagram of 100: the RFC allows it, but it amplifies")


@case(*SAYERS, datagrams=True)
def the_text_in_a_datagram(subject: Subject) -> None:
    """A datagram is answered by the text, whatever it says."""
    request = b"Is anybody there?\r\n" * 7
    said = subject.datagrams().ask(request)
    _judge_text(subject, said, request)
    _judge_form(subject, said)
