"""The sockets of a case: plain ones that never wait without a deadline and note what happens.

What is wrong they raise as ``Failed``, with the bytes, so that a case reads as what it does::

    with subject.open() as stream:
        stream.send(b"Hello")
        stream.expect(b"Hello")
"""

from sockproto.check.datagrams import DatagramClient
from sockproto.check.sockets import Ended, NotConnected, Silent, WasReset, Wire
from sockproto.check.stream import StreamClient

__all__ = ["DatagramClient", "Ended", "NotConnected", "Silent", "StreamClient", "WasReset", "Wire"]
