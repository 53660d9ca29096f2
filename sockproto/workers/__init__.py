"""Several processes that serve the same ports, and the one that starts them: ``--workers``."""
