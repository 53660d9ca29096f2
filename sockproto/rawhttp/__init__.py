r"""HTTP/1.1 over a bare socket, in the plain standard library: a lesson, and a fetcher to be used.

A tutorial's fetcher connects, sends ``GET``, reads until the end and splits at the empty line. Then comes
a real server: it keeps the connection open, so the end never comes; it sends chunks, and their sizes land
in the page; the connection breaks, and half a page is saved as a whole one; the page has four gigabytes,
and they were to be in memory. What it takes to be right, in reading order:

==========  ====================================================================================
events      what a response consists of: ``Status``, ``Headers``, ``Data``, ``EndOfMessage``
received    bytes that have come and wait to be understood
message     ``ResponseParser``: where headers and body begin and end (pure; RFC 9112)
decoding    gzip and deflate, in pieces of a bounded size (pure)
url         ``URL``: what to connect to, what to ask for, where a redirect leads (pure)
request     what is sent: nothing in it can be more than it should (pure)
ranges      a part of a page: what is asked for, whether that is what came (pure)
dates       times as HTTP writes them (pure)
stream      bytes both ways; every wait within its time
proxy       which proxy a URL goes through, and the tunnel for https
connection  name, TCP, tunnel, TLS; every step within its time
options     ``FetchOptions``: what is wanted; ``Observer``: what is told; ``Response``
exchange    one request, one response
fetching    ``fetch``: from one exchange to the next, along redirects
saving      ``WholeFile``: a file that appears whole or not at all
resuming    ``ResumedFile``: one that goes on where it ends, if it is still the same
reporting   headers, conversation, progress and timings, safe for a terminal
arguments   curl's options
command     ``main``: the command, with curl's exit statuses
==========  ====================================================================================

::

    from sockproto.rawhttp import fetch

    response = fetch("http://example.com/")
    print(response.status.code, len(response.body))

It knows neither Twisted nor more of sockproto than its errors, how text is written for people, and how plain
sockets are connected (``sockproto.plain``). One request a connection: it asks
the server to close, and does not depend on it.
"""

from sockproto.rawhttp.command import main
from sockproto.rawhttp.connection import ConnectOptions
from sockproto.rawhttp.events import Data, EndOfMessage, Event, Headers, Interim, Status
from sockproto.rawhttp.fetching import fetch
from sockproto.rawhttp.message import ResponseParser
from sockproto.rawhttp.options import FetchOptions, Observer, Response
from sockproto.rawhttp.saving import WholeFile
from sockproto.rawhttp.url import URL

__all__ = [
    "URL",
    "ConnectOptions",
    "Data",
    "EndOfMessage",
    "Event",
    "FetchOptions",
    "Headers",
    "Interim",
    "Observer",
    "Response",
    "ResponseParser",
    "Status",
    "WholeFile",
    "fetch",
    "main",
]
