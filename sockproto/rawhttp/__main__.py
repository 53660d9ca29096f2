"""``python -m sockproto.rawhttp URL``."""

import sys

from sockproto.rawhttp.command import main

if __name__ == "__main__":
    sys.exit(main())
