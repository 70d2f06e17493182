"""``sld evolve``: discover a program for a task, on its train rows only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import JsonOption, StoreOption
from harness.cli.output import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli.evolve_run import Way
    from harness.evolution.llm import LlmSettings
    from harness.evolution.llm.config import EvolveConfig
    from harness.evolution.result import Result
    from harness.evolution.search import Search, SearchSettings
    from harness.tasks import Catalogue, Task

_DEFAULT_SECONDS = 60.0


def evolve(
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK]", help="A task's name (see `sld tasks list`) or a YAML file."
        ),
    ] = None,
    all_tasks: Annotated[
        bool, typer.Option("--all-tasks", help="Every task whose train rows are here.")
    ] = False,
    suite: Annotated[
        str | None, typer.Option("--suite", help="With --all-tasks: only tasks of this suite.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1.0, help="Time for each search. [default: 60]")
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option("--evaluations", min=1, help="Programs evaluated at most.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Of the first search; see --runs. [default: 1]"),
    ] = None,
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Searches of each task, with seeds one apart.")
    ] = 1,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Evaluations at once. [default: cores]"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="A language model to ask, too; may be given again."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Of any OpenAI-compatible endpoint.")
    ] = None,
    key_variable: Annotated[
        str | None,
        typer.Option("--key-variable", help="Variable with the key. [default: OPENAI_API_KEY]"),
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option("--tokens", min=1, help="Stop asking models after so many a search."),
    ] = None,
    dollars: Annotated[
        float | None,
        typer.Option("--dollars", min=0.0, help="Stop asking models after so much a search."),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option("--price", help="`MODEL=IN,OUT`: dollars for a million tokens."),
    ] = None,
    questions: Annotated[
        int | None,
        typer.Option("--questions", min=1, help="Questions under way at once. [default: 2]"),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Models rewrite the whole region, not parts of it.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="A YAML file of the field's tools; what means nothing here is named."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no model, whatever the configuration names.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search that was stopped or killed.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew although answers were paid for.")
    ] = False,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A program to begin with: read as trees, simplified, refitted."
        ),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Rows that lie far off count less, in fits and folds.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the extrapolation folds, and do nothing else.")
    ] = False,
    into: Annotated[
        Path, typer.Option("--into", help="The candidates folder where programs are filed.")
    ] = Path("candidates"),
    keep: Annotated[
        Path | None,
        typer.Option("--out", help="Write the program to this file instead; nothing is scored."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write how the search went to this HTML file."),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Discover a program for a task, on its train rows only.

    Laws are bred from the field's published forms and judged on extrapolation folds: parts of the
    train rows at larger scale than the rest. With --model, language models propose programs, too.
    Held-out rows are not read before the search is over; then the program is filed as `sld submit`
    does it, under agent `sld-evolve`, and scored once.

    Ctrl-C, or a kill, loses nothing: `--resume` goes on. Exits with 0 when done, 1 when a program
    was refused, 2 when something is wrong, 130 when interrupted.
    """
    from harness.cli.evolve_run import (
        Way,
        file_program,
        result_document,
        say_result,
    )
    from harness.errors import UserError
    from harness.evolution.gateway import train_side
    from harness.evolution.ledger import Budget
    from harness.paths import default_store
    from harness.runner.execute import default_jobs
    from harness.tasks import load_catalogue
    from harness.writing import write_text

    terminal = console(error=json)
    catalogue = load_catalogue()
    tasks = _tasks(catalogue, task, suite, all_tasks=all_tasks)
    if plan:
        from harness.cli.evolve_plan import print_plans

        print_plans([train_side(one) for one in tasks], json=json)
        return
    for option, named in (("--out", keep), ("--report", report), ("--from", given)):
        if named is not None and (len(tasks) > 1 or runs > 1):
            raise UserError(f"{option} takes one search: name one task, and leave --runs at 1")
    _require_outputs(keep, report)
    settings = read_settings(config, terminal)
    changes = {"base_url": base_url, "key_variable": key_variable, "prices": _prices(price)}
    limits = {"tokens": tokens, "dollars": dollars, "questions": questions}
    models = _models(settings, model, changes, limits, whole=whole, offline=offline)
    if models is not None and dollars is not None:
        _require_prices(models)
    if keep is None:
        _require_names(models, into)
    most = evaluations or settings.evaluations
    limited = seconds is not None or most is not None
    way = Way(
        Budget(
            seconds if limited else _DEFAULT_SECONDS,
            most,
            tokens,
            dollars,
        ),
        store or default_store(),
        jobs or settings.jobs or default_jobs(),
        resume,
        again,
        models,
        questions,
        settings=search_settings(settings, robust=robust),
        given=given,
    )
    first = seed if seed is not None else settings.seed if settings.seed is not None else 1
    refused = False
    for one in tasks:
        for number in range(first, first + runs):
            found = _searched(one, number, way, terminal, alone=len(tasks) * runs == 1)
            if found is None:
                refused = True
                continue
            search, result = found
            say_result(terminal, result)
            if report is not None:
                from harness.evolution.report import write_report

                write_report(search, result, report)
                terminal.print(f"report: {report}", markup=False, soft_wrap=True)
            if keep is not None:
                write_text(keep, result.source)
                terminal.print(f"written: {keep}", markup=False, soft_wrap=True)
                if json:
                    print_json(result_document(search, result, keep, report))
            else:
                refused |= not file_program(one, search, result, way, into, terminal, json=json)
    raise typer.Exit(1 if refused else 0)


def _searched(
    task: Task, seed: int, way: Way, terminal: Console, *, alone: bool
) -> tuple[Search, Result] | None:
    """Search a task; of several, one that cannot be searched is said and stops no other.

    Raises:
        UserError: It cannot be searched, and is the only one.
    """
    from harness.cli.evolve_run import search_task
    from harness.errors import UserError
    from harness.evolution.gateway import train_side

    try:
        search, result = search_task(train_side(task), seed, way, terminal)
        if result is None:
            raise UserError(f"task {task.name!r}: no law can be fitted to its train rows")
    except UserError as error:
        if alone:
            raise
        terminal.print(f"error: {error}; going on", markup=False, soft_wrap=True, style="red")
        return None
    return search, result


def _require_outputs(program: Path | None, report: Path | None) -> None:
    """Check that what is to be written can be, before a search is spent on it."""
    from harness.errors import UserError
    from harness.writing import require_file

    for file in filter(None, (program, report)):
        require_file(file)
    if program is not None and report is not None and program.absolute() == report.absolute():
        raise UserError(f"--out and --report: both {program}; expected two files")


def read_settings(path: Path | None, terminal: Console) -> EvolveConfig:
    """Read a configuration of the field's tools, and name what of it means nothing here."""
    from harness.evolution.llm.config import EvolveConfig, read_config

    if path is None:
        return EvolveConfig()
    found = read_config(path)
    if found.ignored:
        names = ", ".join(found.ignored)
        terminal.print(f"{path}: ignored: {names}", markup=False, soft_wrap=True)
    for warning in found.warnings:
        terminal.print(f"{path}: {warning}", markup=False, soft_wrap=True)
    return found


def _models(
    config: EvolveConfig,
    names: list[str] | None,
    changes: dict[str, Any],
    limits: dict[str, float | None],
    *,
    whole: bool,
    offline: bool,
) -> LlmSettings | None:
    """Return how models are asked; None where nobody names one, or none is to be asked."""
    from pydantic import ValidationError

    from harness.errors import UserError
    from harness.evolution.llm import ModelChoice
    from harness.models import describe_problems

    if offline and names:
        raise UserError(f"--offline: asks no model; leave it out, or --model {names[0]}")
    if offline or (not names and not config.models):
        _require_none({**changes, **limits, "whole": whole or None})
        return None
    given = {name: value for name, value in changes.items() if value is not None and value != {}}
    if names:
        try:
            given["models"] = tuple(ModelChoice(name=name) for name in dict.fromkeys(names))
        except ValidationError as error:
            raise UserError(f"--model: {describe_problems(error)}") from None
    if whole:
        given["rewrite"] = "whole"
    return config.settings(**given)


def _require_none(said: dict[str, Any]) -> None:
    """Check that nothing is said of models where none is asked."""
    from harness.errors import UserError

    for name, value in said.items():
        if value is not None and value != {}:
            option = "--" + ("price" if name == "prices" else name.replace("_", "-"))
            raise UserError(f"{option}: no model is asked; expected --model NAME with it")


def _require_names(models: LlmSettings | None, into: Path) -> None:
    """Check that a program can be filed under its names, before a search is spent on it."""
    from harness.candidates.naming import load_names
    from harness.candidates.submission import check_name

    load_names(into)
    if models is not None:
        check_name("+".join(one.name for one in models.models), "model")


def _require_prices(models: LlmSettings) -> None:
    """Check that money can be counted, where it is to end the asking."""
    from harness.errors import UserError

    for one in models.models:
        if one.name not in models.prices:
            known = f" (prices are given for: {', '.join(models.prices)})" if models.prices else ""
            raise UserError(
                f"--dollars: the price of {one.name!r} is not known{known}; expected "
                f"--price '{one.name}=IN,OUT', dollars for a million tokens, or --tokens instead"
            )


def search_settings(config: EvolveConfig, *, robust: bool) -> SearchSettings:
    """Return how searches are made, as far as a configuration says it."""
    from harness.evolution.search import SearchSettings

    usual = SearchSettings()
    limits = usual.limits
    if config.evaluation_seconds is not None:
        limits = limits.model_copy(update={"fit_seconds": config.evaluation_seconds})
    return SearchSettings(
        loss="robust" if robust else "squares",
        n_islands=config.n_islands or usual.n_islands,
        migration=config.migration or usual.migration,
        limits=limits,
    )


def _prices(given: list[str] | None) -> dict[str, tuple[float, float]]:
    from harness.errors import UserError

    prices = {}
    for text in given or []:
        name, _, figures = text.rpartition("=")
        try:
            ins, outs = map(float, figures.split(","))
            if not name:
                raise ValueError
        except ValueError as error:
            raise UserError(
                f"--price {text!r}: expected MODEL=IN,OUT, such as m=0.5,1.5"
            ) from error
        prices[name] = (ins, outs)
    return prices


def _tasks(
    catalogue: Catalogue, name: str | None, suite: str | None, *, all_tasks: bool
) -> list[Task]:
    from harness.errors import UserError

    if (name is None) != all_tasks:
        msg = (
            "expected a task's name or --all-tasks, and not both; `sld tasks list` shows the tasks"
        )
        raise UserError(msg)
    if name is not None:
        if suite is not None:
            raise UserError(f"--suite {suite}: one task is named; expected --all-tasks with it")
        return [catalogue.find(name)]
    found = [task for task in catalogue.tasks(suite) if task.has_data()]
    if not found:
        msg = "no task's data is here; `sld tasks pull` brings the public ones"
        raise UserError(msg)
    return found
