"""Plain sockets for programs without a reactor: names, connections, TLS, and how they fail; no Twisted."""
