"""Which law a search ends with: what was known, or what was bred and stood where nobody looked.

A search that is judged by the folds it climbs will always seem to have won (the winner's curse).
Of what was known before, and of all others, one law each is sent: by the search folds and by
what it says beyond the rows, where a law should hold when rows are drawn again, and should not
stand alone. The other one takes the place of the known one when less speaks against it and it gains
on the guard folds, which had no say in who is sent, more than chance would give one law in twenty
(Student 1908: three folds say little of how much they vary). Among equals the simpler one stays.
Known is what a search was given to begin with, else the laws that were published for just these
quantities (the textbook's), else all published forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from harness.evolution.beyond import Beyond, apart, counts_of_resamples, middle_of, variances
from harness.evolution.expression import Law
from harness.evolution.fitness import Judge, costs
from harness.evolution.folds import Fold
from harness.evolution.proposals import GIVEN, LIBRARY, TEXTBOOK, Entry
from harness.evolution.rows import FloatArray
from harness.evolution.search import Search
from harness.evolution.workers import ProgramWorkers

FINALISTS = 30
"""How many of each kind, by search fitness, are judged once more: in a long search the first are
much the same law."""
PROOF = 0.95
"""A bred law must gain more than chance alone would, so often: a quantile of Student's t."""
_ALIKE = 1e-9
"""A standard error that is less comes of rounding. Where guard folds tell nothing apart, as when
both laws fail all of them, the gain is that of prices and fits, the same on each fold."""
_MIDDLE = 20
"""Of so many, the best of all kinds, the middle is what all are compared with."""
MARGIN = 0.5
"""How much worse than the best on search folds a finalist may be."""
FIT, ALONE, SHAKEN = 0.2, 0.2, 0.1
"""What the logs of three errors weigh beside the folds: of the fit to all train rows (besides what
fitness holds of it), of standing apart from other laws beyond the rows, and of moving there when
rows are drawn again."""
_BEST = {
    GIVEN: "what was given",
    TEXTBOOK: "the textbook's best",
    LIBRARY: "the library's best",
}
"""What the one that is sent is called, of each kind that may be what was known."""
_BRED = "bred"


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
    beyond: Beyond
    """What it says beyond the rows, and how firmly."""
    apart: float = 0.0
    """Log of its squared distance there to the middle of the best finalists."""

    @property
    def guard(self) -> FloatArray:
        """What each guard fold says against it; without one, what the search folds say."""
        verdict = self.entry.verdict
        if not len(self.errors) or verdict.fit is None:
            return np.array([verdict.fitness])
        return costs(self.errors, verdict.n_constants, verdict.fit)

    @property
    def fitness(self) -> float:
        """Over the search folds."""
        return self.entry.verdict.fitness

    @property
    def against(self) -> float:
        """All that speaks against it but the guard folds; the least of each kind is sent."""
        fit = np.log(self.entry.verdict.fit or 1.0)
        more = FIT * fit + ALONE * self.apart + SHAKEN * self.beyond.shaken
        return self.fitness + float(more)

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
    """Standard error of that gain over the guard folds, which have rows in common; infinite with
    only one."""
    known: str = LIBRARY
    """Who proposed what was known: ``given``, ``textbook``, or ``library``."""
    rival: Finalist | None = None
    """What it was compared with on the guard folds; None where there was nothing else."""

    @property
    def needed(self) -> float:
        """The gain that would be proof: a quantile of Student's t times the standard error."""
        return proof(self.spread, len(self.chosen.guard))

    @property
    def why(self) -> str:
        """The reason in one line."""
        best = _BEST[self.known]
        other = "bred law" if self.known == LIBRARY else "other law"
        if self.rival is None or self.gain is None or self.spread is None:
            if self.chosen.proposer == self.known:
                return f"{best}: there is no {other} to compare it with"
            return f"the best {other}: nothing that was known can be fitted"
        if not np.isfinite(self.spread):
            return f"{best} stays: no two guard folds to check the best {other} with"
        if self.spread <= _ALIKE:
            return f"{best} stays: guard folds do not tell it from the best {other}"
        said = f"{self.gain:+.3f} on guard folds, where {self.needed:.3f} would prove it"
        if self.chosen.proposer != self.known:
            who = {TEXTBOOK: "published", LIBRARY: "published"}.get(self.chosen.proposer, "bred")
            if self.known == TEXTBOOK and who == "published":
                who = "published, but not in the textbook"
            less = round(self.rival.against, 3) - round(self.chosen.against, 3)
            if less < 5e-4:  # a tie, which the simpler law wins
                return f"{who}: simpler than {best}, and no more speaks against it ({said})"
            return f"{who}: less speaks against it than against {best}, by {less:.3f} ({said})"
        if self.gain > self.needed:  # and so it lost by what speaks against it
            return f"{best} stays: no less speaks against the best {other} ({said})"
        return f"{best} stays: guard folds do not show that the best {other} is better ({said})"


def proof(spread: float | None, folds: int) -> float:
    """Return how much must be gained to be no chance; infinite where folds cannot tell.

    Args:
        spread: Standard error of the mean gain; next to none where folds tell nothing apart.
        folds: Of how many.
    """
    if spread is None or folds < 2 or not _ALIKE < spread < np.inf:
        return float("inf")
    return float(stdtrit(folds - 1, PROOF)) * spread


def choose(search: Search, text: ProgramWorkers | None = None) -> Choice | None:
    """Return the law to end with; None where nothing could be fitted.

    Args:
        search: A search that is over.
        text: Judge program text on the guard folds; without them only trees are chosen among.
    """
    entries = [
        entry
        for entry in search.view.entries.values()
        if np.isfinite(entry.verdict.fitness) and (text is not None or entry.proposal.law)
    ]
    if not entries:
        return None
    jury = _Jury(search, text)
    kinds = {kind: [e for e in entries if _kind(e) == kind] for kind in (*_BEST, _BRED)}
    judged = [one for some in kinds.values() for one in jury.judged(some)]
    finalists = _compared(judged, variances(search.rows))
    who = next((known for known in (GIVEN, TEXTBOOK) if kinds[known]), LIBRARY)
    before = [one for one in finalists if one.proposer == who]
    after = [one for one in finalists if one.proposer != who]
    if not before or not after:
        if not finalists:
            return None
        return Choice(_sent(finalists), tuple(finalists), None, None, who)
    known, new = _sent(before), _sent(after)
    difference = known.guard - new.guard
    gain, spread = float(difference.mean()), float("inf")
    if len(difference) > 1:
        spread = float(difference.std(ddof=1)) * _shared(search.guards) ** 0.5
    better = _order(new.against, new) < _order(known.against, known)
    wins = better and gain > proof(spread, len(difference))
    chosen, rival = (new, known) if wins else (known, new)
    return Choice(chosen, tuple(finalists), gain, spread, who, rival)


def _shared(folds: Sequence[Fold]) -> float:
    """Return the variance of a mean over folds, in units of that of one fold.

    Folds have fitted rows in common, so their mean varies more than the 1 / J of J independent ones
    (Nadeau and Bengio 2003: 1 / J + judged rows / fitted rows).
    """
    sizes = [fold.sizes for fold in folds]
    return 1 / len(sizes) + float(np.mean([judged / fitted for fitted, judged in sizes]))


def _kind(entry: Entry) -> str:
    """Return what sort of proposer it is of."""
    return entry.proposal.proposer if entry.proposal.proposer in _BEST else _BRED


class _Jury:
    """Judges entries where the search never looked."""

    def __init__(self, search: Search, text: ProgramWorkers | None) -> None:
        self._judge = Judge(search.rows, search.guards)
        self._text = text
        self._resamples = counts_of_resamples(search.rows)

    def judged(self, entries: Sequence[Entry]) -> list[Finalist]:
        """Judge the best entries."""
        if not entries:
            return []
        ranked = sorted(entries, key=lambda e: (e.verdict.fitness, e.proposal.number))
        near = [e for e in ranked if e.verdict.fitness <= ranked[0].verdict.fitness + MARGIN]
        finalists = near[:FINALISTS]
        text = self._text_judged(finalists)
        found = []
        for entry in finalists:
            number = entry.proposal.number
            one = text.get(number) if entry.proposal.law is None else self._tree(entry)
            if one is not None:
                found.append(one)
        return found

    def _tree(self, entry: Entry) -> Finalist:
        law, theta = entry.proposal.law, entry.verdict.theta
        if law is None:
            msg = "a tree has a law"
            raise ValueError(msg)
        score = self._judge.score(law, theta if theta is not None and theta.size else None)
        beyond = self._judge.beyond(law, score.theta, self._resamples)
        return Finalist(entry, law, score.errors, score.theta, beyond)

    def _text_judged(self, finalists: Sequence[Entry]) -> dict[int, Finalist]:
        """Judge the program texts among finalists, as many at once as there are workers."""
        if self._text is None:
            return {}
        asked = [
            (entry, self._text.submit(source), self._text.submit_beyond(source, self._resamples))
            for entry in finalists
            if entry.proposal.law is None and (source := entry.proposal.source) is not None
        ]
        found = {}
        for entry, judged, told in asked:
            verdict, said = judged.result(), told.result()
            if not verdict.failure and said is not None:
                errors = np.array(verdict.errors)
                one = Finalist(entry, None, errors, np.empty((0, 0)), said)
                found[entry.proposal.number] = one
        return found


def _compared(finalists: Sequence[Finalist], variance: FloatArray) -> list[Finalist]:
    """Say how far each finalist stands from the middle of the best, beyond the rows."""
    best = sorted(finalists, key=lambda f: (f.fitness, f.entry.proposal.number))[:_MIDDLE]
    if not best:
        return []
    middle = middle_of([one.beyond.said for one in best])
    return [replace(one, apart=apart(one.beyond.said, middle, variance)) for one in finalists]


def _sent(finalists: Sequence[Finalist]) -> Finalist:
    return min(finalists, key=lambda one: _order(one.against, one))


def _order(worth: float, one: Finalist) -> tuple[float, int, int]:
    """Less is better; among equals the simpler, then the earlier law comes first."""
    return round(worth, 3), one.entry.verdict.n_constants, one.entry.proposal.number
