"""The proof of the checker: servers that are wrong, each in one way."""
