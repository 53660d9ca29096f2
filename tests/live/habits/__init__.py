"""Greeting servers as people write them, in Python, Node and Go: a good and a naive one of each kind."""
