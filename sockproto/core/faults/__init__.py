"""Faults on request: a server that misbehaves exactly as asked, and the same way again. Pure."""
