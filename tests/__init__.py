"""The tests; run by pytest and, as far as they are TestCases, by trial."""

import os
import signal

from hypothesis import settings

FEW = bool(os.environ.get("SOCKPROTO_FEW_EXAMPLES"))
"""Whether a tenth of the examples is enough: ``.ci/run`` tries all of them with one Twisted, not with two."""


def example_count(number: int) -> int:
    """Return with how many examples a property is tried."""
    return max(number // 10, 1) if FEW else number


# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("sockproto", deadline=None, max_examples=example_count(100))
settings.load_profile("sockproto")

# Who starts the tests may ignore signals: a shell for ``… &``, ``nohup``, a CI runner. Programs inherit what
# is ignored, not what is handled: this process goes on ignoring them, those that it starts don't.
for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)
