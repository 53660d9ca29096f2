"""The longest message that must be taken, where the script says how long it is.

::

    sockproto check --script smtp.toml 127.0.0.1:25 --only long-messages
"""

import random

from sockproto.check.cases.scripted.splits import at_random, in_pieces
from sockproto.check.registry import case
from sockproto.check.script import SCRIPT
from sockproto.check.script.speaking import exchange
from sockproto.check.subject import Subject


@case(SCRIPT, needs="is_limited")
def the_longest(subject: Subject) -> None:
    """The longest message is answered, whole and in pieces, and so is what follows it."""
    longest = subject.script.longest
    assert longest is not None
    with subject.open() as stream:
        exchange(stream, [longest])
        exchange(stream, subject.script.rounds(1))
    with subject.open() as stream:
        in_pieces(stream, at_random(longest.send, random.Random(862), 8), [longest])
