"""The cases: a group a file; ``sockproto.check.registry`` finds them."""
