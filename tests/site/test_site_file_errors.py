"""Each broken site file gives one line that names file, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid_lib.errors import SiteError, UnknownNameError
from microgrid_lib.site import load_site

GOOD = """
schema_version = 1
name = "depot"
title = "Depot"
interval_s = 900
source_timezone = "Europe/Paris"
display_timezone = "Europe/Paris"
latitude = 48.6
longitude = 7.7
sentinels = [-999.0]
default_profile = "metered"

[nominal]
voltage_v = 400.0
frequency_hz = 50.0

[ratings]
pv_kw = 120.0

[battery]
deadband_kw = 0.2

[[sources]]
name = "meter"
files = ["meter*.csv"]
time_columns = ["Zeit"]
time_formats = ["%d.%m.%Y %H:%M"]
columns = { pv_power = "PV", net_power = "Netz" }

[[sources]]
name = "storage"
files = ["storage*.csv"]
columns = { battery_power = "Batterie" }

[channels.pv_power]

[channels.battery_power]
factor = -1.0

[channels.net_power]
columns = ["Netz"]
unit = "kW"
range = [-500.0, 500.0]

[profiles.metered]
title = "Metered"
reading = "balance"

[profiles.metered.roles]
pv = "pv_power"
battery = "battery_power"
grid = "net_power"
load = "grid + pv + battery_power"

[[evidence]]
channel = "battery_power"

[[evidence.readings]]
name = "balance"
residual = "net_power + pv_power"
"""

SECOND_PROFILE = '[profiles.other]\ntitle = "Other"\n[profiles.other.roles]\n'

# What to replace, by what, the key named, and what the line must say.
BROKEN = {
    "a key that is missing": ("latitude = 48.6\n", "", "latitude", ["is missing"]),
    "a table that is missing": (
        "[nominal]\nvoltage_v = 400.0\nfrequency_hz = 50.0\n",
        "",
        "nominal",
        ["is missing"],
    ),
    "a key nobody knows": (
        "voltage_v = 400.0",
        "voltage_v = 400.0\nphases = 3",
        "nominal.phases",
        ["no such key", "voltage_v, frequency_hz"],
    ),
    "an unknown key of a source": (
        'name = "meter"',
        'name = "meter"\nseparator = ";"',
        "sources.0.separator",
        ["no such key", "delimiter"],
    ),
    "an unknown key of a channel": (
        "factor = -1.0",
        "sign = -1.0",
        "channels.battery_power.sign",
        ["no such key", "factor"],
    ),
    "text where a number belongs": (
        "interval_s = 900",
        'interval_s = "900"',
        "interval_s",
        ["whole number", "'900'"],
    ),
    "a truth where a number belongs": (
        "latitude = 48.6",
        "latitude = true",
        "latitude",
        ["must be a number", "true"],
    ),
    "a number where a truth belongs": (
        "interval_s = 900",
        "interval_s = 900\nlive = 1",
        "live",
        ["true or false", "1"],
    ),
    "a number where text belongs": ('title = "Depot"', "title = 7", "title", ["text", "7"]),
    "text where a list belongs": (
        'files = ["meter*.csv"]',
        'files = "meter*.csv"',
        "sources.0.files",
        ["must be a list", "'meter*.csv'"],
    ),
    "a value where a table belongs": (
        "[ratings]\npv_kw = 120.0\n",
        "",
        "ratings",
        ["must be a table", "5"],
    ),
    "a title of two lines": (
        'title = "Depot"',
        'title = "De\\npot"',
        "title",
        ["one line", "'De\\\\npot'"],
    ),
    "a name with a space": (
        'name = "depot"',
        'name = "My depot"',
        "name",
        ["lower-case", "'My depot'"],
    ),
    "an interval that divides nothing": (
        "interval_s = 900",
        "interval_s = 7",
        "interval_s",
        ["7", "divide 300"],
    ),
    "an interval that summaries can't hold": (
        "interval_s = 900",
        "interval_s = 120",
        "interval_s",
        ["120", "300"],
    ),
    "an interval of no length": ("interval_s = 900", "interval_s = 0", "interval_s", ["0"]),
    "a zone that doesn't exist": (
        'source_timezone = "Europe/Paris"',
        'source_timezone = "Europe/Pariss"',
        "source_timezone",
        ["'Europe/Pariss'", "Europe/Paris", "UTC-07:00"],
    ),
    "a zone that depends on the machine": (
        'display_timezone = "Europe/Paris"',
        'display_timezone = "localtime"',
        "display_timezone",
        ["'localtime'"],
    ),
    "a latitude off the globe": (
        "latitude = 48.6",
        "latitude = 486.0",
        "latitude",
        ["90", "486.0"],
    ),
    "a latitude that isn't a number": (
        "latitude = 48.6",
        "latitude = nan",
        "latitude",
        ["nan"],
    ),
    "a sentinel without end": ("[-999.0]", "[inf]", "sentinels.0", ["finite", "inf"]),
    "a negative rating": (
        "pv_kw = 120.0",
        "pv_kw = -120.0",
        "ratings.pv_kw",
        ["greater than 0", "-120.0"],
    ),
    "a rating without end": ("pv_kw = 120.0", "pv_kw = inf", "ratings.pv_kw", ["finite"]),
    "a capacity without efficiencies": (
        "deadband_kw = 0.2",
        "capacity_kwh = 50.0",
        "battery.eta_charge",
        ["is missing", "capacity_kwh"],
    ),
    "a usable band upside down": (
        "deadband_kw = 0.2",
        "soc_min = 0.9\nsoc_max = 0.3",
        "battery.soc_min",
        ["0.9", "0.3"],
    ),
    "limits that don't nest": (
        "[battery]",
        "[limits]\nvoltage_a = [0.85, 1.05]\n[battery]",
        "limits.voltage_a",
        ["[0.85, 1.05]", "voltage_b"],
    ),
    "a warning above the critical limit": (
        "[battery]",
        "[limits]\nfrequency_warning = 0.05\n[battery]",
        "limits.frequency_warning",
        ["0.05", "0.02"],
    ),
    "a range upside down": (
        "range = [-500.0, 500.0]",
        "range = [500.0, -500.0]",
        "channels.net_power.range",
        ["[500.0, -500.0]", "lower limit first"],
    ),
    "a range of nan": (
        "range = [-500.0, 500.0]",
        "range = [nan, 500.0]",
        "channels.net_power.range.0",
        ["finite", "nan"],
    ),
    "a range of one number": (
        "range = [-500.0, 500.0]",
        "range = [-500.0]",
        "channels.net_power.range",
        ["two numbers", "[-500.0]"],
    ),
    "a range of three numbers": (
        "range = [-500.0, 500.0]",
        "range = [-500.0, 0.0, 500.0]",
        "channels.net_power.range",
        ["at most 2"],
    ),
    "a factor of zero": ("factor = -1.0", "factor = 0", "channels.battery_power.factor", ["0"]),
    "a unit nobody knows": (
        'unit = "kW"',
        'unit = "W"',
        "channels.net_power.unit",
        ["'kW'", "'degC'", "'W'"],
    ),
    "an own channel without a range": (
        "range = [-500.0, 500.0]\n",
        "",
        "channels.net_power.range",
        ["is missing", "'net_power'"],
    ),
    "a channel without columns": (
        'columns = ["Netz"]',
        "columns = []",
        "channels.net_power.columns",
        ["at least one entry"],
    ),
    "a column name without a letter": (
        'pv_power = "PV"',
        'pv_power = "--"',
        "sources.0.columns.pv_power",
        ["'--'"],
    ),
    "a channel named like a keyword": (
        "[channels.net_power]",
        "[channels.lambda]",
        "channels.lambda",
        ["'lambda'", "reserved"],
    ),
    "a channel named like a column of the store": (
        "[channels.net_power]",
        "[channels.time]",
        "channels.time",
        ["'time'", "reserved"],
    ),
    "a channel with an odd name": (
        "[channels.net_power]",
        '[channels."Net\\npower"]',
        "channels.'Net\\\\npower'",
        ["lower-case"],
    ),
    "a source without files": (
        'files = ["meter*.csv"]',
        "files = []",
        "sources.0.files",
        ["at least one entry"],
    ),
    "a pattern with a folder": (
        'files = ["meter*.csv"]',
        'files = ["in/meter*.csv"]',
        "sources.0.files.0",
        ["'in/meter*.csv'", "without folders"],
    ),
    "a source that brings an unknown channel": (
        'net_power = "Netz" }',
        'net_power = "Netz", wind = "Wind" }',
        "sources.0.columns.wind",
        ["no such channel", "net_power"],
    ),
    "a channel that no source brings": (
        ', net_power = "Netz" }',
        " }",
        "channels.net_power",
        ["no source brings"],
    ),
    "a channel from two sources": (
        'battery_power = "Batterie" }',
        'battery_power = "Batterie", pv_power = "PV" }',
        "sources.1.columns",
        ["'pv_power'", "'meter'"],
    ),
    "two sources of one name": (
        'name = "storage"',
        'name = "meter"',
        "sources.1.name",
        ["'meter'", "twice"],
    ),
    "one column for two channels": (
        'net_power = "Netz"',
        'net_power = "pv"',
        "sources.0.columns.net_power",
        ["'pv'", "'PV'", "pv_power"],
    ),
    "a column that is the time's": (
        'net_power = "Netz"',
        'net_power = "ZEIT"',
        "sources.0.columns.net_power",
        ["'ZEIT'", "the time"],
    ),
    "two sources for the same files and columns": (
        'files = ["storage*.csv"]\ncolumns = { battery_power = "Batterie" }',
        'files = ["*.CSV"]\ncolumns = { battery_power = "pv" }',
        "sources.1.files",
        ["'*.CSV'", "'meter*.csv'", "'pv'"],
    ),
    "a time format with an unknown part": (
        "%d.%m.%Y %H:%M",
        "%d.%m.%Q %H:%M",
        "sources.0.time_formats.0",
        ["%Q", "%Y"],
    ),
    "a time format without a year": (
        "%d.%m.%Y %H:%M",
        "%d.%m. %H:%M",
        "sources.0.time_formats.0",
        ["year"],
    ),
    "a 12-hour clock without its half": (
        "%d.%m.%Y %H:%M",
        "%d.%m.%Y %I:%M",
        "sources.0.time_formats.0",
        ["%p"],
    ),
    "a delimiter nobody uses": (
        'name = "meter"',
        'name = "meter"\ndelimiter = ":"',
        "sources.0.delimiter",
        ["';'", "':'"],
    ),
    "a delimiter that is the decimal sign": (
        'name = "meter"',
        'name = "meter"\ndelimiter = ","\ndecimal = ","',
        "sources.0.delimiter",
        ["decimal sign"],
    ),
    "a default profile that isn't there": (
        'default_profile = "metered"',
        'default_profile = "guessed"',
        "default_profile",
        ["'guessed'", "metered"],
    ),
    "a role nobody knows": (
        'pv = "pv_power"',
        'solar = "pv_power"',
        "profiles.metered.roles.solar",
        ["no such role", "pv, battery"],
    ),
    "a role of an unknown channel": (
        'pv = "pv_power"',
        'pv = "pv_pover"',
        "profiles.metered.roles.pv",
        ["'pv_pover'", "pv_power"],
    ),
    "a role in another unit": (
        'pv = "pv_power"',
        'pv = "pv_power"\nbus_voltage = "net_power"',
        "profiles.metered.roles.bus_voltage",
        ["'net_power'", "kW", "V"],
    ),
    "roles in a circle": (
        'grid = "net_power"',
        'grid = "load - pv"',
        "profiles.metered.roles.grid",
        ["grid -> load -> grid", "circle"],
    ),
    "a role of itself": (
        'grid = "net_power"',
        'grid = "grid + 1"',
        "profiles.metered.roles.grid",
        ["grid -> grid"],
    ),
    "a profile without roles": (
        "[[evidence]]",
        f"{SECOND_PROFILE}[[evidence]]",
        "profiles.other.roles",
        ["at least one entry"],
    ),
    "a reason for a role that is given": (
        "[[evidence]]",
        '[profiles.metered.reasons]\npv = "none"\n[[evidence]]',
        "profiles.metered.reasons.pv",
        ["given in roles"],
    ),
    "a reading that evidence doesn't have": (
        'reading = "balance"',
        'reading = "guess"',
        "profiles.metered.reading",
        ["'guess'", "balance"],
    ),
    "an expression that calls": (
        '"grid + pv + battery_power"',
        "\"__import__('os').getcwd()\"",
        "profiles.metered.roles.load",
        ["isn't allowed"],
    ),
    "an expression that is cut off": (
        '"grid + pv + battery_power"',
        '"grid +"',
        "profiles.metered.roles.load",
        ["'grid +'", "arithmetic"],
    ),
    "an expression nested too deep": (
        '"grid + pv + battery_power"',
        '"' + "-" * 400 + 'pv"',
        "profiles.metered.roles.load",
        ["nested deeper"],
    ),
    "an expression that is huge": (
        '"grid + pv + battery_power"',
        '"' + "pv+" * 5000 + 'pv"',
        "profiles.metered.roles.load",
        ["15002 characters", "500"],
    ),
    "an expression without a name": (
        '"grid + pv + battery_power"',
        '"3 * 4"',
        "profiles.metered.roles.load",
        ["'3 * 4'", "no channel"],
    ),
    "evidence on an unknown channel": (
        "[[evidence]]\nchannel",
        '[[evidence]]\nsetpoint = "order"\nchannel',
        "evidence.0.setpoint",
        ["'order'", "pv_power"],
    ),
    "evidence of an unknown channel": (
        '"net_power + pv_power"',
        '"net_power + wind"',
        "evidence.0.readings.0.residual",
        ["'wind'", "pv_power"],
    ),
    "evidence with half a step": (
        "[[evidence]]",
        '[[evidence]]\nstep_of = "net_power"',
        "evidence.0.step_with",
        ["is missing"],
    ),
    "two readings of one name": (
        'residual = "net_power + pv_power"',
        'residual = "net_power"\n[[evidence.readings]]\nname = "balance"\nresidual = "pv_power"',
        "evidence.0.readings",
        ["'balance'", "twice"],
    ),
    "a version to come": (
        "schema_version = 1",
        "schema_version = 2",
        "schema_version",
        ["must be 1", "2"],
    ),
}


def _written(folder: Path, text: str) -> Path:
    path = folder / "depot.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _line(path: Path) -> SiteError:
    with pytest.raises(SiteError) as caught:
        load_site(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value


def test_the_file_that_the_others_are_made_of_is_good(tmp_path: Path) -> None:
    site = load_site(_written(tmp_path, GOOD))
    assert site.profile().roles == ("pv", "battery", "grid", "load")


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_with_key_value_and_choice(case: str, tmp_path: Path) -> None:
    old, new, key, words = BROKEN[case]
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if case == "a value where a table belongs":
        text = "ratings = 5\n" + text
    if case.startswith("a channel named") or case == "a channel with an odd name":
        text = text.replace(', net_power = "Netz"', "")
    error = _line(_written(tmp_path, text))
    assert error.key == key.replace("\\\\", "\\")
    for word in words:
        assert word.replace("\\\\", "\\") in error.problem


def test_several_problems_are_counted(tmp_path: Path) -> None:
    text = GOOD.replace("latitude = 48.6\n", "").replace("longitude = 7.7\n", "")
    assert _line(_written(tmp_path, text)).problem == "is missing (and 1 more)"


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        (
            "interval_s = 900",
            "intervall_s = 900",
            "intervall_s",
            "did you mean interval_s? allowed",
        ),
        ("[nominal]", "[nominals]", "nominals", "did you mean nominal? allowed"),
        (
            'title = "Metered"',
            'titel = "Metered"',
            "profiles.metered.titel",
            "did you mean title? allowed",
        ),
        ("interval_s = 900", "interval_s = 900\nxyz = 1", "xyz", "no such key; allowed"),
        ('"%d.%m.%Y %H:%M"', '"%H:%M"', "sources.0.time_formats.0", "'%H:%M' must give"),
        (
            'name = "meter"',
            'name = "meter"\nencoding = "cp1252"',
            "sources.0.encoding",
            "must be 'utf-8', 'latin-1' or 'utf-16', not 'cp1252'",
        ),
    ],
)
def test_a_single_mistake_is_named_and_counts_once(
    old: str, new: str, key: str, problem: str, tmp_path: Path
) -> None:
    error = _line(_written(tmp_path, GOOD.replace(old, new)))
    assert error.key == key
    assert problem in error.problem
    assert "more)" not in error.problem


def test_an_unknown_key_is_named_before_what_else_is_wrong(tmp_path: Path) -> None:
    text = GOOD.replace("interval_s = 900", "intervall_s = 900").replace("latitude = 48.6\n", "")
    error = _line(_written(tmp_path, text))
    assert error.key == "intervall_s"
    assert error.problem.endswith("(and 1 more)")


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "depot.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_site(path).name == "depot"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is missing"),
        (b"name = ", "isn't valid TOML"),
        (b'name = "a"\nname = "b"\n', "isn't valid TOML"),
        (b"interval_s = " + b"9" * 5000, "isn't valid TOML"),
        (b"x = " + b"[" * 20000, "isn't valid TOML"),
        (b'title = "D\xe9p\xf4t"\n', "isn't UTF-8 text (byte 10)"),
        (b"\x00", "isn't valid TOML"),
    ],
    ids=["empty", "cut off", "key twice", "huge number", "deep", "latin-1", "nul"],
)
def test_a_file_that_is_no_toml_says_so_in_one_line(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "depot.toml"
    path.write_bytes(content)
    assert words in _line(path).problem


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert _line(tmp_path / "depot.toml").problem == "no such file"


def test_a_folder_is_no_site_file(tmp_path: Path) -> None:
    assert "can't be read" in _line(tmp_path).problem


def test_a_path_with_a_nul_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="can't be read"):
        load_site("a\0b.toml")


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'depot'; known: .*mesa_del_sol, trade_street"):
        load_site("depot", home=tmp_path)


def test_a_home_overlays_the_shipped_sites(tmp_path: Path) -> None:
    (tmp_path / "sites").mkdir()
    mine = GOOD.replace('name = "depot"', 'name = "mesa_del_sol"')
    (tmp_path / "sites" / "mesa_del_sol.toml").write_text(mine, encoding="utf-8")
    assert load_site("mesa_del_sol", home=tmp_path).title == "Depot"
    assert load_site("trade_street", home=tmp_path).title == "Trade Street"


def test_a_named_site_must_bear_its_files_name(tmp_path: Path) -> None:
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "barn.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(SiteError, match=r"barn\.toml: name: 'depot' must equal .*'barn'"):
        load_site("barn", home=tmp_path)
    assert load_site(tmp_path / "sites" / "barn.toml").name == "depot"
