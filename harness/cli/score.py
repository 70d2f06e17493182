"""``sld score``: one candidate, now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import JsonOption, TaskOption, TimeoutOption
from harness.cli.output import console, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from harness.evaluation.evaluate import Phase
    from harness.evaluation.records import Evaluation, GroupFigures, TargetFigures
    from harness.sandbox import Printed

_MANY_GROUPS = 12
_MOST_PRINTED = 20
_WIDEST_PRINTED = 500


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The candidate program.")],
    task: TaskOption,
    timeout: TimeoutOption = None,
    json: JsonOption = False,
) -> None:
    """Score one candidate on a task's held-out split and print its scorecard.

    Nothing is stored. Exits with 0 when the status is ok, 1 when the candidate failed or breaks a
    rule, 2 when the file or the task is wrong.
    """
    from harness.api import outcome

    found = outcome(file, task, timeout=timeout)
    evaluation = found.evaluation
    if json:
        print_json(evaluation.scorecard())
    else:
        print_scorecard(console(), evaluation)
        print_output(console(), found.printed)
    raise typer.Exit(0 if evaluation.status == "ok" else 1)


def print_output(terminal: Console, printed: Mapping[Phase, Printed]) -> None:
    """Print the end of what a candidate printed in each part, if it printed anything."""
    for phase, found in printed.items():
        _print_part(terminal, "fit" if phase == "fit" else "law", found)


def _print_part(terminal: Console, part: str, printed: Printed) -> None:
    lines = printed.text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return
    shown = lines[-_MOST_PRINTED:]
    more = " more than is kept" if printed.cut else ""
    if len(lines) > len(shown):
        kept = " that are kept" if printed.cut else ""
        more += f", the last {len(shown)} of {len(lines)} lines{kept}"
    terminal.print(f"the {part} printed{more}:", markup=False)
    for line in shown:
        clean = "".join(
            c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line
        )
        terminal.print(f"  {clean[:_WIDEST_PRINTED]}", markup=False, soft_wrap=True)


def number(value: float | None) -> str:
    """Return a figure with six decimals, short where it is huge, a dash where there is none."""
    from harness.evaluation.figures import figure

    return figure(value, "-")


def print_scorecard(terminal: Console, evaluation: Evaluation) -> None:
    """Print an evaluation for a person."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in _lines(evaluation):
        table.add_row(name, Text(value))
    terminal.print(table)
    if len(evaluation.per_group) > 1:
        _print_figures(terminal, "group", evaluation.per_group)
    if len(evaluation.per_target) > 1:
        _print_figures(terminal, "target", evaluation.per_target)


def _lines(evaluation: Evaluation) -> list[tuple[str, str]]:
    lines = [
        ("task", evaluation.task),
        ("format", evaluation.format or "unknown"),
        ("status", evaluation.status),
    ]
    if evaluation.error is not None:
        lines.append(("failure", evaluation.error.text))
    else:
        lines += [
            ("R² held-out", number(evaluation.r2)),
            ("R² train", number(evaluation.r2_fit)),
            ("NMSE, NMAE", f"{number(evaluation.nmse)}, {number(evaluation.nmae)}"),
        ]
    lines += [("violation", violation.message) for violation in evaluation.violations]
    lines += [("note", note) for note in evaluation.notes]
    if evaluation.n_params is not None:
        lines.append(("constants", f"{evaluation.n_params} per group"))
    seconds = evaluation.seconds
    lines += [
        ("counts as", number(evaluation.score)),
        ("seconds", f"fit {seconds.fit:.2f}, predict {seconds.predict:.2f}"),
        ("isolation", evaluation.isolation.text),
    ]
    lines += [("not in force", reason) for reason in evaluation.isolation.missing]
    return lines


def _print_figures(
    terminal: Console, what: str, figures: Mapping[str, GroupFigures | TargetFigures]
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column(what)
    table.add_column("R² held-out", justify="right")
    table.add_column("R² train", justify="right")
    shown = list(figures.items())[:_MANY_GROUPS]
    for name, figure in shown:
        table.add_row(Text(name), number(figure.r2), number(figure.r2_fit))
    terminal.print(table)
    if len(figures) > len(shown):
        terminal.print(f"... and {len(figures) - len(shown)} more (--json has all)")
