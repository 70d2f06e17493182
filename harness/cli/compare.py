"""``sld compare``: one agent with its model against another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import JsonOption, StoreOption, SuiteOption
from harness.cli.output import console, difference, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from harness.leaderboard.comparison import Contender, SuiteComparison

_SIDE = "AGENT/MODEL, as folders or pages call them; the agent alone where it has one model."


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
    b: Annotated[str, typer.Argument(metavar="B", help="The other side, likewise.")],
    suite: SuiteOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Compare two agents with their models, task by task, on the same tasks.

    Prints the difference of their Mean R² with a 95 % interval (tasks and runs drawn again, the
    same tasks for both), the p of a sign-flip test over tasks, and how likely one is better. Runs
    are counted as they are: failures, broken rules and tasks without runs count -1.
    """
    from harness.errors import UserError
    from harness.leaderboard.board import load_board
    from harness.leaderboard.comparison import compare_on, contenders, find_contender
    from harness.leaderboard.entries import entries
    from harness.paths import default_store
    from harness.tasks import load_catalogue

    board = load_board(store or default_store(), load_catalogue(), suite)
    known = contenders(entries(board.runs))
    side_a, side_b = find_contender(known, a), find_contender(known, b)
    if side_a.pair == side_b.pair:
        raise UserError(f"{a!r} and {b!r} are the same entry, {side_a.key}; name two")
    found = [
        compared
        for each in board.suites
        if (compared := compare_on(each.outline(), side_a, side_b)) is not None
    ]
    if not found:
        raise UserError(f"{side_a.key} and {side_b.key} have no suite in common")
    if json:
        print_json([compared.as_json() for compared in found])
        return
    for compared in found:
        _print(console(), compared, side_a, side_b)


def _print(terminal: Console, compared: SuiteComparison, a: Contender, b: Contender) -> None:
    from rich.table import Table
    from rich.text import Text

    from harness.leaderboard.figures import percent, three

    result = compared.result
    terminal.print(Text(f"{compared.suite}: A is {a.name}, B is {b.name}", style="bold"))
    table = Table(box=None, pad_edge=False)
    table.add_column("task")
    for heading in ("A", "runs", "B", "runs", "A - B", "a run of A wins"):
        table.add_column(heading, justify="right")
    for task in compared.tasks:
        table.add_row(
            Text(task.task),
            three(task.mean_a),
            str(task.n_a),
            three(task.mean_b),
            str(task.n_b),
            difference(task.difference),
            percent(task.probability),
        )
    table.add_row(
        "all tasks",
        three(result.mean_a),
        "",
        three(result.mean_b),
        "",
        difference(result.bootstrap.difference),
        percent(result.improvement.probability),
        style="bold",
    )
    terminal.print(table)
    bootstrap = result.bootstrap
    if bootstrap.low is not None:
        low, high = difference(bootstrap.low), difference(bootstrap.high)
        terminal.print(
            f"A - B: {difference(bootstrap.difference)}, 95 % interval {low} to {high}; "
            "A's mean is larger in "
            f"{percent(bootstrap.probability_better)} of the draws"
        )
    terminal.print(f"sign-flip test: p = {result.sign_flip.p:.4g}")
    terminal.print(Text(compared.verdict(a, b), style="bold"))
    for warning in result.warnings:
        terminal.print(Text(f"careful: {warning}"), soft_wrap=True)
