"""Score candidate scaling laws on held-out splits, isolated and in parallel.

For notebooks: ``evaluate``, ``discover``, ``load_task`` and ``standings``. Everything is imported
on first use, so that a command with nothing to do does not pay for numpy and pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api import evaluate, load_task, standings
    from harness.errors import UserError
    from harness.evaluation.records import Evaluation
    from harness.evolution.discover import discover

__all__ = ["Evaluation", "UserError", "discover", "evaluate", "load_task", "standings"]

_WHERE = {
    "Evaluation": "harness.evaluation.records",
    "UserError": "harness.errors",
    "discover": "harness.evolution.discover",
    "evaluate": "harness.api",
    "load_task": "harness.api",
    "standings": "harness.api",
}


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    if name not in _WHERE:
        msg = f"module 'harness' has no attribute {name!r}"
        raise AttributeError(msg)
    import importlib

    return getattr(importlib.import_module(_WHERE[name]), name)
