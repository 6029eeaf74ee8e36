"""Mistakes of the user that only the simulation knows."""

from __future__ import annotations

from microgrid_lib.errors import MicrogridError


class PlantError(MicrogridError):
    """A plant that can't exist or can't be simulated: names the parameter and its value."""


class ScenarioError(MicrogridError):
    """A scenario that can't be meant: names the setting, its value and what is allowed."""
