"""``sld tasks``: the tasks there are, what each is about, and whether its data is as stated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.output import wide_console
from harness.cli.pull import pull_tasks
from harness.errors import DataNotFoundError, UserError
from harness.tasks import Catalogue, Task, load_catalogue
from harness.tasks.reading import count_rows

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from harness.tasks.reach import FeatureReach, Range

NOTHING = "–"

app = typer.Typer(
    name="tasks",
    help="The tasks there are, what each is about, and whether its data is as stated.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

SuiteOption = Annotated[str | None, typer.Option("--suite", help="Only this suite.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command("list")
def list_tasks(suite: SuiteOption = None, as_json: JsonOption = False) -> None:
    """List the tasks: features, targets, cap on constants, rows, and whether the data is here."""
    tasks = load_catalogue().tasks(suite)
    if as_json:
        _print_json([_listed(task) for task in tasks])
        return
    table = _table("suite", "task", "features → targets", "cap", "train + test rows")
    # A name that is folded cannot be copied, so the other columns give way on a narrow terminal.
    table.columns[1].width = max((len(task.name) for task in tasks), default=0)
    for task in tasks:
        counts = _row_counts(task)
        columns = [*_runs(task.feature_names), *(f"→ {name}" for name in _runs(task.target_names))]
        table.add_row(
            task.suite,
            f"{task.name}\n{task.title}",
            "\n".join(columns),
            _cap(task),
            "data not here" if counts is None else f"{counts['train']} + {counts['test']}",
            end_section=True,
        )
    wide_console().print(table)


@app.command("show")
def show_task(
    name: Annotated[str, typer.Argument(help="A task's name, or the path of its YAML file.")],
    as_json: JsonOption = False,
) -> None:
    """Show one task's card: columns, limits, splits, and the law that people have published."""
    task = load_catalogue().find(name)
    missing = _missing(task)
    if as_json:
        _print_json(_card(task, missing))
    else:
        _print_card(wide_console(), task, missing)


@app.command("verify")
def verify_tasks(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names or YAML files; every task if none is given.")
    ] = None,
    suite: SuiteOption = None,
) -> None:
    """Read the data of tasks and compare it with what their definitions state.

    Exits with 1 if any fails. Data that is not here fails only tasks that were asked for.
    """
    asked = bool(names) or suite is not None
    failed = False
    for task in _chosen(load_catalogue(), names or [], suite):
        outcome, text = _verify(task, missing_fails=asked)
        failed = failed or outcome == "FAILED"
        typer.echo(f"{outcome:<8}  {task.name}: {text}")
    if failed:
        raise typer.Exit(1)


app.command("pull")(pull_tasks)


def _chosen(catalogue: Catalogue, names: Sequence[str], suite: str | None) -> list[Task]:
    chosen = [catalogue.find(name) for name in names]
    if suite is not None or not names:
        chosen += [task for task in catalogue.tasks(suite) if task not in chosen]
    return chosen


def _verify(task: Task, *, missing_fails: bool) -> tuple[str, str]:
    try:
        data = task.data()
    except DataNotFoundError as error:
        if missing_fails:
            return "FAILED", str(error)
        return "not here", f"its data is not on this machine; see: sld tasks show {task.name}"
    except UserError as error:
        return "FAILED", str(error)
    train = sum(len(rows.features) for rows in data.train)
    test = sum(len(rows.features) for rows in data.test)
    groups = _count(len(data.train), "group")
    files = task.definition.data
    pinned = files.pinned
    hashes = "SHA-256 as stated" if pinned else "no SHA-256 stated"
    return "ok", f"{train} train and {test} test rows in {groups}, {hashes}"


def _listed(task: Task) -> dict[str, object]:
    counts = _row_counts(task)
    return {
        "suite": task.suite,
        "name": task.name,
        "title": task.title,
        "features": task.feature_names,
        "targets": task.target_names,
        "max_params": task.definition.max_params,
        "rows": counts,
        "data": counts is not None,
    }


def _row_counts(task: Task) -> dict[str, int] | None:
    """Return the rows of both splits; None where the data is not on this machine."""
    if not task.has_data():
        return None
    train, test = task.files()
    return {"train": count_rows(train), "test": count_rows(test)}


def _missing(task: Task) -> str | None:
    """Return what to do where the data is not on this machine; None where it is, and is right."""
    try:
        task.data()
    except DataNotFoundError as error:
        return str(error)
    return None


def _reaches(task: Task) -> tuple[FeatureReach, ...]:
    from harness.tasks.reach import feature_reaches

    return feature_reaches(task.definition, task.data())


def _card(task: Task, missing: str | None) -> dict[str, object]:
    card = task.definition.model_dump(mode="json")
    card["yaml"] = str(task.path)
    if missing is not None:
        return {**card, "missing": missing, "digest": None, "groups": None, "reach": None}
    card["missing"] = None
    card["digest"] = task.digest()
    card["groups"] = _group_counts(task)
    card["reach"] = [asdict(reach) for reach in _reaches(task)]
    return card


def _group_counts(task: Task) -> dict[str, dict[str, int]]:
    data = task.data()
    test = {rows.group: len(rows.features) for rows in data.test}
    return {
        rows.group: {"train": len(rows.features), "test": test.get(rows.group, 0)}
        for rows in data.train
    }


def _print_card(console: Console, task: Task, missing: str | None) -> None:
    from rich.text import Text

    definition = task.definition
    console.print(Text(task.title, style="bold"))
    console.print(Text(f"{task.suite}/{task.name}\n"))
    console.print(Text(f"{definition.description}\n"))
    columns = _table("", "column", "unit", "meaning")
    for kind, kind_columns in (("feature", definition.features), ("target", definition.targets)):
        for column in kind_columns:
            columns.add_row(kind, column.name, column.unit, column.meaning)
    console.print(columns)
    console.print(_facts_table(task, missing))
    if missing is None:
        console.print(_reach_table(_reaches(task)))


def _facts_table(task: Task, missing: str | None) -> Table:
    from harness.tasks.pull import pulled_record

    definition = task.definition
    reference = definition.reference
    table = _table(None, None)
    free = definition.max_params is None
    table.add_row("constants", "as many as you like" if free else f"{_cap(task)} per group")
    table.add_row("time limit", f"{definition.fit_seconds:g} s for fitting all groups")
    table.add_row("known law", reference.law)
    table.add_row("source", " ".join(filter(None, (reference.citation, reference.url))))
    table.add_row("data", missing or _data_line(task))
    pulled = pulled_record(task)
    if pulled is not None:
        table.add_row("pulled from", f"{pulled.repository} at commit {pulled.commit}")
    return table


def _data_line(task: Task) -> str:
    groups = _group_counts(task)
    train = sum(counts["train"] for counts in groups.values())
    test = sum(counts["test"] for counts in groups.values())
    names = f" ({', '.join(groups)})" if len(groups) <= 10 else ""
    return f"{train} train and {test} test rows in {_count(len(groups), 'group')}{names}"


def _reach_table(reaches: Iterable[FeatureReach]) -> Table:
    table = _table("feature", "train", "test", "test rows outside train", "farthest")
    for reach in reaches:
        if reach.farthest is None:
            farthest = NOTHING
        elif reach.is_factor:
            farthest = f"{reach.farthest:.3g}x"
        else:
            farthest = f"by {reach.farthest:.3g}"
        table.add_row(
            reach.name, _range(reach.train), _range(reach.test), str(reach.rows_outside), farthest
        )
    return table


def _range(values: Range) -> str:
    if values.low == values.high:
        return _short(values.low)
    return f"{_short(values.low)} to {_short(values.high)}"


def _short(value: float) -> str:
    """Return a number for a person: 1769472 is 1.77M."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.3g}{letter}"
    return f"{value:.4g}"


def _cap(task: Task) -> str:
    cap = task.definition.max_params
    return "free" if cap is None else str(cap)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _runs(names: Sequence[str]) -> list[str]:
    """Shorten names that only count up: five of ``loss_domain_1`` are ``loss_domain_1..5``."""
    stem = names[0].rstrip("0123456789")
    if len(names) > 2 and names == tuple(f"{stem}{n}" for n in range(1, len(names) + 1)):
        return [f"{names[0]}..{len(names)}"]
    return list(names)


def _table(*headers: str | None) -> Table:
    """Return an empty table; without any header, two plain columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_header=any(headers))
    for header in headers:
        table.add_column(header or "", overflow="fold")
    return table


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, allow_nan=False))
