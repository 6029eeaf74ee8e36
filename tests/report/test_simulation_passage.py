"""A simulated day on paper."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from microgrid_lib.present.simulation import Pair
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report.blocks import Paragraph
from microgrid_lib.report.simulation import simulation_passage
from microgrid_lib.simulation.day import average_day
from microgrid_lib.simulation.simulate import simulate
from microgrid_lib.site import load_site
from tests.simulation.sites import DAY, ZONE, mds_plant, minute_index


def test_an_average_day_says_of_which_days() -> None:
    frame = pd.DataFrame({"load": 100.0, "battery": 0.0}, index=minute_index(2880))
    day = average_day(frame, "test", DAY, DAY + timedelta(days=1), ZONE)
    result = simulate(mds_plant(), day)
    passage = simulation_passage(Pair(result, result), load_site("mesa_del_sol"), texts_for("en"))
    said = [block.text for block in passage.blocks if isinstance(block, Paragraph)]
    assert said[0] == "average day of 2022-08-15 – 2022-08-16"
