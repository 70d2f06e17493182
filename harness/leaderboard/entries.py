"""Entries: all runs of one agent with one model on one task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from harness.evaluation.records import FLOOR
from harness.leaderboard.means import exact_mean
from harness.results.records import StoredClaim, StoredRun

BAR_AGENT = "human"
"""Slug of the agent whose entry is the bar to beat."""

_STATUS_ORDER = {"ok": 0, "violation": 1, "failed": 2}


@dataclass(frozen=True, slots=True)
class Entry:
    """All runs of one agent with one model on one task; figures are counted as run."""

    task: str
    agent: str
    """Slug."""
    model: str
    """Slug."""
    agent_name: str
    model_name: str
    best: float
    mean: float
    min: float
    n_runs: int
    failures: int
    violations: int
    runs: tuple[StoredRun, ...] = ()
    """Best first, see ``sorted_runs``; empty where the figures are claims."""

    @property
    def setbacks(self) -> int:
        """Runs that count -1 whatever their figure: failed ones and those that break a rule."""
        return self.failures + self.violations

    @property
    def pair(self) -> tuple[str, str]:
        """The agent and the model, as slugs."""
        return self.agent, self.model

    @property
    def is_bar(self) -> bool:
        """Whether this is an entry of people, which others have to beat."""
        return self.agent == BAR_AGENT

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of the programs, sorted; ``unknown`` where one is too broken to tell."""
        return tuple(sorted({run.evaluation.format or "unknown" for run in self.runs}))


def line_figure(run: StoredRun) -> float:
    """Return what a run's line on its page shows.

    That is its score, except that a run which breaks a rule keeps its own figure there.
    """
    evaluation = run.evaluation
    return FLOOR if evaluation.r2 is None else max(evaluation.r2, FLOOR)


def sorted_runs(runs: Iterable[StoredRun]) -> tuple[StoredRun, ...]:
    """Return runs best first; violating runs after the sound ones, failed ones last."""

    def order(run: StoredRun) -> tuple[int, float, int]:
        return _STATUS_ORDER[run.evaluation.status], -line_figure(run), run.key.run

    return tuple(sorted(runs, key=order))


def entries(runs: Iterable[StoredRun]) -> list[Entry]:
    """Return one entry for each task, agent and model that has runs, sorted by these three."""

    def place(run: StoredRun) -> tuple[str, str, str]:
        return run.key.task, run.key.agent, run.key.model

    return [
        _entry(list(group))
        for _, group in groupby(sorted(runs, key=lambda run: run.key), key=place)
    ]


def _entry(runs: list[StoredRun]) -> Entry:
    first = runs[0]
    scores = [run.evaluation.score for run in runs]
    statuses = [run.evaluation.status for run in runs]
    return Entry(
        task=first.key.task,
        agent=first.key.agent,
        model=first.key.model,
        agent_name=first.agent_name,
        model_name=first.model_name,
        best=max(scores),
        mean=exact_mean(scores),
        min=min(scores),
        n_runs=len(runs),
        failures=statuses.count("failed"),
        violations=statuses.count("violation"),
        runs=sorted_runs(runs),
    )


def claimed_entries(claims: Iterable[StoredClaim]) -> list[Entry]:
    """Return one entry for each claimed page, its figures as the page prints them."""
    return sorted((_claimed_entry(claim) for claim in claims), key=lambda e: (e.task, *e.pair))


def _claimed_entry(claim: StoredClaim) -> Entry:
    page = claim.page
    best, mean, least = (max(float(text), FLOOR) for text in (page.best, page.mean, page.min))
    return Entry(
        task=claim.task,
        agent=claim.agent,
        model=claim.model,
        agent_name=page.agent,
        model_name=page.model,
        best=best,
        mean=mean,
        min=least,
        n_runs=int(page.runs),
        failures=0,
        violations=0,
    )
