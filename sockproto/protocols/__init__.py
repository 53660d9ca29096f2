"""The protocols: one file each, found by the catalog. To add one, add a file; nothing else changes.

A file is the protocol's conversation, the Twisted classes that people embed, and its definition. The classes
can be left out: ``conversation_definition`` makes them then::

    from sockproto.protocols.echo import EchoFactory
"""
