"""A synthetic plant with a known truth, in the exact format of the Mesa del Sol files."""

from microgrid_lib.ingest.demo.plan import DemoPlan
from microgrid_lib.ingest.demo.write import write_demo

__all__ = ["DemoPlan", "write_demo"]
