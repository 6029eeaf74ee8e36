"""What is looked at in every request, whatever it asks for: host, forged headers, sender."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import tornado.routing
import tornado.web
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

from microgrid_lib.dashboard.guard.settings import Network, ServerSettings
from microgrid_lib.dashboard.visitor import VISITOR_HEADER

_LOCAL = frozenset({"localhost"})


class WrongHost(tornado.web.RequestHandler):
    """The answer to a request for another name: a page elsewhere tries to borrow this server."""

    def prepare(self) -> None:
        """Refuse, whatever the method."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            "This server doesn't answer to that host name. "
            "MICROGRID_PUBLIC_URL or MICROGRID_ALLOWED_HOSTS names the ones it answers to.\n"
        )


class Front(tornado.routing.Router):
    """Stands before the application.

    Parameters
    ----------
    application
        What answers requests that pass.
    settings
        Names this server answers to, and proxies whose word on the client's address counts.
    """

    def __init__(self, application: tornado.web.Application, settings: ServerSettings) -> None:
        self._application = application
        self._settings = settings
        self._names = host_names(settings)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Hand the request on, or refuse it."""
        if VISITOR_HEADER in request.headers:
            del request.headers[VISITOR_HEADER]
        request.remote_ip = client_address(
            request.remote_ip or "",
            request.headers.get_list("X-Forwarded-For"),
            self._settings.networks,
        )
        if self._settings.is_https:
            request.protocol = "https"
        if not is_our_host(request.host, self._names, any_address=not self._settings.is_local):
            return self._application.get_handler_delegate(request, WrongHost)
        return self._application.find_handler(request, **kwargs)


def host_names(settings: ServerSettings) -> frozenset[str]:
    """Names and addresses this server answers to, in lower case, without ports."""
    names = set(_LOCAL) | {name.lower() for name in settings.allowed_hosts}
    names.add(settings.host.lower())
    if settings.public_url is not None:
        names.add(urlsplit(settings.public_url).hostname or "")
    if not settings.is_local:
        names.add(socket.gethostname().lower())
    return frozenset(names - {""})


def is_our_host(host: str, names: frozenset[str], any_address: bool) -> bool:
    """Whether a Host header names this server.

    Parameters
    ----------
    any_address
        Whether any IP address will do: a page elsewhere can rebind names, not addresses.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in names:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return any_address or address.is_loopback


def client_address(peer: str, forwarded: Iterable[str], trusted: tuple[Network, ...]) -> str:
    """Address of the client: what trusted proxies say, from the nearest one outwards."""
    hops = [part.strip() for line in forwarded for part in line.split(",")]
    current = peer
    while hops and _is_in(current, trusted):
        said = hops.pop()
        try:
            current = str(ip_address(said))
        except ValueError:
            break
    return current


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
