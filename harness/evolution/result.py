"""What a search ends with: a law, written as a program, and why it was chosen."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from harness.evolution.choose import Choice, choose
from harness.evolution.emit import Emission, write_program
from harness.evolution.formula import formula
from harness.evolution.proposals import Entry
from harness.evolution.search import Search
from harness.evolution.starts import program_starts
from harness.evolution.workers import ProgramWorkers


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


def result_of(search: Search, jobs: int | None = None) -> Result | None:
    """Return the program that a search ends with; None where nothing could be fitted.

    Args:
        search: A search that is over.
        jobs: How many program texts are judged at once, in sandboxes, on the guard folds; if not
            given, only trees are chosen among.
    """
    if jobs is None:
        choice = choose(search)
    else:
        made = (search.side, search.rows, search.guards, jobs, search.settings.limits)
        with closing(ProgramWorkers(*made)) as programs:
            choice = choose(search, programs)
    if choice is None:
        return None
    chosen, side = choice.chosen, search.side
    law, proposal = chosen.law, chosen.entry.proposal
    if law is None:
        text = f"program text by {proposal.proposer}: {proposal.how}"
        return Result(proposal.source or "", chosen.entry, text, choice.why, choice)
    starts = program_starts(law, chosen.theta)
    words = origin(proposal.how)
    about = Emission(
        side.title, search.rows.axes, search.rows.targets, starts, words, search.rows.loss
    )
    text = formula(law, search.rows.axes, side.target_names)
    return Result(write_program(law, about), chosen.entry, text, choice.why, choice)


def origin(how: str) -> str:
    """Return a sentence on where a law comes from."""
    return f"Found by evolution on the train rows, selected on extrapolation folds: {how}."
