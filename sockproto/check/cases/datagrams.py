"""Datagrams of any size, from anybody: each is a separate message, and none of them stops the server.

::

    sockproto check echo 127.0.0.1:7 --udp --only datagrams
"""

import time

from sockproto.check.registry import SENSE, case
from sockproto.check.spoken import LINES, PROTOCOLS, SAYERS, TALKERS, answer, wrong
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, edges
from sockproto.check.wire import DatagramClient

ANSWERERS = tuple(name for name in PROTOCOLS if name != "discard")
LARGEST = 65_507  # what IPv4 leaves of 65,535 for the data
SIZES = (1, 512, 1_472, 1_473, 8_192, 8_193, LARGEST)  # about the borders of frames and of usual buffers
CLIENTS = 10
MOST_BYTES = 512  # RFC 864 and RFC 865


def request(protocol: str, number: int = 1) -> bytes:
    """Return a datagram that is answered, and long enough that an answer does not amplify it."""
    asked = {"greeting": b"client %d", "command": b"/echo client %d", "echo": b"client %d"}
    return asked.get(protocol, b"Is anybody there? " * 7 + b"%d") % number


def judge_answer(protocol: str, asked: bytes, said: bytes) -> None:
    """Complain about an answer that is not the one to a request."""
    if protocol in TALKERS and said != answer(protocol, asked):
        raise Failed("another answer came", asked, answer(protocol, asked), edges(said))
    if protocol in SAYERS and (reason := wrong(protocol, said, time.time())):
        raise Failed(reason, asked, None, edges(said))


def serves(subject: Subject, after: str) -> None:
    """A new client must be served."""
    try:
        with subject.datagrams() as socket:
            asked = request(subject.protocol)
            if subject.protocol == "discard":
                for _ in range(2):  # where nobody listens any more, that is told
                    socket.send(asked)
                    socket.expect_silence()
            else:
                judge_answer(subject.protocol, asked, socket.ask(asked))
    except Failed as failure:
        reason = f"after {after} a new client is not served: {failure.reason}"
        raise Failed(reason, failure.sent, failure.expected, failure.received) from failure


@case(*PROTOCOLS, source=SENSE, datagrams=True)
def an_empty_one_harms_nobody(subject: Subject) -> None:
    """After empty datagrams the server serves on."""
    socket = subject.datagrams()
    for _ in range(3):
        socket.send(b"")
    serves(subject, "empty datagrams")


@case("echo", datagrams=True)
def an_empty_one_comes_back(subject: Subject) -> None:
    """An empty datagram is answered by an empty one."""
    subject.datagrams().expect(b"", b"")


@case("echo", datagrams=True)
def each_size_comes_back(subject: Subject) -> None:
    """Datagrams of every size come back whole, up to the largest there are (65,507 bytes)."""
    socket = subject.datagrams()
    for size in SIZES:
        data = bytes(range(256)) * (size // 256 + 1)
        socket.expect(data[:size], data[:size])


@case(*LINES, datagrams=True, source=SENSE)
def a_large_one_is_not_cut(subject: Subject) -> None:
    """A large datagram is answered as a whole."""
    socket, unanswered = subject.datagrams(), 0
    for size in 1_100, 9_000, 60_000:
        asked = request(subject.protocol) + b"x" * size
        socket.send(asked)
        said = socket.receive(subject.patience.answer / 3)
        if said is None:
            unanswered = unanswered or size
        else:
            judge_answer(subject.protocol, asked, said)
    if unanswered:
        raise Open(f"a message of {unanswered:,} bytes gets no answer")


@case(*PROTOCOLS, source=SENSE, datagrams=True)
def the_largest_harms_nobody(subject: Subject) -> None:
    """After the largest datagrams there are (65,507 bytes) the server serves on."""
    socket = subject.datagrams()
    for _ in range(3):
        socket.send(b"x" * LARGEST)
    serves(subject, "the largest datagrams")


@case(*ANSWERERS, source=SENSE, datagrams=True)
def each_gets_one_answer(subject: Subject) -> None:
    """Clients that ask at the same time each get one answer, which is their own."""
    sockets = [subject.datagrams() for _ in range(CLIENTS)]
    for number, socket in enumerate(sockets):
        socket.send(request(subject.protocol, number))
    for number, socket in enumerate(sockets):
        asked = request(subject.protocol, number)
        said = socket.receive()
        if said is None:
            said = socket.ask(asked)  # a datagram may be lost
        judge_answer(subject.protocol, asked, said)
    sockets[0].expect_silence()
    for socket in sockets[1:]:
        socket.expect_silence(0)


@case(*ANSWERERS, source=SENSE, datagrams=True)
def clients_that_are_gone(subject: Subject) -> None:
    """Answers that nobody takes any more, for which ICMP says so, do not stop the server."""
    for number in range(2 * CLIENTS):
        with subject.datagrams() as socket:
            socket.send(request(subject.protocol, number))
    serves(subject, "clients that were gone before they were answered")


@case(
    *(name for name in ANSWERERS if name != "echo"),
    source="RFC 864 and 865: at most 512 characters; RFC 8085, 3.1: do not amplify",
    datagrams=True,
)
def little_is_not_amplified(subject: Subject) -> None:
    """A small datagram has a small answer: forging its sender's address must not amplify traffic."""
    socket, most = subject.datagrams(), (0, b"")
    for asked in b"", b"?", b"/x", b"/help":
        came = _all(subject, socket, asked)
        if came > MOST_BYTES:
            raise Failed(f"{came:,} bytes answer a datagram of {len(asked)}", asked)
        if came > 4 * len(asked) + 32:
            most = max(most, (came, asked))
    if most[0]:
        raise Open(f"{most[0]} bytes answer a datagram of {len(most[1])}: allowed, but it amplifies")


def _all(subject: Subject, socket: DatagramClient, asked: bytes) -> int:
    """Send a datagram; return how many bytes answer it."""
    socket.send(asked)
    came = 0
    while came <= MOST_BYTES and (said := socket.receive(subject.patience.silence)):
        came += len(said)
    return came
