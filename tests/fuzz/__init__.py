"""A million hostile inputs, in memory, seeded: no unhandled error, no state left, memory bounded.

::

    python -m tests.fuzz [--inputs 1000000] [--seed 1]
    python -m tests.fuzz --seed 1 --only 4711       # one conversation again, every event of it printed

An input is one chunk fed, one datagram, or one thing that happens to a carrier: the peer reads, ends its
half, resets; time passes; the application sends; the server drains. What happens in a conversation is a
``Plan``, made from the seed and the conversation's number, so that it can be run again and made shorter.
"""

from tests.fuzz.checks import Fault as Fault, Tally as Tally
from tests.fuzz.plans import (
    CARRIERS as CARRIERS,
    DEFINITIONS as DEFINITIONS,
    ENDS as ENDS,
    LIMITS as LIMITS,
    TIMES as TIMES,
    WORDS as WORDS,
    Event as Event,
    Plan as Plan,
    plan as plan,
)
from tests.fuzz.running import fuzz as fuzz, run as run, summary as summary
