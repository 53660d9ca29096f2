"""Everything is served from here. In reading order::

tap, options, access, faults, parameters, explaining    what is typed, and the service made of it
catalog, validation                                     the protocols that there are, anybody's too
descriptions, endpoints, addressing                     where to listen, as people write it
listeners, systemd, unixpaths                           what is listened on
certificates, authorities                               TLS: ours, and who signs the clients'
service, announcements, administration                  listening, all or nothing; draining; stopping
process, notify, logs                                   what a process does that only serves
"""
