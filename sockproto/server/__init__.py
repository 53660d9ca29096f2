"""Everything is served from here.

In reading order:

==============  =========================================================================
tap             what twistd loads: ``Options``, ``makeService``
options         ``ServerOptions``: what is typed, and what to listen on by it
access          the options that say who may come in
faults          the option that has things go wrong
parameters      the options of protocols, as Twisted wants them
factories       what answers, made of a definition as the options say
explaining      what ``--explain`` prints
catalog         the protocols that there are, anybody's too
validation      what makes the definition of one unfit
descriptions    what ``--listen`` takes
endpoints       Twisted's endpoints, from their descriptions
addressing      what ``--interface`` takes
listeners       ``Listener``: one thing to listen on; ``tcp``, ``udp``, ``unix``, ``stream``
systemd         sockets that systemd has opened
unixpaths       socket files that are there already
certificates    the certificates of TLS listeners
authorities     who must have signed the certificates of clients
service         ``ServerService``: it listens, has a lame duck, drains and stops
binding         ``Binding``: the ports of listeners, all or none
announcements   what is said of a listener, or why it can't listen
administration  the listener of ``--admin``
process         signals, and the limit of open files
notify          what systemd is told
logs            how the log is written, and its file
==============  =========================================================================

Nothing listens before the service is started.
"""
