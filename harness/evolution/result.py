"""What a search ends with: a law, written as a program, and why it was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.evolution.choose import Choice, choose, starts_of
from harness.evolution.emit import Emission, write_program
from harness.evolution.fitness import start_points
from harness.evolution.formula import formula
from harness.evolution.proposals import Entry
from harness.evolution.search import Search

_MOST_STARTS = 8
_USUAL_STARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A program to file."""

    source: str
    entry: Entry
    formula: str
    """The law in one line; for text of others, what there is to say."""
    why: str
    """Why this one."""
    choice: Choice | None


def result_of(search: Search) -> Result | None:
    """Return the program that a search ends with; None where nothing could be fitted.

    Program text of a model takes the place of the best tree only when the search folds like it
    better by more than the trees' margin over their own runner-up: it cannot be judged on guard
    folds without running it there, which the caller may do with a gateway of its own.

    Args:
        search: A search that is over.
    """
    choice = choose(search)
    if choice is None:
        return None
    law, side = choice.chosen.law, search.side
    found = starts_of(choice.chosen, _MOST_STARTS - _USUAL_STARTS)
    usual = start_points(law, _USUAL_STARTS)
    starts = np.concatenate([found, usual]) if law.slots else usual
    how = choice.chosen.entry.proposal.how
    about = Emission(side.title, search.rows.axes, search.rows.targets, starts, origin(how))
    text = formula(law, side.feature_names, side.target_names)
    return Result(write_program(law, about), choice.chosen.entry, text, choice.why, choice)


def origin(how: str) -> str:
    """Return a sentence on where a law comes from."""
    return f"Found by evolution on the train rows, selected on extrapolation folds: {how}."
