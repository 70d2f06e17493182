"""What laws found offline are worth on held-out rows, beside what a search must beat.

    python tests/benchmarks/discovery.py [--seconds 60] [--seeds 1,2,3,4,5] [--suite S] [--report]

Every search and every choice is made on train rows; each program is then scored on the held-out
rows, once. Results are kept in ``build/discovery.jsonl``: a run that was stopped goes on.
``--report`` prints the table of what is there. The configuration is the package's defaults, and
nothing here may be changed after looking: another configuration is another ``--label``.

Bars: ``library`` (the field's forms, selected by the same folds, no evolution), ``textbook`` (of
these the ones published for just the task's quantities, where there are any), ``bic`` (all forms,
selected by the Bayesian information criterion of the fit to the train rows), the shipped
``human`` laws, and with ``--operon`` pyoperon's expressions, refitted and selected by the same
folds (extra ``sr``; the same seconds, for the seeds given).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from operon import operon_program

import harness
from harness.evolution.emit import Emission, write_program
from harness.evolution.folds import plan_folds
from harness.evolution.formula import formula
from harness.evolution.gateway import train_side
from harness.evolution.ledger import Budget
from harness.evolution.proposals import LIBRARY, TEXTBOOK, Entry
from harness.evolution.result import result_of
from harness.evolution.rows import train_rows
from harness.evolution.search import Search
from harness.evolution.sitting import run_unkept
from harness.evolution.starts import program_starts
from harness.tasks import Task, load_catalogue

RESULTS = Path(__file__).parents[2] / "build" / "discovery.jsonl"
WAYS = ("evolve", "textbook", "library", "bic")
PUBLISHED = frozenset({TEXTBOOK, LIBRARY})
OPERON = "pyoperon"
FLOOR = -1.0
BARS_SEED = 1
"""The search of which the bars are scored, too."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each search, on all jobs")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--suite", default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--label", default="ninth", help="of the configuration")
    parser.add_argument("--operon", action="store_true", help="measure pyoperon, not the search")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    options = parser.parse_args()
    label = OPERON if options.operon else options.label
    if not options.report:
        for seed in map(int, options.seeds.split(",")):
            for task in load_catalogue().tasks(options.suite):
                about = {"label": label, "task": task.name, "suite": task.suite, "seed": seed}
                about["seconds"] = options.seconds
                if task.has_data() and not known(about):
                    found = (measure_operon if options.operon else measure)(
                        task, seed, options.seconds, options.jobs
                    )
                    write(about, found)
    report(options.label)


def known(about: dict[str, Any]) -> bool:
    """Whether this was measured before."""
    return any(all(line[key] == value for key, value in about.items()) for line in lines())


def write(about: dict[str, Any], found: dict[str, Any]) -> None:
    """Write down what was found, and say it."""
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as out:
        out.write(json.dumps({**about, **found}) + "\n")
    figures = ", ".join(f"{way} {one['score']:.4f}" for way, one in found["scored"].items())
    print(f"{about['task']} seed {about['seed']}: {figures}; {found['why']}", flush=True)


def scored(source: str, law: str, task: Task) -> dict[str, Any]:
    """Score a program on the held-out rows."""
    evaluation = harness.evaluate(source, task)
    return {
        "r2": evaluation.r2,
        "score": evaluation.score,
        "status": evaluation.status,
        "law": law,
        "source": source,
    }


def measure_operon(task: Task, seed: int, seconds: float, jobs: int) -> dict[str, Any]:
    """Have pyoperon breed expressions, choose one on the folds, and score it once."""
    side = train_side(task)
    rows = train_rows(side.train, side.feature_names, side.target_names)
    folds = [fold for fold in plan_folds(rows) if fold.purpose == "search"]
    source, law = operon_program(rows, folds, side.max_params, seed, seconds, jobs)
    return {"why": law, "scored": {OPERON: scored(source, law, task)}}


def measure(task: Task, seed: int, seconds: float, jobs: int) -> dict[str, Any]:
    """Search, choose in each way, and score each choice once."""
    search = Search(train_side(task), seed)
    run_unkept(search, Budget(seconds=seconds), jobs=jobs)
    result = result_of(search)
    if result is None or result.choice is None:
        msg = f"{task.name}: nothing could be fitted"
        raise ValueError(msg)
    library = [e for e in search.view.entries.values() if e.proposal.proposer in PUBLISHED]
    chosen = {"evolve": (result.source, result.formula)}
    if seed == BARS_SEED:  # they hang on the task alone, and scoring them takes as long again
        chosen |= {
            "textbook": written(search, best_form(search, TEXTBOOK)),
            "library": written(search, best_form(search, *PUBLISHED)),
            "bic": written(search, min(library, key=lambda entry: bic(search, entry))),
        }
    return {
        "evaluated": search.n_evaluated,
        "rate": round(search.n_evaluated / search.seconds, 1),
        "why": result.why,
        "scored": {way: scored(source, law, task) for way, (source, law) in chosen.items()},
    }


def best_form(search: Search, *proposers: str) -> Entry:
    """Return the best published form by the search folds alone; of all, where these have none."""
    published = [e for e in search.view.entries.values() if e.proposal.proposer in PUBLISHED]
    some = [entry for entry in published if entry.proposal.proposer in proposers]
    return min(some or published, key=lambda entry: (entry.verdict.fitness, entry.proposal.number))


def bic(search: Search, entry: Entry) -> float:
    """Return n log(error of the fit) + k log(n), over all rows and constants of all groups."""
    n = search.rows.n_rows * len(search.rows.targets)
    k = entry.verdict.n_constants * len(search.rows.groups)
    fit = entry.verdict.fit
    return float("inf") if fit is None else n * float(np.log(fit)) + k * float(np.log(n))


def written(search: Search, entry: Entry) -> tuple[str, str]:
    """Return an entry's program, fitted as that of a search is, and its formula."""
    law, theta, side = entry.proposal.law, entry.verdict.theta, search.side
    if law is None or theta is None:
        msg = "forms are trees"
        raise ValueError(msg)
    starts = program_starts(law, theta)
    about = Emission(side.title, search.rows.axes, search.rows.targets, starts)
    return write_program(law, about), formula(law, search.rows.axes, side.target_names)


def lines() -> Iterator[dict[str, Any]]:
    """Yield what was measured before."""
    if RESULTS.exists():
        for line in RESULTS.read_text("utf-8").splitlines():
            yield json.loads(line)


def report(label: str) -> None:
    """Print, for each suite, every task's figure by seed, and the means."""
    found = [line for line in lines() if line["label"] == label]
    for seconds in sorted({line["seconds"] for line in found}):
        for suite in sorted({line["suite"] for line in found}):
            here = [x for x in found if (x["suite"], x["seconds"]) == (suite, seconds)]
            if here:
                print_suite(suite, seconds, here)


def print_suite(suite: str, seconds: float, here: list[dict[str, Any]]) -> None:
    tasks = sorted({line["task"] for line in here})
    seeds = sorted({line["seed"] for line in here})
    cores = len(os.sched_getaffinity(0))
    print(f"\n{suite}, {seconds:g} s a search on {cores} cores, seeds {seeds}")
    people = {task: human(task) for task in tasks}
    others = {
        task: [
            line["scored"][OPERON]["score"]
            for line in lines()
            if line["label"] == OPERON and line["task"] == task and line["seconds"] == seconds
        ]
        for task in tasks
    }
    for task in tasks:
        mine = [line for line in here if line["task"] == task]
        figures = " ".join(f"{line['scored']['evolve']['score']:8.4f}" for line in mine)
        bars = "  ".join(
            f"{way} {mean(scores):.4f}" for way in WAYS[1:] if (scores := scores_of(mine, way))
        )
        other = f"{mean(others[task]):.4f}" if others[task] else "-"
        print(f"  {task:32s} {figures}   {bars}  {OPERON} {other}  human {people[task]:.4f}")
    for way in WAYS:
        by_seed = [scores_of([x for x in here if x["seed"] == seed], way) for seed in seeds]
        means = [mean(scores) for scores in by_seed if len(scores) == len(tasks)]
        if means:
            shown = " ".join(f"{value:.4f}" for value in means)
            print(f"  mean by seed, {way:8s} {shown}   over seeds {mean(means):.4f}")
    if all(others.values()):
        seen = sorted({len(scores) for scores in others.values()})
        figure = mean(mean(scores) for scores in others.values())
        print(f"  mean, {OPERON}       {figure:.4f} ({seen} seeds)")
    print(f"  mean, human          {mean(people.values()):.4f}")


def scores_of(some: list[dict[str, Any]], way: str) -> list[float]:
    """Return the scores of what was chosen in some way, where it was scored."""
    return [line["scored"][way]["score"] for line in some if way in line["scored"]]


def human(task: str) -> float:
    """Return the score of the shipped human law."""
    path = Path(__file__).parents[2] / "candidates" / task / "human" / "human" / "run_1.py"
    return harness.evaluate(path, task).score if path.exists() else FLOOR


if __name__ == "__main__":
    main()
