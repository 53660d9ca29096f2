"""Plain sockets, standard library only."""
