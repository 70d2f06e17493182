"""``sld discover``: a law for a table of one's own training runs."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.csv_table import read_csv
from harness.cli.options import JsonOption
from harness.cli.output import console, print_json, wide_console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from harness.evolution.discover import Discovery
    from harness.evolution.forecast import Forecast
    from harness.evolution.intervals import Interval
    from harness.evolution.rows import FloatArray

_MOST_SHOWN = 30
_MOST_GROUPS = 8


def discover(
    data: Annotated[
        Path, typer.Argument(metavar="DATA.csv", help="A table with one training run a row.")
    ],
    target: Annotated[str, typer.Option("--target", help="The column to predict.")],
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features",
            help="Columns to predict it from, with commas between; may be given again. "
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
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            help="Of the search; with --jobs 1 and --evaluations it finds the same law again.",
        ),
    ] = 1,
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
    from harness.writing import require_folder

    terminal = console(error=json)
    frame = read_csv(data)
    asked = None if wanted is None else read_csv(wanted)
    name = task_name(data.stem)
    folder = out or data.with_name(f"{name}_law")
    require_folder(folder)
    with laws_line(terminal) as watch:
        found = find(
            frame,
            target,
            features=[f.strip() for f in ",".join(features).split(",")] if features else None,
            group=group,
            hold_out=hold_out,
            max_params=max_params,
            minutes=minutes,
            evaluations=evaluations,
            seed=seed,
            jobs=jobs or default_jobs(),
            loss="robust" if robust else "squares",
            wanted=asked,
            watch=watch,
        )
    program, task = save_discovery(found, folder, name)
    report = program.with_suffix(".html")
    write_discovery_report(found, report, found.forecast)
    if json:
        print_json(_document(found, program, task, report))
        return
    _print(terminal, found)
    if found.forecast is not None:
        _print_forecast(found, found.forecast)
    terminal.print(f"program: {program}", markup=False, soft_wrap=True)
    terminal.print(f"task:    {task}", markup=False, soft_wrap=True)
    terminal.print(f"report:  {report}", markup=False, soft_wrap=True)
    terminal.print(f"`sld score {program} --task {task}` scores it", markup=False, soft_wrap=True)


def _print(terminal: Console, found: Discovery) -> None:
    from harness.cli.evolve_progress import laws_in_time
    from harness.evolution.textbook import said_of

    table, search = found.table, found.search
    held = int(table.held_out.sum())
    for line in table.left_out:
        terminal.print(f"not used: {line}", markup=False, soft_wrap=True)
    columns = ", ".join(table.features)
    terminal.print(f"{table.target} from {columns}", markup=False, soft_wrap=True)
    read = said_of(search.rows, search.side.max_params)
    terminal.print(f"read as: {read}", markup=False, soft_wrap=True)
    terminal.print(f"{len(table.y) - held} rows to fit, {held} rows {table.split}", markup=False)
    terminal.print(
        f"laws of at most {search.side.max_params} constants"
        f"{' a group' if len(found.constants) > 1 else ''} (--max-params)",
        markup=False,
    )
    terminal.print(laws_in_time(search), markup=False, soft_wrap=True)
    terminal.print(f"the law: {found.formula}", markup=False, soft_wrap=True, style="bold")
    _print_constants(terminal, found, found.constants, "")
    _print_units(terminal, found)
    terminal.print(found.why, markup=False, soft_wrap=True)
    _print_errors(terminal, found)
    if found.hint:
        terminal.print(f"note: {found.hint}", markup=False, style="yellow", soft_wrap=True)
    if found.doubt:
        terminal.print(f"warning: {found.doubt}", markup=False, style="yellow", soft_wrap=True)


def _print_errors(terminal: Console, found: Discovery) -> None:
    """Say how far the law is off, of all rows together and by group."""
    from statistics import median

    off = f"{found.relative_error:.2%}" if isfinite(found.relative_error) else "–"
    zeros = f" (but for {found.zeros} measured as 0)" if found.zeros else ""
    terminal.print(
        f"held-out rows: R² {found.r2:.4f}, median relative error {off}{zeros} "
        f"(fitted rows: R² {found.r2_fit:.4f})",
        markup=False,
        soft_wrap=True,
    )
    if found.judged:
        worst, lowest = next(iter(found.judged.items()))
        terminal.print(
            f"held-out rows by group: R² {median(found.judged.values()):.4f} in the "
            f"median, {lowest:.4f} in the worst ({worst})",
            markup=False,
            soft_wrap=True,
        )


def _print_constants(
    terminal: Console, found: Discovery, constants: Mapping[str, FloatArray], which: str
) -> None:
    """Say what stands in the formula."""
    from harness.evolution.report.mathml import named_constants, said_of_zeros

    several = len(constants) > 1
    for group, own in list(constants.items())[:_MOST_GROUPS]:
        of = f" of {group}" if several else ""
        named = named_constants(found.law, own[0])
        line = ", ".join(f"{k} = {v:.5g}" if isfinite(v) else f"{k} = –" for k, v in named.items())
        terminal.print(f"constants{of}{which}: {line}", markup=False, soft_wrap=True)
    if len(constants) > _MOST_GROUPS:
        terminal.print(f"... and {len(constants) - _MOST_GROUPS} more groups (--json)")
    if zeros := said_of_zeros(found.law, [own[0] for own in constants.values()]):
        terminal.print(f"note: {zeros}", markup=False, style="yellow", soft_wrap=True)


def _print_units(terminal: Console, found: Discovery) -> None:
    """Say what features are divided by."""
    references = ", ".join(f"{k} of {v:.5g}" for k, v in _references(found).items())
    if references:
        terminal.print(f"in units of: {references}", markup=False, soft_wrap=True)


def _references(found: Discovery) -> dict[str, float]:
    """Return what features are divided by before they enter the law."""
    from harness.evolution.rows import Kind

    axes = found.search.rows.axes
    used = found.law.features
    return {
        axis.name: axis.reference
        for place, axis in enumerate(axes)
        if place in used and axis.kind is Kind.SCALE
    }


def _print_forecast(found: Discovery, forecast: Forecast) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    several = len(set(found.table.groups)) > 1
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    if several:
        table.add_column("group")
    for name in (*found.table.features, found.table.target, "95 % over rows", "over elite laws"):
        table.add_column(Text(name), justify="right")
    for place in range(min(len(forecast.predicted), _MOST_SHOWN)):
        table.add_row(
            *([Text(forecast.groups[place])] if several else []),
            *(f"{value:.6g}" for value in forecast.features[place]),
            f"{forecast.predicted[place]:.5g}",
            _ends(forecast.by_rows, place),
            _ends(forecast.by_laws, place),
        )
    terminal = wide_console()
    _print_constants(terminal, found, forecast.constants, ", fitted to all rows, which predict")
    terminal.print(table)
    more = len(forecast.predicted) - _MOST_SHOWN
    if more > 0:
        terminal.print(f"... and {more} more (--json has all)")
    terminal.print(
        "over rows: how sure the constants are; over elite laws: how sure the form is; "
        "go by the wider of the two",
        markup=False,
        style="dim",
    )
    if (forecast.by_laws.n == 1).any():
        terminal.print(
            "one law only: no other elite law says anything possible there, so how sure the form "
            "is nobody knows",
            markup=False,
            style="dim",
        )
    terminal.print(
        f"a single run scatters by about ±{forecast.scatter:.2g} around this (root mean square of "
        "the residuals of the fit to all rows)",
        markup=False,
    )
    for warning in forecast.warnings:
        terminal.print(f"warning: {warning}", style="yellow", markup=False)


def _ends(interval: Interval, place: int) -> str:
    if interval.n[place] < 2:
        return "one law only" if interval.n[place] else "–"
    return f"{interval.low[place]:.5g} to {interval.high[place]:.5g}"


def _numbers(values: FloatArray) -> list[float | None]:
    return [_number(float(value)) for value in values]


def _constants(
    found: Discovery, constants: Mapping[str, FloatArray]
) -> dict[str, dict[str, float | None]]:
    """Return what stands in the formula, by group; None for what no row says anything of."""
    from harness.evolution.report.mathml import named_constants

    return {
        group: {k: _number(v) for k, v in named_constants(found.law, own[0]).items()}
        for group, own in constants.items()
    }


def _number(value: float) -> float | None:
    """Return a value as JSON has it: null for what is no number."""
    return value if isfinite(value) else None


def _document(found: Discovery, program: Path, task: Path, report: Path) -> dict[str, Any]:
    from harness.evolution.textbook import said_of

    table, forecast = found.table, found.forecast
    predictions = forecast and {
        "predicted": _numbers(forecast.predicted),
        "over_rows": [_numbers(forecast.by_rows.low), _numbers(forecast.by_rows.high)],
        "over_laws": [_numbers(forecast.by_laws.low), _numbers(forecast.by_laws.high)],
        "laws": forecast.by_laws.n.tolist(),
        "scatter": forecast.scatter,
        "warnings": list(forecast.warnings),
        "constants": _constants(found, forecast.constants),
    }
    return {
        "law": found.formula,
        "constants": _constants(found, found.constants),
        "references": _references(found),
        "why": found.why,
        "doubt": found.doubt,
        "r2": found.r2,
        "r2_by_group": dict(found.r2_by_group),
        "relative_error": _number(found.relative_error),
        "zeros": found.zeros,
        "r2_fit": found.r2_fit,
        "features": list(table.features),
        "read_as": said_of(found.search.rows, found.search.side.max_params),
        "target": table.target,
        "split": table.split,
        "rows": {"fitted": int((~table.held_out).sum()), "held_out": int(table.held_out.sum())},
        "not_used": list(table.left_out),
        "loss": found.search.rows.loss,
        "rows_far_off": [
            {
                "group": row.group,
                "features": dict(zip(table.features, row.features.tolist(), strict=True)),
                "measured": row.measured,
                "said": row.said,
            }
            for row in found.far_off
        ],
        "evaluated": found.search.n_evaluated,
        "seconds": round(found.search.seconds, 2),
        "predictions": predictions,
        "program": str(program),
        "task": str(task),
        "report": str(report),
    }
