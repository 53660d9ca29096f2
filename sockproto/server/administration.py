"""The port for who runs the service: ``--admin``.

::

    listener = admin_listener(service, "tcp:9990:interface=127.0.0.1", reactor)
"""

from dataclasses import replace
from typing import Any, NoReturn

from sockproto.core.text import port_number
from sockproto.errors import OptionError
from sockproto.server.descriptions import from_description
from sockproto.server.listeners import Listener

LOOPBACK = "127.0.0.1"


def planned_admin(text: str, site: Any, reactor: Any) -> Listener:
    """Plan the listener of a web site.

    Args:
        text: The description of an endpoint for streams; a number alone is a port of this machine alone.
        site: The site.
        reactor: What it will listen with.

    Raises:
        OptionError: The description is wrong.
    """

    def refuse(**_: Any) -> NoReturn:
        raise OptionError(f"{text!r} is for no web site; say a port, tcp:PORT:interface=ADDRESS or unix:PATH")

    if text.startswith("haproxy:"):
        refuse()
    if not (text.isascii() and text.isdecimal()):
        return from_description("admin", text, lambda: site, refuse, reactor)
    port = port_number(text)
    # An endpoint: of a listener made by ``tcp`` a port 0 would be the same free port as the others'.
    planned = from_description("admin", f"tcp:{port}:interface={LOOPBACK}", lambda: site, refuse, reactor)
    return replace(planned, where=f"TCP {LOOPBACK}:{port}", interface=LOOPBACK)


def admin_listener(service: Any, text: str, reactor: Any) -> Listener:
    """Plan the listener of the site that tells of a ``ServerService``: see ``planned_admin``."""
    from sockproto.admin.site import AdminSite  # only where it is wanted: twisted.web is large

    return planned_admin(text, AdminSite(service, reactor), reactor)
