"""How fast servers are: sockproto against plain C, Go, uvloop, asyncio, gevent, threads and stock Twisted.

``python -m benchmarks.speed`` runs everything. In reading order::

    cases.py     what is asked: echo of some sizes, lines, datagrams, connections, memory
    peers.py     who is asked; servers/ has a tiny file for each
    measure.py   one measurement: a server and load.c, the generator, pinned to a core each
    memory.py    another: what idle connections cost
    results.py   medians and ratios
    table.py     the tables, and the file of all figures
    targets.py   what sockproto is to reach
    picture.py   the picture
    page.py      the page
    __main__.py  the command
"""
