"""Who may do what: checked here, whatever page or command asks.

A viewer reads; an operator also adds, changes, deletes, restores and imports; an admin may also
remove deleted consumers for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from microgrid_lib.consumers.errors import AccessDeniedError
from microgrid_lib.errors import MicrogridError, UnknownNameError

MAX_ACTOR_NAME = 100


class Role(StrEnum):
    """Roles, weakest first."""

    viewer = "viewer"
    operator = "operator"
    admin = "admin"


class Action(StrEnum):
    """What an actor does to consumers; also the word of the audit log."""

    add = "add"
    update = "update"
    delete = "delete"
    restore = "restore"
    purge = "purge"
    import_ = "import"


_NEEDED: dict[Action, Role] = {
    Action.add: Role.operator,
    Action.update: Role.operator,
    Action.delete: Role.operator,
    Action.restore: Role.operator,
    Action.import_: Role.operator,
    Action.purge: Role.admin,
}
_RANK = {role: rank for rank, role in enumerate(Role)}


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


def may(actor: Actor, action: Action) -> bool:
    """Whether the actor's role allows the action."""
    return _RANK[actor.role] >= _RANK[_NEEDED[action]]


def require(actor: Actor, action: Action) -> None:
    """Refuse an actor whose role doesn't allow the action.

    Raises
    ------
    AccessDeniedError
        Names the actor, the role it has and the role it takes.
    """
    if not may(actor, action):
        raise AccessDeniedError(actor.name, actor.role, action, _NEEDED[action])
