"""``sld audit``: what published figures turn out to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.options import JsonOption, StoreOption, SuiteOption
from harness.cli.output import difference, print_json, wide_console

if TYPE_CHECKING:
    from harness.leaderboard.audit import AuditRow


def audit(suite: SuiteOption = None, store: StoreOption = None, json: JsonOption = False) -> None:
    """Compare every figure that imported pages claim with ours, a row each.

    A claim is equal (to 1e-6), close (to 1e-3), equals the fit on the train rows instead, or
    differs; or its program failed here, reads files that are not there, was not scored yet, or was
    not published.
    """
    from harness.errors import UserError
    from harness.leaderboard.audit import audit as rows_of
    from harness.leaderboard.board import load_board
    from harness.paths import default_store
    from harness.tasks import load_catalogue

    board = load_board(store or default_store(), load_catalogue(), suite)
    rows = rows_of(board.claims, board.runs)
    if not rows:
        raise UserError("no published figures in the store; `sld import PAGE...` takes them in")
    if json:
        print_json([_as_json(row) for row in rows])
        return
    _print(rows)


def _print(rows: Sequence[AuditRow]) -> None:
    from rich.table import Table
    from rich.text import Text

    from harness.evaluation.figures import DASH, six
    from harness.leaderboard.audit import Finding, counted

    table = Table(box=None, pad_edge=False)
    for heading in ("task", "agent", "model"):
        table.add_column(heading, overflow="fold")
    for heading in ("run", "claimed", "held out", "fit"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("finding", overflow="fold")
    for row in rows:
        finding = row.finding.value
        if row.finding is Finding.DIFFERS and row.difference is not None:
            finding = f"differs by {difference(row.difference)}"
        elif row.why:
            finding = f"{finding}: {row.why}"
        figures = [DASH if value is None else six(value) for value in (row.r2, row.r2_fit)]
        cells = (row.key.task, row.agent_name, row.model_name, str(row.key.run), six(row.claimed))
        table.add_row(*map(Text, (*cells, *figures, finding)))
    terminal = wide_console()
    terminal.print(table)
    total = ", ".join(f"{count} {finding.value}" for finding, count in counted(rows).items())
    terminal.print(f"{len(rows)} claimed figures: {total}", soft_wrap=True)


def _as_json(row: AuditRow) -> dict[str, object]:
    return {
        "task": row.key.task,
        "agent": row.key.agent,
        "model": row.key.model,
        "run": row.key.run,
        "agent_name": row.agent_name,
        "model_name": row.model_name,
        "claimed": row.claimed,
        "r2": row.r2,
        "r2_fit": row.r2_fit,
        "difference": row.difference,
        "finding": row.finding.value,
        "why": row.why,
    }
