"""How choices among laws do one step beyond the rows they were made on, on train rows only.

    python tests/benchmarks/nested.py [--seconds 10] [--suite S | --tables FOLDER] [--seed 1]

The upper part of each task's train rows (of all features jointly, and of the levels of a feature;
a fifth or what ``--aside`` says) is put aside; the whole search runs on what is left, and rules
that choose among its laws are judged on the part put aside. No held-out row of any task is read, so
rules may be settled here. Differences of a few hundredths are noise: repeat with other seeds.

``--tables`` takes training runs from elsewhere instead of the tasks: a folder of CSV files, whose
last column is the target and whose others are features; rows that share a column ``group`` share
their constants. More tables say more than more seeds: rules that are alike on the rows of sixteen
tasks may be far apart on others.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

import numpy as np
import pandas as pd

from harness.evolution.batch_fit import Problem, fit_batch
from harness.evolution.choose import choose
from harness.evolution.expression import Law
from harness.evolution.fitness import Judge, costs, normalised_error
from harness.evolution.folds import Fold, joint_ranks
from harness.evolution.gateway import TrainSide, train_side
from harness.evolution.ledger import Budget
from harness.evolution.proposals import LIBRARY, TEXTBOOK, Entry
from harness.evolution.rows import FloatArray, Kind, TrainRows, train_rows
from harness.evolution.search import Search
from harness.evolution.sitting import run_unkept
from harness.evolution.weights import weights_of
from harness.tasks import load_catalogue
from harness.tasks.data import GroupRows

MOST = 25
"""How many of the best of the library, and of the bred ones, rules choose among."""
_STEPS = 30
"""Of the fit to the lower part, which begins where the search has fitted already."""

_CAPS, _MOST_CONSTANTS = {1: 6, 2: 7}, 12
"""Constants allowed for a table of so many features, and of more."""
_LEAST_ROWS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A law, what the search could know of it, and what it is worth beyond."""

    entry: Entry
    guard: float
    beyond: float

    @property
    def search(self) -> float:
        return self.entry.verdict.fitness

    @property
    def both(self) -> float:
        return (self.search + self.guard) / 2

    @property
    def known(self) -> bool:
        return self.entry.proposal.proposer in {TEXTBOOK, LIBRARY}


Rule = Callable[[list[Judged]], Judged]


def textbook_or_known(all_: list[Judged]) -> list[Judged]:
    """Return the textbook's laws; where there is none, all published forms."""
    textbook = [one for one in all_ if one.entry.proposal.proposer == TEXTBOOK]
    return textbook or [one for one in all_ if one.known]


RULES: dict[str, Rule] = {
    "textbook, search folds": lambda all_: min(textbook_or_known(all_), key=_search),
    "textbook, both": lambda all_: min(textbook_or_known(all_), key=_both),
    "the textbook's best": lambda all_: min(textbook_or_known(all_), key=_beyond),
    "library, search folds": lambda all_: min((j for j in all_ if j.known), key=_search),
    "library, both": lambda all_: min((j for j in all_ if j.known), key=_both),
    "all, search folds": lambda all_: min(all_, key=_search),
    "all, guard folds": lambda all_: min(all_, key=_guard),
    "all, both": lambda all_: min(all_, key=_both),
    "the best there was": lambda all_: min(all_, key=_beyond),
}


def _search(one: Judged) -> float:
    return one.search


def _both(one: Judged) -> float:
    return one.both


def _guard(one: Judged) -> float:
    return one.guard


def _beyond(one: Judged) -> float:
    return one.beyond


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each search")
    parser.add_argument("--suite", default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--aside", type=float, default=0.2, help="how much is put aside")
    parser.add_argument("--tables", type=Path, default=None, help="CSV files instead of tasks")
    options = parser.parse_args()
    scores: dict[str, dict[str, list[float]]] = {}
    tasks = (task for task in load_catalogue().tasks(options.suite) if task.has_data())
    sides = map(train_side, tasks) if options.tables is None else tables(options.tables)
    for whole in sides:
        for side, fold, rows in divided(whole, options.aside):
            found, chosen = judged(side, fold, rows, options.seconds, options.seed, options.jobs)
            picks = {name: rule(found).beyond for name, rule in RULES.items()}
            picks["as chosen"] = chosen
            for name, error in picks.items():
                by_task = scores.setdefault(name, {})
                by_task.setdefault(side.name, []).append(max(1 - error, -1.0))
            shown = ", ".join(f"{name} {1 - error:.3f}" for name, error in picks.items())
            print(f"{side.name}, {fold.name}: {shown}", flush=True)
    for name, by_task in scores.items():
        means = [mean(values) for values in by_task.values()]
        print(f"{name:24s} mean {mean(means):.4f}, median {median(means):.4f}")


def tables(folder: Path) -> Iterator[TrainSide]:
    """Yield what a search may know of each table of a folder; groups of few rows are left out."""
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path)
        target = str(table.columns[-1])
        features = [str(name) for name in table.columns[:-1] if name != "group"]
        if "group" not in table:
            table["group"] = "all"
        yield TrainSide(
            name=path.stem,
            title=path.stem,
            description="",
            features=tuple((name, "", "") for name in features),
            targets=((target, "", ""),),
            max_params=_CAPS.get(len(features), _MOST_CONSTANTS),
            known_law="",
            train=tuple(
                GroupRows(str(name), rows[features].to_numpy(float), rows[[target]].to_numpy(float))
                for name, rows in table.groupby("group")
                if len(rows) >= _LEAST_ROWS
            ),
        )


def divided(side: TrainSide, aside: float) -> Iterator[tuple[TrainSide, Fold, TrainRows]]:
    """Yield the lower part of train rows, as a search knows it, and the fold that judges."""
    rows = train_rows(side.train, side.feature_names, side.target_names)
    real = rows.weights > 0
    parts = {"joint": joint_ranks(rows) >= 1.0 - aside}
    scales = [n for n, axis in enumerate(rows.axes) if axis.kind is Kind.SCALE]
    if len(rows.axes) > 1:
        for column in scales[:3]:
            levels = np.unique(rows.values[..., column][real])
            if len(levels) >= 4:
                top = levels[-max(1, round(aside * len(levels)))]
                parts[rows.axes[column].name] = rows.values[..., column] >= top
    for name, part in parts.items():
        beyond = real & part
        lower = []
        for group, one in enumerate(side.train):
            kept = ~beyond[group][: len(one.features)]
            lower.append(GroupRows(one.group, one.features[kept], one.targets[kept]))
        if min(len(one.features) for one in lower) >= 4:
            fold = Fold(name, "guard", real & ~beyond, beyond)
            yield replace(side, train=tuple(lower)), fold, rows


def judged(
    side: TrainSide, fold: Fold, rows: TrainRows, seconds: float, seed: int, jobs: int
) -> tuple[list[Judged], float]:
    """Search the lower part; returns its laws, and the error beyond of the one that is chosen."""
    search = Search(side, seed)
    run_unkept(search, Budget(seconds=seconds), jobs=jobs)
    guard = Judge(search.rows, search.guards, most_rows=None)
    outer = with_axes(rows, search.rows)

    def worth(law: Law, entry: Entry) -> float:
        return beyond(law, entry.verdict.theta, outer, fold)

    found = []
    ranked = sorted(search.view.entries.values(), key=lambda e: e.verdict.fitness)
    fitted = [e for e in ranked if np.isfinite(e.verdict.fitness)]
    for known in (True, False):
        some = [e for e in fitted if (e.proposal.proposer in {TEXTBOOK, LIBRARY}) is known]
        always = [entry for entry in some[MOST:] if entry.proposal.proposer == TEXTBOOK]
        for entry in [*some[:MOST], *always]:
            law, theta = entry.proposal.law, entry.verdict.theta
            if law is None or entry.verdict.fit is None:
                continue
            score = guard.score(law, theta if theta is not None and theta.size else None)
            of_guard = float(costs(score.errors, score.n_constants, entry.verdict.fit).mean())
            found.append(Judged(entry, of_guard, worth(law, entry)))
    choice = choose(search)
    if choice is None or choice.chosen.law is None:
        msg = "nothing could be fitted"
        raise ValueError(msg)
    return found, worth(choice.chosen.law, choice.chosen.entry)


def with_axes(rows: TrainRows, lower: TrainRows) -> TrainRows:
    """Return rows in the coordinates of others, so that constants found there mean the same."""
    values = [axis.coordinate(rows.values[..., n]) for n, axis in enumerate(lower.axes)]
    return replace(rows, axes=lower.axes, coordinates=np.stack(values, axis=-1))


def beyond(
    law: Law,
    theta: FloatArray | None,
    rows: TrainRows,
    fold: Fold,
    weights: FloatArray | None = None,
) -> float:
    """Return the normalised error beyond of a law that is fitted to the lower part.

    The fit begins with what the search found there. It must not begin with a fit to all rows: a
    constant of which the lower part says little may stay where the upper part has put it.

    Args:
        law: The law.
        theta: Where its fit begins, ``(cells, P)``.
        rows: All rows.
        fold: Fits the lower part, judges the upper one.
        weights: What rows count, ``(G, N)``, if not what they usually do.
    """
    cells = len(rows.groups) * len(rows.targets)
    columns = tuple(
        np.repeat(rows.coordinates[..., n], len(rows.targets), axis=0)
        for n in range(len(rows.axes))
    )
    y = rows.y.transpose(0, 2, 1).reshape(cells, -1)
    counts = weights_of(rows, fold.fitted) if weights is None else weights
    root = np.sqrt(np.repeat(counts, len(rows.targets), axis=0))
    starts = np.empty((cells, 0)) if theta is None or not theta.size else theta
    with np.errstate(all="ignore"):
        problem = Problem(columns, np.log(y) if law.link == "log" else y, root)
        found = fit_batch(law, problem, starts, _STEPS, rows.loss)
        said = found.fitted
        said = np.exp(np.clip(said, -60, 60)) if law.link == "log" else said
        off = (said - y).reshape(len(rows.groups), len(rows.targets), -1).transpose(0, 2, 1)
        error = normalised_error(off[fold.judged], rows.y[fold.judged], rows.loss)
    return error if np.isfinite(error) else float("inf")


if __name__ == "__main__":
    main()
