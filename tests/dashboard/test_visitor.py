"""A page knows who looks at it, from the server alone."""

from __future__ import annotations

import getpass

import pytest

from microgrid_lib.access import Actor, Role
from microgrid_lib.dashboard.visitor import current_visitor, logout_address, visitor_text

VARIABLE = "HTTP_X_MICROGRID_VISITOR"


@pytest.fixture
def voila(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOILA_PREHEAT", "False")


def test_in_jupyterlab_it_is_the_local_user_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    monkeypatch.setenv(VARIABLE, visitor_text(Actor("victor", Role.viewer), "/logout"))
    assert current_visitor() == Actor(getpass.getuser(), Role.admin)
    assert logout_address() is None


@pytest.mark.parametrize("name", ["Zoë Müller", "名前", "a'b\"c<script>"])
def test_under_voila_it_is_whom_the_server_names(
    voila: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text = visitor_text(Actor(name, Role.operator), "/logout")
    assert text.isascii()
    monkeypatch.setenv(VARIABLE, text)
    assert current_visitor() == Actor(name, Role.operator)
    assert logout_address() == "/logout"


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "{not json", '{"name": "x"}', '{"name": "x", "role": "root"}', '{"role": 1}'],
)
def test_without_a_word_of_the_server_it_is_a_viewer(
    voila: None, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert current_visitor().role is Role.viewer
    assert logout_address() is None
