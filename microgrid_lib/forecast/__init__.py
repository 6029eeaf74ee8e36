"""Forecasts: baselines, models, intervals, backtests, and the registry of trained models."""
