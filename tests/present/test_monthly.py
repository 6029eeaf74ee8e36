"""The summary's rules at and around their thresholds, by hand; its numbers are the KPIs'."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.review import ForecastReview
from microgrid_lib.kpi.evidence import EvidenceResult, ReadingResult
from microgrid_lib.kpi.model import KpiReport, Note
from microgrid_lib.kpi.report import definitions
from microgrid_lib.present.cards import kpi_quantity
from microgrid_lib.present.monthly.data_quality import channel_table, coverage_map, outage_table
from microgrid_lib.present.monthly.earlier import ask_earlier, earlier_windows
from microgrid_lib.present.monthly.summary import by_tone, find_all, lead_text, rules
from microgrid_lib.present.texts import LANGUAGES, texts_for
from microgrid_lib.window import Window, day_window, month_window
from tests.present.facts import (
    REASON,
    alert,
    compliance,
    days_of,
    excursion,
    facts_of,
    file_entry,
    found,
    kpi,
    kpis_of,
    outage,
    site_of,
    with_kpis,
)

EN = texts_for("en")
MDS = site_of("mesa_del_sol")
ZONE = MDS.display_zone


def tones(rule: str, facts) -> list[str]:  # type: ignore[no-untyped-def]
    return [one.tone for one in found(rule, facts)]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def pv_against(now: float, then: float, coverage: float = 0.99, covered_then: float = 0.99):  # type: ignore[no-untyped-def]
    season = kpis_of(MDS, pv_energy=kpi(then, "kWh", covered_then))
    return with_kpis(facts_of(season=season), pv_energy=kpi(now, "kWh", coverage))


@pytest.mark.parametrize(
    ("now", "tone"),
    [(1050, "well"), (1049, "record"), (951, "record"), (950, "attention"), (1000, "record")],
)
def test_pv_is_judged_against_the_same_season_from_five_per_cent_on(now: float, tone: str) -> None:
    assert tones("P1", pv_against(now, 1000)) == [tone]


def test_pv_against_the_month_before_is_told_and_never_judged() -> None:
    before = kpis_of(MDS, pv_energy=kpi(2000.0, "kWh"))
    (one,) = found("P1", with_kpis(facts_of(before=before), pv_energy=kpi(1000.0, "kWh")))
    assert one.tone == "record"
    assert plain(one.text) == (
        "The PV gave 1,000 kWh (coverage 99.0 %); per covered hour 50.0 % less than in June 2022."
    )


def test_a_change_just_below_its_threshold_does_not_read_as_the_threshold() -> None:
    (one,) = found("P1", pv_against(1046, 1000))
    assert one.tone == "record"
    assert "4.6 % more than in July 2021" in plain(one.text)


def test_energies_of_unlike_coverage_are_compared_per_covered_hour() -> None:
    # 950 kWh in 95 % of the hours are as much an hour as 1,000 kWh in all of them.
    (one,) = found("P1", pv_against(950.0, 1000.0, 0.95, 1.0))
    assert "the same as in July 2021" in one.text
    assert one.tone == "record"


@pytest.mark.parametrize(("now", "then"), [(0.9499, 0.99), (0.5, 0.5)])
def test_below_95_per_cent_of_its_own_samples_a_value_is_not_compared(
    now: float, then: float
) -> None:
    facts = pv_against(2000.0, 1000.0, now, then)
    (one,) = found("P1", facts)
    assert plain(one.text) == f"The PV gave 2,000 kWh (coverage {EN.share(now)} %)."
    assert one.tone == "record"
    lead = plain(lead_text(facts, find_all(facts, EN), EN))
    assert f"less than 95.0 % of the samples are valid (the least: {EN.share(now)} %)" in lead
    assert "not compared" not in lead_text(facts_of(), find_all(facts_of(), EN), EN)


def test_a_period_of_too_few_samples_is_no_period_to_compare_with() -> None:
    (one,) = found("P1", pv_against(2000.0, 1000.0, 0.95, 0.6771))
    assert plain(one.text).endswith(
        "; not compared with July 2021, for which only 67.7 % of the samples are valid."
    )
    assert one.tone == "record"


def test_a_value_that_was_not_known_then_is_no_comparison() -> None:
    season = kpis_of(MDS, pv_energy=kpi(None, "kWh", 0.3))
    (one,) = found("P1", with_kpis(facts_of(season=season), pv_energy=kpi(1.0, "kWh")))
    assert one.text.endswith("; not compared with July 2021, for which it isn’t known.")


def test_a_day_is_never_judged_by_its_change() -> None:
    day = day_window(month_window("2022-07", ZONE).start.date(), ZONE)
    season = kpis_of(MDS, pv_energy=kpi(1000.0, "kWh"))
    facts = facts_of(window=day, season=season)
    assert tones("P1", with_kpis(facts, pv_energy=kpi(10.0, "kWh"))) == ["record"]


@pytest.mark.parametrize(
    ("now", "tone"), [(0.42, "well"), (0.4199, "record"), (0.3801, "record"), (0.38, "attention")]
)
def test_the_renewable_share_is_judged_by_points(now: float, tone: str) -> None:
    facts = facts_of(season=kpis_of(MDS, renewable_share=kpi(0.40)))
    assert tones("P2", with_kpis(facts, renewable_share=kpi(now))) == [tone]


@pytest.mark.parametrize(
    ("value", "tone"),
    [(0.95, "well"), (0.9499, "record"), (0.90, "record"), (0.8999, "attention")],
)
def test_a_fuel_cell_is_reliable_from_95_per_cent_on(value: float, tone: str) -> None:
    facts = with_kpis(facts_of(), fuel_cell_reliability=kpi(value))
    assert tones("P3", facts) == [tone]


@pytest.mark.parametrize(
    ("error", "tone"), [(5.0, "well"), (5.01, "record"), (10.0, "record"), (10.1, "attention")]
)
def test_a_battery_follows_within_shares_of_its_rated_power(error: float, tone: str) -> None:
    assert MDS.ratings.battery_kw == 100
    facts = with_kpis(
        facts_of(),
        battery_tracking_rmse=kpi(error, "kW"),
        fuel_cell_tracking_rmse=kpi(0.0, "kW"),
    )
    assert tones("P4", facts) == [tone, "well"]


@pytest.mark.parametrize(
    ("value", "spread", "tone"),
    [
        (0.81, 0.0, "well"),
        (0.76, 0.05, "well"),
        (0.75, 0.05, "attention"),
        (0.80, None, "attention"),
    ],
)
def test_an_efficiency_that_may_reach_the_assumed_one_is_good(
    value: float, spread: float | None, tone: str
) -> None:
    assert MDS.battery.eta_charge * MDS.battery.eta_discharge == pytest.approx(0.81)
    facts = with_kpis(facts_of(), battery_round_trip_efficiency=kpi(value, uncertainty=spread))
    assert tones("S1", facts) == [tone]


@pytest.mark.parametrize(
    ("value", "spread", "tone"),
    [
        (0.40, 0.10, "well"),
        (0.40, 0.11, "record"),
        (0.20, 0.10, "record"),
        (0.19, 0.10, "attention"),
    ],
)
def test_a_state_of_charge_is_judged_by_its_whole_band(
    value: float, spread: float, tone: str
) -> None:
    assert MDS.battery.soc_min == 0.30
    assert tones("S2", with_kpis(facts_of(), soc=kpi(value, uncertainty=spread))) == [tone]


def test_a_negative_self_sufficiency_always_needs_attention() -> None:
    assert tones("D1", with_kpis(facts_of(), self_sufficiency=kpi(-0.01))) == ["attention"]
    assert tones("D1", with_kpis(facts_of(), self_sufficiency=kpi(0.0))) == ["record"]


@pytest.mark.parametrize(("now", "tone"), [(110, "attention"), (109, "record"), (90, "well")])
def test_a_higher_import_than_last_year_needs_attention(now: float, tone: str) -> None:
    facts = facts_of(season=kpis_of(MDS, peak_import=kpi(100.0, "kW")))
    assert tones("D2", with_kpis(facts, peak_import=kpi(now, "kW"))) == ["record", tone]


@pytest.mark.parametrize(
    ("verdicts", "tone"),
    [
        (["pass", "indicative"], "well"),
        (["pass", "fail"], "attention"),
        (["indicative", None], "record"),
        ([None], "unjudged"),
    ],
)
def test_compliance_is_judged_by_its_verdicts(verdicts: list[str | None], tone: str) -> None:
    assert tones("Q1", facts_of(compliance=compliance(MDS, verdicts))) == [tone]


def test_a_failed_check_is_named_with_its_counts_and_a_long_list_is_cut() -> None:
    (one,) = found("Q1", facts_of(compliance=compliance(MDS, ["fail"] * 5)))
    assert one.text.startswith("5 of 5 compliance checks fail: ANSI C84.1, range A at bus voltage")
    assert one.text.count("(7 of 4,400 outside)") == 3
    assert "and 2 more" in one.text


@pytest.mark.parametrize(
    ("limits", "tone"),
    [([], "well"), (["voltage_a"], "record"), (["voltage_a", "voltage_b"], "attention")],
)
def test_excursions_beyond_the_outer_limits_need_attention(limits: list[str], tone: str) -> None:
    facts = facts_of(excursions=[excursion(limit) for limit in limits])
    assert tones("Q2", facts) == [tone]


def test_excursions_are_counted_added_up_and_the_farthest_is_named() -> None:
    facts = facts_of(excursions=[excursion("voltage_a"), excursion("voltage_b", 432.0, 80)])
    (one,) = found("Q2", facts)
    assert (
        "frequency: 2, beyond the outer limits: 1; 1 min 20 s with at least one of them"
        in plain(one.text)
    )
    assert "432.0 V" in plain(one.text)


def test_excursions_at_once_count_once_in_their_time() -> None:
    first, later = excursion("voltage_a", seconds=300), excursion("voltage_a", seconds=60)
    nested = excursion("voltage_b", 432.0, 120)
    moved = {"start": first.start + timedelta(minutes=4), "end": first.start + timedelta(minutes=7)}
    other = later.model_copy(update={"point": "mccb_voltage", **moved})
    apart = {"start": first.start + timedelta(hours=1)}
    last = later.model_copy(update=apart | {"end": apart["start"] + timedelta(minutes=1)})
    (one,) = found("Q2", facts_of(excursions=[first, nested, other, last]))
    # 0 to 7 min, and a minute an hour later.
    assert "frequency: 4, beyond the outer limits: 1; 8 min with" in plain(one.text)


def test_a_critical_alert_over_the_end_of_summer_time_has_its_true_length() -> None:
    zone = site_of("trade_street").display_zone
    start, end = (datetime(2022, 11, 6, hour, tzinfo=UTC).astimezone(zone) for hour in (8, 10))
    lasting = alert("critical").model_copy(update={"start": start, "end": end})
    (one,) = found("A1", facts_of(alerts=[lasting]))
    assert "Fuel cell failed, 2 h from" in plain(one.text)


def test_critical_alerts_need_attention_and_the_longest_is_named() -> None:
    assert tones("A1", facts_of()) == ["well"]
    assert tones("A1", facts_of(alerts=[alert("warning")])) == ["well"]
    (one,) = found("A1", facts_of(alerts=[alert("critical", 2.0), alert("critical", 3.0)]))
    assert one.tone == "attention"
    assert "3 h from 5 Jul 2022 12:00 on" in plain(one.text)
    assert one.text.startswith("Critical alerts: 2 (Fuel cell failed × 2)")


def test_each_alert_but_a_notice_wants_to_be_acknowledged() -> None:
    assert found("A2", facts_of(alerts=[alert("info")])) == []
    assert tones("A2", facts_of(alerts=[alert("warning", seen=True)])) == ["well"]
    (one,) = found("A2", facts_of(alerts=[alert("warning", seen=True), alert("critical")]))
    assert (one.tone, "1 of 2" in one.text) == ("attention", True)


@pytest.mark.parametrize(("missing", "tone"), [(432, "well"), (433, "attention")])
def test_the_least_covered_channel_decides_on_the_data(missing: int, tone: str) -> None:
    period = month_window("2022-07", ZONE)
    (one,) = found("C1", facts_of(days=days_of(MDS, period, missing)))
    assert one.tone == tone
    assert "least PV with" in one.text


def test_an_outage_of_ten_days_is_told_with_its_begin_and_end() -> None:
    period = month_window("2022-07", ZONE)
    days = days_of(MDS, period, outages=[outage(1.5, 1), outage(240.0)])
    (one,) = found("C2", facts_of(days=days))
    assert one.tone == "attention"
    assert plain(one.text) == (
        "Silences of the data of more than an hour: 2, 241.5 h in all; the longest, 240.0 h, "
        "from 3 Jul 2022 00:00 to 13 Jul 2022 00:00."
    )


@pytest.mark.parametrize(("rejected", "tone"), [(10, "record"), (11, "attention")])
def test_more_than_one_refused_row_in_a_hundred_needs_attention(rejected: int, tone: str) -> None:
    files = [file_entry(1000, rejected)]
    facts = facts_of(days=days_of(MDS, month_window("2022-07", ZONE), files=files))
    assert tones("C3", facts) == [tone]


def test_files_read_under_older_rules_are_named() -> None:
    assert found("C4", facts_of()) == []
    assert tones("C4", facts_of(outdated=("Jul_2022.csv",))) == ["attention"]


@pytest.mark.parametrize(("slots", "tone"), [(5, "record"), (6, "attention")])
def test_a_part_larger_than_the_whole_is_told_and_judged(slots: int, tone: str) -> None:
    params = {"slots": slots, "of": 100, "mean_excess_kw": 2.0}
    warning = Note(code="critical_exceeds_load", params=params, text="")
    facts = with_kpis(facts_of(), critical_share=kpi(1.0, warning=warning))
    assert tones("C5", facts) == [tone]


def test_a_reading_that_the_data_contradict_needs_attention() -> None:
    note = Note(code="evidence", text="")
    for favoured, expected in (("source", ["attention"]), ("load", []), (None, [])):
        result = EvidenceResult(
            channel="ge_power_total",
            favoured=favoured,
            readings=[
                ReadingResult(name=name, residual=name, mean_abs_residual_kw=kw, n=9)
                for name, kw in (("load", 187.0), ("source", 36.0))
            ],
            note=note,
            notes=[note],
        )
        assert tones("C6", facts_of(doubts=[result])) == expected


def review(mae: float | None, inside: float | None) -> ForecastReview:
    return ForecastReview(
        site="mesa_del_sol",
        profile="as_published",
        role="load",
        unit="kW",
        horizon_h=120,
        hours=700,
        mae=mae,
        bias=0.0,
        baselines={} if mae is None else {"last_value": 10.0, "seasonal_24h": 12.0},
        coverage80=inside,
    )


@pytest.mark.parametrize(
    ("mae", "inside", "tone"),
    [
        (11.0, 0.80, "well"),
        (11.01, 0.80, "attention"),
        (10.0, 0.70, "well"),
        (10.0, 0.69, "attention"),
        (10.0, 0.90, "well"),
        (10.0, 0.91, "attention"),
        (10.0, None, "record"),
        (None, None, "unjudged"),
    ],
)
def test_forecasts_are_judged_by_skill_and_intervals(
    mae: float | None, inside: float | None, tone: str
) -> None:
    assert tones("F1", facts_of(reviews=(review(mae, inside),))) == [tone]


def test_a_share_of_hours_just_below_its_limit_does_not_read_as_the_limit() -> None:
    (one,) = found("F1", facts_of(reviews=(review(10.0, 0.6972),)))
    assert one.tone == "attention"
    assert "69.7 % of the hours" in plain(one.text)


def test_every_undefined_indicator_of_a_rule_is_told_with_its_reason() -> None:
    facts = facts_of()
    blank = {
        name: kpi(None, one.unit, 0.2) if one.coverage is not None else one
        for name, one in facts.kpis.items()
    }
    unjudged = [f for f in find_all(replace(facts, kpis=blank), EN) if f.tone == "unjudged"]
    assert len(unjudged) == 13
    reason = EN.note(REASON)
    assert all(f.text.endswith(f"isn’t known: {reason}.") for f in unjudged)


def test_what_a_site_lacks_is_not_spoken_of() -> None:
    findings = find_all(facts_of("trade_street", compliance=None), EN)
    said = {f.rule for f in findings}
    assert said == {"P1", "P2", "D1", "D2", "D3", "A1", "C1", "C2"}
    assert not any("fuel cell" in f.text.lower() for f in findings)


def test_a_month_without_any_month_before_says_nothing_of_one() -> None:
    assert not any("2021" in f.text or "June" in f.text for f in find_all(facts_of(), EN))


def test_periods_to_compare_with() -> None:
    def days(window) -> list[str]:  # type: ignore[no-untyped-def]
        return [f"{w.start:%Y-%m-%d}/{w.end:%Y-%m-%d}" for _, w in earlier_windows(window)]

    month = month_window("2022-07", ZONE)
    assert days(month) == ["2022-06-01/2022-07-01", "2021-07-01/2021-08-01"]
    start = month.start.date() + timedelta(days=3)
    week = day_window(start, ZONE, end=start + timedelta(days=7))
    assert days(week) == ["2022-06-27/2022-07-04", "2021-07-05/2021-07-12"]
    assert days(day_window(start, ZONE)) == ["2022-07-03/2022-07-04", "2022-06-27/2022-06-28"]


def test_a_period_that_is_not_over_is_compared_with_as_much_of_the_earlier_ones() -> None:
    asked: list[Window] = []

    class Data:
        def kpis(self, window: Window) -> KpiReport:
            asked.append(window)
            raise NoDataError("none")

    day = day_window(date(2022, 7, 5), ZONE)
    ask_earlier(Data(), day, day.start + timedelta(hours=8))
    assert [f"{w.start:%m-%d %H}/{w.end:%m-%d %H}" for w in asked] == [
        "07-04 00/07-04 08",
        "06-28 00/06-28 08",
    ]
    asked.clear()
    ask_earlier(Data(), day, day.end)
    assert [w for _, w in earlier_windows(day)] == asked


def test_a_shorter_month_before_is_compared_as_a_whole() -> None:
    march, february = month_window("2023-03", ZONE), month_window("2023-02", ZONE)
    assert february.as_far(march, march.start + timedelta(days=30)) == february


def test_what_is_over_of_a_month_is_judged_from_a_week_on() -> None:
    facts = pv_against(1100, 1000)
    start = facts.window.start
    assert tones("P1", replace(facts, until=start + timedelta(days=6))) == ["record"]
    assert tones("P1", replace(facts, until=start + timedelta(days=7))) == ["well"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_rule_has_a_meaning_with_its_thresholds(language: str) -> None:
    texts = texts_for(language)
    for one in rules():
        meaning = one.meaning(texts)
        assert not meaning.startswith("monthly.")
        assert "{" not in meaning
    (p3,) = (one.meaning(texts) for one in rules() if one.code == "P3")
    assert "95" in p3
    assert "90" in p3
    assert len({one.code for one in rules()}) == len(rules())


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_indicator_is_defined_in_both_languages(language: str) -> None:
    texts = texts_for(language)
    lacking = [name for name in definitions() if not texts.has(f"definition.{name}")]
    assert lacking == []
    assert [name for name in definitions() if not texts.has(f"kpi.{name}")] == []


def test_english_definitions_are_those_of_the_registry() -> None:
    for name, one in definitions().items():
        said = (one.compute.__doc__ or "").splitlines()[0]
        assert EN(f"definition.{name}") == said
        if EN.has(f"formula.{name}"):
            assert EN(f"formula.{name}") == one.formula


def test_findings_are_grouped_and_counted_by_what_they_ask() -> None:
    facts = facts_of(alerts=[alert("critical")])
    findings = find_all(facts, EN)
    groups = by_tone(findings)
    assert sum(map(len, groups.values())) == len(findings)
    assert next(iter(groups)) == "attention"
    count = len(groups["attention"])
    assert lead_text(facts, findings, EN).startswith(f"Needs attention: {count}.")


SHARES = st.floats(0.0, 1.0)
POWERS = st.floats(0.01, 1e6)


@settings(max_examples=60, deadline=None)
@given(
    share=SHARES,
    power=POWERS,
    energy=st.floats(0.01, 1e7),
    then=st.floats(0.01, 1e7),
    coverage=st.floats(0.5, 1.0),
    language=st.sampled_from(LANGUAGES),
)
def test_numbers_in_words_are_the_indicators_to_printed_precision(
    share: float, power: float, energy: float, then: float, coverage: float, language: str
) -> None:
    texts = texts_for(language)
    given_ = {
        "pv_energy": kpi(energy, "kWh", coverage),
        "renewable_share": kpi(share, "1", coverage),
        "fuel_cell_reliability": kpi(share, "1", coverage),
        "battery_tracking_rmse": kpi(power, "kW", coverage),
        "self_sufficiency": kpi(share, "1", coverage),
        "peak_import": kpi(power, "kW", coverage),
        "grid_export_energy": kpi(energy, "kWh", coverage),
    }
    facts = facts_of(before=kpis_of(MDS, pv_energy=kpi(then, "kWh")), kpis=kpis_of(MDS, **given_))
    findings = find_all(facts, texts)
    for name, one in given_.items():
        assert one.value is not None
        number, unit = kpi_quantity(name, one.value, one.unit, texts)
        shown = f"{number}\N{NO-BREAK SPACE}{unit}"
        covered = f"{texts.share(coverage)}\N{NO-BREAK SPACE}%"
        assert any(shown in f.text and covered in f.text for f in findings), (name, shown)
        scale = 100 if one.unit == "1" else 1
        cut = name == "fuel_cell_reliability"
        decimals = len(re.split(r"[.,]", number)[-1]) if re.search(r"[.,]\d{1,2}$", number) else 0
        read = re.sub(r"[^0-9.,−]", "", number)
        read = read.replace(",", "") if language == "en" else read.replace(",", ".")
        error = abs(float(read) - scale * one.value)
        assert error <= (1.0 if cut else 0.5) * 10**-decimals * (1 + 1e-6) + 1e-9


def test_coverage_by_day_marks_low_days_and_days_without_data() -> None:
    facts = facts_of(days=days_of(MDS, month_window("2022-07", ZONE), 8640))
    heat = coverage_map(facts, EN)
    at = heat.row_names.index("PV")
    assert heat.colours[at] == (-1,)
    assert heat.texts[at] == ("",)
    partly = coverage_map(facts_of(days=days_of(MDS, month_window("2022-07", ZONE), 864)), EN)
    assert partly.texts[at] == ("90",)
    rows = {row[0]: row for row in channel_table(facts, EN).rows}
    assert plain(" ".join(rows["PV (pv_power)"])) == "PV (pv_power) 0.0 % 24.0 1"


def test_an_outage_that_touches_the_period_may_be_longer() -> None:
    long = outage(5.0).model_copy(update={"from_start": True, "to_end": True})
    facts = facts_of(days=days_of(MDS, month_window("2022-07", ZONE), outages=[long]))
    (row,) = outage_table(facts, EN).rows
    assert row == ("3 Jul 2022 00:00:00 or before", "3 Jul 2022 05:00:00 or later", "5.0")


def test_the_page_on_reports_has_every_rule_as_the_report_says_it() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/reports.md").read_text(encoding="utf-8")
    lacking = [
        one.code for one in rules() if f"| {one.code} | {plain(one.meaning(EN))} |" not in page
    ]
    assert lacking == []
