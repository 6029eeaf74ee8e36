"""What can go wrong on the way to a recipient."""

from __future__ import annotations

from enum import StrEnum

from microgrid_lib.errors import MicrogridError


class Hope(StrEnum):
    """Whether trying again helps."""

    soon = "soon"
    """In seconds: a connection refused, a busy server."""
    later = "later"
    """Once somebody has mended it: a wrong password, a folder that can't be written."""
    never = "never"
    """The recipient doesn't exist, or refuses what is sent."""


class DeliveryError(MicrogridError):
    """A message that didn't arrive.

    Parameters
    ----------
    problem
        One line; holds no secret.
    hope
        Whether trying again helps.
    server
        What failed as a whole, so that nothing else need be tried there now; empty where only
        this recipient did.
    """

    exit_code = 1

    def __init__(self, problem: str, hope: Hope, server: str = "") -> None:
        self.hope = hope
        self.server = server
        super().__init__(" ".join(problem.split()))
