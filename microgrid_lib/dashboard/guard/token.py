"""The token of the machine's owner: good for one browser, then there is another one."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

_BYTES = 32


class OwnerToken:
    """A secret that is exchanged for a session.

    Parameters
    ----------
    fixed
        A token of the settings, which stays good; None: a random one, used up by its first use.
    on_new
        Called with the next token when one was used up.
    """

    def __init__(
        self, fixed: str | None = None, on_new: Callable[[str], None] | None = None
    ) -> None:
        self.fixed = fixed is not None
        self._on_new = on_new
        self.text = fixed or secrets.token_urlsafe(_BYTES)

    def use(self, given: str) -> bool:
        """Whether the token is right; a random one is used up by that."""
        if not hmac.compare_digest(given.encode(), self.text.encode()):
            return False
        if not self.fixed:
            self.text = secrets.token_urlsafe(_BYTES)
            if self._on_new is not None:
                self._on_new(self.text)
        return True
