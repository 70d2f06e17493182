"""What ``leaderboard.json`` holds; the descriptions of its JSON Schema are these docstrings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from harness.models import StrictModel

Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Described(StrictModel):
    """The base of the document's parts: what is written under a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class ColumnPart(Described):
    """A feature or a target of a task."""

    name: str
    """As the data files call it."""
    unit: str
    """The unit, in words."""
    meaning: str
    """What it measures."""


class TaskPart(Described):
    """A scaling-law problem."""

    name: str
    """The name that runs carry."""
    title: str
    """What people read."""
    page: str
    """The file of its page, beside this document."""
    features: tuple[ColumnPart, ...]
    """What a program predicts from, in the order of its columns."""
    targets: tuple[ColumnPart, ...]
    """What a program predicts, in the order of its columns."""
    max_params: Positive | None
    """The most constants that a program may have for each group; null: as many as it likes."""


class RankedRow(Described):
    """An agent with a model in a ranking."""

    rank: Positive
    """The place by mean: 1, 2, 2, 4. Where nothing counts, the last."""
    tie_rank: Positive | None
    """The rank of the leader of those from whom it cannot be told apart; null where nothing
    counts."""
    rank_low: Positive | None
    """The better end of the rank's interval; null where too little is known."""
    rank_high: Positive | None
    """The worse end of the rank's interval; null where too little is known."""
    agent: str
    """The agent's slug."""
    agent_name: str
    """The agent's display name. Untrusted text."""
    model: str
    """The model's slug."""
    model_name: str
    """The model's display name. Untrusted text."""
    mean: Number | None
    """Over a suite the mean of the tasks' means, on a task that of its runs; null where nothing
    counts."""
    mean_low: Number | None
    """The lower end of the mean's interval; null where too little is known."""
    mean_high: Number | None
    """The upper end of the mean's interval; null where too little is known."""
    best: Number | None
    """Over a suite the mean of the tasks' bests, on a task its best run; null where nothing
    counts."""
    min: Number | None
    """Over a suite the mean of the tasks' worst, on a task its worst run; null where nothing
    counts."""
    runs: Count
    """How many runs there are, counted or not."""
    failures: Count
    """How many of the runs failed."""
    violations: Count
    """How many of the runs break a rule."""
    formats: tuple[str, ...]
    """The formats of its programs, sorted; ``unknown`` for one that is too broken to tell."""
    is_bar: bool
    """Whether it is an entry of people, which others have to beat."""


class SuiteRankedRow(RankedRow):
    """An agent with a model in the ranking of a suite."""

    tasks_with_runs: Count
    """On how many of the suite's tasks it has runs."""
    tasks_counted: Count
    """On how many of the suite's tasks it has runs that count in this reading: fewer than
    ``tasks_with_runs`` where ``successes`` leave out tasks on which all runs failed."""
    pages: dict[str, str]
    """The file of the page with its runs on each task that has any, by the task's name."""


class TaskRankedRow(RankedRow):
    """An agent with a model in the ranking of one task."""

    page: str
    """The file of the page with its runs."""


class ReadingPart(Described):
    """All rankings of a suite, with runs counted in one way."""

    reading: Literal["as-run", "filled", "successes"]
    """How runs are counted. ``as-run``: every run; failures, broken rules and tasks without runs
    count -1. ``filled``: the same, and each task is filled up to the expected number of runs with
    -1. ``successes``: only runs with status ``ok``; a task without one is left out."""
    rows: tuple[SuiteRankedRow, ...]
    """The ranking over the whole suite, the best first."""
    by_task: dict[str, tuple[TaskRankedRow, ...]]
    """The ranking of each task, the best first, by the task's name."""


class SecondsPart(Described):
    """Wall seconds."""

    fit: Number
    """For fitting all groups."""
    predict: Number
    """For predicting."""


class FailurePart(Described):
    """Why a run has no figure."""

    kind: str
    """``load_error``, ``candidate_error``, ``bad_output``, ``timeout``, ``memory``, ``crash``,
    ``rule_violation`` or ``harness_error``."""
    message: str
    """What happened. Untrusted text: the program may have written it."""
    line: int | None
    """The line of the program, where one can be named."""


class ViolationPart(Described):
    """A rule that a program breaks although it has a figure."""

    rule: str
    """``max_params`` or ``row_function``."""
    message: str
    """How it is broken."""


class RunPart(Described):
    """One run: a program's place on the board, and what its evaluation gave."""

    task: str
    """The task's name."""
    agent: str
    """The agent's slug."""
    model: str
    """The model's slug."""
    run: int
    """The number of the run."""
    page: str
    """Where the run is shown: the file of a page, and the place on it."""
    status: Literal["ok", "failed", "violation"]
    """Whether the run has a figure that counts."""
    r2: Number | None
    """Held-out R², not clipped; null for a failure."""
    score: Number
    """What the run counts: ``max(r2, -1)``, or -1 unless the status is ``ok``."""
    r2_fit: Number | None
    """R² on the train rows; null where they could not be predicted."""
    nmse: Number | None
    """Mean squared error over the variance of the test targets; null for a failure."""
    nmae: Number | None
    """Mean absolute error over the mean absolute deviation of the test targets; null for a
    failure."""
    n_params: int | None
    """Constants of the largest group; null for a failure and for format ``law``, whose constants
    are in the program and not counted."""
    seconds: SecondsPart
    """How long it took."""
    format: str | None
    """``evolve-block`` or ``law``; null for a program that is too broken to tell."""
    isolation: tuple[str, ...]
    """The layers of isolation that were in force, sorted."""
    versions: dict[str, str]
    """The versions of Python, numpy and scipy, by name."""
    scoring_version: int
    """The version of the scoring rules by which the run was scored."""
    digest: str
    """Names the evaluation: the SHA-256 of all that decides it. Runs with the same program on the
    same task share one."""
    created: str | None
    """When the evaluation was stored, in UTC (ISO 8601); null where that is not known."""
    failure: FailurePart | None
    """Why there is no figure; null unless the status is ``failed``."""
    violations: tuple[ViolationPart, ...]
    """The broken rules; empty unless the status is ``violation``."""
    program_sha256: Sha256
    """The SHA-256 of the program's bytes."""


class SuitePart(Described):
    """Tasks that are averaged together, with their rankings and runs."""

    name: str
    """The suite's name."""
    expected_runs: Positive | None
    """How many runs an agent with a model should have on each task; null: no number is expected,
    and there is no reading ``filled``."""
    tasks: tuple[TaskPart, ...]
    """The suite's tasks, by name."""
    readings: tuple[ReadingPart, ...]
    """The rankings in each reading, the usual one (``as-run``) first."""
    runs: tuple[RunPart, ...]
    """All runs on the suite's tasks, by task, agent, model and number."""


class LeaderboardDocument(Described):
    """A whole leaderboard. Figures are R² on held-out rows, at full precision."""

    model_config = ConfigDict(title="SLD leaderboard")

    schema_version: Literal[1]
    """The version of this layout: keys may be added to it, none is removed or changed."""
    scoring_version: int
    """The version of the scoring rules of the harness that wrote the document."""
    intervals: str
    """What the intervals and ties in this document mean, in words."""
    suites: tuple[SuitePart, ...]
    """The suites, by name."""
