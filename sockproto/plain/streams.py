"""The standard streams of a process that was started without some of them, as by ``>&-``.

Must not import anything that takes time: it is called first::

    occupy()
"""

import os
import sys


def occupy() -> None:
    """Have all three; what is read from or written to one that was closed fails, as it should.

    Otherwise the next file or socket would be opened in its place, and Python, whose ``sys.stdout`` is None
    then, would drop what is printed.
    """
    for descriptor, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # it stays open
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115  # it stays open
