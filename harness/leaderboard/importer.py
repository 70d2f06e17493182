"""Published pages into a candidates folder, and their figures into the store as claims."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.candidates.naming import (
    DisplayNames,
    agent_slug,
    load_names,
    model_slug,
    page_name,
    save_names,
)
from harness.errors import UserError
from harness.leaderboard.site_files import write_atomically
from harness.results.board_lines import SUFFIX, read_board
from harness.results.records import ClaimedPage
from harness.results.source_page import read_page

_LONGEST_FILE_NAME = 255


class NamedTask(Protocol):
    """A task, as far as an import needs to know it."""

    @property
    def name(self) -> str:
        """The task's name."""

    @property
    def title(self) -> str:
        """What pages call it."""


class TitledTasks(Protocol):
    """Finds a task by the title that pages carry, or by its name."""

    def by_title(self, title: str) -> NamedTask:
        """Return the task of a title.

        Raises:
            UserError: No task has this title.
        """

    def find(self, name_or_yaml: str) -> NamedTask:
        """Return the task of a name.

        Raises:
            UserError: No task has this name.
        """


class ClaimStore(Protocol):
    """Keeps claims; the store of results does."""

    def add_claim(self, task: str, page: ClaimedPage, source: str) -> None:
        """Keep a page, instead of an earlier one of the same task, agent and model."""


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """Where a page went."""

    source: Path
    task: str
    agent: str
    """Slug."""
    model: str
    """Slug."""
    page: ClaimedPage
    programs: Mapping[Path, bytes]
    """The programs by their files; empty where there are none and only the claims were kept."""

    @property
    def program(self) -> Path | None:
        """The file of the first program."""
        return next(iter(self.programs), None)

    @property
    def key(self) -> tuple[str, str, str]:
        """Task, agent and model."""
        return self.task, self.agent, self.model


def import_pages(
    pages: Sequence[Path], into: Path, store: ClaimStore, catalogue: TitledTasks
) -> list[ImportedPage]:
    """Read published pages, file their programs as candidates, and keep their figures as claims.

    All pages are read and checked before anything is written. Importing the same page again
    changes nothing.

    Args:
        pages: The pages: their text, or the HTML that this harness writes. A file ``*.jsonl`` is a
            whole board, a run a line (``harness.results.board_lines``).
        into: The candidates folder; programs go to ``<task>/<agent>/<model>/run_<n>.py``.
        store: Where the claims go.
        catalogue: Finds each page's task by its title.

    Raises:
        UserError: A page cannot be read, its task is unknown, two pages are about the same task,
            agent and model, two names share a slug, another program is in a program's place, a
            name is too long for a file, a path is not UTF-8, or the folder cannot be written.
    """
    for path in (into, *pages):
        _check_text(path)
    if os.path.exists(into) and not os.path.isdir(into):  # never raise, whatever the name
        raise UserError(f"{into}: expected a candidates folder, got a file")
    imported = [item for path in pages for item in _placed(path, into, catalogue)]
    _check_distinct(imported)
    names = _names(imported, into)
    for item in imported:
        _check_free(item)
    try:
        save_names(into, names)
    except OSError as error:
        raise UserError(f"{into}: cannot be written: {error.strerror}") from error
    for item in imported:
        for file, program in item.programs.items():
            if not file.exists():
                write_atomically(file, program)
        store.add_claim(item.task, item.page, str(item.source))
    return imported


def _placed(path: Path, into: Path, catalogue: TitledTasks) -> list[ImportedPage]:
    """Read a file and say where what is in it goes."""
    if path.suffix == SUFFIX:
        board = read_board(path, lambda name: catalogue.find(name).title)
        return [_place(path, into, each.task, each.page, each.programs) for each in board]
    page = read_page(path)
    try:
        task = catalogue.by_title(page.title).name
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    programs = {page.ranking[0].run: page.program} if page.program else {}
    return [_place(path, into, task, page, programs)]


def _place(
    path: Path, into: Path, task: str, page: ClaimedPage, programs: Mapping[int, str]
) -> ImportedPage:
    agent, model = agent_slug(page.agent), model_slug(page.model)
    called = page_name(task, agent, model)
    if len(called) > _LONGEST_FILE_NAME:
        raise UserError(
            f"{path}: the names of the task, the agent and the model make a file name of "
            f"{len(called):,} characters; expected {_LONGEST_FILE_NAME} at most"
        )
    folder = into / task / agent / model
    files = {folder / f"run_{run}.py": text.encode("utf-8") for run, text in programs.items()}
    return ImportedPage(path, task, agent, model, page, files)


def _check_text(path: Path) -> None:
    """Refuse a path that neither the store nor a terminal can take."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        shown = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
        raise UserError(f"{shown}: the path is not UTF-8; rename it") from error


def _check_distinct(imported: Sequence[ImportedPage]) -> None:
    seen: dict[tuple[str, str, str], ImportedPage] = {}
    for item in imported:
        other = seen.setdefault(item.key, item)
        if other.page != item.page:
            raise UserError(
                f"{other.source} and {item.source} are different pages of the same task, agent "
                f"and model ({', '.join(item.key)}); import one of them"
            )


def _names(imported: Sequence[ImportedPage], into: Path) -> DisplayNames:
    names = load_names(into)
    for item in imported:
        try:
            names = names.with_names(item.page.agent, item.page.model)
        except UserError as error:
            raise UserError(f"{item.source}: {error}") from error
    return names


def _check_free(item: ImportedPage) -> None:
    for path, program in item.programs.items():
        if path.exists() and (not path.is_file() or path.read_bytes() != program):
            raise UserError(
                f"{item.source}: another program is already at {path}; move it, or choose another "
                "folder to import into"
            )
