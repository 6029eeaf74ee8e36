"""Who may log in to the dashboard: names, roles and password hashes.

`AccountStore.open(settings)` (in `store`) is the way in.
"""
