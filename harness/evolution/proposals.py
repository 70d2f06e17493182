"""What proposers get and give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from harness.evolution.archive import Archive
from harness.evolution.expression import Law
from harness.evolution.folds import Fold
from harness.evolution.gateway import PROGRAM_LIMITS, TrainSide, Verdict
from harness.evolution.rows import TrainRows
from harness.limits import Limits

TEXTBOOK, LIBRARY, GIVEN = "textbook", "library", "given"
"""Who proposes what is there before anything is bred: laws published for just a task's quantities,
all other published forms, and people."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a proposal cost, where a model was asked."""

    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = None
    """None where the model's price is not known."""
    retries: int = 0
    """Questions that had to be asked again: rate limits, time-outs, malformed answers."""
    estimated: bool = False
    """Whether some answers came without a count of tokens, so that it was estimated."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that somebody thinks worth evaluating: a tree of ours, or text."""

    number: int
    proposer: str
    """``textbook``, ``library``, ``given``, ``offline``, or a model's name."""
    how: str
    """In a few words, for the lineage."""
    island: int
    parents: tuple[int, ...] = ()
    law: Law | None = None
    source: str | None = None
    usage: Usage | None = None
    failure: str = ""
    """Why there is neither tree nor text: the provider failed, or its answer was no program."""


@dataclass(frozen=True, slots=True)
class Given:
    """Something that a search begins with, besides published forms: a tree, or text."""

    how: str
    """Where it comes from."""
    law: Law | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A proposal that was evaluated."""

    proposal: Proposal
    verdict: Verdict
    outcome: str
    """What the archive said."""
    seconds: float = 0.0
    """That its evaluation took."""
    at: float = 0.0
    """Seconds into the search when it was written down."""


def complexity_of(proposal: Proposal) -> int:
    """Return the complexity of a proposal's law; for text, what it is about as long as."""
    if proposal.law is not None:
        return proposal.law.complexity
    lines = (proposal.source or "").splitlines()
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return max(1, len(code) // 4)


@dataclass(slots=True, eq=False)
class View:
    """What proposers may look at: train-side facts, and everything evaluated so far."""

    side: TrainSide
    rows: TrainRows
    folds: tuple[Fold, ...]
    """Search folds only."""
    archive: Archive
    entries: dict[int, Entry] = field(default_factory=dict)
    """By the proposal's number."""
    budget_left: str = ""
    """In words, for prompts."""
    limits: Limits = PROGRAM_LIMITS
    """Of program text on all folds together."""


class Proposer(Protocol):
    """Proposes at once: what it proposes follows from number, view and generator alone."""

    @property
    def n_first(self) -> int:
        """How many first proposals follow from the task alone; models are not asked before."""

    def propose(self, number: int, view: View, rng: np.random.Generator) -> Proposal | None:
        """Return a proposal; None where it has none any more.

        Args:
            number: The proposal's number.
            view: What is known.
            rng: Seeded for this number.
        """


class AskingProposer(Protocol):
    """Proposes after asking somebody who takes his time, such as a language model."""

    def prepare(
        self, number: int, view: View, rng: np.random.Generator
    ) -> Callable[[], Proposal] | None:
        """Write the question, and return what asks it; None where nobody can be asked any more.

        The view is read now, in the loop's thread. What is returned runs in a thread of its own,
        looks at nothing that changes, never raises (a failed provider is a proposal with a
        ``failure``), and returns soon after ``stop``.

        Args:
            number: The proposal's number.
            view: What is known.
            rng: Seeded for this number.
        """

    def learn(self, entry: Entry, view: View) -> None:
        """Hear what became of a proposal of its own, earlier sittings included."""

    def stop(self) -> None:
        """Have all questions under way end soon."""
