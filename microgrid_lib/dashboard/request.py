"""The address the page was asked for, as Voilà tells a kernel."""

from __future__ import annotations

import os


def requested_query() -> str:
    """Return the URL query of the visitor; empty outside Voilà.

    In a kernel from Voilà's pool this waits until a visitor arrives.
    """
    if os.environ.get("VOILA_PREHEAT") == "True":
        from voila.utils import wait_for_request

        wait_for_request()
    return os.environ.get("QUERY_STRING", "")
