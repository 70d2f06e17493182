"""``sld check``: does a candidate load, and does it keep the rules? On train rows only."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import JsonOption, TaskOption, TimeoutOption
from harness.cli.output import console, print_json
from harness.cli.score import number, print_output


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The candidate program.")],
    task: TaskOption,
    timeout: TimeoutOption = None,
    json: JsonOption = False,
) -> None:
    """Load one candidate, fit it, and check the rules, on train rows only.

    The held-out split is not looked at. Exits with 0 when all is well, 1 when the candidate fails
    or breaks a rule, 2 when the file or the task is wrong.
    """
    from harness.api import outcome

    found = outcome(file, task, timeout=timeout, train_only=True)
    evaluation = found.evaluation
    ok = evaluation.status == "ok"
    if json:
        keys = ("task", "format", "status", "r2_fit", "n_params", "violations", "error", "seconds")
        card = evaluation.scorecard()
        print_json({key: card[key] for key in (*keys, "isolation")})
        raise typer.Exit(0 if ok else 1)
    terminal = console()
    if evaluation.error is not None:
        terminal.print(evaluation.error.text, markup=False, soft_wrap=True)
    for violation in evaluation.violations:
        line = f"violation ({violation.rule}): {violation.message}"
        terminal.print(line, markup=False, soft_wrap=True)
    if evaluation.r2_fit is not None:
        constants = "" if evaluation.n_params is None else f", {evaluation.n_params} constants"
        terminal.print(f"{evaluation.format}, R² on train {number(evaluation.r2_fit)}{constants}")
    print_output(terminal, found.printed)
    if ok:
        again = ["sld", "score", str(file), "--task", task]
        terminal.print(f"ok; `{shlex.join(again)}` scores it", markup=False, soft_wrap=True)
    raise typer.Exit(0 if ok else 1)
