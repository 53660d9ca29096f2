"""Why a conversation on a stream doesn't go on: bits, of which several may be set.

::

    if not self._stops & BLOCKED:
        ...     # the next action may run
"""

UNOPENED = 1
"""There is no connection yet, or its handshake isn't done."""

PENDING = 2
"""An action is pending."""

PAUSED = 4
"""The transport has enough to send."""

ENDING = 8
"""No action follows; what was sent is to be delivered, then the connection closed."""

LOST = 16
"""The connection is gone."""

BLOCKED = UNOPENED | PENDING | PAUSED | ENDING | LOST
"""Any of these. Those below are no reasons to stop, but to look up between two messages."""

PUSHED = 32
"""The application sent something."""

DRAINING = 64
"""What has come is answered, and nothing else."""

HALF_CLOSED = 128
"""Our half of the stream has ended, or is to."""
