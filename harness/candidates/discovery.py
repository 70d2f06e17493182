"""Finding candidate programs: ``<task>/<agent>/<model>/run_<n>.py``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.candidates.files import refuse_link, shown
from harness.candidates.naming import (
    LONGEST_PATH,
    LONGEST_SLUG,
    MOST_RUN,
    agent_slug,
    load_names,
    model_slug,
)
from harness.errors import UserError

_RUN_FILE = re.compile(r"run_(0|[1-9][0-9]*)\.py")
_LAYOUT = "<task>/<agent>/<model>/run_<n>.py"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class RunFile:
    """A program's file and the run that its path says it is."""

    path: Path
    task: str
    agent: str
    """Slug."""
    model: str
    """Slug."""
    run: int
    agent_name: str
    model_name: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found under a path."""

    runs: tuple[RunFile, ...]
    """Sorted by task, agent, model and run number."""
    strays: tuple[Path, ...]
    """Python files that are not in the layout."""
    refused: tuple[str, ...] = ()
    """Why programs that are in the layout are no runs, a line each."""


def find_runs(path: Path) -> Discovery:
    """Find all programs under a path: a candidates folder, a part of it, or one file.

    Raises:
        UserError: The path does not exist, or nothing in it is a run: nothing has the layout,
            folders are not named by the slug rules, programs are links, ``names.yaml`` is wrong.
    """
    path = path.absolute()
    if not os.path.exists(path):  # `Path.exists` raises for names that are too long
        raise UserError(
            f"{shown(path)}: no such file or folder; expected {_LAYOUT} or a folder of such"
        )
    files = [path] if path.is_file() else sorted(path.rglob("*.[pP][yY]"))
    files = [f for f in files if not any(part.startswith(".") for part in _below(f, path))]
    runs, strays, refused = [], [], []
    for file in files:
        try:
            run = _run_file(file) if _is_readable(file) else None
        except UserError as error:
            refused.append(str(error))
            continue
        if run is None:
            strays.append(file)
        else:
            runs.append(run)
    refused = list(dict.fromkeys(refused))  # one wrong names.yaml is one thing to mend
    if refused and not runs:
        more = f"; and {len(refused) - 1} more like it" if len(refused) > 1 else ""
        raise UserError(f"{refused[0]}{more}")
    if not runs:
        came = shown(strays[0]) if strays else "no Python file"
        raise UserError(f"{shown(path)}: expected programs at {_LAYOUT}, got {came}")
    runs.sort(key=lambda r: (r.task, r.agent, r.model, r.run))
    return Discovery(tuple(runs), tuple(strays), tuple(refused))


def _is_readable(file: Path) -> bool:
    """Return whether reading a file ends: a pipe or a device among the programs may never do."""
    return file.is_file() or not file.exists() or file.is_dir()


def stray_line(strays: Sequence[Path]) -> str:
    """Return a line that names Python files which are no runs because of where they lie."""
    named = ", ".join(map(shown, strays[:_MOST_NAMED]))
    more = len(strays) - _MOST_NAMED
    return f"passed over: {named}{f' and {more} more' if more > 0 else ''}: not at {_LAYOUT}"


def _below(file: Path, root: Path) -> tuple[str, ...]:
    return file.relative_to(root).parts if file != root else ()


def run_number(name: str) -> int | None:
    """Return the number of a run by its file's name; None for a name that is no run's."""
    match = _RUN_FILE.fullmatch(name)
    return None if match is None else int(match[1])


def _run_file(file: Path) -> RunFile | None:
    parts = file.parts[-4:]
    number = run_number(file.name)
    if number is None or len(parts) < 4 or len(file.parts) < 5:
        return None
    task, agent, model, _ = parts
    refuse_link(file)
    for slug, rule, what in ((agent, agent_slug, "agent"), (model, model_slug, "model")):
        if rule(slug) != slug:
            raise UserError(
                f"{shown(file)}: the {what}'s folder is called {slug!r}, expected {rule(slug)!r} "
                "(display names belong in names.yaml)"
            )
        if len(slug) > LONGEST_SLUG:
            raise UserError(
                f"{shown(file)}: the name of the {what}'s folder has {len(slug)} characters, "
                f"expected {LONGEST_SLUG} at most; rename the folder"
            )
    if number > MOST_RUN:
        raise UserError(
            f"{shown(file)}: expected a run's number of {len(str(MOST_RUN))} digits at most, got "
            f"one of {len(str(number))}; rename the file"
        )
    _check_path(file)
    names = load_names(file.parents[3])
    return RunFile(
        path=file,
        task=task,
        agent=agent,
        model=model,
        run=number,
        agent_name=names.agent(agent),
        model_name=names.model(model),
    )


def _check_path(file: Path) -> None:
    try:
        str(file).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"{shown(file)}: the path is not UTF-8, so it cannot be stored; rename the folder"
        ) from error
    if len(str(file)) > LONGEST_PATH:
        raise UserError(
            f"{shown(file)}: the path has {len(str(file)):,} characters, expected "
            f"{LONGEST_PATH:,} at most; move the folder"
        )
