"""``sld evolve --plan``: what a search would fold, and what it reads features as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.output import print_json, wide_console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evolution.gateway import TrainSide


def print_plans(sides: Sequence[TrainSide], *, json: bool) -> None:
    """Print the folds of some tasks, and what their features are read as."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from harness.evolution.folds import plan_folds
    from harness.evolution.rows import train_rows
    from harness.evolution.textbook import said_of

    seen = {
        side.name: train_rows(side.train, side.feature_names, side.target_names) for side in sides
    }
    caps = {side.name: side.max_params for side in sides}
    plans = {name: plan_folds(rows) for name, rows in seen.items()}
    if json:
        keys = ("held_out", "for", "rows_fitted", "rows_judged")
        print_json(
            {
                name: {
                    "read_as": said_of(seen[name], caps[name]),
                    "folds": [
                        dict(zip(keys, (fold.name, fold.purpose, *fold.sizes), strict=True))
                        for fold in folds
                    ],
                }
                for name, folds in plans.items()
            }
        )
        return
    for name, folds in plans.items():
        table = Table(title=name, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
        for header in ("held out", "for", "rows fitted", "rows judged"):
            table.add_column(header, justify="right" if "rows" in header else "left")
        for fold in folds:
            fitted, judged = fold.sizes
            table.add_row(fold.name, fold.purpose, str(fitted), str(judged))
        wide_console().print(table)
        read = said_of(seen[name], caps[name])
        wide_console().print(f"read as: {read}\n", markup=False, soft_wrap=True)
