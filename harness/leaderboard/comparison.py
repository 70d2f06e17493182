"""Two agents with their models, side by side: on every suite, task by task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from harness.errors import UserError
from harness.evaluation.records import FLOOR
from harness.leaderboard.board import SuiteOutline
from harness.leaderboard.bootstrap import EntryScores
from harness.leaderboard.entries import Entry
from harness.leaderboard.page_names import Pair
from harness.leaderboard.paired import PairedResult, PairedTask, compare


@dataclass(frozen=True, slots=True)
class ContenderTask:
    """What a contender has on one task."""

    scores: tuple[float, ...]
    best_run: int
    """The number of the run whose program is shown."""
    best_score: float
    program: bytes
    page: str | None = None
    """The name of the entry's page, where there is a site."""


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent with a model, on all tasks where it has runs."""

    pair: Pair
    agent_name: str
    model_name: str
    tasks: Mapping[str, ContenderTask]

    @property
    def key(self) -> str:
        """The pair in one word, as the command line takes it."""
        return "/".join(self.pair)

    @property
    def name(self) -> str:
        """The pair for readers."""
        return f"{self.agent_name} with {self.model_name}"

    def scores(self) -> EntryScores:
        """Return the scores of all runs."""
        return EntryScores(self.key, {name: task.scores for name, task in self.tasks.items()})


@dataclass(frozen=True, slots=True)
class SuiteComparison:
    """A against B on one suite."""

    suite: str
    result: PairedResult
    titles: Mapping[str, str]
    """Of the tasks."""

    @property
    def tasks(self) -> tuple[PairedTask, ...]:
        """The tasks that either side has runs on."""
        return tuple(task for task in self.result.tasks if task.n_a or task.n_b)

    @property
    def widest(self) -> float:
        """The difference that fills its half of the bars' column: the largest, 0.5 at least."""
        return max(0.5, *(abs(task.difference) for task in self.tasks))

    def verdict(self, a: Contender, b: Contender) -> str:
        """Return in a sentence who is ahead."""
        verdict = self.result.verdict
        if verdict == "A is ahead":
            return f"{a.name} is ahead."
        if verdict == "B is ahead":
            return f"{b.name} is ahead."
        if verdict == "too few tasks to tell":
            return "There are too few tasks to tell who is ahead."
        return "The two cannot be told apart."

    def as_json(self) -> dict[str, object]:
        """Return everything as plain values for `--json`."""
        result = asdict(self.result)
        result["tasks"] = [asdict(task) for task in self.tasks]
        return {"suite": self.suite, "verdict": self.result.verdict, **result}


def contenders(
    entries: Iterable[Entry], pages: Mapping[tuple[str, Pair], str] | None = None
) -> dict[Pair, Contender]:
    """Return all agents with their models that have runs, sorted.

    Args:
        entries: Entries with runs.
        pages: The names of their pages, by task and pair.
    """
    pages = pages or {}
    by_pair: dict[Pair, list[Entry]] = {}
    for entry in entries:
        by_pair.setdefault(entry.pair, []).append(entry)
    return {
        pair: Contender(
            pair=pair,
            agent_name=own[0].agent_name,
            model_name=own[0].model_name,
            tasks={
                entry.task: ContenderTask(
                    scores=tuple(run.evaluation.score for run in entry.runs),
                    best_run=entry.runs[0].key.run,
                    best_score=entry.runs[0].evaluation.score,
                    program=entry.runs[0].program,
                    page=pages.get((entry.task, pair)),
                )
                for entry in sorted(own, key=lambda entry: entry.task)
            },
        )
        for pair, own in sorted(by_pair.items())
    }


def compare_on(suite: SuiteOutline, a: Contender, b: Contender) -> SuiteComparison | None:
    """Compare two contenders on a suite; a task without runs counts -1 for the side without.

    Returns:
        None where the two have no task of the suite in common to be compared on.
    """
    names = [task.name for task in suite.tasks]
    if not any(name in a.tasks for name in names) or not any(name in b.tasks for name in names):
        return None
    result = compare(a.scores(), b.scores(), names, FLOOR)
    if result is None:
        return None
    return SuiteComparison(suite.name, result, {task.name: task.title for task in suite.tasks})


def find_contender(known: Mapping[Pair, Contender], words: str) -> Contender:
    """Return the contender that somebody means by ``AGENT/MODEL``, or by an agent with one model.

    Args:
        known: All contenders.
        words: Slugs or display names, in any case.

    Raises:
        UserError: Nobody, or more than one, is called so; lists who there is.
    """
    wanted = words.strip().casefold()
    for names in (
        lambda c: {c.key.casefold()},
        lambda c: {f"{c.agent_name}/{c.model_name}".casefold()},
        lambda c: {c.agent_name.casefold(), c.pair[0]},
    ):
        found = [each for each in known.values() if wanted in names(each)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"{words!r} is more than one: {_listed(found)}; say which, as AGENT/MODEL"
            )
    if not known:
        raise UserError("the store has no runs to compare; `sld run` scores some")
    raise UserError(
        f"no runs of {words!r}; expected AGENT/MODEL, one of: {_listed(list(known.values()))}"
    )


def _listed(found: Sequence[Contender]) -> str:
    return ", ".join(contender.key for contender in found)
