"""What is done to Twisted's own reactor and transports, and the only place that touches their private names.

Knows Twisted alone, nothing else of ours. What is private, or public and documented nowhere, is the same in
Twisted 24.7 (the oldest that is supported) and 26.10 (the newest when this was written). Each module keeps
its names in a table ``RELIES_ON``; where one is missing, Twisted's own behaviour takes the place of ours:

===========  ===================================================  =====================================
module       relies on                                            where one is missing
===========  ===================================================  =====================================
epoll        ``EPollReactor``: ``_cancellations``,                each turn is ``EPollReactor.doPoll``
             ``_disconnectSelectable``, ``_doReadOrWrite``,       and the loop around it Twisted's;
             ``_justStopped``, ``_newTimedCalls``,                looked at when the reactor is made
             ``_pendingTimedCalls``, ``_poller``, ``_reads``,
             ``_selectables``, ``_started``, ``_writes``,
             ``threadCallQueue``; ``twisted.internet.base``:
             ``_topHandler``
contexts     ``twisted.python.context``: ``ContextTracker``,      as for ``epoll``; and contexts are
             ``ThreadedContextTracker``, ``theContextTracker``,   pushed by ``log.callWithContext``
             and of these ``contexts``, ``currentContext``
connections  ``tcp.Connection``: ``TLS``, ``_aborting``,          ``flush_after_reads`` leaves a port's
             ``_closeSocket``, ``_isSendBufferFull``,             transport as it is; looked at for
             ``_tempDataBuffer``, ``_tempDataLen``,               each port
             ``_writeDisconnected``, ``_writeDisconnecting``,
             ``connected``, ``dataBuffer``, ``disconnected``,
             ``disconnecting``, ``offset``, ``producer``,
             ``producerPaused``, ``protocol``, ``reactor``,
             ``socket``, ``streamingProducer``;
             ``tcp.Server``: ``_addressType``;
             ``tcp.Port``: ``_realPortNumber``
flushing     ``tcp.Connection``: the names above but          as for ``connections``
             ``_closeSocket``, ``_writeDisconnected``,
             ``disconnected``, ``protocol``, ``reactor``
ports        ``tcp.Port``: ``_buildAddr``, ``factory``,           ``tcp.Port.doRead`` accepts
             ``reactor``, ``sessionno``, ``socket``,
             ``transport``; Python's ``socket``: ``_accept``
datagrams    ``udp.Port``: ``_preexistingSocket``,                ``listen_udp`` is
             ``addressFamily``, ``maxPacketSize``,                ``reactor.listenUDP``, ``adopt_udp``
             ``maxThroughput``, ``protocol``                      ``reactor.adoptDatagramPort``; looked
                                                                  at for each port
buffers      ``FileDescriptor``: ``_tempDataLen``,                ``unsent_bytes`` says None, as of a
             ``dataBuffer``, ``offset``;                          transport that can't tell
             ``TLSMemoryBIOProtocol``: ``_appSendBuffer``
alpn         ``twisted.internet._sslverify``:                     as Twisted does it, for all TLS
             ``protosFromProtocol``, ``setupForALPN``             contexts of the process
observers    ``LogPublisher``: ``_observers``                     ``is_observed`` says that it is
             ``twisted.trial``: ``_synctest``, and of it          ``is_flushed`` says that it isn't
             ``_logObserver``: ``_added``
memory       what ``buffers`` does, and what Twisted's            what was written and not sent is
             transports ask a reactor and a socket for            counted
exits        Python's ``atexit``: ``_run_exitfuncs``              what else was to be done at the exit
                                                                  is left out
clocks       ``Clock``: ``calls``, ``rightNow``; its calls:       ``Clock.advance``
             ``args``, ``called``, ``func``, ``kw``
===========  ===================================================  =====================================

``tests/reactor/test_relied_on.py`` takes each of them away.
"""
