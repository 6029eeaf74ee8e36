"""Reports and alerts on schedule: what `schedule.toml` says, when it is due, who is told.

What is due, running and done lies in the database, so a scheduler may be stopped or killed at any
time: the next one takes up what it left. `Runner.run_due` is all of it; `service` calls it at the
right times.
"""
