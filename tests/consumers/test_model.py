from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.access import AccessDeniedError
from microgrid_lib.consumers.access import Action, Actor, Role, may, require
from microgrid_lib.consumers.errors import ConsumerFieldError
from microgrid_lib.consumers.model import ConsumerKind, ConsumerType, check_draft, parse_draft
from microgrid_lib.errors import MicrogridError, UnknownNameError
from tests.consumers.drafts import HOSTILE, draft


def test_text_is_trimmed_and_blank_notes_are_none() -> None:
    made = draft(name="  Clinic \n", notes=" \t\n", rated_power_kw="")
    assert (made.name, made.notes, made.rated_power_kw) == ("Clinic", None, None)


@pytest.mark.parametrize("text", ["non-critical", "NON_CRITICAL", " Non critical "])
def test_a_type_is_understood_in_its_usual_spellings(text: str) -> None:
    assert draft(type=text).type is ConsumerType.non_critical


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_names(name: str) -> None:
    assert draft(name=name).name == name


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "blank"),
        ("name", "   ", "blank"),
        ("name", "\u200b\u200e", "blank"),
        ("name", None, "text"),
        ("name", 5, "text"),
        ("name", "x" * 51, "length"),
        ("name", "🏥" * 51, "length"),
        ("name", "two\nlines", "character"),
        ("name", "bell\x07", "character"),
        ("name", "null\x00", "character"),
        ("name", "half \ud83d", "character"),
        ("name", "no\ufffftext", "character"),
        ("name", "line\u2028separator", "character"),
        ("type", "vital", "choice"),
        ("type", None, "choice"),
        ("kind", "", "choice"),
        ("kind", 3, "choice"),
        ("latitude", 90.0001, "range"),
        ("latitude", float("nan"), "range"),
        ("latitude", 10**400, "range"),
        ("latitude", "nan", "number"),
        ("latitude", "35,1", "number"),
        ("latitude", "1_0", "number"),
        ("latitude", "٣٥", "number"),
        ("latitude", "", "number"),
        ("latitude", None, "number"),
        ("latitude", True, "number"),
        ("latitude", [35], "number"),
        ("longitude", -180.1, "range"),
        ("longitude", "1e999", "range"),
        ("rated_power_kw", -0.1, "range"),
        ("rated_power_kw", 1_000_001, "range"),
        ("rated_power_kw", "twenty", "number"),
        ("notes", "x" * 2001, "length"),
        ("notes", "a\x00b", "character"),
        ("notes", 7, "text"),
        ("colour", "red", "unknown_field"),
    ],
)
def test_what_is_not_allowed_is_named_with_field_value_and_rule(
    field: str, value: Any, code: str
) -> None:
    (problem,) = check_draft({**draft().model_dump(), field: value})
    assert (problem.field, problem.code) == (field, code)
    assert problem.allowed
    assert "\n" not in problem.text
    assert problem.text.startswith(f"{field}: ")
    problem.text.encode("utf-8")


def test_bounds_themselves_are_allowed() -> None:
    made = draft(latitude=-90, longitude="180", rated_power_kw=0)
    assert (made.latitude, made.longitude, made.rated_power_kw) == (-90.0, 180.0, 0.0)


def test_notes_keep_their_lines() -> None:
    assert draft(notes="a\r\nb\rc\n\td").notes == "a\nb\nc\n\td"


def test_every_problem_of_a_form_is_reported_at_once_in_the_order_of_the_fields() -> None:
    problems = check_draft({"kind": "castle", "latitude": "north"})
    assert [problem.field for problem in problems] == [
        "name",
        "type",
        "kind",
        "latitude",
        "longitude",
    ]
    assert problems[0].text == "name: is missing: a value is required"
    assert problems[3].text == (
        "latitude: 'north' isn't allowed: a number from -90 to 90 degrees, with a decimal point"
    )


def test_an_error_is_one_line_with_every_problem() -> None:
    with pytest.raises(ConsumerFieldError) as caught:
        parse_draft({**draft().model_dump(), "name": "a\nb", "kind": "x" * 500})
    assert "\n" not in str(caught.value)
    assert [problem.field for problem in caught.value.problems] == ["name", "kind"]
    assert len(str(caught.value)) < 400


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.lists(st.integers())))
def test_any_value_is_taken_or_refused_with_a_reason(value: Any) -> None:
    for field in ("name", "type", "kind", "latitude", "rated_power_kw", "notes"):
        for problem in check_draft({**draft().model_dump(), field: value}):
            assert problem.field == field
            assert problem.allowed


@given(st.floats(-90, 90))
def test_a_number_is_the_same_as_its_text(value: float) -> None:
    assert draft(latitude=repr(value)).latitude == draft(latitude=value).latitude == value


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        (Action.add, {Role.operator, Role.admin}),
        (Action.update, {Role.operator, Role.admin}),
        (Action.delete, {Role.operator, Role.admin}),
        (Action.restore, {Role.operator, Role.admin}),
        (Action.import_, {Role.operator, Role.admin}),
        (Action.purge, {Role.admin}),
    ],
)
def test_each_action_has_its_roles(action: Action, allowed: set[Role]) -> None:
    assert {role for role in Role if may(Actor("a", role), action)} == allowed


def test_a_refusal_names_who_asked_for_what_and_which_role_it_takes() -> None:
    with pytest.raises(AccessDeniedError) as caught:
        require(Actor("victor", Role.viewer), Action.delete)
    assert str(caught.value) == (
        "'victor' (viewer) may not delete consumers; this needs the role operator"
    )


def test_a_role_is_one_of_three() -> None:
    assert Actor("a", "admin").role is Role.admin  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="root"):
        Actor("a", "root")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 101, "a\x1b[31m"])
def test_an_actors_name_can_stand_in_a_log(name: str) -> None:
    with pytest.raises(MicrogridError, match="user name"):
        Actor(name, Role.viewer)


def test_kinds_are_the_agreed_ones() -> None:
    assert [str(kind) for kind in ConsumerKind] == [
        *("housing", "laboratory", "hospital", "school", "office", "industry", "water", "other")
    ]
