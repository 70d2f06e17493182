"""How the same laws do beyond the rows, as rows count now and where all count alike.

    python tests/benchmarks/same_laws.py [--suite S | --tables FOLDER] [--aside 0.4]

Of each division of train rows (``nested``) the forms of the library that search folds like best are
fitted both ways. Nothing is chosen among them, so this says far more surely what a change of fits
is worth than what the law that is taken gets. No held-out row of any task is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

from nested import beyond, divided, tables, with_axes

from harness.evolution.fitness import Judge
from harness.evolution.folds import Fold
from harness.evolution.gateway import TrainSide, train_side
from harness.evolution.rows import TrainRows
from harness.evolution.search import Search
from harness.tasks import load_catalogue

FORMS = 15
"""Of each division."""
FLOOR = -1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default=None)
    parser.add_argument("--aside", type=float, default=0.4, help="how much is put aside")
    parser.add_argument("--tables", type=Path, default=None, help="CSV files instead of tasks")
    options = parser.parse_args()
    tasks = (task for task in load_catalogue().tasks(options.suite) if task.has_data())
    sides = map(train_side, tasks) if options.tables is None else tables(options.tables)
    found: dict[str, list[tuple[float, float]]] = {}
    for whole in sides:
        for side, fold, rows in divided(whole, options.aside):
            pair = both_ways(side, fold, rows)
            kind = "jointly" if fold.name == "joint" else "one feature"
            found.setdefault(kind, []).append(pair)
            print(f"{side.name}, {fold.name}: now {pair[0]:.3f}, alike {pair[1]:.3f}", flush=True)
    for kind, pairs in found.items():
        now, alike = (mean(pair[way] for pair in pairs) for way in (0, 1))
        print(f"{kind}, {len(pairs)} divisions: now {now:.3f}, alike {alike:.3f}")


def both_ways(side: TrainSide, fold: Fold, rows: TrainRows) -> tuple[float, float]:
    """Return the mean R² beyond, at least -1, as rows count now and where all count alike."""
    search = Search(side, seed=1)
    judge = Judge(search.rows, search.folds)
    scored = [(judge.score(form.law), form.law) for form in search.offline.forms]
    scored.sort(key=lambda one: one[0].fitness(search.folds))
    outer, alike = with_axes(rows, search.rows), fold.fitted.astype(float)
    worth = [
        [max(1.0 - beyond(law, score.theta, outer, fold, way), FLOOR) for way in (None, alike)]
        for score, law in scored[:FORMS]
    ]
    return mean(one[0] for one in worth), mean(one[1] for one in worth)


if __name__ == "__main__":
    main()
