"""Certificates, and connections that TLS protects."""

from tests.rawhttp.fetching.behaviours.answers import HELLO, lines, moved, ok, singly, there
from tests.rawhttp.fetching.behaviours.behaviour import (
    CERTIFICATE,
    HANDSHAKE,
    NOT_HTTP,
    NOTHING,
    RECEIVE,
    SHORT,
    Behaviour,
    bad,
    good,
)
from tests.rawhttp.fetching.server import CUT, KEEP_OPEN

# fmt: off
BEHAVIOURS: list[Behaviour] = [
    good("tls-trusted", "RFC 9110, 4.3.4", "a certificate of the authority in `--cacert`", ok(), KEEP_OPEN,
        url="https://127.0.0.1:{tls}/tls-trusted", arguments=("--cacert", "{authority}")),
    good("tls-split", "RFC 9110, 4.3.4", "the same byte by byte", *singly(ok()), KEEP_OPEN,
        url="https://127.0.0.1:{tls}/tls-split", arguments=("--cacert", "{authority}")),
    good("tls-host-name", "RFC 9110, 4.3.4", "a certificate for the name that is asked for", ok(), KEEP_OPEN,
        url="https://localhost:{tls}/tls-host-name", arguments=("--cacert", "{authority}"),
        sent=("\r\nHost: localhost:{tls}\r\n",)),
    *(
        bad(f"tls-{name}", "RFC 9110, 4.3.4", note, ok(), url=f"https://127.0.0.1:{{{origin}}}/tls-{name}",
            arguments=arguments, status=CERTIFICATE, requests=0)
        for name, origin, note, arguments in [
            ("untrusted", "tls", "a certificate of an unknown authority", ()),
            ("stranger", "stranger", "a certificate of another authority than `--cacert`",
                ("--cacert", "{authority}")),
            ("misnamed", "misnamed", "a certificate for another host name", ("--cacert", "{authority}")),
            ("expired", "expired", "a certificate that has expired", ("--cacert", "{authority}")),
        ]
    ),
    good("tls-insecure", "curl", "a certificate of an unknown authority, with `-k`", ok(), KEEP_OPEN,
        url="https://127.0.0.1:{stranger}/tls-insecure", arguments=("-k",)),
    good("tls-insecure-name", "curl", "a certificate for another host name, with `-k`", ok(), KEEP_OPEN,
        url="https://127.0.0.1:{misnamed}/tls-insecure-name", arguments=("-k",)),
    bad("tls-plain", "curl", "no TLS at all, asked with https:", ok(),
        url="https://127.0.0.1:{plain}/tls-plain", status=HANDSHAKE, requests=0),
    bad("tls-unasked", "curl", "TLS, asked with http:", ok(), url="http://127.0.0.1:{tls}/tls-unasked",
        status=(*NOT_HTTP, NOTHING, RECEIVE), requests=0),
    good("tls-close", "RFC 9112, 9.8", "no length; ends TLS and closes", lines() + HELLO,
        url="https://127.0.0.1:{tls}/tls-close", arguments=("--cacert", "{authority}")),
    bad("tls-cut", "RFC 9112, 9.8", "no length; closes without ending TLS: somebody may have cut it",
        lines() + HELLO, CUT, url="https://127.0.0.1:{tls}/tls-cut", arguments=("--cacert", "{authority}"),
        status=(SHORT, RECEIVE)),
    good("tls-cut-length", "RFC 9112, 9.8", "a length; closes without ending TLS", ok(), CUT,
        url="https://127.0.0.1:{tls}/tls-cut-length", arguments=("--cacert", "{authority}")),
    bad("tls-cut-short", "RFC 9112, 9.8", "half of the length; closes without ending TLS",
        lines("Content-Length: 10") + HELLO, CUT, url="https://127.0.0.1:{tls}/tls-cut-short",
        arguments=("--cacert", "{authority}"), status=(SHORT, RECEIVE)),
    good("tls-redirect", "RFC 9110, 10.2.2", "redirects from http: to https:",
        moved("https://127.0.0.1:{tls}/tls-redirect/there"), KEEP_OPEN, further=there("/there"),
        arguments=("--cacert", "{authority}")),
    bad("tls-redirect-untrusted", "RFC 9110, 4.3.4", "redirects to a server with a wrong certificate",
        moved("https://127.0.0.1:{misnamed}/tls-redirect-untrusted/there"), further=there("/there"),
        arguments=("--cacert", "{authority}"), status=CERTIFICATE, requests=1),
]
# fmt: on
