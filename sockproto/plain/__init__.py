"""Plain sockets for whoever has no reactor: names, connections, TLS, and which way they fail; no Twisted."""
