"""Where a message begins and ends in a stream of bytes: each an ``IFraming``, pure and incremental."""
