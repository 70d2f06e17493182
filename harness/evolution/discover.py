"""A law for somebody's own training runs: a table in, a law with its error and predictions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.evaluation.figures import count
from harness.evolution.asked import other_values, require_call, rows_asked, unvaried_columns
from harness.evolution.choose import Choice
from harness.evolution.emit import predict
from harness.evolution.expression import Law
from harness.evolution.forecast import Forecast, fit_groups, forecast
from harness.evolution.gateway import TrainSide
from harness.evolution.intervals import tree_of
from harness.evolution.ledger import Budget
from harness.evolution.outliers import FarOff, far_off
from harness.evolution.proposals import Entry
from harness.evolution.result import Result, result_of
from harness.evolution.rows import FloatArray, Loss
from harness.evolution.search import Search, SearchSettings
from harness.evolution.sitting import run_unkept
from harness.evolution.tables import Table, read_table
from harness.tasks.data import GroupRows

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MINUTES = 1.0
_HIGH = 0.5
"""R² of a law that holds."""
_MOST_CONSTANTS = 8
_ROWS_A_CONSTANT = 4
_ROWS_A_SUM = 2
"""For a floor and a power law of each feature fewer rows a constant do: without them the plainest
form of the field is not among the laws, and what is extrapolates far worse."""
_LEAST_CONSTANTS = 3
"""A power law above a floor; with several features no published form has fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class Discovery:
    """A law, how far it can be trusted, and what it says."""

    law: Law
    formula: str
    program: str
    """An ``evolve-block`` program that fits and predicts it."""
    why: str
    """Why this law."""
    table: Table
    constants: Mapping[str, FloatArray]
    """By group, ``(1, K + P)``: of terms and offset, then of shapes; fitted to the rows that are
    not held out, features divided by their references (``search.rows.axes``)."""
    r2: float
    """On the rows held out; the law was fitted to the others."""
    relative_error: float
    """Median of |predicted - measured| / |measured| there, but for measured zeros; NaN where there
    is nothing else."""
    r2_fit: float
    search: Search
    result: Result
    far_off: tuple[FarOff, ...] = ()
    """Fitted rows that lie far off what simple laws say, the farthest first; with the robust loss,
    in which they count less, nobody looks for them."""
    alone: tuple[FarOff, float] | None = None
    """The held-out row without which R² there would be high, and how high; None without one."""
    forecast: Forecast | None = None
    """Of the rows that were asked for from the beginning."""
    r2_by_group: Mapping[str, float | None] = field(default_factory=dict)
    """On the rows held out of each group; None where there are fewer than two or all are equal."""
    zeros: int = 0
    """Held-out rows in which the target is 0: no part in the relative error."""
    unvaried: Mapping[str, float] = field(default_factory=dict)
    """Columns of numbers that are the same in the whole table: no law can know their part."""

    @property
    def judged(self) -> dict[str, float]:
        """R² of the groups that have one, the worst first; empty where all rows are one group."""
        if len(self.r2_by_group) < 2:
            return {}
        known = {name: r2 for name, r2 in self.r2_by_group.items() if r2 is not None}
        return dict(sorted(known.items(), key=lambda pair: pair[1]))

    @property
    def doubt(self) -> str:
        """What speaks against using it at larger scale; empty where nothing plainly does."""
        judged = self.judged.values()
        bad = sum(r2 < 0 for r2 in judged)
        if 2 * bad > len(judged):
            return (
                f"on the rows held out it is worse than their mean in {bad} of "
                f"{count(len(judged), 'group')} (R² of all together also counts how far groups lie "
                "from each other): do not extrapolate with it"
            )
        if self.r2 >= 0:
            return ""
        if self.alone is not None:
            row, without = self.alone
            return (
                f"on the rows held out it is worse than their mean because of one row, at "
                f"{_where(self.table, row)} (measured {row.measured:.4g}, the law says "
                f"{row.said:.4g}); without it R² is {without:.4f}: look at that run before you "
                "extrapolate"
            )
        return "on the rows held out it is worse than their mean: do not extrapolate with it"

    @property
    def hint(self) -> str:
        """What to look at where some rows lie far off; empty where none does."""
        if not self.far_off:
            return ""
        first, count = self.far_off[0], len(self.far_off)
        off = f"{first.target} {first.measured:.4g}, not {first.said:.4g}"
        how = f"at {_where(self.table, first)}: {off}"
        which, what = (
            ("lies far off what simple laws say,", "that run failed, diverged or was misread")
            if count == 1
            else (
                "lie far off what simple laws say, the farthest",
                "these runs failed, diverged or were misread",
            )
        )
        return (
            f"{count} of {self.search.rows.n_rows} fitted rows {which} {how}; if {what}, "
            "let such rows count less (--robust)"
        )

    def predict(self, frame: pd.DataFrame, group: str | None = None) -> Forecast:
        """Return what the law says of other rows.

        Args:
            frame: Holds the columns of the features.
            group: The column of the groups, where the table had one.

        Raises:
            UserError: A column is not there or not numeric, or a group is unknown.
        """
        x, names = rows_asked(frame, self.table, group)
        told = forecast(self.search, _choice(self.result), self.table, x, names)
        return replace(told, warnings=(*told.warnings, *other_values(frame, self.unvaried)))


def _where(table: Table, row: FarOff) -> str:
    """Say which row it is."""
    where = ", ".join(
        f"{name} {value:.4g}" for name, value in zip(table.features, row.features, strict=True)
    )
    return f"{where} of group {row.group}" if len(set(table.groups)) > 1 else where


def discover(
    frame: pd.DataFrame,
    target: str,
    *,
    features: Sequence[str] | None = None,
    group: str | None = None,
    hold_out: str | None = None,
    max_params: int | None = None,
    minutes: float = DEFAULT_MINUTES,
    evaluations: int | None = None,
    seed: int = 1,
    jobs: int = 1,
    loss: Loss = "squares",
    wanted: pd.DataFrame | None = None,
    watch: Callable[[Search, Entry], None] | None = None,
) -> Discovery:
    """Discover a law in a table of training runs.

    Args:
        frame: One row a run.
        target: The column to predict.
        features: The columns to predict it from; all other numeric ones if not given.
        group: The column that says which rows share constants.
        hold_out: A condition such as ``params > 1e9``; the largest rows if not given.
        max_params: Most constants of a group; if not given, a quarter of its rows, 3 to 8, or as
            many as a floor and a power law of each feature have where there are twice the rows.
        minutes: Time for the search.
        evaluations: Most laws to evaluate.
        seed: Of the search.
        jobs: Evaluations at once.
        loss: ``robust`` where some runs failed or diverged: rows far off count less.
        wanted: Rows to predict, for ``forecast``; looked at before the search begins.
        watch: Is told of each evaluated law.

    Raises:
        UserError: The table, a column or the condition is wrong, or nothing could be fitted.
    """
    require_call(frame, features, minutes, evaluations)
    table = read_table(frame, target, features=features, group=group, hold_out=hold_out)
    if wanted is not None:  # what is wrong there is said before the search
        rows_asked(wanted, table, group)
    side = side_of(table, max_params)
    search = Search(side, seed, SearchSettings(loss=loss))
    if not search.offline.forms:
        raise UserError(
            f"no published form of {', '.join(table.features)} has {side.max_params} constants or "
            f"fewer; expected --max-params {_LEAST_CONSTANTS} or more, or fewer --features"
        )
    run_unkept(search, Budget(60.0 * minutes, evaluations), jobs=jobs, watch=watch)
    result = result_of(search)
    if result is None or result.choice is None:
        raise UserError(f"no law can be fitted to the rows that are not held out ({table.split})")
    found = replace(_judged(table, search, result), unvaried=unvaried_columns(frame, table, group))
    if loss == "squares":
        found = replace(found, far_off=far_off(search.rows, side.max_params))
    return found if wanted is None else replace(found, forecast=found.predict(wanted, group))


def side_of(table: Table, max_params: int | None) -> TrainSide:
    """Return what a search may know of a table: the rows that are not held out."""
    train = table.rows(held_out=False)
    fewest = min(len(rows.features) for rows in train)
    return TrainSide(
        name="table",
        title=f"{table.target} from {', '.join(table.features)}",
        description="A table of training runs.",
        features=tuple((name, "as given", name) for name in table.features),
        targets=((table.target, "as given", table.target),),
        max_params=max_params or _usual_cap(len(table.features), fewest),
        known_law="",
        train=train,
    )


def _usual_cap(features: int, rows: int) -> int:
    """Return how many constants a law may have that is fitted to so many rows of a group."""
    sums = 1 + 2 * features
    room = sums if rows >= _ROWS_A_SUM * sums else 0
    return min(_MOST_CONSTANTS, max(_LEAST_CONSTANTS, rows // _ROWS_A_CONSTANT, room))


def _judged(table: Table, search: Search, result: Result) -> Discovery:
    """Look at the held-out rows, once, for the chosen law."""
    choice = _choice(result)
    train, test = table.rows(held_out=False), table.rows(held_out=True)
    chosen = choice.chosen
    fitted = fit_groups(search, chosen, train)
    law = tree_of(chosen)
    measured, said = _joined(search, law, fitted, test)
    off = relative_errors(measured, said)
    known = off[~np.isnan(off)]
    return Discovery(
        law=law,
        formula=result.formula,
        program=result.source,
        why=result.why,
        table=table,
        constants=fitted,
        r2=_r2(measured, said),
        relative_error=float(np.median(known)) if len(known) else float("nan"),
        r2_fit=_r2(*_joined(search, law, fitted, train)),
        alone=_alone(table, test, measured, said),
        search=search,
        result=result,
        r2_by_group=_r2_by_group(table, search, law, fitted),
        zeros=int((measured == 0).sum()),
    )


def _r2_by_group(
    table: Table, search: Search, law: Law, fitted: dict[str, FloatArray]
) -> dict[str, float | None]:
    """Return R² on the rows held out of each group; None where nothing can be said."""
    found: dict[str, float | None] = dict.fromkeys(sorted(set(table.groups)))
    for one in table.rows(held_out=True):
        if np.ptp(one.targets) > 0:
            found[one.group] = _r2(*_joined(search, law, fitted, [one]))
    return found


def _alone(
    table: Table, test: Sequence[GroupRows], measured: FloatArray, said: FloatArray
) -> tuple[FarOff, float] | None:
    """Return the row that alone makes R² low, and R² without it; None where none does."""
    worst = int(np.abs(said - measured).argmax())
    others = np.arange(len(measured)) != worst
    if np.ptp(measured[others]) == 0 or (without := _r2(measured[others], said[others])) < _HIGH:
        return None
    features = np.concatenate([one.features for one in test])[worst]
    group = [one.group for one in test for _ in one.features][worst]
    row = FarOff(group, features, table.target, float(measured[worst]), float(said[worst]))
    return row, without


def _choice(result: Result) -> Choice:
    if result.choice is None:
        msg = "a search of trees ends with a choice"
        raise ValueError(msg)
    return result.choice


def _joined(
    search: Search, law: Law, fitted: dict[str, FloatArray], rows: Sequence[GroupRows]
) -> tuple[FloatArray, FloatArray]:
    """Return what was measured and what the law says, over all groups."""
    axes = search.rows.axes
    said = [predict(law, axes, fitted[one.group], one.features)[:, 0] for one in rows]
    return np.concatenate([one.targets[:, 0] for one in rows]), np.concatenate(said)


def relative_errors(measured: FloatArray, said: FloatArray) -> FloatArray:
    """Return |said - measured| / |measured|; NaN where 0 was measured."""
    with np.errstate(over="ignore"):  # beside a target that is hardly a number
        off: FloatArray = np.abs(said - measured) / np.where(measured == 0, np.nan, abs(measured))
    return off


def _r2(measured: FloatArray, said: FloatArray) -> float:
    return float(1.0 - np.square(measured - said).mean() / measured.var())
