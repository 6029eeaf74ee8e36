"""The door: sessions, guessing, tokens, and what a proxy says."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr
from tornado.httputil import HTTPHeaders

from microgrid_lib.access import Actor, Role
from microgrid_lib.accounts.store import AccountStore
from microgrid_lib.dashboard.guard.attempts import FREE, Attempts, address_key
from microgrid_lib.dashboard.guard.door import Door, Refusal
from microgrid_lib.dashboard.guard.entrance import EntranceError, make_door
from microgrid_lib.dashboard.guard.proxy import ACCESS_HEADER, SECRET_HEADER, proxy_identity
from microgrid_lib.dashboard.guard.sessions import Session, Sessions, Way
from microgrid_lib.dashboard.guard.settings import ServerSettings
from microgrid_lib.dashboard.guard.token import OwnerToken
from microgrid_lib.errors import SettingsError
from microgrid_lib.settings import read_settings

ADMIN = Actor("root", Role.admin)
PASSWORD = "correct horse battery"  # noqa: S105  of a test
SECRET = "a secret of the proxy alone"  # noqa: S105  of a test
ANYWHERE = "0.0.0.0"  # noqa: S104  nothing is bound
ISSUER = "https://team.cloudflareaccess.com"
AUDIENCE = "the-audience-tag"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(settings: Any) -> Iterator[AccountStore]:
    with AccountStore.open(settings) as store:
        store.add("ada", Role.admin, PASSWORD, ADMIN)
        store.add("olga@example.org", Role.operator, None, ADMIN)
        yield store


Make = Callable[..., Door]


@pytest.fixture
def make(accounts: AccountStore, clock: Clock) -> Make:
    """Make a door of a kind."""

    def made(way: Way, **options: Any) -> Door:
        return Door(way, Sessions(3600, clock=clock), accounts, clock=clock, **options)

    return made


def who(
    door: Door,
    headers: dict[str, str] | None = None,
    session: str | None = None,
    begin: bool = True,
) -> Session | None:
    return asyncio.run(door.who(HTTPHeaders(headers or {}), session, begin))


def log_in(door: Door, name: str, password: str, address: str = "10.0.0.1") -> Session | Refusal:
    return asyncio.run(door.log_in(name, password, address))


def inside(found: Session | Refusal | None) -> Session:
    assert isinstance(found, Session)
    return found


def test_a_session_ends_when_its_time_is_over(clock: Clock) -> None:
    sessions = Sessions(60, clock=clock)
    session = sessions.begin(ADMIN, Way.account)
    clock.now += 59
    assert sessions.find(session.id) == session
    clock.now += 1
    assert sessions.find(session.id) is None


def test_there_are_never_more_sessions_than_fit(clock: Clock) -> None:
    sessions = Sessions(60, most=3, clock=clock)
    ids = [sessions.begin(ADMIN, Way.open).id for _ in range(5)]
    assert [sessions.find(i) is not None for i in ids] == [False, False, True, True, True]


def test_a_login_begins_a_session_with_the_role_of_the_account(make: Make) -> None:
    door = make(Way.account)
    session = inside(log_in(door, "ADA", PASSWORD))
    assert session.actor == Actor("ada", Role.admin)
    assert who(door, session=session.id) == session
    assert who(door) is None
    assert who(door, session=session.id + "x") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.set_password("ada", PASSWORD + "!", ADMIN),
        lambda store: store.set_role("ada", Role.viewer, ADMIN, even_last_admin=True),
        lambda store: store.remove("ada", ADMIN, even_last_admin=True),
    ],
)
def test_a_session_ends_when_its_account_changes(
    make: Make, accounts: AccountStore, clock: Clock, change: Callable[[AccountStore], Any]
) -> None:
    door = make(Way.account)
    session = inside(log_in(door, "ada", PASSWORD))
    change(accounts)
    clock.now += 3
    assert who(door, session=session.id) is None
    assert door.sessions.find(session.id) is None


def test_a_login_right_after_a_change_of_password_stays(make: Make, accounts: AccountStore) -> None:
    door = make(Way.account)
    first = inside(log_in(door, "ada", PASSWORD))
    assert who(door, session=first.id)
    accounts.set_password("ada", PASSWORD + "!", ADMIN)
    second = inside(log_in(door, "ada", PASSWORD + "!"))
    assert who(door, session=second.id) == second
    assert who(door, session=first.id) is None


def test_guessing_an_account_gets_slower_with_every_guess(make: Make, clock: Clock) -> None:
    door = make(Way.account)
    for n in range(FREE):
        assert log_in(door, "ada", "wrong", f"10.0.1.{n}") == Refusal()
    refused = log_in(door, "ada", PASSWORD, "10.0.2.1")
    assert isinstance(refused, Refusal)
    assert refused.wait_s > 0
    clock.now += refused.wait_s
    assert log_in(door, "ada", "wrong", "10.0.2.2") == Refusal()
    later = log_in(door, "ada", "wrong", "10.0.2.3")
    assert isinstance(later, Refusal)
    assert later.wait_s > refused.wait_s
    clock.now += later.wait_s
    assert inside(log_in(door, "ada", PASSWORD, "10.0.2.4"))


def test_guessing_many_accounts_from_one_address_gets_slower_too(make: Make) -> None:
    door = make(Way.account)
    for n in range(FREE):
        assert log_in(door, f"user{n}", "wrong") == Refusal()
    refused = log_in(door, "ada", PASSWORD)
    assert isinstance(refused, Refusal)
    assert refused.wait_s > 0
    assert inside(log_in(door, "ada", PASSWORD, "10.9.9.9"))


def test_guesses_at_once_are_counted_before_any_is_answered(make: Make) -> None:
    door = make(Way.account)

    async def many() -> list[Session | Refusal]:
        return await asyncio.gather(*(door.log_in("ada", "wrong", "10.0.0.1") for _ in range(12)))

    answers = asyncio.run(many())
    assert sum(answer == Refusal() for answer in answers) == FREE


def test_waits_double_up_to_a_limit_and_are_forgotten(clock: Clock) -> None:
    attempts = Attempts(longest_s=10, clock=clock)
    waits = []
    for _ in range(FREE + 5):
        attempts.fail("x")
        waits.append(attempts.wait_s("x"))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 10, 10]
    clock.now += 3601
    attempts.fail("x")
    assert attempts.wait_s("x") == 0
    attempts.succeed("x")
    assert len(attempts) == 0


def test_a_flood_of_names_takes_bounded_memory(clock: Clock) -> None:
    attempts = Attempts(10, most=100, clock=clock)
    for n in range(1000):
        attempts.fail(f"name{n}")
    assert len(attempts) == 100


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff")
    assert address_key("2001:db8::1") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:10.0.0.1") == address_key("10.0.0.1")


def test_a_token_is_good_once_and_another_takes_its_place(make: Make) -> None:
    told: list[str] = []
    token = OwnerToken(on_new=told.append)
    door = make(Way.owner, token=token, owner=ADMIN)
    first = token.text
    session = inside(door.exchange(first, "127.0.0.1"))
    assert session.actor == ADMIN
    assert door.exchange(first, "127.0.0.1") == Refusal()
    assert told == [token.text] != [first]
    assert who(door, session=session.id) == session


def test_a_token_of_the_settings_stays_good(make: Make) -> None:
    door = make(Way.owner, token=OwnerToken("fixed-token-of-the-settings"), owner=ADMIN)
    for _ in range(2):
        assert inside(door.exchange("fixed-token-of-the-settings", "127.0.0.1"))


def test_guessing_tokens_gets_slower(make: Make) -> None:
    token = OwnerToken("fixed-token-of-the-settings")
    door = make(Way.owner, token=token, owner=ADMIN)
    for n in range(FREE):
        assert door.exchange(f"guess{n}é", "10.0.0.1") == Refusal()
    refused = door.exchange(token.text, "10.0.0.1")
    assert isinstance(refused, Refusal)
    assert refused.wait_s > 0


def test_a_password_opens_no_door_of_another_kind(make: Make) -> None:
    door = make(Way.owner, token=OwnerToken(), owner=ADMIN)
    assert log_in(door, "ada", PASSWORD) == Refusal()


def test_without_login_a_session_begins_at_a_page_and_nowhere_else(make: Make) -> None:
    door = make(Way.open, visitor=Actor("visitor", Role.viewer))
    assert who(door, begin=False) is None
    session = inside(who(door))
    assert session.actor.role is Role.viewer
    assert who(door, session=session.id) == session


def headers_door(make: Make, home: Path, **more: Any) -> Door:
    settings = ServerSettings(
        home=home, auth_proxy="headers", proxy_secret=SecretStr(SECRET), **more
    )
    return make(Way.proxy, proxy=proxy_identity(settings), proxy_role=settings.default_role)


def test_a_proxy_names_who_is_there_with_its_secret(make: Make, home: Path) -> None:
    door = headers_door(make, home)
    headers = {SECRET_HEADER: SECRET, "X-Forwarded-Email": "Olga@example.org"}
    session = inside(who(door, headers))
    assert session.actor == Actor("olga@example.org", Role.operator)
    assert who(door, headers, session.id, begin=False) == session
    stranger = inside(who(door, headers | {"X-Forwarded-Email": "new@example.org"}))
    assert stranger.actor == Actor("new@example.org", Role.viewer)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Email": "ada"},
        {"X-Forwarded-Email": "ada", SECRET_HEADER: ""},
        {"X-Forwarded-Email": "ada", SECRET_HEADER: SECRET + "x"},
        {"X-Forwarded-Email": "ada", SECRET_HEADER: "\u00e9"},
        {SECRET_HEADER: SECRET},
        {SECRET_HEADER: SECRET, "X-Forwarded-Email": "  "},
        {SECRET_HEADER: SECRET, "X-Forwarded-User": "ada"},
        {SECRET_HEADER: SECRET, "X-Forwarded-Email": "x" * 101},
    ],
)
def test_headers_without_proof_are_nobody(make: Make, home: Path, headers: dict[str, str]) -> None:
    assert who(headers_door(make, home), headers) is None


def test_a_header_sent_twice_is_nobody(make: Make, home: Path) -> None:
    headers = HTTPHeaders({SECRET_HEADER: SECRET})
    headers.add("X-Forwarded-Email", "victor@example.org")
    headers.add("X-Forwarded-Email", "ada")
    assert asyncio.run(headers_door(make, home).who(headers, None, True)) is None


def test_a_session_of_someone_else_does_not_outweigh_the_proxy(make: Make, home: Path) -> None:
    door = headers_door(make, home)
    olga = {SECRET_HEADER: SECRET, "X-Forwarded-Email": "olga@example.org"}
    session = inside(who(door, olga))
    other = olga | {"X-Forwarded-Email": "victor@example.org"}
    assert who(door, other, session.id, begin=False) is None
    assert who(door, {}, session.id) is None
    assert inside(who(door, other, session.id)).actor.role is Role.viewer


def test_someone_without_an_account_stays_outside_where_the_settings_say_so(
    make: Make, home: Path
) -> None:
    door = headers_door(make, home, proxy_role="none")
    assert who(door, {SECRET_HEADER: SECRET, "X-Forwarded-Email": "new@example.org"}) is None


class Signer:
    """Cloudflare's side: a key pair and its JWKS file."""

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key()
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public))
        self.pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.file = folder / "keys.json"
        self.file.write_text(json.dumps({"keys": [jwk | {"kid": "one", "alg": "RS256"}]}))

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": [AUDIENCE],
            "iat": now,
            "exp": now + timedelta(minutes=5),
            "email": "olga@example.org",
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changed: Any) -> str:
        return jwt.encode(self.claims(**changed), self.key, "RS256", headers={"kid": "one"})


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path)


@pytest.fixture
def access_door(make: Make, home: Path, signer: Signer) -> Door:
    settings = ServerSettings(
        home=home,
        auth_proxy="cloudflare",
        access_issuer=ISSUER + "/",
        access_audience=AUDIENCE,
        access_keys=str(signer.file),
    )
    return make(Way.proxy, proxy=proxy_identity(settings), proxy_role=Role.viewer)


def test_a_signed_token_names_who_is_there(access_door: Door, signer: Signer) -> None:
    session = inside(who(access_door, {ACCESS_HEADER: signer.token()}))
    assert session.actor == Actor("olga@example.org", Role.operator)


PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": PAST},
        {"exp": None},
        {"iat": None},
        {"aud": "another-application"},
        {"aud": None},
        {"iss": "https://evil.cloudflareaccess.com"},
        {"iss": None},
        {"email": None},
        {"email": ["ada"]},
        {"nbf": datetime(2100, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_token_with_a_wrong_claim_is_nobody(
    access_door: Door, signer: Signer, changed: dict[str, Any]
) -> None:
    assert who(access_door, {ACCESS_HEADER: signer.token(**changed)}) is None


def test_a_token_that_is_not_signed_by_the_key_is_nobody(
    access_door: Door, signer: Signer, tmp_path: Path
) -> None:
    now = int(datetime.now(UTC).timestamp())
    claims = signer.claims(iat=now, exp=now + 300)
    unsigned = jwt.encode(claims, None, "none", headers={"kid": "one"})
    head, body, signature = signer.token().split(".")
    flipped = f"{head}.{body[:-2]}{'A' if body[-2] != 'A' else 'B'}{body[-1]}.{signature}"
    (tmp_path / "other").mkdir()
    other = Signer(tmp_path / "other").token()
    forged = (unsigned, hmac_signed(claims, signer.pem), flipped, other, f"{head}.{body}.")
    for token in (*forged, "", "a.b.c", "x" * 20_000):
        assert who(access_door, {ACCESS_HEADER: token}) is None
    assert who(access_door, {ACCESS_HEADER: signer.token()})


def hmac_signed(claims: dict[str, Any], public_key: bytes) -> str:
    """What a library that doesn't pin the algorithm takes for signed: HMAC by the public key."""
    head = json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode()
    parts = [jwt.utils.base64url_encode(part) for part in (head, json.dumps(claims).encode())]
    signature = hmac.digest(public_key, b".".join(parts), "sha256")
    return b".".join([*parts, jwt.utils.base64url_encode(signature)]).decode()


def test_a_token_signed_by_a_key_nobody_knows_is_nobody(access_door: Door, signer: Signer) -> None:
    unknown = jwt.encode(signer.claims(), signer.key, "RS256", headers={"kid": "two"})
    assert who(access_door, {ACCESS_HEADER: unknown}) is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"auth_proxy": "headers"}, "MICROGRID_PROXY_SECRET"),
        ({"auth_proxy": "headers", "proxy_secret": SecretStr("short")}, "at least 16"),
        ({"auth_proxy": "cloudflare"}, "MICROGRID_ACCESS_ISSUER"),
        ({"auth_proxy": "cloudflare", "access_issuer": ISSUER}, "MICROGRID_ACCESS_AUDIENCE"),
        (
            {
                "auth_proxy": "cloudflare",
                "access_issuer": ISSUER,
                "access_audience": "x",
                "access_keys": "http://example.org/keys",
            },
            "https://",
        ),
        ({"token": SecretStr("short")}, "at least 16"),
        ({"token_file": Path("/nowhere")}, "MICROGRID_TOKEN_FILE"),
    ],
)
def test_a_setting_that_is_missing_or_weak_is_one_line(
    home: Path, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        make_door(ServerSettings(home=home, **given))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "login"),
    [
        ({"host": ANYWHERE}, True),
        ({"host": "::"}, True),
        ({"host": "grid.example.org"}, True),
        ({"public_url": "https://grid.example.org"}, True),
        ({"host": ANYWHERE}, False),
        ({"public_url": "https://grid.example.org"}, False),
    ],
)
def test_nobody_serves_the_network_without_a_login(
    home: Path, given: dict[str, Any], login: bool
) -> None:
    with pytest.raises(EntranceError) as caught:
        make_door(ServerSettings(home=home, **given), login=login)
    assert "\n" not in str(caught.value)


def test_the_way_in_follows_from_settings_and_accounts(home: Path) -> None:
    local = ServerSettings(home=home)
    assert make_door(local).way is Way.owner
    assert make_door(local, login=False).way is Way.open
    with AccountStore.open(local) as store:
        store.add("ada", Role.admin, PASSWORD, ADMIN)
    assert make_door(local).way is Way.account
    assert make_door(ServerSettings(home=home, host=ANYWHERE)).way is Way.account
    proxied = ServerSettings(home=home, auth_proxy="headers", proxy_secret=SecretStr(SECRET))
    assert make_door(proxied).way is Way.proxy


def test_settings_come_from_the_environment_and_a_wrong_one_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRID_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("MICROGRID_PUBLIC_URL", "https://Grid.example.org/")
    read = read_settings(ServerSettings)
    assert read.allowed_hosts == ("a.example", "b.example")
    assert read.public_url == "https://grid.example.org"
    assert read.is_https
    for name, value in (
        ("MICROGRID_PUBLIC_URL", "https://grid.example.org/path"),
        ("MICROGRID_PUBLIC_URL", "javascript:alert(1)"),
        ("MICROGRID_TRUSTED_PROXIES", "everyone"),
        ("MICROGRID_KERNELS", "0"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(SettingsError, match=name):
                read_settings(ServerSettings)
