"""Names for UNIX sockets of our own.

::

    with temporary_name() as name:
        sock.bind(name)
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def temporary_name() -> Iterator[str]:
    """Have a name for our UNIX datagram socket: without one no server could answer it.

    On Linux it is abstract (unix(7)) and leaves nothing behind; elsewhere it is a path in its own directory.
    """
    if sys.platform == "linux":
        yield f"\0sockproto-{os.urandom(8).hex()}"
    else:
        with tempfile.TemporaryDirectory(prefix="sockproto-") as directory:
            yield os.path.join(directory, "client")
