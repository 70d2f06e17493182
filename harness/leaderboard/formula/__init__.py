"""A program's law as a formula, read from its text: nothing of the program is ever executed.

Data flow: ``client`` (in the process that writes pages) asks ``worker`` (a child that can be
killed), which reads the text (``module_level``, ``statements``, ``interpreter`` and what they call)
into one expression (``symbolic``), names its symbols (``naming``) and writes it (``printing``).
What comes back is checked (``mathml``).
"""

from harness.leaderboard.formula.client import Formula, FormulaWorker

__all__ = ["Formula", "FormulaWorker"]
