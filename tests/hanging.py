"""How long a test waits for what would be there at once on an idle machine."""

TIMEOUT = 300.0
"""Seconds after which something hangs, however busy the machine is."""
