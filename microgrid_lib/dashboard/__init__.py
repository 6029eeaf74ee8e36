"""The Voilà dashboard: state, cards, charts, sections, and the app that puts them together.

>>> from microgrid_lib.dashboard.app import Dashboard  # doctest: +SKIP
>>> app = Dashboard()  # doctest: +SKIP
"""
