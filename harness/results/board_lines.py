"""A published board as lines of JSON: a program and its figure a line, made into claimed pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, FiniteFloat, ValidationError

from harness.candidates.naming import is_shown_name
from harness.candidates.program import MAX_BYTES
from harness.errors import UserError, one_line
from harness.models import StrictModel, describe_problems
from harness.results.records import ClaimedPage, ClaimedRun
from harness.tasks.definition import Slug
from harness.tasks.reading import read_at_most

SUFFIX = ".jsonl"

MOST_BYTES = 1024 * 1024 * 1024
"""Of a published board; a thousand programs have some five megabytes."""


def _shown(name: str) -> str:
    if not name.strip() or not is_shown_name(name):
        raise ValueError("expected a name on one line, without control characters")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shown)]


class BoardLine(StrictModel):
    """One run of a published board."""

    task: Slug
    agent_name: Name
    model_name: Name
    reward_r2: FiniteFloat | None
    """As published; null, for a failure, is claimed as -1."""
    solution: str
    """The program; empty where none was published."""


@dataclass(frozen=True, slots=True)
class BoardPage:
    """All runs of one agent with one model on one task, as a page would claim them."""

    task: str
    page: ClaimedPage
    programs: dict[int, str]
    """The programs that were published, by run."""


def read_board(path: Path, title_of: Callable[[str], str]) -> list[BoardPage]:
    """Read a published board; runs are numbered in the order of their lines.

    Args:
        path: A file of lines as ``BoardLine`` says.
        title_of: Gives a task's title by its name, or raises a ``UserError``.

    Returns:
        A page for each task, agent and model, in the order of their first lines.

    Raises:
        UserError: The file cannot be read, or a line is not one of a board; names the line.
    """
    try:
        texts = read_at_most(path, MOST_BYTES).decode("utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text; expected lines of JSON") from error
    except ValueError as error:
        raise UserError(f"{one_line(str(path))}: no file can have this name") from error
    found: dict[tuple[str, str, str], list[BoardLine]] = {}
    titles: dict[str, str] = {}
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        line = _read(text, f"{path}, line {number}")
        if line.task not in titles:
            try:
                titles[line.task] = title_of(line.task)
            except UserError as error:
                raise UserError(f"{path}, line {number}: {error}") from error
        found.setdefault((line.task, line.agent_name, line.model_name), []).append(line)
    if not found:
        raise UserError(f"{path}: no lines; expected a published board, a run a line")
    return [_page(lines, titles[task]) for (task, _, _), lines in found.items()]


def _read(text: str, where: str) -> BoardLine:
    try:
        line = BoardLine.model_validate_json(text)
        size = len(line.solution.encode("utf-8"))
    except ValidationError as error:
        raise UserError(f"{where}: {one_line(describe_problems(error))}") from error
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: solution: no text that can be stored as UTF-8") from error
    if size > MAX_BYTES:
        raise UserError(
            f"{where}: solution: {size:,} bytes; a program may have {MAX_BYTES:,} at most"
        )
    return line


def _page(lines: Iterable[BoardLine], title: str) -> BoardPage:
    numbered = list(enumerate(lines, 1))
    figures = {run: -1.0 if x.reward_r2 is None else x.reward_r2 for run, x in numbered}
    ranking = sorted(numbered, key=lambda item: (-figures[item[0]], item[0]))
    first = ranking[0][1]
    ordered = [figures[run] for run, _ in ranking]
    page = ClaimedPage(
        title=title,
        agent=first.agent_name,
        model=first.model_name,
        best=f"{ordered[0]:.6f}",
        mean=f"{_mean(ordered):.6f}",
        min=f"{ordered[-1]:.6f}",
        runs=str(len(ordered)),
        program=first.solution,
        ranking=tuple(
            ClaimedRun(run=run, r2=f"{figures[run]:.6f}", program=_sha256(line.solution))
            for run, line in ranking
        ),
    )
    return BoardPage(first.task, page, {run: x.solution for run, x in numbered if x.solution})


def _mean(figures: list[float]) -> float:
    total = sum(figures)
    if isfinite(total):
        return total / len(figures)
    return sum(figure / len(figures) for figure in figures)  # each of them is near the largest


def _sha256(program: str) -> str | None:
    return hashlib.sha256(program.encode("utf-8")).hexdigest() if program else None
