"""What is done to Twisted's own reactor and transports, and the only place that touches their private names.

Knows Twisted alone, nothing else of ours. What is private, or public and documented nowhere, is the same in
Twisted 24.7 (the oldest that is supported) and 26.10 (the newest when this was written). Each module keeps
its names in a table ``RELIES_ON``; where one is missing, Twisted's own behaviour takes the place of ours:

=========  =====================================================  =====================================
module     relies on                                              where one is missing
=========  =====================================================  =====================================
epoll      ``EPollReactor``: ``_disconnectSelectable``,           each turn is ``EPollReactor.doPoll``;
           ``_doReadOrWrite``, ``_poller``, ``_selectables``;     looked at when the reactor is made
           ``twisted.python.context``: ``ContextTracker``,
           ``ThreadedContextTracker``, ``theContextTracker``,
           and of these ``contexts``, ``currentContext``
ports      ``tcp.Connection``: ``TLS``, ``_isSendBufferFull``,    ``flush_after_reads`` leaves a port's
           ``_tempDataBuffer``, ``_tempDataLen``,                 transport as it is, ``listen_udp`` is
           ``_writeDisconnected``, ``_writeDisconnecting``,       ``reactor.listenUDP``; looked at for
           ``bufferSize``, ``connected``, ``dataBuffer``,         each port
           ``disconnecting``, ``offset``, ``producer``,
           ``producerPaused``, ``protocol``, ``socket``,
           ``streamingProducer``; ``udp.Port``:
           ``addressFamily``, ``maxPacketSize``,
           ``maxThroughput``, ``protocol``
buffers    ``FileDescriptor``: ``_tempDataLen``, ``dataBuffer``,  ``unsent_bytes`` says None, as of a
           ``offset``; ``TLSMemoryBIOProtocol``:                  transport that can't tell
           ``_appSendBuffer``
observers  ``LogPublisher``: ``_observers``                       ``is_observed`` says that it is
memory     what ``buffers`` does, and what Twisted's transports   what was written and not sent is
           ask a reactor and a socket for                         counted
clocks     ``Clock``: ``calls``, ``rightNow``; its calls:         ``Clock.advance``
           ``args``, ``called``, ``func``, ``kw``
=========  =====================================================  =====================================

``tests/reactor/test_relied_on.py`` takes each of them away.
"""
