"""What is forecast."""

from __future__ import annotations

FORECAST_ROLES = ("bus_voltage", "load", "critical_load", "grid", "pv")
"""Roles that are forecast, where a profile has them."""
