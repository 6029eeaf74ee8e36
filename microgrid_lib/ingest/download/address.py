"""Which addresses and file names are acceptable."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()-]{0,99}")


def address_problem(url: str, *, local: bool = True) -> str | None:
    """Why an address isn't used: None if it may be.

    Parameters
    ----------
    local
        Whether this machine may be addressed, over plain HTTP too. A public server must not send
        us there.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"{url[:80]!r} isn't an address"
    if not host:
        return f"{url[:80]!r} isn't an address"
    if parts.username is not None or parts.password is not None:
        return "an address with a password in it isn't used"
    if host in LOOPBACK:
        usable = local and parts.scheme in ("http", "https")
        return None if usable else f"{shown(url)} leads to this machine"
    if parts.scheme != "https":
        return f"{shown(url)} isn't https (http is for 127.0.0.1 only)"
    return None


def is_local(url: str) -> bool:
    """Whether an address is this machine's own."""
    return urlsplit(url).hostname in LOOPBACK


def shown(url: str) -> str:
    """An address without user and query, which may hold secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_plain_name(name: str) -> bool:
    """Whether a file may be called so: no folders, no hidden files, nothing a shell trips over."""
    return bool(_PLAIN_NAME.fullmatch(name)) and not name.endswith((".", " ", ".part"))
