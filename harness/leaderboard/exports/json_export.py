"""``leaderboard.json``, everything on the board for other programs, and its JSON Schema."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from harness.leaderboard.exports.moments import created_at
from harness.leaderboard.exports.ranked import RankedLine, suite_lines, task_lines
from harness.leaderboard.exports.schema import (
    ColumnPart,
    FailurePart,
    LeaderboardDocument,
    RankedRow,
    ReadingPart,
    RunPart,
    SecondsPart,
    SuitePart,
    SuiteRankedRow,
    TaskPart,
    TaskRankedRow,
    ViolationPart,
)
from harness.leaderboard.exports.text import encodable
from harness.leaderboard.page_names import PageNames, task_page
from harness.results.records import StoredRun
from harness.versions import SCORING_VERSION

if TYPE_CHECKING:
    from harness.evaluation.records import Evaluation
    from harness.leaderboard.board import BoardTask
    from harness.leaderboard.tables import SuiteTables, TaskTables
    from harness.tasks.definition import Column

INTERVALS = (
    "Intervals hold 95 %. Over a suite they are percentiles of bootstrap draws in which the "
    "suite's tasks are drawn anew, the same for all, and each entry's runs within each task: they "
    "cover both other tasks of the kind and other runs, and say nothing of other data for the same "
    "tasks. On a task mean_low and mean_high are Student's interval over the runs, and rank_low "
    "and rank_high come from drawing the runs anew: with few runs they are rather narrow. "
    "They are null over a suite for an entry of fewer than 3 tasks that count, and on a task for "
    "one of fewer than 3 counted runs. Entries share tie_rank while the interval of their "
    "difference from the best of them reaches down to 0: their order among each other is no "
    "evidence that one is better."
)


def leaderboard_json(suites: Sequence[SuiteTables], names: PageNames) -> bytes:
    """Return the document ``leaderboard.json``.

    Args:
        suites: The tables of each suite, in any order.
        names: The names of the run pages; every entry has one.
    """
    document = LeaderboardDocument(
        schema_version=1,
        scoring_version=SCORING_VERSION,
        intervals=INTERVALS,
        suites=tuple(
            _suite(tables, names) for tables in sorted(suites, key=lambda each: each.suite.name)
        ),
    )
    return document.model_dump_json(indent=1).encode("utf-8") + b"\n"


def schema_bytes() -> bytes:
    """Return the JSON Schema of ``leaderboard.json``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **LeaderboardDocument.model_json_schema(),
    }
    return json.dumps(schema, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"


def _suite(tables: SuiteTables, names: PageNames) -> SuitePart:
    tasks = sorted(tables.tasks, key=lambda each: each.task.name)
    return SuitePart(
        name=tables.suite.name,
        expected_runs=tables.suite.expected_runs,
        tasks=tuple(_task(each.task) for each in tasks),
        readings=tuple(_reading(tables, index, names) for index in range(len(tables.readings))),
        runs=tuple(_run(run, names) for each in tasks for run in _runs_of(each)),
    )


def _task(task: BoardTask) -> TaskPart:
    definition = task.definition
    return TaskPart(
        name=task.name,
        title=encodable(task.title),
        page=task_page(task.name),
        features=_columns(definition.features),
        targets=_columns(definition.targets),
        max_params=definition.max_params,
    )


def _columns(columns: Iterable[Column]) -> tuple[ColumnPart, ...]:
    return tuple(
        ColumnPart(name=each.name, unit=encodable(each.unit), meaning=encodable(each.meaning))
        for each in columns
    )


def _reading(tables: SuiteTables, index: int, names: PageNames) -> ReadingPart:
    table = tables.readings[index]
    rows = [
        SuiteRankedRow(
            **_shared(line),
            tasks_with_runs=row.n_tasks_with_runs,
            tasks_counted=row.n_tasks_counted,
            pages={task: names.run_page(task, row.pair) for task in sorted(row.entries)},
        )
        for line, row in zip(suite_lines(table), table.rows, strict=True)
    ]
    by_task = {}
    for each in sorted(tables.tasks, key=lambda each: each.task.name):
        name = each.task.name
        by_task[name] = tuple(
            TaskRankedRow(**_shared(line), page=names.run_page(name, (line.agent, line.model)))
            for line in task_lines(each.readings[index])
        )
    return ReadingPart(reading=table.counting.reading.value, rows=tuple(rows), by_task=by_task)


def _shared(line: RankedLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in RankedRow.model_fields}


def _runs_of(tables: TaskTables) -> list[StoredRun]:
    runs = [run for row in tables.usual.rows for run in row.entry.runs]
    return sorted(runs, key=lambda run: run.key)


def _run(run: StoredRun, names: PageNames) -> RunPart:
    evaluation = run.evaluation
    created = created_at(run)
    page = names.run_page(run.key.task, (run.key.agent, run.key.model))
    return RunPart(
        task=run.key.task,
        agent=run.key.agent,
        model=run.key.model,
        run=run.key.run,
        page=f"{page}#run-{run.key.run}",
        status=evaluation.status,
        r2=_finite(evaluation.r2),
        score=evaluation.score,
        r2_fit=_finite(evaluation.r2_fit),
        nmse=_finite(evaluation.nmse),
        nmae=_finite(evaluation.nmae),
        n_params=evaluation.n_params,
        seconds=SecondsPart(fit=evaluation.seconds.fit, predict=evaluation.seconds.predict),
        format=evaluation.format,
        isolation=evaluation.isolation.layers,
        versions=dict(sorted(evaluation.versions.items())),
        scoring_version=evaluation.scoring_version,
        digest=evaluation.digest,
        created=None if created is None else created.isoformat(),
        failure=_failure(evaluation),
        violations=tuple(
            ViolationPart(rule=each.rule, message=each.message) for each in evaluation.violations
        ),
        program_sha256=sha256(run.program).hexdigest(),
    )


def _failure(evaluation: Evaluation) -> FailurePart | None:
    error = evaluation.error
    if error is None:
        return None
    return FailurePart(kind=error.kind.value, message=error.message, line=error.line)


def _finite(figure: float | None) -> float | None:
    """Return a figure that JSON can hold: a fit may be off by more than a float can say."""
    return figure if figure is not None and math.isfinite(figure) else None
