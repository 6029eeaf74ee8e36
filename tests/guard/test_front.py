"""What every request is checked for: host, sender, and where it may lead."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from microgrid_lib.dashboard.guard.front import client_address, host_names, is_our_host
from microgrid_lib.dashboard.guard.headers import content_policy, security_headers
from microgrid_lib.dashboard.guard.login import safe_next
from microgrid_lib.dashboard.guard.settings import ServerSettings
from microgrid_lib.dashboard.language import pick_language

ANYWHERE = "0.0.0.0"  # noqa: S104  nothing is bound


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8866", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("[::1]:8866", True),
        ("127.9.9.9", True),
        ("attacker.example", False),
        ("localhost.attacker.example", False),
        ("127.0.0.1.attacker.example", False),
        ("192.168.1.5:8866", False),
        ("", False),
        ("[", False),
        ("user@localhost:8866", True),
    ],
)
def test_a_local_server_answers_to_local_names_only(host: str, ours: bool) -> None:
    settings = ServerSettings()
    assert is_our_host(host, host_names(settings), any_address=not settings.is_local) is ours


def test_a_server_on_the_network_answers_to_addresses_and_the_names_it_was_given() -> None:
    settings = ServerSettings(
        host=ANYWHERE, public_url="https://grid.example.org", allowed_hosts=("Other.Example",)
    )
    names = host_names(settings)
    for host in ("192.168.1.5:8866", "[2001:db8::1]", "grid.example.org", "other.example:80"):
        assert is_our_host(host, names, any_address=not settings.is_local)
    for host in ("attacker.example", "grid.example.org.attacker.example", "x.grid.example.org"):
        assert not is_our_host(host, names, any_address=not settings.is_local)


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "found"),
    [
        ("203.0.113.9", ["10.0.0.1"], [], "203.0.113.9"),
        ("203.0.113.9", ["10.0.0.1"], ["127.0.0.0/8"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9"], ["127.0.0.0/8"], "203.0.113.9"),
        ("127.0.0.1", ["1.1.1.1, 203.0.113.9"], ["127.0.0.0/8"], "203.0.113.9"),
        ("127.0.0.1", ["1.1.1.1", "203.0.113.9"], ["127.0.0.0/8"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9, 10.0.0.2"], ["127.0.0.0/8", "10.0.0.0/8"], "203.0.113.9"),
        ("127.0.0.1", ["nonsense"], ["127.0.0.0/8"], "127.0.0.1"),
        ("127.0.0.1", [], ["127.0.0.0/8"], "127.0.0.1"),
        ("", ["1.1.1.1"], ["127.0.0.0/8"], ""),
    ],
)
def test_only_proxies_that_are_trusted_say_where_a_client_is(
    peer: str, forwarded: list[str], trusted: list[str], found: str
) -> None:
    assert client_address(peer, forwarded, tuple(map(ip_network, trusted))) == found


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example/",
        "javascript:alert(1)",
        "http:evil.example",
        "///evil.example",
        "/login",
        "/logout",
        "/api/kernels",
        "/voila/render/../../etc/passwd",
        "http://[",
        "",
        "/%0d%0aSet-Cookie:x",
    ],
)
def test_a_login_leads_to_our_pages_only(text: str) -> None:
    assert safe_next(text) == "/"


@pytest.mark.parametrize(
    "text", ["/", "/?period=7d&lang=fr", "/voila/render/production.ipynb?site=x"]
)
def test_a_login_leads_where_the_visitor_wanted_to_go(text: str) -> None:
    assert safe_next(text) == text


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("fr", "en", "fr"),
        ("xx", "fr-CA, en;q=0.8", "fr"),
        (None, "de, en;q=0.5, fr;q=0.7", "fr"),
        (None, "fr;q=0, en", "en"),
        (None, "de", "en"),
        (None, "fr;q=x," * 20, "en"),
        (None, "", "en"),
    ],
)
def test_a_page_is_in_the_language_asked_for_or_the_browsers(
    asked: str | None, accepted: str, language: str
) -> None:
    assert pick_language(asked, accepted, "en") == language


def test_no_script_comes_from_elsewhere_or_stands_in_a_page() -> None:
    rules = dict(rule.split(" ", 1) for rule in content_policy(None).split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert "//" not in content_policy(None)


@pytest.mark.parametrize(
    ("tiles", "source"),
    [
        ("https://{s}.tiles.example/{z}/{x}/{y}.png", "https://*.tiles.example"),
        ("https://tiles.example:444/{z}/{x}/{y}.png?key=1", "https://tiles.example:444"),
        ("javascript:alert(1)", "blob:"),
    ],
)
def test_images_may_come_from_the_tile_server_of_the_settings(tiles: str, source: str) -> None:
    rules = dict(rule.split(" ", 1) for rule in content_policy(tiles).split("; "))
    assert rules["img-src"].split()[-1] == source


def test_browsers_are_told_to_stay_with_tls_where_there_is_tls() -> None:
    assert "Strict-Transport-Security" not in security_headers(ServerSettings())
    https = ServerSettings(public_url="https://grid.example.org")
    assert "max-age=31536000" in security_headers(https)["Strict-Transport-Security"]
