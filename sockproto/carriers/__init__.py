"""The carriers: they run conversations on Twisted's streams and datagrams."""
