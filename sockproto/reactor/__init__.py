"""What is done to Twisted's own reactor and transports, and the only place that touches their private names.

Knows Twisted alone, nothing else of ours. What is private, or public and documented nowhere, is the same in
Twisted 24.7 (the oldest that is supported) and 26.10 (the newest when this was written). Each module keeps
its names in a table ``RELIES_ON``; where one is missing, Twisted's own behaviour takes the place of ours:

===========  ===================================================  =====================================
module       relies on                                            where one is missing
===========  ===================================================  =====================================
epoll        ``EPollReactor``: ``_disconnectSelectable``,         each turn is ``EPollReactor.doPoll``;
             ``_doReadOrWrite``, ``_poller``, ``_selectables``;   looked at when the reactor is made
             ``twisted.python.context``: ``ContextTracker``,
             ``ThreadedContextTracker``, ``theContextTracker``,
             and of these ``contexts``, ``currentContext``
connections  ``tcp.Connection``: ``TLS``, ``_isSendBufferFull``,  ``flush_after_reads`` leaves a port's
             ``_tempDataBuffer``, ``_tempDataLen``,               transport as it is; looked at for
             ``_writeDisconnected``, ``_writeDisconnecting``,     each port
             ``bufferSize``, ``connected``, ``dataBuffer``,
             ``disconnecting``, ``offset``, ``producer``,
             ``producerPaused``, ``protocol``, ``socket``,
             ``streamingProducer``
datagrams    ``udp.Port``: ``addressFamily``, ``maxPacketSize``,  ``listen_udp`` is
             ``maxThroughput``, ``protocol``                      ``reactor.listenUDP``; looked at for
                                                                  each port
buffers      ``FileDescriptor``: ``_tempDataLen``,                ``unsent_bytes`` says None, as of a
             ``dataBuffer``, ``offset``;                          transport that can't tell
             ``TLSMemoryBIOProtocol``: ``_appSendBuffer``
observers    ``LogPublisher``: ``_observers``                     ``is_observed`` says that it is
memory       what ``buffers`` does, and what Twisted's            what was written and not sent is
             transports ask a reactor and a socket for            counted
clocks       ``Clock``: ``calls``, ``rightNow``; its calls:       ``Clock.advance``
             ``args``, ``called``, ``func``, ``kw``
===========  ===================================================  =====================================

``tests/reactor/test_relied_on.py`` takes each of them away.
"""
