"""The protocols: one file each, found by the catalog.

A file is the protocol's conversation, the Twisted classes that people embed, and its definition::

    from sockproto.protocols.echo import EchoFactory
"""
