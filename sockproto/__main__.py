"""``python -m sockproto`` is the ``sockproto`` command."""

from sockproto.cli import main

if __name__ == "__main__":
    main()
