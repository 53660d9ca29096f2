"""What a protocol means, and how bytes become messages. Pure: no socket, no clock, no Twisted."""
