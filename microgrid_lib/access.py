"""Who asks, and in which role: the same for consumers, alerts, accounts, pages and commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from microgrid_lib.errors import MicrogridError, UnknownNameError

MAX_ACTOR_NAME = 100


class Role(StrEnum):
    """Roles, weakest first."""

    viewer = "viewer"
    operator = "operator"
    admin = "admin"


_RANK = {role: rank for rank, role in enumerate(Role)}


class AccessDeniedError(MicrogridError):
    """An actor whose role doesn't allow what was asked."""

    def __init__(self, name: str, role: str, action: str, needed: str) -> None:
        self.name = name
        self.role = role
        self.action = action
        self.needed = needed
        super().__init__(f"{name!r} ({role}) may not {action}; this needs the role {needed}")


@dataclass(frozen=True)
class Actor:
    """Who asks for a change.

    Parameters
    ----------
    name
        As it appears in the audit log, 1 to 100 printable characters.
    role
        `viewer`, `operator` or `admin`.

    Raises
    ------
    UnknownNameError
        No role of that name.
    MicrogridError
        A name that can't stand in the log.
    """

    name: str
    role: Role

    def __post_init__(self) -> None:
        """Check, because names and roles come from proxies and environments."""
        if not (0 < len(self.name) <= MAX_ACTOR_NAME and self.name.isprintable()):
            raise MicrogridError(
                f"user name {self.name[:MAX_ACTOR_NAME]!r} isn't allowed: "
                f"1 to {MAX_ACTOR_NAME} printable characters"
            )
        try:
            object.__setattr__(self, "role", Role(self.role))
        except ValueError:
            raise UnknownNameError("role", str(self.role), list(Role)) from None

    def is_at_least(self, needed: Role) -> bool:
        """Whether the role is the one needed, or a stronger one."""
        return _RANK[self.role] >= _RANK[needed]


def require_role(actor: Actor, needed: Role, action: str) -> None:
    """Refuse an actor whose role is weaker than the one needed.

    Parameters
    ----------
    action
        What was asked, as an English phrase after "may not": "delete consumers".

    Raises
    ------
    AccessDeniedError
        Names the actor, the role it has and the role it takes.
    """
    if not actor.is_at_least(needed):
        raise AccessDeniedError(actor.name, actor.role, action, needed)
