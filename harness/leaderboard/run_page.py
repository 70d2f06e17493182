"""The page of one task, agent and model: the source layout, and beneath it every run in detail."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.evaluation.figures import DASH, six
from harness.leaderboard.board import BoardTask
from harness.leaderboard.entries import Entry, line_figure
from harness.leaderboard.formula.lines import formula_lines
from harness.leaderboard.highlight import ShownProgram, highlight, shown_program
from harness.leaderboard.notes import claim_notes
from harness.leaderboard.number_tables import NumberTable, Predicted, number_tables
from harness.leaderboard.page_names import task_page
from harness.leaderboard.task_view import TaskView, task_view
from harness.leaderboard.templating import render
from harness.results.records import ClaimedPage, ClaimedRun, StoredClaim, StoredRun
from harness.results.source_page import ALL_RUNS, BACK_LINK, LANGUAGE

if TYPE_CHECKING:
    from harness.evaluation.records import Evaluation, Traces
    from harness.leaderboard.formula import Formula
    from harness.leaderboard.rendering import Tools

MOST_CONSTANTS = 64
"""Of a group with more constants the first ones are shown."""

_STATUS_WORDS = {"ok": "ok", "failed": "failed", "violation": "rule broken"}


@dataclass(frozen=True, slots=True)
class ConstantsTable:
    """The fitted constants of a run, one row a group."""

    width: int
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    left_out: int
    """How many constants of the largest group are not shown."""


@dataclass(frozen=True, slots=True)
class RunDetail:
    """What the fold-out of a run shows beside its evaluation."""

    run: StoredRun
    program: ShownProgram
    constants: ConstantsTable | None
    file: str
    """The program's path, from the folder that holds the candidates folder."""
    drawn: bool
    """Whether its predictions are in the charts."""


@dataclass(frozen=True, slots=True)
class EvaluatedRunPage:
    """Makes the page of an entry from our evaluations."""

    name: str
    entry: Entry
    task: BoardTask
    claim: StoredClaim | None

    @property
    def names(self) -> tuple[str, ...]:
        """The page's file name."""
        return (self.name,)

    def make(self, tools: Tools) -> dict[str, bytes]:
        """Return the page."""
        view = task_view(self.task)
        traces = {
            run.key.run: found
            for run in self.entry.runs
            if run.evaluation.r2 is not None
            and (found := tools.traces.traces(run.evaluation.digest)) is not None
        }
        definition = view.definition
        formula = tools.formulas.formula(
            self.entry.runs[0].program,
            [column.name for column in definition.features],
            [column.name for column in definition.targets],
            self.entry.runs[0].evaluation.n_params,
        )
        html = evaluated_page(self.entry, view, self.claim, traces, formula)
        return {self.name: html.encode("utf-8")}


@dataclass(frozen=True, slots=True)
class ClaimedRunPage:
    """Makes a published page again from its claims alone."""

    name: str
    claim: StoredClaim

    @property
    def names(self) -> tuple[str, ...]:
        """The page's file name."""
        return (self.name,)

    def make(self, tools: Tools) -> dict[str, bytes]:  # noqa: ARG002 (claims have no arrays)
        """Return the page."""
        return {self.name: claimed_page(self.claim).encode("utf-8")}


def layout(entry: Entry, title: str) -> ClaimedPage:
    """Return the source layout of an entry, filled with our own figures.

    Args:
        entry: An entry with its runs.
        title: The task's title.
    """
    return ClaimedPage(
        title=_one_line(title),
        agent=_one_line(entry.agent_name),
        model=_one_line(entry.model_name),
        best=six(entry.best),
        mean=six(entry.mean),
        min=six(entry.min),
        runs=str(entry.n_runs),
        program=shown_program(entry.runs[0].program).text,
        ranking=tuple(ClaimedRun(run=run.key.run, r2=six(line_figure(run))) for run in entry.runs),
    )


def evaluated_page(
    entry: Entry,
    view: TaskView,
    claim: StoredClaim | None = None,
    traces: dict[int, Traces] | None = None,
    formula: Formula | None = None,
) -> str:
    """Return the page of an entry from our evaluations.

    Args:
        entry: An entry with its runs.
        view: The task.
        claim: What a published page claims about the same task, agent and model.
        traces: The arrays of runs, by run number.
        formula: The law of the best run.
    """
    first = entry.runs[0]
    drawn = _drawn_runs(entry, view, traces or {})
    tables = number_tables(view, drawn) if drawn else []
    grid = view.definition.curve
    details = [_detail(run, traces or {}, drawn) for run in entry.runs]
    cut = formula_lines(formula.mathml) if formula else None
    return render(
        "evaluated_run.html.j2",
        **_article(
            layout(entry, view.definition.title),
            highlight(first.program),
            shown_program(first.program),
        ),
        linked=True,
        marks={run.key.run: f"is-{run.evaluation.status}" for run in entry.runs},
        marked=[run for run in entry.runs if run.evaluation.status != "ok"],
        details=details,
        claim=claim,
        claim_notes=claim_notes(claim, entry.runs) if claim else [],
        constants=lambda evaluation: _constants(evaluation, view.definition.max_params),
        versions=_versions,
        status_words=_STATUS_WORDS,
        formula=formula,
        mathml=Markup(formula.mathml) if formula else None,  # noqa: S704 (checked, tag by tag)
        lines=Markup(cut) if cut else None,  # noqa: S704 (the same, in parts)
        view=view,
        definition=view.definition,
        task_page=task_page(view.definition.name),
        tables=tables,
        chart_kinds=_chart_kinds(tables),
        best_run=drawn[0].name if drawn else "",
        curve_along=grid.along if grid else "",
    )


def claimed_page(claim: StoredClaim) -> str:
    """Return the page of a published page from its claims alone."""
    program = claim.page.program.encode("utf-8")
    shown = shown_program(program)
    return render(
        "claimed_run.html.j2",
        measured=False,
        **_article(claim.page, highlight(program), shown),
        linked=False,
        marks={run.run: "is-claimed" for run in claim.page.ranking},
        source=claim.source,
    )


def _article(page: ClaimedPage, program: Markup, shown: ShownProgram) -> dict[str, object]:
    return {
        "page": page,
        "program": program,
        "altered": shown.altered,
        "lost": shown.notes,
        "back_link": BACK_LINK,
        "all_runs": ALL_RUNS,
        "language": LANGUAGE,
    }


def _drawn_runs(entry: Entry, view: TaskView, traces: dict[int, Traces]) -> list[Predicted]:
    """Return the runs whose stored predictions belong to the rows at hand, best first."""
    return [
        Predicted(str(run.key.run), f"Run {run.key.run}", traces[run.key.run])
        for run in entry.runs
        if run.key.run in traces and view.agrees(run.evaluation, traces[run.key.run])
    ]


def _chart_kinds(tables: list[NumberTable]) -> list[str]:
    if not tables:
        return []
    curve = any(table.split == "curve" for table in tables)
    return ["predicted", "residuals", *(["law"] if curve else [])]


def _detail(run: StoredRun, traces: dict[int, Traces], drawn: list[Predicted]) -> RunDetail:
    found = traces.get(run.key.run)
    return RunDetail(
        run=run,
        program=shown_program(run.program),
        constants=_constants_table(found) if found and found.params else None,
        file=_file_of(run),
        drawn=any(each.name == str(run.key.run) for each in drawn),
    )


def _file_of(run: StoredRun) -> str:
    """Return the program's path below the folder that holds the candidates folder.

    Where on whose disk that folder lies is nobody's business.
    """
    parts = Path(run.path).parts
    root = parts[-5] if len(parts) > 5 else "candidates"
    return f"{root}/{run.key.place}"


def _constants_table(traces: Traces) -> ConstantsTable:
    flat = {group: values.ravel().tolist() for group, values in sorted(traces.params.items())}
    largest = max(len(values) for values in flat.values())
    width = min(largest, MOST_CONSTANTS)
    rows = tuple(
        (group, tuple(f"{value:.6g}" for value in values[:width])) for group, values in flat.items()
    )
    return ConstantsTable(width, rows, largest - width)


def _one_line(name: str) -> str:
    """Return a name without control characters, which would break its line of the layout."""
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in name)


def _constants(evaluation: Evaluation, cap: int | None) -> str:
    if evaluation.n_params is not None:
        allowed = "no limit" if cap is None else f"at most {cap}"
        return f"{evaluation.n_params} a group ({allowed})"
    return "in the program, not counted" if evaluation.format == "law" else DASH


def _versions(evaluation: Evaluation) -> str:
    named = [f"{name} {version}" for name, version in sorted(evaluation.versions.items())]
    return ", ".join([*named, f"scoring {evaluation.scoring_version}"])
