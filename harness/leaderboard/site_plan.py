"""What a site consists of: jobs that make its files, each with the digest of what it is made from.

A digest covers the stored runs, the task, the claims, the names of the pages that are linked, and
the harness itself with the versions of the libraries that write pages; where it is the same, so are
the files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from harness.errors import UserError
from harness.leaderboard.board import Board, BoardTask
from harness.leaderboard.code_styles import code_css
from harness.leaderboard.compare_page import ComparePage, pairs_with_pages
from harness.leaderboard.comparison import contenders
from harness.leaderboard.entries import Entry, entries
from harness.leaderboard.page_names import PageNames, Pair
from harness.leaderboard.rendering import Job, Tools
from harness.leaderboard.run_page import ClaimedRunPage, EvaluatedRunPage
from harness.leaderboard.standings import suite_rows, task_rows
from harness.leaderboard.summary import ClaimedSummary, Summary
from harness.leaderboard.task_page import TaskPage
from harness.results.records import RunKey, StoredClaim, StoredRun

_LIBRARIES = ("jinja2", "markupsafe", "numpy", "plotly", "pygments", "scipy", "sympy")
_SCRIPTS = ("site.js", "board.js")
_CHART_PARTS = (
    "tables", "words", "choices", "rows", "traces", "kinds", "drawing", "figures"
)  # fmt: skip
"""Of the script that draws charts, as a reader needs them: from tables to what is seen."""
PLOTLY_FILE = "plotly.min.js"


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job and the digest of what its files are made from."""

    job: Job
    input: str
    whole: bool = False
    """Whether the job holds all runs of the board."""


def plan_site(board: Board) -> list[PlannedJob]:
    """Return the jobs of the site that shows our evaluations."""
    shown = entries(board.runs)
    names = PageNames((entry.task, *entry.pair) for entry in shown)
    prints = _Prints(board)
    claim_of = {(claim.task, claim.agent, claim.model): claim for claim in board.claims}
    rankings = [[row.pair for row in suite_rows(shown, suite.tasks)] for suite in board.suites]
    pairs = pairs_with_pages(rankings)
    summary = Summary(board.suites, board.runs, board.claims, names, tuple(pairs))
    plan = [_planned(summary, prints.all, whole=True), _planned(Assets(), [])]
    for suite, ranking in zip(board.suites, rankings, strict=True):
        if ranking:  # the index shows suites that have runs, and leads to their tasks
            plan += [_task_job(task, shown, names, prints) for task in suite.tasks]
    for entry in shown:
        name = names.run_page(entry.task, entry.pair)
        claim = claim_of.get((entry.task, *entry.pair))
        job = EvaluatedRunPage(name, entry, board.tasks[entry.task], claim)
        claimed = prints.claim(claim) if claim else ""
        plan.append(_planned(job, [*prints.entry(entry), prints.task(entry.task), claimed]))
    return plan + _compare_jobs(board, shown, names, pairs, prints)


def plan_claims(board: Board) -> list[PlannedJob]:
    """Return the jobs of the site that shows claims alone."""
    names = PageNames((claim.task, claim.agent, claim.model) for claim in board.claims)
    prints = _Prints(board)
    plan = [
        _planned(ClaimedSummary(board.suites, board.claims, names), prints.all, whole=True),
        _planned(Assets(charts=False), []),
    ]
    for claim in board.claims:
        name = names.run_page(claim.task, (claim.agent, claim.model))
        plan.append(_planned(ClaimedRunPage(name, claim), [prints.claim(claim)]))
    return plan


def _task_job(
    task: BoardTask, shown: Sequence[Entry], names: PageNames, prints: _Prints
) -> PlannedJob:
    own = [row.entry for row in task_rows(shown, task.name)]
    pages = {entry.pair: names.run_page(task.name, entry.pair) for entry in own}
    runs = [each for entry in own for each in prints.entry(entry)]
    linked = json.dumps(sorted(pages.items()))
    return _planned(TaskPage(task, tuple(own), pages), [prints.task(task.name), linked, *runs])


def _compare_jobs(
    board: Board,
    shown: Sequence[Entry],
    names: PageNames,
    pairs: Sequence[tuple[Pair, Pair]],
    prints: _Prints,
) -> list[PlannedJob]:
    pages = {(entry.task, entry.pair): names.run_page(entry.task, entry.pair) for entry in shown}
    known = contenders(shown, pages)
    by_pair: dict[Pair, list[str]] = {}
    for entry in shown:
        linked = pages[entry.task, entry.pair]
        by_pair.setdefault(entry.pair, []).extend([linked, *prints.entry(entry)])
    outline = tuple(suite.outline() for suite in board.suites)
    tasks = json.dumps([astuple(suite) for suite in outline])
    return [
        _planned(
            ComparePage(known[one], known[other], outline),
            [tasks, *by_pair[one], *by_pair[other]],
        )
        for one, other in pairs
    ]


@dataclass(frozen=True, slots=True)
class Assets:
    """Makes the files that all pages share."""

    charts: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        drawn = ("charts.js", *((PLOTLY_FILE,) if plotly_file() else ())) if self.charts else ()
        return ("style.css", *_SCRIPTS, *drawn)

    def make(self, tools: Tools) -> dict[str, bytes]:  # noqa: ARG002 (nothing is looked up)
        """Return the files."""
        folder = package_files("harness.leaderboard") / "assets"
        style = (folder / "style.css").read_text("utf-8") + code_css()
        found = {name: (folder / name).read_bytes() for name in _SCRIPTS}
        found["style.css"] = style.encode("utf-8")
        if self.charts:
            found["charts.js"] = _charts_script(folder / "charts").encode("utf-8")
            plotly = plotly_file()
            if plotly:
                found[PLOTLY_FILE] = plotly.read_bytes()
        return found


def _charts_script(folder: Traversable) -> str:
    """Put the parts together: a page from a disk may not load a script that imports others."""
    parts = [(folder / f"{name}.js").read_text("utf-8") for name in _CHART_PARTS]
    told = "// Draws a page's charts from the tables that stand on it; complete without this."
    return "\n".join([told, '"use strict";\n\n(() => {\n', *parts, "})();\n"])


@cache
def plotly_file() -> Path | None:
    """Return the script that draws charts, out of the installed package; None without it."""
    spec = find_spec("plotly")  # looked up, not imported: that would take half a second
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "package_data" / PLOTLY_FILE
    return path if path.is_file() else None


def _planned(job: Job, made_from: Sequence[str], *, whole: bool = False) -> PlannedJob:
    parts = [renderer_print(), type(job).__name__, *job.names, "", *made_from]
    return PlannedJob(job, _digest(json.dumps(parts)), whole)


class _Prints:
    """Short digests of what pages are made from."""

    def __init__(self, board: Board) -> None:
        self._runs = {run.key: _run_print(run) for run in board.runs}
        self._tasks = {name: _task_print(task) for name, task in board.tasks.items()}
        suites = [(suite.name, suite.expected_runs) for suite in board.suites]
        self.all = [
            json.dumps(suites),
            *self._tasks.values(),
            *(self._runs[key] for key in sorted(self._runs)),
            *sorted(self.claim(claim) for claim in board.claims),
        ]

    def entry(self, entry: Entry) -> list[str]:
        return [self._runs[run.key] for run in entry.runs]

    def task(self, name: str) -> str:
        return self._tasks[name]

    def claim(self, claim: StoredClaim) -> str:
        key = (claim.task, claim.agent, claim.model, claim.source)
        return _digest(json.dumps([*key, claim.page.model_dump_json()]))


def _run_print(run: StoredRun) -> str:
    # The arrays are not read: they change with the evaluation, or with when it was stored.
    key: RunKey = run.key
    parts = [
        *astuple(key),
        run.agent_name,
        run.model_name,
        run.path,
        run.created,
        run.evaluation.model_dump_json(),
        hashlib.sha256(run.program).hexdigest(),
    ]
    return _digest(json.dumps(parts))


def _task_print(task: BoardTask) -> str:
    try:
        digest = task.digest()
    except UserError:
        digest = "its data is not here"
    return _digest(json.dumps([digest, task.definition.model_dump_json()]))


@cache
def renderer_print() -> str:
    """Return a digest of all that turns a board into files: the harness and the libraries."""
    found = hashlib.sha256()
    for name, data in _source_files(package_files("harness"), ""):
        found.update(f"{name}\0{len(data)}\0".encode())
        found.update(data)
    found.update(json.dumps([_version(name) for name in _LIBRARIES]).encode())
    return found.hexdigest()


def _source_files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        name = f"{prefix}{item.name}"
        if item.is_dir():
            if item.name not in {"__pycache__", "shipped"}:
                found += _source_files(item, f"{name}/")
        elif item.name.endswith((".py", ".j2", ".css", ".js")):
            found.append((name, item.read_bytes()))
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
