"""Charts and pictures two a row, each drawn by a view that is made once."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets

from microgrid_lib.dashboard.charts import ChartView, Save, Zoom
from microgrid_lib.dashboard.pictures import PictureView, picture_view
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.pictures import Picture
from microgrid_lib.present.texts import Texts


class ChartGrid:
    """Charts over time and other pictures, in the order they are shown.

    Parameters
    ----------
    zoom, save
        See `ChartView`.

    Attributes
    ----------
    views, pictures
        The views made so far, by name.
    """

    def __init__(self, zoom: Zoom | None = None, save: Save | None = None) -> None:
        self._zoom = zoom
        self._save = save
        self.views: dict[str, ChartView] = {}
        self.pictures: dict[str, PictureView[Picture]] = {}
        self.widget = widgets.Box().add_class("mg-charts")

    def show(self, drawn: Sequence[Chart | Picture], texts: Texts) -> None:
        """Draw these and no others."""
        shown = tuple(self._shown(one, texts) for one in drawn)
        if self.widget.children != shown:
            self.widget.children = shown

    def _shown(self, one: Chart | Picture, texts: Texts) -> widgets.Widget:
        if isinstance(one, Chart):
            if one.name not in self.views:
                self.views[one.name] = ChartView(self._zoom, self._save)
            self.views[one.name].show(one, texts)
            return self.views[one.name].widget
        if one.name not in self.pictures:
            self.pictures[one.name] = picture_view(one)
        self.pictures[one.name].show(one, texts)
        return self.pictures[one.name].widget
