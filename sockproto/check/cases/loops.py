"""Two servers that answer each other's datagrams do so for ever: one forged datagram is enough to begin it.

::

    sockproto check echo 127.0.0.1:7 --udp --only loops
"""

from sockproto.check.cases.datagrams import ANSWERERS, request
from sockproto.check.registry import case
from sockproto.check.subject import Subject
from sockproto.check.verdict import Failed, Open, Skipped, shown
from sockproto.check.wire import DatagramClient

LOOP_DOS = "CVE-2024-2169: loops of datagrams between servers"
TURNS = 20
"""After this many answers to answers it is a loop."""

SERVICES = (7, 13, 17, 19, 37)
"""Where echo, daytime, qotd, chargen and time answer whatever comes."""

ASKED_FOR = "as RFC 862 asks: a limit of answers a second must end such loops"

ASKED = {"command": (b"/version", b"/echo /version", b"/nonesuch", b"/help")}


@case(*ANSWERERS, source=LOOP_DOS, datagrams=True, independent=True)
def another_of_its_kind(subject: Subject) -> None:
    """Another server of its kind, on the same port of another address, is not answered for ever.

    For ``echo`` that is open: it can't tell an answer from a question, and the RFC has it answer all.
    """
    target = subject.context.target
    if target.kind != "udp":
        raise Skipped("a UNIX socket has no port")
    elsewhere = "127.0.0.2" if target.where[0].startswith("127.") else ""
    socket = subject.datagrams(elsewhere, target.port)
    for asked in ASKED.get(subject.protocol, [request(subject.protocol)]):
        _bounce(subject, socket, asked)


@case(*(name for name in ANSWERERS if name != "echo"), source=LOOP_DOS, datagrams=True, independent=True)
def answers_are_not_answered(subject: Subject) -> None:
    """An answer of its own that comes back to it is not answered for ever."""
    socket = subject.datagrams()
    for asked in ASKED.get(subject.protocol, [request(subject.protocol)]):
        _bounce(subject, socket, asked)


@case(
    *ANSWERERS,
    source="CERT CA-1996-01: UDP services that answer each other",
    datagrams=True,
    independent=True,
)
def services_are_not_answered(subject: Subject) -> None:
    """A datagram from a port whose service answers whatever comes, such as chargen's 19, is not answered.

    For ``echo`` that is open: the RFC has it answer all.
    """
    if subject.context.target.kind != "udp":
        raise Skipped("a UNIX socket has no port")
    asked, tried, answered = request(subject.protocol), 0, []
    subject.datagrams().ask(asked)  # from another port it is
    reason = ""
    for port in SERVICES:
        try:
            socket = subject.datagrams("", port)
        except Skipped as skipped:
            reason = str(skipped)
            continue
        tried += 1
        with socket:  # and closes it: another check may want the port
            socket.send(asked)
            said = socket.receive(subject.patience.silence)
        if said is not None and (subject.protocol, said) != ("echo", asked):
            raise Failed(f"{shown(said)} answers a datagram from port {port}", asked, None, said[:1_024])
        if said is not None:
            answered.append(str(port))
    if answered:
        raise Open(f"it answers datagrams from port {', '.join(answered)}, {ASKED_FOR}")
    if not tried:
        raise Skipped(reason)


def _bounce(subject: Subject, socket: DatagramClient, asked: bytes) -> None:
    """Ask, and send back whatever comes; that must have an end."""
    data, came, same = asked, 0, subject.protocol == "echo"
    for _ in range(TURNS):
        socket.send(data)
        said = socket.receive(subject.patience.silence)
        if said is None:
            return
        came += len(said)
        same = same and said == data
        data = said
    if same:
        raise Open(f"{TURNS} of its own answers that were sent back to it came back, {ASKED_FOR}")
    raise Failed(
        f"{TURNS} answers to its own answers came: {came:,} bytes, and no end", asked, None, data[:1_024]
    )
