"""The state of a search: its rows, folds and archive, and what was evaluated.

Every event is in the journal before anything builds on it. A proposal of the offline proposer
follows from the seed, its number and the archive alone, so with one worker a search that was killed
and resumed ends as one that was not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from harness.evolution.archive import Archive, Member
from harness.evolution.events import answered_from, entry_from, event_of, event_of_answer
from harness.evolution.fitness import JUDGING, Judge
from harness.evolution.folds import Fold, plan_folds
from harness.evolution.gateway import PROGRAM_LIMITS, TrainSide
from harness.evolution.interrupts import deaf_to_ctrl_c
from harness.evolution.ledger import Ledger
from harness.evolution.novelty import Novelty, program_key
from harness.evolution.offline import OfflineProposer
from harness.evolution.proposals import (
    AskingProposer,
    Entry,
    Given,
    Proposal,
    Proposer,
    View,
    complexity_of,
)
from harness.evolution.rows import FloatArray, Loss, TrainRows, train_rows
from harness.limits import Limits
from harness.results.journal import Journal

_MOST_THETA = 3


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How a search is made, where it need not be as usual."""

    loss: Loss = "squares"
    given: tuple[Given, ...] = ()
    """What is proposed before anything is bred."""
    n_islands: int = 4
    migration: int = 40
    """After so many members of an island its best is told to the next."""
    limits: Limits = PROGRAM_LIMITS
    """Of one program on all folds together."""


@dataclass(slots=True, eq=False)
class Search:
    """One search: its rows, folds, archive, and what was evaluated."""

    side: TrainSide
    seed: int
    settings: SearchSettings = SearchSettings()
    rows: TrainRows = field(init=False)
    folds: tuple[Fold, ...] = field(init=False)
    """Those that the search may see."""
    guards: tuple[Fold, ...] = field(init=False)
    """Those that it may not."""
    view: View = field(init=False)
    offline: OfflineProposer = field(init=False)
    proposer: Proposer = field(init=False)
    """Who proposes at once: the offline proposer, if nobody puts another in its place."""
    ledger: Ledger = field(default_factory=Ledger)
    next_number: int = 0
    missed: list[int] = field(default_factory=list)
    """First proposals that were under way when an earlier sitting was killed: they come again."""
    seconds: float = 0.0
    """Spent by this and earlier sittings."""
    exhausted: bool = False
    """Whether it ended because nothing new could be thought of, its budget not spent."""
    unanswered: Ledger = field(default_factory=Ledger)
    """Questions of this sitting that were under way when it ended, and how often each was asked."""
    _novelty: Novelty = field(init=False)
    _n_events: int = 0
    _unjudged: dict[int, Proposal] = field(default_factory=dict)
    """Answers that were paid for and not evaluated yet."""

    def __post_init__(self) -> None:
        """Plan the folds and the first proposals."""
        side, settings = self.side, self.settings
        self.rows = train_rows(
            side.train, side.feature_names, side.target_names, self.settings.loss
        )
        planned = plan_folds(self.rows)
        self.folds = tuple(fold for fold in planned if fold.purpose == "search")
        self.guards = tuple(fold for fold in planned if fold.purpose == "guard")
        self.view = View(
            side,
            self.rows,
            self.folds,
            Archive(settings.n_islands, settings.migration),
            limits=settings.limits,
        )
        self._novelty = Novelty(self.rows)
        judge = Judge(self.rows, self.folds)
        self.offline = OfflineProposer(
            self.rows, side.max_params, judge, self._novelty, settings.given
        )
        self.proposer = self.offline

    def fingerprint(self) -> str:
        """Return what it rests on: rows and their names, cap and seed, and how laws are judged."""
        names = self.side.feature_names  # they say which laws were published for these quantities
        rests = (JUDGING, self.seed, self.side.max_params, names, self.settings)
        digest = hashlib.sha256(repr(rests).encode())
        for array in (self.rows.values, self.rows.y, self.rows.weights):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def n_evaluated(self) -> int:
        """Programs that were evaluated."""
        return len(self.view.entries)

    def resume(self, journal: Journal, asking: AskingProposer | None = None) -> None:
        """Take over what the journal holds.

        Args:
            journal: Of this search.
            asking: Hears what became of its proposals.
        """
        for event in journal.events():
            if event["event"] == "answered":
                self._answered(answered_from(event))
            else:
                self._apply(entry_from(event), asking)
            self.seconds = max(self.seconds, float(event["at"]))
        first = range(min(self.next_number, self.proposer.n_first))
        self.missed = [number for number in first if number not in self.view.entries]

    def propose(self, number: int) -> Proposal | None:
        """Return the proposal of a number by who proposes at once."""
        rng = np.random.default_rng([self.seed, number])
        return self.proposer.propose(number, self.view, rng)

    def remember(self, proposal: Proposal) -> bool:
        """Take note of a proposal; returns whether it is new."""
        if proposal.law is not None:
            key = self._novelty.law_key(proposal.law)
        elif proposal.source is not None:
            key = program_key(proposal.source) or proposal.source
        else:
            return False
        new = self._novelty.is_new(key)
        self._novelty.remember(key)
        return new

    def inherited(self, proposal: Proposal) -> FloatArray | None:
        """Return shape constants of a parent that has as many, to begin the fits with."""
        n_shapes = len(proposal.law.slots) if proposal.law is not None else 0
        for parent in proposal.parents:
            theta = self.view.entries[parent].verdict.theta
            if theta is not None and n_shapes and theta.shape[1] == n_shapes:
                return np.unique(theta, axis=0)[:_MOST_THETA]
        return None

    def record_answer(self, journal: Journal, proposal: Proposal) -> None:
        """Write down what a model answered, before anything is made of it."""
        with deaf_to_ctrl_c():  # an event that is written and not counted gives its number twice
            journal.append(self._n_events, event_of_answer(proposal, self.seconds))
            self._answered(proposal)

    def record(self, journal: Journal, entry: Entry, asking: AskingProposer | None) -> Entry:
        """Write down an evaluated proposal, and make it count; returns it with its outcome."""
        event = event_of(entry, self.seconds)
        with deaf_to_ctrl_c():
            journal.append(self._n_events, event)
            written = replace(entry, seconds=event["seconds"], at=event["at"])
            return self._apply(written, asking)

    def unjudged(self) -> list[Proposal]:
        """Return answers of earlier sittings that were paid for and not evaluated."""
        return [self._unjudged[number] for number in sorted(self._unjudged)]

    def note_unanswered(self, proposal: Proposal) -> None:
        """Take note of a question that was stopped before anything was answered or paid for."""
        if proposal.usage is not None:
            self.unanswered.charge(proposal.usage)

    def _answered(self, proposal: Proposal) -> None:
        self._n_events += 1
        self._unjudged[proposal.number] = proposal
        self.next_number = max(self.next_number, proposal.number + 1)
        if proposal.usage is not None:
            self.ledger.charge(proposal.usage)

    def _apply(self, entry: Entry, asking: AskingProposer | None) -> Entry:
        """Make an entry count. Replaying the same entries gives the same archive."""
        proposal, verdict = entry.proposal, entry.verdict
        number = proposal.number
        member = Member(number, verdict.fitness, verdict.n_constants, complexity_of(proposal))
        outcome = self.view.archive.add(member, proposal.island)
        done = replace(entry, outcome=str(outcome))
        self.view.entries[number] = done
        self.remember(proposal)
        self.next_number = max(self.next_number, number + 1)
        self._unjudged.pop(number, None)
        self._n_events += 1
        if asking is not None and proposal.usage is not None:
            asking.learn(done, self.view)
        return done
