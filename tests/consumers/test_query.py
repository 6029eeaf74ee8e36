from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.consumers.access import Actor
from microgrid_lib.consumers.importing import import_content
from microgrid_lib.consumers.model import Consumer, ConsumerKind, ConsumerType
from microgrid_lib.consumers.query import ConsumerQuery, SortKey, fold
from microgrid_lib.consumers.reading import ImportFormat
from microgrid_lib.consumers.store import ConsumerStore
from tests.consumers.drafts import HOSTILE, SITE, draft

WORDS = ("École", "école", "ECOLE", "Straße", "STRASSE", "50%", "a_b", "axb", "مستشفى", "clinic")
MANY = 1000


def fill(store: ConsumerStore, actor: Actor) -> list[Consumer]:
    """Some consumers of two sites, one of them deleted."""
    chance = random.Random(7)  # noqa: S311  test data
    made = []
    for number in range(40):
        one = draft(
            name=f"{chance.choice(WORDS)} {number % 9}",
            type=chance.choice(list(ConsumerType)),
            kind=chance.choice(list(ConsumerKind)),
            latitude=round(chance.uniform(-90, 90), 3),
            longitude=round(chance.uniform(-180, 180), 3),
            rated_power_kw=chance.choice([None, 0, 10, 10, 250.5]),
            notes=chance.choice([None, "east wing", "pump; 50% load", *WORDS]),
        )
        made.append(store.add(SITE if number % 4 else "trade_street", one, actor))
    store.delete(made[1].id, 1, actor)
    return [one for one in made if one.id != made[1].id]


def naive(consumers: list[Consumer], query: ConsumerQuery) -> list[Consumer]:
    """The query as a loop."""
    found = []
    for one in consumers:
        if query.site is not None and one.site != query.site:
            continue
        if query.types and one.type not in query.types:
            continue
        if query.kinds and one.kind not in query.kinds:
            continue
        power = one.rated_power_kw
        low, high = query.min_rated_power_kw, query.max_rated_power_kw
        if low is not None and (power is None or power < low):
            continue
        if high is not None and (power is None or power > high):
            continue
        text = fold(f"{one.name}\n{one.notes or ''}")
        if all(fold(word) in text for word in query.search.split()):
            found.append(one)
    found.sort(key=lambda one: (fold(one.name), one.id))
    if query.sort is SortKey.name:
        found.sort(key=lambda one: fold(one.name), reverse=query.descending)
        return found
    known = [one for one in found if getattr(one, query.sort) is not None]
    known.sort(key=lambda one: getattr(one, query.sort), reverse=query.descending)
    return known + [one for one in found if getattr(one, query.sort) is None]


QUERIES = [
    ConsumerQuery(),
    ConsumerQuery(site=SITE),
    ConsumerQuery(site="nowhere"),
    ConsumerQuery(search="ecole"),
    ConsumerQuery(search="ÉCOLE 3"),
    ConsumerQuery(search="straße"),
    ConsumerQuery(search="50%"),
    ConsumerQuery(search="a_b"),
    ConsumerQuery(search="wing cli"),
    ConsumerQuery(search="مستشفى"),
    ConsumerQuery(search="' OR 1=1 --"),
    ConsumerQuery(types=(ConsumerType.critical,)),
    ConsumerQuery(kinds=(ConsumerKind.water, ConsumerKind.school), site=SITE),
    ConsumerQuery(min_rated_power_kw=10),
    ConsumerQuery(max_rated_power_kw=10),
    ConsumerQuery(min_rated_power_kw=0, max_rated_power_kw=0),
    *(ConsumerQuery(sort=key, descending=down) for key in SortKey for down in (False, True)),
]


def test_search_filter_and_order_do_what_a_loop_does(store: ConsumerStore, operator: Actor) -> None:
    made = fill(store, operator)
    for query in QUERIES:
        expected = [one.id for one in naive(made, query)]
        assert [one.id for one in store.select(query)] == expected, query
    assert len(naive(made, ConsumerQuery(search="a_b"))) < len(naive(made, ConsumerQuery()))


def test_pages_cut_the_list_without_gap_or_overlap(store: ConsumerStore, operator: Actor) -> None:
    made = fill(store, operator)
    query = ConsumerQuery(sort=SortKey.rated_power_kw, page_size=7)
    pages = [store.page(query.model_copy(update={"page": n})) for n in range(1, 7)]
    assert [one.id for page in pages for one in page.consumers] == [
        one.id for one in naive(made, query)
    ]
    assert {(page.total, page.pages) for page in pages} == {(39, 6)}
    beyond = store.page(query.model_copy(update={"page": 99}))
    assert (beyond.consumers, beyond.total, beyond.page) == ((), 39, 99)
    empty = store.page(ConsumerQuery(site="nowhere"))
    assert (empty.consumers, empty.total, empty.pages) == ((), 0, 1)


def test_totals_do_what_a_loop_does(store: ConsumerStore, operator: Actor) -> None:
    made = fill(store, operator)
    for query in QUERIES[:10]:
        found = naive(made, query)
        totals = store.totals(query.model_copy(update={"page": 3, "page_size": 2}))
        for key, by in (("type", totals.by_type), ("kind", totals.by_kind)):
            assert set(by) == {getattr(one, key) for one in found}
            for value, total in by.items():
                powers = [o.rated_power_kw for o in found if getattr(o, key) == value]
                known = [power for power in powers if power is not None]
                assert total.count == len(powers)
                assert total.rated_power_unknown == len(powers) - len(known)
                assert total.rated_power_kw == (pytest.approx(sum(known)) if known else None)
        assert totals.all.count == len(found)


def test_a_total_of_unknown_powers_is_unknown_not_zero(
    store: ConsumerStore, operator: Actor
) -> None:
    assert store.totals().all.rated_power_kw is None
    store.add(SITE, draft(rated_power_kw=None), operator)
    assert store.totals().all.rated_power_kw is None
    store.add(SITE, draft(rated_power_kw=0, type="non-critical"), operator)
    totals = store.totals()
    assert totals.all.model_dump() == {
        "count": 2,
        "rated_power_kw": 0.0,
        "rated_power_unknown": 1,
    }
    assert totals.by_type[ConsumerType.critical].rated_power_kw is None


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("École", "ecole"),
        ("ecole", "E\u0301COLE"),
        ("𝔐𝔢𝔰𝔞 del Sol", "mesa"),
        ("STRASSE", "straße"),
        ("ΟΔΟΣ", "οδος"),
        ("İzmir", "izmir"),
        ("ﬁre hall", "FIRE"),
    ],
)
def test_case_accents_and_fancy_letters_do_not_matter_for_a_search(text: str, typed: str) -> None:
    assert fold(typed) in fold(text)


def test_folding_twice_is_folding_once_for_every_character() -> None:
    characters = [chr(code) for code in range(0x110000)]
    assert [c for c in characters if fold(fold(c)) != fold(c)] == []


@given(st.text(), st.text())
def test_a_text_contains_what_it_was_made_of(before: str, after: str) -> None:
    for word in fold("École").split():
        assert word in fold(f"{before} École {after}")


def test_a_thousand_consumers_are_one_page(store: ConsumerStore, operator: Actor) -> None:
    lines = ["name,type,kind,latitude,longitude,rated_power_kw,notes"]
    lines += [
        f"{number} {HOSTILE[number % 8].replace(',', '')},critical,office,35.1,-106.5,{number},n"
        for number in range(MANY)
    ]
    content = "\n".join(line.replace('"', "") for line in lines).encode()
    import_content(store, content, ImportFormat.csv, "many.csv", SITE, operator)
    page = store.page(ConsumerQuery(site=SITE, page_size=MANY))
    assert len(page.consumers) == MANY
