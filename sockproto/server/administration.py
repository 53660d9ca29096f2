"""The port for who runs the service: ``--admin``.

::

    listener = admin_listener(service, "tcp:9990:interface=127.0.0.1", reactor)
"""

from typing import Any, NoReturn

from sockproto.core.text import port_number
from sockproto.errors import OptionError
from sockproto.server.listeners import Listener, from_description


def planned_admin(text: str, site: Any, reactor: Any) -> Listener:
    """Plan the listener of a web site.

    Args:
        text: The description of an endpoint for streams; a number alone is a port of this machine alone.
        site: The site.
        reactor: What it will listen with.

    Raises:
        OptionError: The description is wrong.
    """
    description = text
    if text.isascii() and text.isdecimal():
        description = f"tcp:{port_number(text)}:interface=127.0.0.1"

    def refuse(**_: Any) -> NoReturn:
        raise OptionError(f"{text!r} is for no web site; say a port, tcp:PORT:interface=ADDRESS or unix:PATH")

    if description.startswith("haproxy:"):
        refuse()
    return from_description("admin", description, lambda: site, refuse, reactor)


def admin_listener(service: Any, text: str, reactor: Any) -> Listener:
    """Plan the listener of the site that tells of a ``ServerService``: see ``planned_admin``."""
    from sockproto.admin.site import AdminSite  # only where it is wanted: twisted.web is large

    return planned_admin(text, AdminSite(service, reactor), reactor)
