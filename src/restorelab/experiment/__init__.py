"""Sweeps: one chapter at every point of a grid, each point in a run folder of its own, and one table of what came of them.

Nothing here starts anything (`restorelab sweep` does): a sweep can be laid out, looked at and tabled wherever its folder can be read.
"""

from restorelab.experiment.grid import Point, Sweep
from restorelab.experiment.table import Row, collect

__all__ = ["Point", "Row", "Sweep", "collect"]
