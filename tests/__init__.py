"""The tests; run by pytest and, as far as they are TestCases, by trial."""

import signal

from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("sockproto", deadline=None)
settings.load_profile("sockproto")

# Who starts the tests may ignore signals: a shell for ``… &``, ``nohup``, a CI runner. Programs inherit what
# is ignored, not what is handled: this process goes on ignoring them, those that it starts don't.
for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)
