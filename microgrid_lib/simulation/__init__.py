"""24-hour simulation of a microgrid: dispatch, voltages, frequency, transients, calibration."""
