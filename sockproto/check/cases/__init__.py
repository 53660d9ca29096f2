"""The cases: a group a file; ``sockproto.check.judging`` finds them."""
