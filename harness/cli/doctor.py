"""``sld doctor``: what is in force on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.options import JsonOption, StoreOption
from harness.cli.output import console, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tasks import Catalogue


def doctor(store: StoreOption = None, json: JsonOption = False) -> None:
    """Show which isolation layers are in force here, versions, cores, the store and the data."""
    from harness.paths import cache_folder, data_folder, default_store
    from harness.runner.execute import default_jobs
    from harness.sandbox import Sandbox
    from harness.sandbox.server_process import BLAS_THREADS
    from harness.tasks import load_catalogue
    from harness.versions import versions

    path = store or default_store()
    with Sandbox() as sandbox:
        facts: dict[str, object] = {
            "isolation": list(sandbox.layers),
            "isolation_missing": list(sandbox.missing),
            "versions": versions(),
            "cores": default_jobs(),
            "blas_threads": BLAS_THREADS,
            "store": str(path),
            "store_state": _store_state(path),
            "data": str(data_folder() or cache_folder()),
            "data_found": _data_found(load_catalogue()),
        }
    if json:
        print_json(facts)
        return
    _print(facts)


def _store_state(path: Path) -> str:
    """Return what is in a store, or what is wrong with it."""
    from harness.errors import UserError
    from harness.results.store import Store

    try:
        with Store(path, read_only=True) as opened:
            opened.check_whole()
            statuses, n_runs = list(opened.statuses().values()), len(opened.runs())
    except UserError as error:
        return str(error)
    failed = sum(status != "ok" for status in statuses)
    size = path.stat().st_size / 2**20
    return f"sound: {len(statuses)} evaluations ({failed} not ok), {n_runs} runs, {size:.1f} MiB"


def _data_found(catalogue: Catalogue) -> dict[str, str]:
    """Return for each suite of how many tasks the data is here."""
    found = {}
    for suite in catalogue.suites():
        tasks = catalogue.tasks(suite)
        found[suite] = f"{sum(task.has_data() for task in tasks)} of {len(tasks)} tasks"
    return found


def _print(facts: dict[str, object]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        text = str(value)
        if isinstance(value, dict):
            text = ", ".join(f"{key} {each}" for key, each in value.items())
        elif isinstance(value, list):
            text = ", ".join(value) or "none"
        table.add_row(name.replace("_", " "), Text(text))
    console().print(table)
