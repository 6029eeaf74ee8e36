"""Figures on paper show what the page shows: asked of the drawn marks, not of pixels."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from subprocess import run

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from microgrid_lib.present.charts import Line, Ribbon, Span
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report.figures import chart_figure, figure_block, figure_svg
from microgrid_lib.report.palette import colour, palette
from tests.dashboard.test_tokens import themes
from tests.report.samples import HOSTILE, chart

EN = texts_for("en")


def drawn(**changes: object) -> Axes:
    (axes,) = chart_figure(replace(chart(), **changes), EN).axes  # type: ignore[arg-type]
    return axes


def line(axes: Axes, name: str) -> Line2D:
    (found,) = [one for one in axes.lines if one.get_gid() == name]
    return found


def boxes(axes: Axes, token: str) -> list[Rectangle]:
    shapes = [p for p in axes.patches if isinstance(p, Rectangle)]
    return [p for p in shapes if to_hex(p.get_facecolor()) == colour(token)]


def test_the_colours_of_print_are_the_light_ones_of_the_page() -> None:
    assert dict(palette()) == themes()["light"]
    assert colour("pv") == "#e69f00"
    assert colour("ink") == colour("no such token") == "#18212b"


def test_lines_carry_the_values_of_the_chart() -> None:
    shown = line(drawn(), "battery")
    np.testing.assert_array_equal(shown.get_xdata(), chart().lines[0].x)
    np.testing.assert_array_equal(shown.get_ydata(), chart().lines[0].y)
    assert to_hex(shown.get_color()) == colour("battery")


def test_a_set_point_is_dashed_and_grey() -> None:
    axes = drawn()
    setpoint = line(axes, "battery_setpoint")
    assert to_hex(setpoint.get_color()) == colour("setpoint")
    assert setpoint.is_dashed()
    assert not line(axes, "battery").is_dashed()


def test_the_envelope_reaches_from_the_smallest_to_the_largest_sample() -> None:
    (envelope,) = [c for c in drawn().collections if c.get_gid() == "envelope"]
    corners = np.concatenate([path.vertices for path in envelope.get_paths()])
    low, high = chart().lines[0].low, chart().lines[0].high
    assert low is not None
    assert high is not None
    assert (corners[:, 1].min(), corners[:, 1].max()) == (np.nanmin(low), np.nanmax(high))
    assert len(envelope.get_paths()) == 1 + np.count_nonzero(np.diff(np.isfinite(low) * 1) == 1)


def test_single_samples_have_no_envelope() -> None:
    bare = tuple(replace(one, low=None, high=None) for one in chart().lines)
    assert [c for c in drawn(lines=bare).collections if c.get_gid() == "envelope"] == []


def test_gaps_are_shaded_where_they_are() -> None:
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in boxes(drawn(), "gap")]
    assert len(spans) == 3
    np.testing.assert_allclose(spans, chart().gaps)


def test_limits_are_bands() -> None:
    (band,) = boxes(drawn(), "band")
    assert (band.get_y(), band.get_y() + band.get_height()) == (-10.0, 10.0)


def test_intervals_are_ribbons_and_meaningful_stretches_spans() -> None:
    x = chart().lines[0].x
    ribbon = Ribbon("90 %", "load", x, np.full_like(x, -5.0), np.full_like(x, 5.0))
    spans = (Span(3600.0, 7200.0, "island"), Span(9000.0, 9900.0, "island"))
    axes = drawn(ribbons=(ribbon,), spans=spans)
    (shown,) = [c for c in axes.collections if c.get_gid() == "ribbon"]
    heights = np.concatenate([path.vertices for path in shown.get_paths()])[:, 1]
    assert (heights.min(), heights.max()) == (-5.0, 5.0)
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in boxes(axes, "span")] == [
        (3600.0, 7200.0),
        (9000.0, 9900.0),
    ]
    legend = axes.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()][2:4] == ["90 %", "island"]


def test_ticks_are_those_of_the_page_in_the_readers_language() -> None:
    shown = chart("fr")
    (axes,) = chart_figure(shown, texts_for("fr")).axes
    assert [t.get_text() for t in axes.get_xticklabels()] == [t.label for t in shown.x_ticks]
    assert [t.get_text() for t in axes.get_yticklabels()] == [t.label for t in shown.y_ticks]
    assert "6 juil." in [t.get_text() for t in axes.get_xticklabels()]
    assert axes.get_xlim() == shown.x_range
    assert axes.get_ylim() == shown.y_range


def test_the_zero_line_is_there_where_signs_matter() -> None:
    def zero(axes: Axes) -> list[Line2D]:
        return [one for one in axes.lines if list(one.get_ydata()) == [0, 0]]

    assert len(zero(drawn())) == 1
    assert zero(drawn(zero_line=False)) == []


def test_the_legend_names_lines_bands_and_gaps_as_they_are() -> None:
    named = tuple(replace(one, label=f"_{one.label} $x$") for one in chart().lines)
    legend = drawn(lines=named).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "_power $x$",
        "_set response $x$",
        "limit_a $x$",
        "no data",
    ]


def test_many_keys_stay_inside_the_figure() -> None:
    one = chart().lines[0]
    labels = [f"quite a long name of a line, the {n}th of them" for n in range(9)] + ["x" * 200]
    figure = chart_figure(
        replace(chart(), lines=tuple(replace(one, label=label) for label in labels)), EN
    )
    figure.savefig(io.BytesIO(), format="svg")
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()][:9] == labels[:9]
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.y1 <= figure.bbox.height + 1
    assert box.y0 >= axes.get_window_extent().y1 - 1


def test_a_value_without_neighbours_is_a_point() -> None:
    x = np.arange(5.0)
    alone = Line(
        "battery", "power", "battery", False, False, x, np.array([1, 2, np.nan, 3, np.nan])
    )
    points = line(drawn(lines=(alone,)), "alone")
    assert list(points.get_xdata()) == [3.0]


def test_a_chart_without_data_says_so() -> None:
    empty = tuple(
        replace(one, y=np.full_like(one.y, np.nan), low=None, high=None) for one in chart().lines
    )
    (axes,) = chart_figure(replace(chart(), lines=empty, summary="Nothing here."), EN).axes
    assert [text.get_text() for text in axes.texts] == ["Nothing here."]


def test_the_same_chart_gives_the_same_svg() -> None:
    first, second = (figure_svg(chart_figure(chart(), EN)) for _ in range(2))
    assert first == second
    assert "<image" not in first
    assert "<text" not in first
    assert not re.search(r"(?:href|url\()=?[\"']?(?:https?|file):", first)


@pytest.mark.parametrize("name", HOSTILE)
def test_any_label_can_be_drawn(name: str) -> None:
    named = tuple(replace(one, label=name) for one in chart().lines)
    assert figure_svg(chart_figure(replace(chart(), lines=named), EN)).startswith("<?xml")


def test_a_block_says_in_words_what_the_picture_shows() -> None:
    block = figure_block(chart(), EN)
    assert block.alt.startswith("Battery power against its set response, kW,")
    assert block.alt.endswith("power: −24.2 to 24.2 kW; set response: −25.0 to 25.0 kW")
    assert block.caption == chart().summary


def test_matplotlib_and_typst_wait_until_something_is_drawn() -> None:
    code = (
        "import sys, microgrid_lib.report, microgrid_lib.dashboard.downloads\n"
        "print(sorted({'matplotlib', 'typst'} & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
