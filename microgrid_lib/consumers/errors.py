"""What can be wrong with a consumer or a change, as values and as one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from microgrid_lib.errors import ConflictError, MicrogridError


class FieldProblem(BaseModel):
    """One field that can't be accepted.

    Attributes
    ----------
    field
        Name of the field or column; empty where the whole row is meant.
    value
        What was given, shortened for display; None where nothing was given.
    code
        Stable name; pages translate it (message id `consumer.<code>`).
    params
        Numbers and names the text speaks of.
    allowed
        What would be accepted, as an English phrase.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    value: str | None
    code: str
    params: dict[str, float | int | str] = {}
    allowed: str

    @property
    def text(self) -> str:
        """The problem as one sentence."""
        what = "is missing" if self.value is None else f"{self.value} isn't allowed"
        where = f"{self.field}: " if self.field else ""
        return f"{where}{what}: {self.allowed}"


class ConsumerFieldError(MicrogridError):
    """Fields of a consumer that can't be accepted; `problems` has them all."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.text for problem in self.problems))


class ConsumerNotFoundError(MicrogridError):
    """No consumer answers to an id, or more than one does."""

    def __init__(self, reference: str, problem: str = "there is no such consumer") -> None:
        self.reference = reference
        super().__init__(f"consumer {reference!r}: {problem}")


class VersionConflictError(ConflictError):
    """A consumer was changed by someone else since it was read."""

    def __init__(
        self, name: str, expected: int, current: int, by: str, at: datetime, deleted: bool
    ) -> None:
        self.expected = expected
        self.current = current
        self.by = by
        self.at = at
        self.deleted = deleted
        verb = "deleted" if deleted else "changed"
        super().__init__(
            f"consumer {name!r} was {verb} by {by!r} at {at:%Y-%m-%d %H:%M:%S} UTC "
            f"(version {current}, yours {expected}): read it again, then repeat your change"
        )
