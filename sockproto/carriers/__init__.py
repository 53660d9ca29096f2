"""Who moves the bytes: conversations on Twisted's streams and datagrams."""
