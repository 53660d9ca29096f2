"""What servers get wrong, as a check's failures show it: the table behind ``causes``. Pure.

A mistake is known by the cases that it fails and by the bytes that came or did not come::

    MISTAKES[0].sentence, MISTAKES[0].needs, MISTAKES[0].shown(result)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sockproto.check import evidence
from sockproto.check.verdict import Result


@dataclass(frozen=True)
class Mistake:
    """How a mistake is known.

    Attributes:
        sentence: What is told of it; empty: what was found in the first case of it.
        needs: Patterns of cases; one of these must fail.
        explains: Patterns of the other cases that fail for the same reason.
        also: Patterns of cases; one of these must fail too, if there are any.
        but: A protocol in which it is not a mistake.
        unless: Patterns of cases: if one of these fails, the mistake is another.
        shown: What a failing one of ``needs`` must show.
    """

    sentence: str
    needs: str
    explains: str = ""
    also: str = ""
    but: str = ""
    unless: str = ""
    shown: Callable[[Result], bool] = lambda result: True


_BASIC = (
    "meaning.a-dialogue meaning.the-text-* meaning.nothing-comes-back meaning.characters-*"
    " meaning.no-datagram-* meaning.the-same-datagram-* meaning.a-name-in-* meaning.a-command-in-*"
)
_DIALOGUE = "splits.* pipelining.* binary.* many.each-* many.halves-* half-close.every-* half-close.a-last-*"
_LINES = "long-messages.a-thousand-bytes long-messages.sixty-thousand-bytes long-messages.a-megabyte"
_MEANING = f"meaning.* {_DIALOGUE} {_LINES} long-messages.what-* slow.an-* slow.a-* many.all-*"
_TEXT = "binary.every-byte* binary.invalid-utf-8 splits.a-split-character"

MISTAKES: Sequence[Mistake] = (
    Mistake(
        "It ends, or crashes, of what a single client does: see what it printed, and let an error end"
        " only the connection that it comes from.",
        "*",
        shown=evidence.ended,
    ),
    Mistake("It speaks TLS: give --tls to the check.", "meaning.*", "*", shown=evidence.speaks_tls),
    Mistake(
        "It serves nobody any more after an empty datagram: a datagram may be empty, and is no end.",
        "datagrams.an-empty-one-harms-nobody",
        "*",
        shown=evidence.is_gone,
    ),
    Mistake(
        "It serves nobody any more after a large datagram: expect up to 65,535 bytes.",
        "datagrams.the-largest-harms-nobody datagrams.a-large-one-* datagrams.each-size-*",
        "*",
        shown=evidence.is_gone,
    ),
    Mistake(
        "It serves nobody any more once ICMP has said that a client is gone (ECONNREFUSED): go on with"
        " the next datagram.",
        "datagrams.clients-that-are-gone",
        "*",
        shown=evidence.is_gone,
    ),
    Mistake(
        "It serves nobody any more after what one client did, such as cutting its connection or sending a"
        " long line: let an error end only the connection that it comes from.",
        "resets.at-once resets.in-the-middle resets.with-answers-unread long-messages.others-do-not-notice",
        "*",
        also="binary.a-nul slow.an-idle-client-stays many.no-memory-is-left",
        shown=evidence.is_gone,
    ),
    Mistake(
        "It says something before it is asked.",
        "meaning.nothing-comes-unasked",
        f"{_MEANING} half-close.*",
        shown=evidence.has_come,
    ),
    Mistake(
        "It seems to read lines: what has no newline at its end gets no answer, and in this protocol it"
        " must.",
        "meaning.a-dialogue splits.* pipelining.*",
        f"{_DIALOGUE} half-close.everything-* never-reads.all-* many.all-*",
        shown=evidence.holds_what_is_no_line,
    ),
    Mistake(
        "It decodes bytes as text, and loses what is no UTF-8: give back the bytes that came.",
        "meaning.* binary.* splits.*",
        f"{_TEXT} half-close.everything-comes-back never-reads.all-*",
        shown=evidence.decodes,
    ),
    Mistake(
        "It seems to decode bytes as text, and fails at what is no UTF-8: give back the bytes that came.",
        "binary.invalid-utf-8",
        f"{_TEXT} half-close.everything-comes-back",
        unless="binary.a-nul binary.a-cr-*",
    ),
    Mistake(
        "It ends text at a NUL, as strings in C do: count the bytes that were read.",
        "meaning.* binary.* splits.*",
        "binary.every-byte*",
        shown=evidence.ends_at_a_nul,
    ),
    Mistake("It answers each message twice.", "meaning.a-dialogue", _MEANING, shown=evidence.comes_twice),
    Mistake(
        "It takes the newline for a part of the name, and greets it too: take it off, and send it after"
        " the !.",
        "meaning.*",
        _MEANING,
        shown=evidence.keeps_the_newline,
    ),
    Mistake(
        "Its answers lack the newline that ended the message.",
        "meaning.a-dialogue meaning.a-name-*",
        _MEANING,
        shown=evidence.lacks_a_newline,
    ),
    Mistake(
        "It reads datagrams into a buffer that is too small: 65,535 bytes hold each.",
        "datagrams.* meaning.the-same-datagram-comes-back",
        shown=evidence.is_cut,
    ),
    Mistake("", _BASIC, f"{_MEANING} half-close.the-text-*"),  # all that is made of dialogues fails, too
    Mistake(
        "It ends connections that say nothing for a short while.",
        "slow.an-idle-client-stays",
        "meaning.nothing-comes-unasked pipelining.every-* never-reads.all-* half-close.every*",
        shown=evidence.closes,
    ),
    Mistake(
        "It takes what one read gives for one message: keep what has come until the message is whole,"
        " and look for the next one in what is left.",
        "splits.each-* splits.byte-* splits.random-* splits.all-* pipelining.every-*",
        f"splits.* pipelining.* many.each-* many.halves-* half-close.every-* {_LINES}",
        but="echo",
    ),
    Mistake(
        "It loses bytes, or changes them, when many come at once or few: give back all that each read gives.",
        "splits.each-* splits.byte-* splits.random-* splits.all-* pipelining.every-*",
        "splits.* pipelining.* many.each-* many.halves-* half-close.every* never-reads.all-*",
    ),
    Mistake(
        "It takes CR and LF for two ends of a line: CR LF is one, also where a read ends between them.",
        "splits.a-split-newline",
    ),
    Mistake(
        "It takes a CR for the end of a line: only LF ends one.",
        "binary.a-cr-inside-a-line",
        unless="binary.a-nul",
    ),
    Mistake(
        "It closes with input unread, which resets the connection and destroys what it has said:"
        " half-close, and read until the client ends.",
        "meaning.clients-that-speak-first meaning.a-client-that-speaks-much",
        shown=evidence.resets,
    ),
    Mistake("", "meaning.*"),
    Mistake(
        "It seems to keep a client's connection, or what it has sent, where all clients share it, as in a"
        " global variable: clients get each other's answers.",
        "many.each-gets-its-own-answers many.halves-are-not-mixed datagrams.each-gets-one-answer",
        "many.all-* slow.waiting-* never-reads.others-*",
        shown=evidence.mixes_clients,
    ),
    Mistake(
        "It seems to serve one client at a time: one that waits keeps all others waiting.",
        "slow.waiting-clients-delay-nobody",
        "slow.* many.all-* many.each-* many.halves-* never-reads.others-* long-messages.others-* resets.*",
        shown=evidence.is_silent,
    ),
    Mistake(
        "It blocks in a write: a client that does not read keeps all others waiting.",
        "never-reads.others-are-served",
    ),
    Mistake(
        "It serves only some of many clients at once: raise its bound of connections.",
        "many.all-are-served",
        "many.each-* many.halves-* slow.waiting-*",
    ),
    Mistake(
        "It drops a last line that the end of the stream ends, not a newline: answer it.",
        "half-close.a-last-line-*",
        unless="half-close.every-* half-close.the-text-*",
    ),
    Mistake(
        "It closes at the client's half-close without answering what came before it: send all answers,"
        " then close.",
        "half-close.every* half-close.a-last-line-* half-close.the-text-* half-close.the-characters-*",
        shown=evidence.closes,
    ),
    Mistake(
        "It takes no notice of the client's half-close: where a read gives nothing, answer what is left"
        " and end the stream.",
        "half-close.*",
        "many.no-descriptor-is-left resets.no-descriptor-is-lost",
        shown=evidence.is_silent,
    ),
    Mistake(
        "It buffers without end for a client that does not read: wait until answers are sent (drain)"
        " before reading on.",
        "never-reads.memory-is-bounded never-reads.it-stops-reading",
    ),
    Mistake(
        "It takes a part of a long line for the whole: read on until its newline comes.",
        f"{_LINES} long-messages.what-came-before-is-answered",
        "never-reads.all-*",
    ),
    Mistake(
        "It loses answers for a client that reads late: a write may take only a part of what it is given.",
        "never-reads.all-* never-reads.no-character-*",
    ),
    Mistake(
        "It keeps a line of any length: end the connection when a line is longer than a bound.",
        "long-messages.a-line-without-end-is-ended long-messages.memory-is-bounded",
        "long-messages.a-megabyte",
    ),
    Mistake("A line without end keeps it from serving others.", "long-messages.others-do-not-notice"),
    Mistake(
        "It seems to ignore SIGTERM, or to wait for clients that stay: stop accepting, finish the"
        " answers, and end.",
        "shutdown.it-ends-in-time",
    ),
    Mistake(
        "It cuts answers when SIGTERM ends it: stop accepting, finish the answers (drain), then end.",
        "shutdown.no-answer-is-cut",
    ),
    Mistake(
        "Its port can't be used again at once: set SO_REUSEADDR before bind.",
        "shutdown.it-can-be-started-again",
    ),
    Mistake(
        "A client that cuts its connection harms the others: an error of one connection must not leave it.",
        "resets.at-once resets.in-the-middle resets.with-answers-unread",
    ),
    Mistake(
        "It does not close its sockets: descriptors stay open when connections are over.",
        "resets.no-descriptor-is-lost many.no-descriptor-is-left",
    ),
    Mistake("It keeps memory of each connection that is over.", "many.no-memory-is-left"),
    Mistake(
        "It accepts no more once accept has failed for want of descriptors (EMFILE): try again a little"
        " later.",
        "many.descriptors-run-out",
    ),
    Mistake("It takes a pause for the end of a line.", "slow.a-pause-inside-a-line"),
    Mistake(
        "It takes an empty datagram for the end: a datagram may be empty.",
        "datagrams.an-empty-one-*",
    ),
    Mistake(
        "It answers answers, so that two servers answer each other for ever: answer no low port and"
        " nothing that looks like an answer.",
        "loops.*",
    ),
    Mistake(
        "It answers a small datagram by much, which attackers use: bound the answer by the question.",
        "datagrams.little-is-not-amplified",
    ),
)
"""In the order in which one should mend them: what explains most, and what harms most, comes first."""
