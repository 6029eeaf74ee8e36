"""Expressions are plain arithmetic, and agree with Python's own."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from microgrid_lib.site.expression import (
    MAX_DEPTH,
    MAX_LENGTH,
    ExpressionError,
    parse_expression,
)

VALUES = {"pv_power": 12.5, "grid": -3.0, "b2": 0.25}
SAFE: dict[str, Callable[..., float]] = {"abs": abs, "min": min, "max": max}

atoms = st.sampled_from([*VALUES, "2", "0.5", "1e-3", "10."])


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    spaces = st.sampled_from(["", " ", "  ", "\n", "\t"])
    return st.one_of(
        st.builds(
            lambda p, op, gap: f"({p[0]}{gap}{op}{gap}{p[1]})",
            pairs,
            st.sampled_from(["+", "-", "*", "/"]),
            spaces,
        ),
        st.builds(lambda p, op: f"{p[0]}{op}{p[1]}", pairs, st.sampled_from("+-*")),
        st.builds(lambda x, sign: f"{sign}{x}", inner, st.sampled_from("+-")),
        st.builds(lambda x: f"abs({x})", inner),
        st.builds(lambda p, f: f"{f}({p[0]}, {p[1]})", pairs, st.sampled_from(["min", "max"])),
    )


expressions = st.recursive(atoms, _combine, max_leaves=12)


@given(expressions)
@example("-pv_power")
@example("2 - 3 - pv_power / 2 / 5")
def test_a_random_expression_gives_what_python_gives(text: str) -> None:
    assume(len(text) <= MAX_LENGTH and any(name in text for name in VALUES))
    try:
        expected = eval(f"({text})", {"__builtins__": {}}, SAFE | VALUES)  # noqa: S307
    except ZeroDivisionError:
        assume(False)
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        # A constant divisor that happens to be 0 is refused even where Python never gets there.
        assert "divides by 0" in str(error)  # noqa: PT017
        return
    assert expression.evaluate(VALUES) == expected
    assert expression.names == {name for name in VALUES if name in text}


@given(st.text(alphabet="ab_1.+-*/(), []{}:=<>!&|^~%@#'\"\\\n;éλ", max_size=40))
@example("a if b else 1")
@example("a < b")
@example("[a]")
@example("(a, b)")
@example("a.b")
@example("a ** 2")
@example("a // 2")
@example("a; b")
@example("(a := 1)")
@example("min(*a)")
@example("abs(x=a)")
@example("f(a)")
@example("a(1)")
@example("a_\u0661")
def test_any_text_is_arithmetic_or_refused_in_one_line(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        values = dict.fromkeys(expression.names, 1.0)
        try:
            assert math.isfinite(expression.evaluate(values))
        except ZeroDivisionError:
            assert "/" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a ** 2", r"'a \*\* 2' isn't allowed"),
        ("a // 2", "'a // 2' isn't allowed"),
        ("a.real", "'a.real' isn't allowed"),
        ("sum(a, 2)", r"'sum\(a, 2\)' isn't allowed"),
        ("a + 1j", "'1j' isn't allowed"),
        ("a < 2", "'<' isn't allowed"),
        ("a + 'b'", "isn't allowed"),
        ("a # why", "'#' isn't allowed"),
        ("größe + 1", "'ö' isn't allowed"),
        ("", "isn't an arithmetic expression"),
        ("a +", "isn't an arithmetic expression"),
        ("a b", "isn't an arithmetic expression"),
        ("1_000 + 07 + a", "isn't an arithmetic expression"),
        ("2 + 2", "names no channel"),
        ("abs(a, 2)", "abs takes one value"),
        ("min(a)", "min takes two or more values"),
        ("max()", "max takes two or more values"),
        ("a / 0", "'a / 0' divides by 0"),
        ("a / (2 - 2)", r"'a / \(2 - 2\)' divides by 0"),
        ("a * 1e999", "'1e999' isn't a finite number"),
        ("a * (1e200 * 1e200)", "isn't a finite number"),
        ("a * (9" + "9" * 400 + " / 3)", "isn't a finite number"),
        ("a, b", "isn't allowed"),
    ],
)
def test_what_is_no_arithmetic_is_refused_with_the_part_at_fault(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        parse_expression(text)


@pytest.mark.parametrize("text", ["-" * 450 + "a", "(" * 240 + "a" + ")" * 240, "+a" * 200])
def test_deep_nesting_is_refused_even_on_a_deep_stack(text: str) -> None:
    def dive(levels: int) -> None:
        if levels:
            dive(levels - 1)
        else:
            with pytest.raises(ExpressionError, match=r"nested deeper|isn't an arithmetic"):
                parse_expression(text)

    dive(sys.getrecursionlimit() - 500)


def test_a_sum_as_long_as_the_limit_of_depth_is_accepted() -> None:
    longest = "+".join(["a"] * MAX_DEPTH)
    assert parse_expression(longest).evaluate({"a": 1.0}) == MAX_DEPTH
    with pytest.raises(ExpressionError, match="nested deeper"):
        parse_expression(longest + "+a")


def test_length_is_limited() -> None:
    assert parse_expression("a" * MAX_LENGTH).names == {"a" * MAX_LENGTH}
    with pytest.raises(ExpressionError, match="501 characters"):
        parse_expression("a" * (MAX_LENGTH + 1))


def test_only_an_unchanged_channel_is_a_name() -> None:
    assert parse_expression(" (a) ").is_name
    assert not parse_expression("-a").is_name
    assert not parse_expression("a + 0").is_name


def test_white_space_is_kept_as_one_space() -> None:
    assert parse_expression("  a\n  -\t b ").text == "a - b"


def test_arrays_are_computed_element_by_element() -> None:
    expression = parse_expression("max(load - pv, 0) / 2")
    values = {"load": np.array([3.0, 1.0, np.nan]), "pv": np.array([1.0, 2.0, 1.0])}
    result = expression.evaluate(values, {"max": np.maximum})
    np.testing.assert_array_equal(result, [1.0, 0.0, np.nan])
