"""``sld discover``: a law for a table of one's own training runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import JsonOption
from harness.cli.output import console, print_json, wide_console

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from harness.evolution.discover import Discovery, Forecast

_MOST_SHOWN = 30


def discover(
    data: Annotated[
        Path, typer.Argument(metavar="DATA.csv", help="A table with one training run a row.")
    ],
    target: Annotated[str, typer.Option("--target", help="The column to predict.")],
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            help="Columns to predict it from, with commas between. "
            "[default: all other numeric ones]",
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The column that says which rows share constants.")
    ] = None,
    hold_out: Annotated[
        str | None,
        typer.Option(
            "--hold-out", help="Rows to hold out, such as `params > 1e9`. [default: the largest]"
        ),
    ] = None,
    wanted: Annotated[
        Path | None, typer.Option("--predict", help="A table of runs to predict.")
    ] = None,
    max_params: Annotated[
        int | None, typer.Option("--max-params", min=1, help="Most constants of a group.")
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.02, help="Time for the search.")
    ] = 1.0,
    evaluations: Annotated[
        int | None, typer.Option("--evaluations", min=1, help="Laws evaluated at most.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search.")] = 1,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Evaluations at once. [default: cores]"),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Rows that lie far off count less, in fits and folds.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for program, task and report. [default: NAME_law beside DATA]"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Discover a law in a table of your own training runs.

    Rows at larger scale are held out and not looked at before the law is settled: they say how far
    it can be trusted. Predictions carry two intervals, over resampled rows (how sure the constants
    are) and over the elite laws (how sure the form is), and a warning where they lie far outside.

    The program, the table as a task and a page that tells it all are saved. Exits with 0 when done,
    2 when something is wrong.
    """
    from harness.cli.evolve_progress import laws_line
    from harness.evolution.discover import discover as find
    from harness.evolution.report import write_discovery_report
    from harness.evolution.saved import save_discovery, task_name
    from harness.runner.execute import default_jobs

    terminal = console(error=json)
    frame = read_csv(data)
    asked = None if wanted is None else read_csv(wanted)
    with laws_line(terminal) as watch:
        found = find(
            frame,
            target,
            features=None if features is None else [f.strip() for f in features.split(",")],
            group=group,
            hold_out=hold_out,
            max_params=max_params,
            minutes=minutes,
            evaluations=evaluations,
            seed=seed,
            jobs=jobs or default_jobs(),
            loss="robust" if robust else "squares",
            watch=watch,
        )
    forecast = None if asked is None else found.predict(asked, group)
    name = task_name(data.stem)
    program, task = save_discovery(found, out or data.with_name(f"{name}_law"), name)
    report = program.with_suffix(".html")
    write_discovery_report(found, report, forecast)
    if json:
        print_json(_document(found, forecast, program, task, report))
        return
    _print(terminal, found)
    if forecast is not None and asked is not None:
        _print_forecast(found, forecast, asked)
    terminal.print(f"program: {program}", markup=False, soft_wrap=True)
    terminal.print(f"task:    {task}", markup=False, soft_wrap=True)
    terminal.print(f"report:  {report}", markup=False, soft_wrap=True)
    terminal.print(f"`sld score {program} --task {task}` scores it", markup=False, soft_wrap=True)


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table.

    Raises:
        UserError: The file is not there, not UTF-8, or no table.
    """
    import pandas as pd

    from harness.errors import UserError

    try:
        frame = pd.read_csv(path, encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; expected a CSV file with a header") from error
    except (OSError, ValueError) as error:  # pandas' own errors are values
        said = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: not a CSV table: {said}") from error
    if frame.empty:
        raise UserError(f"{path}: no rows below the header")
    frame = frame.rename(columns=lambda name: str(name).strip())
    (only, *others) = frame.columns
    if not others and any(mark in only for mark in ";\t|"):
        raise UserError(f"{path}: a single column {only!r}; expected commas between columns")
    return frame


def _print(terminal: Console, found: Discovery) -> None:
    table, search = found.table, found.search
    held = int(table.held_out.sum())
    for line in table.left_out:
        terminal.print(f"not used: {line}", markup=False, soft_wrap=True)
    terminal.print(f"{len(table.y) - held} rows to fit, {held} rows {table.split}", markup=False)
    line = f"{search.n_evaluated} laws in {search.seconds:.1f} s on the rows to fit"
    if search.exhausted:
        line += "; nothing new was left to try"
    terminal.print(line, markup=False)
    terminal.print(f"the law: {found.formula}", markup=False, soft_wrap=True, style="bold")
    terminal.print(found.why, markup=False, soft_wrap=True)
    terminal.print(
        f"held-out rows: R² {found.r2:.4f}, median relative error {found.relative_error:.2%} "
        f"(fitted rows: R² {found.r2_fit:.4f})",
        markup=False,
        soft_wrap=True,
    )


def _print_forecast(found: Discovery, forecast: Forecast, asked: pd.DataFrame) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in (*found.table.features, found.table.target, "95 % over rows", "over elite laws"):
        table.add_column(name, justify="right")
    for place in range(min(len(asked), _MOST_SHOWN)):
        row = [f"{float(asked[name].iloc[place]):.6g}" for name in found.table.features]
        table.add_row(
            *row,
            f"{forecast.predicted[place]:.5g}",
            _ends(forecast.by_rows.low[place], forecast.by_rows.high[place]),
            _ends(forecast.by_laws.low[place], forecast.by_laws.high[place]),
        )
    wide_console().print(table)
    if len(asked) > _MOST_SHOWN:
        wide_console().print(f"... and {len(asked) - _MOST_SHOWN} more (--json has all)")
    for warning in forecast.warnings:
        wide_console().print(f"warning: {warning}", style="yellow")


def _ends(low: float, high: float) -> str:
    return f"{low:.5g} to {high:.5g}"


def _document(
    found: Discovery, forecast: Forecast | None, program: Path, task: Path, report: Path
) -> dict[str, Any]:
    table = found.table
    predictions = forecast and {
        "predicted": forecast.predicted.tolist(),
        "over_rows": [forecast.by_rows.low.tolist(), forecast.by_rows.high.tolist()],
        "over_laws": [forecast.by_laws.low.tolist(), forecast.by_laws.high.tolist()],
        "warnings": list(forecast.warnings),
    }
    return {
        "law": found.formula,
        "why": found.why,
        "r2": found.r2,
        "relative_error": found.relative_error,
        "r2_fit": found.r2_fit,
        "features": list(table.features),
        "target": table.target,
        "split": table.split,
        "rows": {"fitted": int((~table.held_out).sum()), "held_out": int(table.held_out.sum())},
        "not_used": list(table.left_out),
        "evaluated": found.search.n_evaluated,
        "seconds": round(found.search.seconds, 2),
        "predictions": predictions,
        "program": str(program),
        "task": str(task),
        "report": str(report),
    }
