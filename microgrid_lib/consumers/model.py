"""What a consumer is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from microgrid_lib.consumers.errors import ConsumerFieldError, FieldProblem
from microgrid_lib.consumers.fields import (
    MAX_NAME,
    MAX_NOTES,
    MAX_RATED_POWER_KW,
    choice_field,
    number_field,
    text_field,
)

MAX_SHOWN = 60


class ConsumerType(StrEnum):
    """Whether supply is kept up when power is short."""

    critical = "critical"
    non_critical = "non-critical"


class ConsumerKind(StrEnum):
    """What the consumer is used for."""

    housing = "housing"
    laboratory = "laboratory"
    hospital = "hospital"
    school = "school"
    office = "office"
    industry = "industry"
    water = "water"
    other = "other"


class ConsumerDraft(BaseModel):
    """What a user decides about a consumer.

    Attributes
    ----------
    name
        1 to 50 characters on one line.
    type
        `critical` or `non-critical`.
    kind
        What it is used for.
    latitude, longitude
        WGS 84 [degrees]; north and east positive.
    rated_power_kw
        Rated active power [kW], None where it isn't known.
    notes
        Up to 2,000 characters, None where there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, BeforeValidator(text_field(MAX_NAME, several_lines=False, required=True))]
    type: Annotated[ConsumerType, BeforeValidator(choice_field(ConsumerType))]
    kind: Annotated[ConsumerKind, BeforeValidator(choice_field(ConsumerKind))]
    latitude: Annotated[float, BeforeValidator(number_field(-90, 90, "degrees", required=True))]
    longitude: Annotated[float, BeforeValidator(number_field(-180, 180, "degrees", required=True))]
    rated_power_kw: Annotated[
        float | None, BeforeValidator(number_field(0, MAX_RATED_POWER_KW, "kW", required=False))
    ] = None
    notes: Annotated[
        str | None, BeforeValidator(text_field(MAX_NOTES, several_lines=True, required=False))
    ] = None


CONTENT_FIELDS = tuple(ConsumerDraft.model_fields)


class Consumer(ConsumerDraft):
    """A stored consumer.

    Attributes
    ----------
    id
        UUID as text; the same for ever, also after a delete and its undo.
    site
        Name of the site it belongs to.
    created_by, created_at, updated_by, updated_at
        Who and when [UTC]; a delete or its undo counts as an update.
    version
        1 when added, one more with every change; a change must name the version it starts from.
    deleted
        Whether it waits in the bin, from where it can be restored.
    """

    id: str
    site: str
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    version: int = Field(ge=1)
    deleted: bool = False

    @property
    def draft(self) -> ConsumerDraft:
        """The part a user decides."""
        return ConsumerDraft.model_construct(
            name=self.name,
            type=self.type,
            kind=self.kind,
            latitude=self.latitude,
            longitude=self.longitude,
            rated_power_kw=self.rated_power_kw,
            notes=self.notes,
        )


def check_draft(values: Mapping[str, Any]) -> list[FieldProblem]:
    """Problems of a form's values, one by field, in the order of the fields; empty if none."""
    try:
        ConsumerDraft.model_validate(dict(values))
    except ValidationError as error:
        return _problems(error)
    return []


def parse_draft(values: Mapping[str, Any]) -> ConsumerDraft:
    """Make a draft of a form's or a file's values.

    Parameters
    ----------
    values
        By field name; numbers may be text with a decimal point.

    Raises
    ------
    ConsumerFieldError
        Has every field that can't be accepted.
    """
    try:
        return ConsumerDraft.model_validate(dict(values))
    except ValidationError as error:
        raise ConsumerFieldError(_problems(error)) from None


def _problems(error: ValidationError) -> list[FieldProblem]:
    problems = []
    for entry in error.errors(include_url=False):
        field = str(entry["loc"][0]) if entry["loc"] else ""
        context = dict(entry.get("ctx", {}))
        allowed = str(context.pop("allowed", ""))
        code = entry["type"]
        value: str | None = shown(entry["input"])
        if code == "missing":
            code, value, allowed = "required", None, "a value is required"
        elif code == "extra_forbidden":
            code, allowed = "unknown_field", "known are " + ", ".join(CONTENT_FIELDS)
        problems.append(
            FieldProblem(field=field, value=value, code=code, params=context, allowed=allowed)
        )
    return problems


def shown(value: Any) -> str:
    """A value as it may stand in a message: quoted, on one line, not too long."""
    text = ascii(value) if _has_surrogates(value) else repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _has_surrogates(value: Any) -> bool:
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)
