"""What laws found offline are worth on held-out rows, beside what a search must beat.

    python tests/benchmarks/discovery.py [--seconds 60] [--seeds 1,2,3,4,5] [--suite S] [--report]

Every search and every choice is made on train rows; each program is then scored on the held-out
rows, once. Results are kept in ``build/discovery.jsonl``: a run that was stopped goes on.
``--report`` prints the table of what is there. The configuration is the package's defaults, and
nothing here may be changed after looking: another configuration is another ``--label``.

Bars: ``library`` (the field's forms, selected by the same folds, no evolution), ``bic`` (the same
forms, selected by the Bayesian information criterion of the fit to the train rows), and the shipped
``human`` laws.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

import harness
from harness.evolution.choose import Finalist, starts_of
from harness.evolution.emit import Emission, write_program
from harness.evolution.fitness import start_points
from harness.evolution.formula import formula
from harness.evolution.gateway import train_side
from harness.evolution.ledger import Budget
from harness.evolution.proposals import Entry
from harness.evolution.result import result_of
from harness.evolution.search import Search
from harness.evolution.sitting import run
from harness.results.journal import Journal
from harness.tasks import Task, load_catalogue

RESULTS = Path(__file__).parents[2] / "build" / "discovery.jsonl"
WAYS = ("evolve", "library", "bic")
FLOOR = -1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each search, on all jobs")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--suite", default=None)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--label", default="default", help="of the configuration")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    options = parser.parse_args()
    if not options.report:
        for seed in map(int, options.seeds.split(",")):
            for task in load_catalogue().tasks(options.suite):
                if task.has_data():
                    measure(task, seed, options.seconds, options.jobs, options.label)
    report(options.label)


def measure(task: Task, seed: int, seconds: float, jobs: int, label: str) -> None:
    """Search, choose in each way, score each choice once, and write it down."""
    about = {"label": label, "task": task.name, "suite": task.suite, "seed": seed}
    about["seconds"] = seconds
    if any(all(line[key] == value for key, value in about.items()) for line in lines()):
        return
    search = Search(train_side(task), seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "journal.sqlite", "x") as journal,
    ):
        journal.begin({}, "")
        run(search, journal, Budget(seconds=seconds), jobs=jobs)
    result = result_of(search)
    if result is None or result.choice is None:
        return
    library = [e for e in search.view.entries.values() if e.proposal.proposer == "library"]
    chosen = {
        "evolve": (result.source, result.formula),
        "library": written(search, best_form(search)),
        "bic": written(search, min(library, key=lambda entry: bic(search, entry))),
    }
    scored = {}
    for way, (source, law) in chosen.items():
        evaluation = harness.evaluate(source, task)
        scored[way] = {
            "r2": evaluation.r2,
            "score": evaluation.score,
            "status": evaluation.status,
            "law": law,
        }
    line = {
        **about,
        "evaluated": search.n_evaluated,
        "rate": round(search.n_evaluated / search.seconds, 1),
        "why": result.why,
        "scored": scored,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
    figures = ", ".join(f"{way} {scored[way]['score']:.4f}" for way in WAYS)
    print(f"{task.name} seed {seed}: {figures}; {line['rate']} laws a second", flush=True)


def best_form(search: Search) -> Entry:
    """Return the library's best by the search folds alone."""
    library = [e for e in search.view.entries.values() if e.proposal.proposer == "library"]
    return min(library, key=lambda entry: (entry.verdict.fitness, entry.proposal.number))


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
    finalist = Finalist(entry, law, np.zeros(1), theta)
    usual = start_points(law, 4)
    starts = np.concatenate([starts_of(finalist, 4), usual]) if law.slots else usual
    about = Emission(side.title, search.rows.axes, search.rows.targets, starts)
    return write_program(law, about), formula(law, side.feature_names, side.target_names)


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
    for task in tasks:
        mine = [line for line in here if line["task"] == task]
        figures = " ".join(f"{line['scored']['evolve']['score']:8.4f}" for line in mine)
        bars = "  ".join(
            f"{way} {mean(line['scored'][way]['score'] for line in mine):.4f}" for way in WAYS[1:]
        )
        print(f"  {task:32s} {figures}   {bars}  human {people[task]:.4f}")
    for way in WAYS:
        means = [
            mean(line["scored"][way]["score"] for line in here if line["seed"] == seed)
            for seed in seeds
            if {line["task"] for line in here if line["seed"] == seed} == set(tasks)
        ]
        if means:
            shown = " ".join(f"{value:.4f}" for value in means)
            print(f"  mean by seed, {way:8s} {shown}   over seeds {mean(means):.4f}")
    print(f"  mean, human          {mean(people.values()):.4f}")


def human(task: str) -> float:
    """Return the score of the shipped human law."""
    path = Path(__file__).parents[2] / "candidates" / task / "human" / "human" / "run_1.py"
    return harness.evaluate(path, task).score if path.exists() else FLOOR


if __name__ == "__main__":
    main()
