"""Ways of counting runs: as they are, filled up to the expected number, successes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.evaluation.records import FLOOR
from harness.leaderboard.entries import Entry
from harness.leaderboard.means import exact_mean


class Reading(StrEnum):
    """How runs are counted."""

    AS_RUN = "as-run"
    """Every run counts; failures, broken rules and absent tasks count -1."""
    FILLED = "filled"
    """The same, and each task is filled up to the expected number of runs with -1."""
    SUCCESSES = "successes"
    """Only runs that succeeded count; a task without one is left out."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the counted runs of an entry amount to."""

    best: float
    mean: float
    min: float


@dataclass(frozen=True, slots=True)
class Counting:
    """A reading, and the number of runs that its suite expects."""

    reading: Reading = Reading.AS_RUN
    expected_runs: int | None = None

    @property
    def absent(self) -> float | None:
        """What a task without counted runs counts; None: it is left out."""
        return None if self.reading is Reading.SUCCESSES else FLOOR

    def scores(self, entry: Entry) -> tuple[float, ...]:
        """Return what counts of an entry with runs, best first; empty where nothing does."""
        if self.reading is Reading.SUCCESSES:
            scores = [run.evaluation.score for run in entry.runs if run.evaluation.status == "ok"]
        else:
            scores = [run.evaluation.score for run in entry.runs]
        if self.reading is Reading.FILLED and self.expected_runs is not None:
            scores += [FLOOR] * (self.expected_runs - len(scores))
        return tuple(sorted(scores, reverse=True))

    def figures(self, entry: Entry) -> Figures | None:
        """Return the figures of an entry; claims stand as they are. None where nothing counts."""
        if not entry.runs:
            return Figures(entry.best, entry.mean, entry.min)
        scores = self.scores(entry)
        return Figures(scores[0], exact_mean(scores), scores[-1]) if scores else None


AS_RUN = Counting()


def readings_of(expected_runs: int | None) -> tuple[Counting, ...]:
    """Return the ways in which the tables of a suite are counted, the usual one first."""
    filled = () if expected_runs is None else (Counting(Reading.FILLED, expected_runs),)
    return (AS_RUN, *filled, Counting(Reading.SUCCESSES))
