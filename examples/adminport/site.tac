"""A web site with an admin port: commands for its owner, at a UNIX socket that nobody else may use.

twistd -ny examples/adminport/site.tac

The site is http://127.0.0.1:8080/; "sockproto command unix:admin.sock" talks to the admin port, and so does
"nc -U admin.sock".
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import cast

from twisted.application import service, strports
from twisted.internet import reactor
from twisted.internet.defer import DeferredQueue, QueueOverflow
from twisted.internet.interfaces import IReactorCore
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from sockproto import CommandFactory, CommandSet, ServerService, command
from sockproto.server.listeners import stream

MAX_UNREAD = 100  # requests kept for one who follows the log and doesn't read


class Page(Resource):
    """The whole site.

    Attributes:
        hits: How often it was read.
        maintenance: Whether it says 503 instead.
        followers: Who is to be told of each request.
    """

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)
        self.hits = 0
        self.maintenance = False
        self.followers: set[DeferredQueue[str]] = set()

    def render_GET(self, request: Request) -> bytes:
        """Answer a request."""
        if self.maintenance:
            request.setResponseCode(503)
            page = b"Back soon.\n"
        else:
            self.hits += 1
            page = b"You are visitor %d.\n" % self.hits
        for follower in self.followers:
            with suppress(QueueOverflow):
                follower.put(f"{request.code} GET {request.uri.decode('latin-1')!a}")
        return page


class Admin(CommandSet):
    """What the owner can say.

    Args:
        page: The site.
        stop: Stops the program.
    """

    def __init__(self, page: Page, stop: Callable[[], object]) -> None:
        self._page = page
        self._stop = stop

    @command
    def hits(self) -> int:
        """Say how often the site was read."""
        return self._page.hits

    @command
    def maintenance(self, on: bool | None = None) -> bool:
        """Close the site or open it again, or only say which."""
        if on is not None:
            self._page.maintenance = on
        return self._page.maintenance

    @command(endless=True)
    async def log(self) -> AsyncGenerator[str, None]:
        """Say each request as it comes."""
        requests: DeferredQueue[str] = DeferredQueue(size=MAX_UNREAD)
        self._page.followers.add(requests)
        try:
            while True:
                yield await requests.get()
        finally:
            self._page.followers.remove(requests)

    @command
    def stop(self) -> None:
        """Stop the program."""
        self._stop()


page = Page()
admin = Admin(page, cast("IReactorCore", reactor).stop)
application = service.Application("site")
strports.service("tcp:8080:interface=127.0.0.1", Site(page)).setServiceParent(application)
# Unlike a strports.service, this one answers what has come, "/stop" too, before the program ends.
admin_port = stream("admin", CommandFactory(admin), "unix:admin.sock:mode=600", reactor)
ServerService([admin_port]).setServiceParent(application)
