"""Weather forecasts: only what had been issued, from files and from an address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_lib.forecast.errors import WeatherError
from microgrid_lib.forecast.weather import WeatherTable, file_weather, url_weather

TABLE = """issue_time,time,ghi
2022-05-01T00:00Z,2022-05-01T12:00Z,500
2022-05-01T06:00Z,2022-05-01T12:00Z,600
2022-05-01T13:00Z,2022-05-01T12:00Z,777
2022-05-01T06:00Z,2022-05-01T13:00Z,
"""
NOON = pd.DatetimeIndex(["2022-05-01T12:00Z", "2022-05-01T13:00Z", "2022-05-01T14:00Z"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weather.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("origin", "expected"),
    [("2022-04-30T23:00Z", np.nan), ("2022-05-01T00:00Z", 500), ("2022-05-01T05:59Z", 500),
     ("2022-05-01T06:00Z", 600), ("2022-05-01T12:00Z", 600), ("2022-05-01T13:00Z", 777)],
)  # fmt: skip
def test_the_newest_forecast_issued_by_the_origin_counts(
    file: Path, origin: str, expected: float
) -> None:
    found = file_weather(file).at(pd.Timestamp(origin), NOON)
    np.testing.assert_array_equal(found[:, 0], [expected, np.nan, np.nan])
    assert np.isnan(found[:, 1]).all()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), min_size=1), st.integers(0, 60))
def test_weather_equals_its_naive_twin(rows: list[tuple[int, int]], origin: int) -> None:
    start = pd.Timestamp("2022-05-01T00:00Z")
    frame = pd.DataFrame(
        {
            "issue_time": [(start + pd.Timedelta(hours=i)).isoformat() for i, _ in rows],
            "time": [(start + pd.Timedelta(hours=t)).isoformat() for _, t in rows],
            "temp_air": np.arange(len(rows), dtype=float),
        }
    )
    times = pd.date_range(start, periods=40, freq="h")
    found = WeatherTable.from_frame(frame, "x").at(start + pd.Timedelta(hours=origin), times)[:, 1]
    for hour, value in enumerate(found):
        known = [(i, n) for n, (i, t) in enumerate(rows) if t == hour and i <= origin]
        if known:
            assert value == max(known)[1]
        else:
            assert np.isnan(value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "can't be read"),
        ("time,ghi\n", "'issue_time' is missing"),
        ("issue_time,time,rain\n", "none of the columns ghi, temp_air"),
        ("issue_time,time,ghi\n2022-05-01T00:00,2022-05-01T00:00Z,1\n", "needs an offset"),
        ("issue_time,time,ghi\nyesterday,2022-05-01T00:00Z,1\n", "'issue_time'"),
        ("issue_time,time,ghi\n2022-05-01T00:00Z,2022-05-01T00:30Z,1\n", "on the hour"),
        ("issue_time,time,ghi\n2022-05-01T00:00Z,2022-05-01T00:00Z,sunny\n", "'ghi'"),
    ],
)
def test_a_broken_table_is_one_clear_line(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "weather.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WeatherError, match=problem) as caught:
        file_weather(path)
    assert "\n" not in str(caught.value)
    assert "weather.csv" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match=r"nothing\.csv: can't be read"):
        file_weather(tmp_path / "nothing.csv")


@pytest.fixture
def address() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/weather.csv" else 404)
            self.end_headers()
            self.wfile.write(TABLE.encode())

        def log_message(self, *parts: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_address_gives_the_same_table(address: str, file: Path) -> None:
    origin = pd.Timestamp("2022-05-01T06:00Z")
    found = url_weather(f"{address}/weather.csv").at(origin, NOON)
    np.testing.assert_array_equal(found, file_weather(file).at(origin, NOON))


def test_an_address_that_fails_is_one_clear_line(address: str) -> None:
    with pytest.raises(WeatherError, match="404"):
        url_weather(f"{address}/nothing")
    with pytest.raises(WeatherError, match="only http and https"):
        url_weather("file:///etc/hostname")
