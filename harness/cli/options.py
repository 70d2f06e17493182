"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TaskOption = Annotated[
    str, typer.Option("--task", help="A task's name (see `sld tasks list`) or a YAML file.")
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="The store. [default: leaderboard/store.sqlite in a checkout]"),
]
SuiteOption = Annotated[str | None, typer.Option("--suite", help="Only tasks of this suite.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON alone to stdout, everything else to stderr.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout", min=0.1, help="Seconds for the fit, instead of the task's; the law has 30."
    ),
]
