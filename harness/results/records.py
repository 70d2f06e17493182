"""What the store holds beside evaluations: whose run an evaluation is, and what was claimed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.evaluation.records import Evaluation
from harness.models import StrictModel


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """A candidate's place on the board. Agent and model are slugs."""

    task: str
    agent: str
    model: str
    run: int

    @property
    def place(self) -> str:
        """The path below a candidates folder."""
        return f"{self.task}/{self.agent}/{self.model}/run_{self.run}.py"


@dataclass(frozen=True, slots=True)
class RunAssignment:
    """Which evaluation is a run's, and what is shown of the run."""

    key: RunKey
    agent_name: str
    model_name: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with its evaluation and its program, as bytes."""

    key: RunKey
    agent_name: str
    """Display name."""
    model_name: str
    """Display name."""
    path: str
    """Where the program was found."""
    evaluation: Evaluation
    program: bytes
    created: str = ""
    """When it was stored: UTC, ISO 8601, to the second."""


class ClaimedRun(StrictModel):
    """One run of a source page: a number and a figure, as printed there."""

    run: int
    r2: str
    program: str | None = None
    """SHA-256 of the run's program, where it was published with the figure; pages have none."""


class ClaimedPage(StrictModel):
    """A published page, split into its parts; its figures are claims, never ours.

    The text of every figure is kept as printed (``0.996946``), so that the page can be given back
    to the byte. The program belongs to the first run; the other runs have none.
    """

    title: str
    agent: str
    """Display name, as printed."""
    model: str
    """Display name, as printed."""
    best: str
    mean: str
    min: str
    runs: str
    program: str
    """UTF-8 text of the best run's program, to the byte; empty where the page has none."""
    ranking: tuple[ClaimedRun, ...]
    """All runs, best first."""


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """A published page under the task, agent and model (slugs) that it is about."""

    task: str
    agent: str
    model: str
    page: ClaimedPage
    source: str
    """Where the page was read from."""


class Prefer(StrEnum):
    """Whose word counts where two stores contradict each other."""

    OURS = "ours"
    THEIRS = "theirs"
