"""Cards, charts and energies of the Storage section."""

from __future__ import annotations

from typing import Any

from microgrid_lib.dashboard.bars import BarsView
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.notices import notice_html
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.base import ModelPart
from microgrid_lib.dashboard.parts.model import PartModel
from microgrid_lib.dashboard.parts.numbers import NumbersView
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.charts import Chart
from microgrid_lib.present.storage import (
    SOC,
    STORAGE,
    StorageContent,
    prepare_storage,
    zoom_soc,
)
from microgrid_lib.report.pages import Passage
from microgrid_lib.report.storage import storage_passage
from microgrid_lib.window import Window


class StorageView(NumbersView):
    """Cards and charts, of which the state of charge isn't a role's series."""

    def __init__(self) -> None:
        super().__init__(STORAGE)

    def zoom(self, chart: Chart, window: Window) -> Chart | None:
        """Describe a stretch of one of the charts; None where there is nothing to show."""
        loaded = self._loaded
        if chart.name != SOC or loaded is None:
            return super().zoom(chart, window)
        try:
            return zoom_soc(loaded.data, window, loaded.texts, chart.origin)
        except MicrogridError:
            return None


class StoragePart(ModelPart):
    """What the battery holds, and what it and the fuel cell give."""

    def __init__(self, _page: Page) -> None:
        super().__init__(PartModel(_prepare))
        self.view = StorageView()
        self.energy = BarsView()
        self.widget = self.view.widget
        self.model.observe(self._draw, names=["version"])

    def passage(self) -> Passage | None:
        """Cards and energies as tables, and charts."""
        content: StorageContent | None = self.model.content
        return None if content is None else storage_passage(content, self.model.loaded.texts)

    def _draw(self, _: Any) -> None:
        loaded: Loaded = self.model.loaded
        content: StorageContent | None = self.model.content
        if content is None:
            self.view.say(notice_html(loaded.texts, self.model.status, self.model.message))
            return
        also = []
        if content.energy is not None:
            self.energy.show(content.energy, loaded.texts)
            also.append(self.energy.widget)
        self.view.show(content, loaded, also)


def _prepare(loaded: Loaded) -> StorageContent:
    return prepare_storage(loaded.data, loaded.window, loaded.texts, loaded.against)
