"""A published board as lines of JSON: a program and its figure a line, made into claimed pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, FiniteFloat, ValidationError

from harness.errors import UserError
from harness.models import StrictModel, describe_problems
from harness.results.records import ClaimedPage, ClaimedRun
from harness.tasks.definition import Slug

SUFFIX = ".jsonl"

Name = Annotated[str, Field(min_length=1, max_length=200)]


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
        texts = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text; expected lines of JSON") from error
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
        line.solution.encode("utf-8")
    except ValidationError as error:
        raise UserError(f"{where}: {describe_problems(error)[:300]}") from error
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: solution: no text that can be stored as UTF-8") from error
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
        mean=f"{sum(ordered) / len(ordered):.6f}",
        min=f"{ordered[-1]:.6f}",
        runs=str(len(ordered)),
        program=first.solution,
        ranking=tuple(
            ClaimedRun(run=run, r2=f"{figures[run]:.6f}", program=_sha256(line.solution))
            for run, line in ranking
        ),
    )
    return BoardPage(first.task, page, {run: x.solution for run, x in numbered if x.solution})


def _sha256(program: str) -> str | None:
    return hashlib.sha256(program.encode("utf-8")).hexdigest() if program else None
