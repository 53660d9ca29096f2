"""``python -m sockproto.rawhttp URL``: the same on every machine, by the standard library alone."""

import sys

from sockproto.plain import hostname
from sockproto.rawhttp.command import main

if __name__ == "__main__":
    hostname.library = None
    sys.exit(main())
