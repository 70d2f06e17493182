"""What is said of single entries wherever they appear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.evaluation.figures import count
from harness.evolution.formula import formula
from harness.evolution.proposals import GIVEN, LIBRARY, TEXTBOOK, Entry
from harness.evolution.report.words import BRIEF, LONG, fixed, plain
from harness.evolution.search import Search

OFFLINE = "offline"


def formula_of(search: Search, entry: Entry) -> str:
    """Return an entry's law in one line; for text, what there is to say."""
    law, source = entry.proposal.law, entry.proposal.source
    if law is not None:
        axes = [replace(axis, name=plain(axis.name, BRIEF)) for axis in search.rows.axes]
        targets = [plain(name, BRIEF) for name in search.side.target_names]
        return plain(formula(law, axes, targets), LONG)
    if source is not None:
        return f"program text, {count(len(source.splitlines()), 'line')}"
    return "no program"


def is_scored(entry: Entry) -> bool:
    """Whether the folds gave it a fitness."""
    return bool(np.isfinite(entry.verdict.fitness))


def is_published(entry: Entry) -> bool:
    """Whether it is a published form."""
    return entry.proposal.proposer in {TEXTBOOK, LIBRARY}


def is_first(entry: Entry) -> bool:
    """Whether it was there before anything was bred."""
    return entry.proposal.proposer in {TEXTBOOK, LIBRARY, GIVEN}


def proposer_of(entry: Entry) -> str:
    """Return who proposed it, in words."""
    known = {
        TEXTBOOK: "textbook form",
        LIBRARY: "published form",
        GIVEN: "given to begin with",
        OFFLINE: "bred offline",
    }
    return known.get(entry.proposal.proposer, plain(entry.proposal.proposer))


def title_of(entry: Entry) -> str:
    """Return what is shown when a pointer rests on it."""
    proposal, verdict = entry.proposal, entry.verdict
    return (
        f"#{proposal.number}: fitness {fixed(verdict.fitness)}, "
        f"{count(verdict.n_constants, 'constant')}, {plain(proposal.how, 80)}"
    )
