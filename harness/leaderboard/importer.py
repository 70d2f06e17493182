"""Published pages into a candidates folder, and their figures into the store as claims."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.candidates.naming import (
    LONGEST_SLUG,
    MOST_RUN,
    add_names,
    agent_slug,
    is_shown_name,
    load_names,
    model_slug,
    page_name,
)
from harness.errors import UserError, one_line
from harness.leaderboard.site_files import write_atomically
from harness.results.board_lines import SUFFIX, read_board
from harness.results.merge import claims_apart
from harness.results.records import ClaimedPage, StoredClaim
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

    def claims(self) -> Sequence[StoredClaim]:
        """Return the pages that are kept."""


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
    before: ClaimedPage | None = None
    """What was claimed in its place so far, where that was something else."""

    @property
    def program(self) -> Path | None:
        """The file of the first program."""
        return next(iter(self.programs), None)

    @property
    def change(self) -> tuple[str, str] | None:
        """What was claimed before and what is now, where these differ."""
        if self.before is None:
            return None
        old, new = claims_apart(self.before, self.page)
        names = [f"{page.agent}, {page.model}: " for page in (self.before, self.page)]
        if names[0] != names[1]:  # of one folder, perhaps of two models
            return names[0] + old, names[1] + new
        return old, new

    @property
    def key(self) -> tuple[str, str, str]:
        """Task, agent and model."""
        return self.task, self.agent, self.model


def import_pages(
    pages: Sequence[Path], into: Path, store: ClaimStore, catalogue: TitledTasks
) -> list[ImportedPage]:
    """Read published pages, file their programs as candidates, and keep their figures as claims.

    All pages are read and checked before anything is written. Importing the same page again
    changes nothing; what a page replaces is in its ``before``.

    Args:
        pages: The pages: their text, or the HTML that this harness writes. A file ``*.jsonl`` is a
            whole board, a run a line (``harness.results.board_lines``).
        into: The candidates folder; programs go to ``<task>/<agent>/<model>/run_<n>.py``.
        store: Where the claims go.
        catalogue: Finds each page's task by its title.

    Raises:
        UserError: A page cannot be read, its task is unknown, two pages are about the same task,
            agent and model, two names share a slug, another program is in a program's place, a
            name is too long for a file or an export, a path is not UTF-8, or the folder cannot be
            written.
    """
    for path in (into, *pages):
        _check_text(path)
    if os.path.exists(into) and not os.path.isdir(into):  # never raise, whatever the name
        raise UserError(f"{into}: expected a candidates folder, got a file")
    imported = [item for path in pages for item in _placed(path, into, catalogue)]
    _check_distinct(imported)
    _check_names(imported, into)
    for item in imported:
        _check_free(item)
    imported = _with_claims_before(imported, store)
    try:
        add_names(into, ((item.page.agent, item.page.model) for item in imported))
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
    for what, name, slug in (("agent", page.agent, agent), ("model", page.model, model)):
        _check_name(path, what, name, slug)
    called = page_name(task, agent, model)
    if len(called) > _LONGEST_FILE_NAME:
        raise UserError(
            f"{path}: the names of the task, the agent and the model make a file name of "
            f"{len(called):,} characters; expected {_LONGEST_FILE_NAME} at most"
        )
    folder = into / task / agent / model
    if (last := max(programs, default=0)) > MOST_RUN:
        raise UserError(f"{path}: expected numbers of runs up to {MOST_RUN}, got {last}")
    files = {folder / f"run_{run}.py": text.encode("utf-8") for run, text in programs.items()}
    return ImportedPage(path, task, agent, model, page, files)


def _with_claims_before(imported: Sequence[ImportedPage], store: ClaimStore) -> list[ImportedPage]:
    """Add to each page what it replaces; a page that is there already replaces nothing."""
    kept = {(each.task, each.agent, each.model): each.page for each in store.claims()}
    return [
        replace(item, before=kept[item.key])
        if item.key in kept and kept[item.key] != item.page
        else item
        for item in imported
    ]


def _check_name(path: Path, what: str, name: str, slug: str) -> None:
    """Refuse a name that neither ``names.yaml`` nor an export could give back."""
    if not is_shown_name(name):
        raise UserError(
            f"{path}: {what}: expected a name on one line, without control characters, "
            f"got {one_line(repr(name))}"
        )
    if len(slug) > LONGEST_SLUG:
        raise UserError(
            f"{path}: {what}: expected a name of {LONGEST_SLUG} characters at most, the most that "
            f"`sld results export` writes, got {len(slug):,}; shorten it in the file"
        )


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


def _check_names(imported: Sequence[ImportedPage], into: Path) -> None:
    """Refuse names of which one has another's folder."""
    names = load_names(into)
    for item in imported:
        try:
            names = names.with_names(item.page.agent, item.page.model)
        except UserError as error:
            raise UserError(f"{item.source}: {error}") from error


def _check_free(item: ImportedPage) -> None:
    for path, program in item.programs.items():
        if path.exists() and (not path.is_file() or path.read_bytes() != program):
            raise UserError(
                f"{item.source}: another program is already at {path}; move it, or choose another "
                "folder to import into"
            )
