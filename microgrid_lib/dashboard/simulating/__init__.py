"""The simulation on the page: its state, its controls, its tables, and the part that holds them."""
