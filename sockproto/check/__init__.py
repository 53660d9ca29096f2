"""``sockproto check``: what a server gets wrong, in whatever language it is written.

Plain sockets: it shares nothing with the servers of this package, which it judges like any other. In reading
order:

===========  ==================================================================================
verdict      ``Report``, ``Result``, ``Case``, ``TimelineEvent``; ``Failed``, ``Open``, ``Skipped``
timing       ``Patience``: how long to wait; ``Timeline``: what happened meanwhile
body         bytes that may be too many to be kept (pure)
script/      somebody's own protocol, said in a file, in place of ``spoken``
spoken       what each protocol says, written from the specifications (pure)
habit        how a server tells messages apart and ends its answers, which is left to it (pure)
target       whom it judges
started      a server that is started for the check, and watched
sockets      what streams and datagrams have in common: deadlines, notes, what can go wrong
stream       ``StreamClient``: a connection
datagrams    ``DatagramClient``: a socket for datagrams
wire         all of these
context      ``CheckContext``: what all cases share
subject      ``Subject``: the server, as a case sees it
registry     ``case``: how one is written, found and chosen
acquainting  the habit of a server, found by a few probes
bare         names sent at once to a server that does not tell them apart
cases/       the cases, a group a file
running      all of them, one after the other, in time
causes       what to mend first, from ``mistakes`` that are known by their ``evidence`` (pure)
reports      as text; ``jsonlines``: as JSON, an object a line; ``junit``: as JUnit's XML
page         as one page of HTML, of ``markup``, ``octets`` and ``timeline``
===========  ==================================================================================

::

    from sockproto.check import judge

    report = judge("echo", "127.0.0.1", 9999, quick=True)
    print(report.failed, report.complete)
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sockproto.check.script.dialogue import ProtocolScript
    from sockproto.check.verdict import Report


def judge(
    protocol: "str | ProtocolScript",
    host: str,
    port: int = 0,
    *,
    kind: str = "tcp",
    quick: bool = False,
    framing: str = "",
) -> "Report":  # what is loaded for it is loaded when it is called
    """Judge a server.

    Args:
        protocol: One of ``sockproto.check.spoken.PROTOCOLS``, or what ``sockproto.check.script.reading.read``
            gives.
        host: The host's name or address; the path of a UNIX socket.
        port: Its port.
        kind: ``tcp``, ``udp``, ``unix`` or ``unix-dgram``.
        quick: Whether to be done in ten seconds, not in two minutes.
        framing: How a greeting server is to tell names apart: ``auto``, ``lines`` or ``bare``; empty: as it
            does.

    Returns:
        What was found.

    Raises:
        CallFailed: Nothing can be reached there.
        OptionError: There is no such protocol, or it is a script's and *kind* has datagrams.
        PatternTooSlow: A pattern of the script takes too long for what the server says.
    """
    from sockproto.check.context import CheckContext
    from sockproto.check.registry import cases
    from sockproto.check.running import run
    from sockproto.check.script import SCRIPT
    from sockproto.check.spoken import PROTOCOLS
    from sockproto.check.target import find
    from sockproto.check.timing import FULL, QUICK
    from sockproto.errors import OptionError

    name, script = (protocol, None) if isinstance(protocol, str) else (SCRIPT, protocol)
    if script is None and name not in PROTOCOLS:
        raise OptionError(f"there is no protocol {protocol!r}: it is one of {', '.join(PROTOCOLS)}")
    if script is not None and kind in ("udp", "unix-dgram"):
        raise OptionError("a script is judged on streams, not on datagrams")
    target = find(kind, host, port)
    context = CheckContext(name, target, QUICK if quick else FULL, quick, framing=framing, script=script)
    return run(context, cases(protocol, target.datagrams))
