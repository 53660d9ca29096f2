"""The admin site: /metrics, /healthz, /readyz, /connections, /limits, and a page for people.

A ``twisted.web`` resource, for a separate site or as a part of the application's::

    root.putChild(b"sockproto", AdminResource(service))
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sockproto.admin.counted import MOST_CONNECTIONS, Snapshot, count_durations, merged, snapshot

TEXT = "text/plain; charset=utf-8"
PAGE = files("sockproto.admin").joinpath("page.html").read_text("utf-8")


def _source(element: str) -> str:
    """Return what a policy allows to run or to style: what stands in the page, by its hash (CSP level 3)."""
    [text] = re.findall(f"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; script-src {_source('script')}; connect-src 'self'; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class AdminResource(Resource):
    """What people and programs ask of a running service.

    Args:
        service: A ``ServerService``; or anything that tells whether it is ``ready``, and has ``snapshots``,
            which returns a Deferred of a list: the name of each process and its snapshot.
    """

    def __init__(self, service: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web has no types
        snapshots: Callable[[], Any] | None = getattr(service, "snapshots", None)
        if snapshots is None:
            count_durations(service)
        self._service = service
        self._snapshots = snapshots or (lambda: succeed([("", snapshot(service))]))
        for path, answer in (
            (b"", self._page),
            (b"healthz", self._health),
            (b"readyz", self._readiness),
            (b"metrics", self._metrics),
            (b"connections", self._connections),
            (b"limits", self._limits),
            (b"counters", self._counters),
        ):
            self.putChild(path, _Answer(answer))

    def getChild(self, path: bytes, request: Any) -> Any:
        """There is nothing else."""
        return _Absent()

    def render(self, request: Any) -> bytes:
        """Redirect a request without a slash at the end to the address where the page's links work."""
        _begin(request)
        request.redirect(request.path.rpartition(b"/")[2] + b"/")
        return b""

    def _page(self, request: Any) -> bytes:
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        return PAGE.encode()

    def _health(self, request: Any) -> bytes:
        """The process turns, or it could not answer."""
        return b"ok\n"

    def _readiness(self, request: Any) -> bytes:
        if self._service.ready:
            return b"ready\n"
        request.setResponseCode(503)
        return b"not ready\n"

    def _metrics(self, request: Any) -> "Deferred[bytes] | bytes":
        if find_spec("prometheus_client") is None:
            request.setResponseCode(501)
            return b"metrics need the extra metrics: pip install 'sockproto[metrics]'\n"
        from sockproto.admin.metrics import exposition

        def write(snapshots: list[tuple[str, Snapshot]]) -> bytes:
            text, content_type = exposition(snapshots, request.getHeader("accept") or "")
            request.setHeader("Content-Type", content_type)
            return text

        return self._asked(write)

    def _connections(self, request: Any) -> "Deferred[bytes]":
        def write(snapshots: list[tuple[str, Snapshot]]) -> bytes:
            found = [
                {**connection, **_of(worker)}
                for worker, told in snapshots
                for connection in told.get("connections", ())
            ]
            found.sort(key=lambda each: -each["age_seconds"])
            return _json(request, {"connections": found[:MOST_CONNECTIONS]})

        return self._asked(write)

    def _limits(self, request: Any) -> "Deferred[bytes]":
        def write(snapshots: list[tuple[str, Snapshot]]) -> bytes:
            names = ("protocol", "listener", "limits")
            listeners = [
                {name: listener[name] for name in names if name in listener} | _of(worker)
                for worker, told in snapshots
                for listener in told.get("listeners", ())
            ]
            return _json(request, {"listeners": listeners})

        return self._asked(write)

    def _counters(self, request: Any) -> "Deferred[bytes]":
        """What the page shows: the counters of all processes together."""

        def write(snapshots: list[tuple[str, Snapshot]]) -> bytes:
            total = merged([told for _, told in snapshots if told])
            return _json(request, {"ready": self._service.ready, **total})

        return self._asked(write)

    def _asked(self, write: Callable[[list[tuple[str, Snapshot]]], bytes]) -> "Deferred[bytes]":
        return maybeDeferred(self._snapshots).addCallback(write)


def _of(worker: str) -> dict[str, str]:
    """Return whose it is, where there are several processes."""
    return {"worker": worker} if worker else {}


def _json(request: Any, told: Mapping[str, Any]) -> bytes:
    request.setHeader("Content-Type", "application/json")
    return json.dumps(told, indent=1).encode() + b"\n"


def _begin(request: Any) -> None:
    """Set the headers that every answer has, an error's too."""
    request.setHeader("Content-Type", TEXT)
    for name, value in HEADERS.items():
        request.setHeader(name, value)


class _Absent(Resource):
    """A path at which there is nothing, nor below it."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web has no types

    def render(self, request: Any) -> bytes:
        """Say so."""
        _begin(request)
        request.setResponseCode(404)
        return b"not found\n"


class _Answer(Resource):
    """One path: GET and HEAD, and nothing below it."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # twisted.web has no types
        self._answer = answer

    def getChild(self, path: bytes, request: Any) -> Any:
        """There is nothing below."""
        return _Absent()

    def render(self, request: Any) -> int | bytes:
        """Answer, when it is known."""
        _begin(request)
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(405)
            request.setHeader("Allow", "GET, HEAD")
            return b"GET or HEAD\n"
        gone = [False]
        request.notifyFinish().addErrback(lambda _: gone.__setitem__(0, True))
        answered = maybeDeferred(self._answer, request)
        answered.addErrback(_apologize, request)

        def finish(body: bytes) -> None:
            if not gone[0]:
                request.setHeader("Content-Length", str(len(body)))
                request.write(body)
                request.finish()

        answered.addCallback(finish)
        return NOT_DONE_YET


def _apologize(failure: Failure, request: Any) -> bytes:
    """Log an error, and show none of it."""
    from twisted.logger import Logger

    Logger("sockproto").failure("the admin site can't answer", failure, event="admin_error")
    request.setResponseCode(500)
    return b"internal error\n"
