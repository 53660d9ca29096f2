"""What is done to Twisted's own reactor and transports."""
