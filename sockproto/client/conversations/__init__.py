"""What the clients say: one protocol's client, one file.

The other ends of the conversations in ``sockproto.protocols``, pure like those; they are here so that a
protocol's file shows the protocol, and a server loads no client::

    from sockproto.client.conversations.greeting import GreetingClient
"""
