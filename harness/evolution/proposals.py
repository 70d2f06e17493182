"""What proposers get and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from harness.evolution.archive import Archive
from harness.evolution.expression import Law
from harness.evolution.gateway import TrainSide, Verdict


@dataclass(frozen=True, slots=True)
class Usage:
    """What a proposal cost, where a model was asked."""

    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float | None = None
    """None where the model's price is not known."""
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that somebody thinks worth evaluating: a tree of ours, or text."""

    number: int
    proposer: str
    how: str
    """In a few words, for the lineage."""
    island: int
    parents: tuple[int, ...] = ()
    law: Law | None = None
    source: str | None = None
    usage: Usage | None = None
    failure: str = ""
    """Why there is neither tree nor text: the provider failed, or its answer was no program."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A proposal that was evaluated."""

    proposal: Proposal
    verdict: Verdict
    outcome: str
    """What the archive said."""
    seconds: float = 0.0

    @property
    def complexity(self) -> int:
        """Nodes of a tree; for text, what it is about as long as."""
        return complexity_of(self.proposal)


def complexity_of(proposal: Proposal) -> int:
    """Return the complexity of a proposal's law."""
    if proposal.law is not None:
        return proposal.law.complexity
    lines = (proposal.source or "").splitlines()
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return max(1, len(code) // 4)


@dataclass(slots=True, eq=False)
class View:
    """What proposers may look at: train-side facts, and everything evaluated so far."""

    side: TrainSide
    archive: Archive
    entries: dict[int, Entry] = field(default_factory=dict)


class Proposer(Protocol):
    """Proposes programs."""

    @property
    def name(self) -> str:
        """What the lineage calls it."""

    def propose(self, number: int, view: View, rng: np.random.Generator) -> Proposal | None:
        """Return a proposal; None where it has none any more.

        Args:
            number: The proposal's number; the same number, view and generator give the same.
            view: What is known.
            rng: Seeded for this number.
        """
