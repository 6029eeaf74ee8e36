"""Who may do what to consumers: checked here, whatever page or command asks.

A viewer reads; an operator also adds, changes, deletes, restores and imports; an admin may also
remove deleted consumers for good.
"""

from __future__ import annotations

from enum import StrEnum

from microgrid_lib.access import Actor, Role, require_role

__all__ = ["Action", "Actor", "Role", "may", "require"]


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


def may(actor: Actor, action: Action) -> bool:
    """Whether the actor's role allows the action."""
    return actor.is_at_least(_NEEDED[action])


def require(actor: Actor, action: Action) -> None:
    """Refuse an actor whose role doesn't allow the action.

    Raises
    ------
    AccessDeniedError
        Names the actor, the role it has and the role it takes.
    """
    require_role(actor, _NEEDED[action], f"{action} consumers")
