"""Notebooks as reports: run with parameters, and typeset."""
