"""What the server writes to its terminal: what someone has to act on, and nothing per request."""

from __future__ import annotations

import logging


def quiet_logs() -> None:
    """Set the log up: warnings with their time, without those that mean nothing here."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    # Tornado warns of jupyter_server's own ping times at every visit.
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
