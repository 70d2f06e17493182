"""The loop: propose, evaluate, keep; every event in the journal before anything builds on it.

There is no generation barrier: whenever an evaluation is finished the next proposal begins. With
one worker a proposal follows from the seed, its number and the archive alone, so a search that was
killed and resumed ends as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.evolution.archive import Archive, Member
from harness.evolution.events import entry_from, event_of
from harness.evolution.fitness import Judge
from harness.evolution.folds import Fold, plan_folds
from harness.evolution.gateway import TrainSide, Verdict
from harness.evolution.novelty import Novelty
from harness.evolution.offline import OfflineProposer
from harness.evolution.proposals import Entry, Proposal, View, complexity_of
from harness.evolution.rows import FloatArray, TrainRows, train_rows
from harness.evolution.workers import LawWorkers
from harness.results.journal import Journal

_MOST_THETA = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop; None is without limit. At least one is set."""

    seconds: float | None = None
    evaluations: int | None = None

    def left(self, seconds: float, evaluations: int) -> bool:
        """Whether there is something left of all of them."""
        in_time = self.seconds is None or seconds < self.seconds
        return in_time and (self.evaluations is None or evaluations < self.evaluations)


@dataclass(slots=True, eq=False)
class Search:
    """One search: its rows, folds, archive, and what was evaluated."""

    side: TrainSide
    seed: int
    rows: TrainRows = field(init=False)
    folds: tuple[Fold, ...] = field(init=False)
    """Those that the search may see."""
    guards: tuple[Fold, ...] = field(init=False)
    """Those that it may not."""
    view: View = field(init=False)
    proposer: OfflineProposer = field(init=False)
    next_number: int = 0
    seconds: float = 0.0
    """Spent by this and earlier sittings."""
    _novelty: Novelty = field(init=False)
    _n_events: int = 0

    def __post_init__(self) -> None:
        """Plan the folds and the first proposals."""
        side = self.side
        self.rows = train_rows(side.train, side.feature_names, side.target_names)
        planned = plan_folds(self.rows)
        self.folds = tuple(fold for fold in planned if fold.purpose == "search")
        self.guards = tuple(fold for fold in planned if fold.purpose == "guard")
        self.view = View(side, Archive())
        self._novelty = Novelty(self.rows)
        judge = Judge(self.rows, self.folds)
        self.proposer = OfflineProposer(self.rows, side.max_params, judge, self._novelty)

    def resume(self, journal: Journal) -> None:
        """Take over what the journal holds."""
        for event in journal.events():
            self._apply(entry_from(event))
            self.seconds = max(self.seconds, float(event["at"]))

    def run(
        self,
        journal: Journal,
        budget: Budget,
        *,
        jobs: int = 1,
        watch: Callable[[Search, Entry], None] | None = None,
    ) -> None:
        """Search until the budget is spent, or nothing new can be thought of.

        Args:
            journal: Where events go.
            budget: When to stop; counts earlier sittings.
            jobs: Evaluations at once.
            watch: Is told of each evaluated entry.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was evaluated is in the journal.
        """
        begun = time.monotonic() - self.seconds
        with LawWorkers(self.rows, self.folds, jobs) as workers:
            flying: dict[Future[Verdict], tuple[Proposal, float]] = {}
            while True:
                while len(flying) < (2 * jobs if jobs > 1 else 1):
                    spent = time.monotonic() - begun
                    if not budget.left(spent, self.next_number):
                        break
                    proposal = self._propose()
                    if proposal is None:
                        break
                    future = workers.submit(_law(proposal), self._inherited(proposal))
                    flying[future] = (proposal, time.monotonic())
                if not flying:
                    return
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: flying[one][0].number):
                    proposal, started = flying.pop(future)
                    self.seconds = time.monotonic() - begun
                    took = time.monotonic() - started
                    entry = self._entered(proposal, future.result(), took)
                    journal.append(self._n_events, event_of(entry, self.seconds))
                    self._apply(entry)
                    if watch is not None:
                        watch(self, entry)

    def _propose(self) -> Proposal | None:
        number = self.next_number
        rng = np.random.default_rng([self.seed, number])
        proposal = self.proposer.propose(number, self.view, rng)
        if proposal is not None:
            self.next_number = number + 1
            self._remember(proposal)
        return proposal

    def _remember(self, proposal: Proposal) -> None:
        if proposal.law is not None:
            self._novelty.remember(self._novelty.law_key(proposal.law))

    def _inherited(self, proposal: Proposal) -> FloatArray | None:
        """Return shape constants of a parent that has as many, to begin the fits with."""
        n_shapes = len(_law(proposal).slots)
        for parent in proposal.parents:
            theta = self.view.entries[parent].verdict.theta
            if theta is not None and n_shapes and theta.shape[1] == n_shapes:
                return np.unique(theta, axis=0)[:_MOST_THETA]
        return None

    def _entered(self, proposal: Proposal, verdict: Verdict, seconds: float) -> Entry:
        """Return the entry with what the archive will say, which decides it the same way later."""
        return Entry(proposal, verdict, "", seconds)

    def _apply(self, entry: Entry) -> None:
        """Make an entry count. Replaying the same entries gives the same archive."""
        proposal, verdict = entry.proposal, entry.verdict
        member = Member(
            proposal.number, verdict.fitness, verdict.n_constants, complexity_of(proposal)
        )
        outcome = self.view.archive.add(member, proposal.island)
        self.view.entries[proposal.number] = Entry(proposal, verdict, str(outcome), entry.seconds)
        self._remember(proposal)
        self.next_number = max(self.next_number, proposal.number + 1)
        self._n_events += 1


def _law(proposal: Proposal) -> Any:
    if proposal.law is None:
        msg = "only trees are fitted here"
        raise ValueError(msg)
    return proposal.law


def fold_plan(folds: Sequence[Fold]) -> list[tuple[str, str, int, int]]:
    """Return purpose, name, rows fitted and rows judged of each fold."""
    return [(fold.purpose, fold.name, *fold.sizes) for fold in folds]
