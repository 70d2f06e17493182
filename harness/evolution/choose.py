"""Which law a search ends with: what was known, unless it did better where it never looked.

A search that is judged by the folds it climbs will always seem to have won (the winner's curse).
So the finalists are judged once more on guard folds, and a law that was bred takes the place of
the best known one only when it wins there by more than the spread of the difference; among equals
the simpler one stays. Known is what a search was given to begin with, else the library's forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.expression import Law
from harness.evolution.fitness import Judge, costs
from harness.evolution.gateway import ProgramGateway
from harness.evolution.proposals import Entry
from harness.evolution.rows import FloatArray
from harness.evolution.search import Search

FINALISTS = 12
"""How many of each kind, by search fitness, are judged on the guard folds."""
MARGIN = 0.5
"""How much worse than the best on search folds a finalist may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Finalist:
    """A law that was judged on all folds."""

    entry: Entry
    law: Law | None
    """None for program text."""
    errors: FloatArray
    """Normalised errors on the guard folds."""
    theta: FloatArray
    """Shape constants found, ``(cells, P)``; empty for text."""

    @property
    def guard(self) -> FloatArray:
        """What each guard fold says against it; without one, what the search folds say."""
        verdict = self.entry.verdict
        if not len(self.errors) or verdict.fit is None:
            return np.array([verdict.fitness])
        return costs(self.errors, verdict.n_constants, verdict.fit)

    @property
    def fitness(self) -> float:
        """Mean over search folds and guard folds, each as a whole."""
        return (self.entry.verdict.fitness + float(self.guard.mean())) / 2.0

    @property
    def proposer(self) -> str:
        """Who proposed it."""
        return self.entry.proposal.proposer


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The law that a search ends with, and why."""

    chosen: Finalist
    finalists: tuple[Finalist, ...]
    gain: float | None
    """By how much the best other law is better on the guard folds than the best known one."""
    spread: float | None
    """Standard deviation of that difference over the guard folds; infinite with only one."""
    known: str = "library"
    """Who proposed what was known: ``library``, or ``given``."""

    @property
    def why(self) -> str:
        """The reason in one line."""
        if self.gain is None or self.spread is None:
            return "nothing else was found that can be fitted"
        said = f"{self.gain:+.3f} on guard folds, spread {self.spread:.3f}"
        best = "the library's best" if self.known == "library" else "what was given"
        other = "bred law" if self.known == "library" else "other law"
        if self.chosen.proposer == self.known:
            return f"{best} stays: the best {other} gains {said}"
        who = "published" if self.chosen.proposer == "library" else "bred"
        return f"{who}: gains {said} over {best}"


def choose(search: Search, text: ProgramGateway | None = None) -> Choice | None:
    """Return the law to end with; None where nothing could be fitted.

    Args:
        search: A search that is over.
        text: Judges program text on the guard folds; without it only trees are chosen among.
    """
    entries = [
        entry
        for entry in search.view.entries.values()
        if np.isfinite(entry.verdict.fitness) and (text is not None or entry.proposal.law)
    ]
    if not entries:
        return None
    judge = Judge(search.rows, search.guards, most_rows=None)
    given = any(entry.proposal.proposer == "given" for entry in entries)
    who = "given" if given else "library"
    before = _finalists([e for e in entries if e.proposal.proposer == who], judge, text)
    after = _finalists([e for e in entries if e.proposal.proposer != who], judge, text)
    if not before or not after:
        return Choice(_best(before or after), tuple(before + after), None, None, who)
    known, new = _best(before), _best(after)
    difference = known.guard - new.guard
    gain = float(difference.mean())
    spread = float(difference.std(ddof=1)) if len(difference) > 1 else float("inf")
    better = gain > spread and new.fitness < known.fitness
    return Choice(new if better else known, tuple(before + after), gain, spread, who)


def _finalists(
    entries: Sequence[Entry], judge: Judge, text: ProgramGateway | None
) -> list[Finalist]:
    """Judge the best entries on the guard folds."""
    if not entries:
        return []
    ranked = sorted(entries, key=lambda e: (e.verdict.fitness, e.proposal.number))
    near = [e for e in ranked if e.verdict.fitness <= ranked[0].verdict.fitness + MARGIN]
    judged = [_judged(entry, judge, text) for entry in near[:FINALISTS]]
    return [one for one in judged if one is not None]


def _judged(entry: Entry, judge: Judge, text: ProgramGateway | None) -> Finalist | None:
    law, theta = entry.proposal.law, entry.verdict.theta
    if law is not None:
        score = judge.score(law, theta if theta is not None and theta.size else None)
        errors, found = score.errors, score.theta
    elif text is not None and entry.proposal.source is not None:
        verdict = text.evaluate(entry.proposal.source)
        if verdict.failure:
            return None
        errors, found = np.array(verdict.errors), np.empty((0, 0))
    else:
        return None
    return Finalist(entry, law, errors, found)


def _best(finalists: Sequence[Finalist]) -> Finalist:
    def order(one: Finalist) -> tuple[float, int, int]:
        number = one.entry.proposal.number
        return round(one.fitness, 3), one.entry.verdict.n_constants, number

    return min(finalists, key=order)


def starts_of(finalist: Finalist, count: int) -> FloatArray:
    """Return where a written program begins its fits: what was found, spread over the cells.

    Args:
        finalist: The law.
        count: Most starts.
    """
    theta = np.unique(finalist.theta, axis=0)
    if len(theta) <= count:
        return theta
    middle = np.median(theta, axis=0)
    far = np.argsort(np.abs(theta - middle).sum(axis=1), kind="stable")
    picked = np.linspace(0, len(far) - 1, count - 1).astype(int)
    return np.concatenate([middle[None], theta[far[picked]]])
