"""From data files to the store: reading, cleaning, loading, and the demo data."""
