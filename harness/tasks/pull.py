"""Pulls data that is not shipped from the Hugging Face Hub into the user's cache folder.

A split is put in place only when its rows are those that the task's definition states. What is
right is not downloaded again, so a pull that was interrupted goes on where it was.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pydantic import ValidationError

from harness import paths
from harness.errors import UserError
from harness.models import StrictModel
from harness.tasks.definition import ContentRef, ExternalData, Sha256
from harness.tasks.hub import Hub, HubError, HubFileError, Listing
from harness.tasks.hub_tables import WrongTableError, as_csv, split_files, table_rows
from harness.tasks.reading import Row, canonical_form, parse_rows, read_bytes, sha256_of
from harness.tasks.task import Task
from harness.whole_files import replace

RECORD = "pulled.json"
_PARTS = ".pull"
"""Folder, beside the data, of downloads that are not complete."""


class PulledRecord(StrictModel):
    """Where the files beside it come from; ``pulled.json``."""

    schema_version: Literal[1] = 1
    repository: str
    revision: str
    """As asked for: a branch, a tag or a commit."""
    commit: str
    """What the revision stood for."""
    files: dict[str, Sha256]
    """SHA-256 of the bytes of each file that was pulled, by name."""


class Watcher(Protocol):
    """Is told how far the download is."""

    def started(self, total: int) -> None:
        """Downloads of this many bytes begin."""

    def reached(self, done: int) -> None:
        """So many bytes are here."""


@dataclass(slots=True)
class TaskPull:
    """What a pull did for one task."""

    task: Task
    folder: Path
    repository: str
    revision: str
    commit: str | None = None
    """None where no file comes from the Hub, as far as is known."""
    pulled: list[str] = field(default_factory=list)
    """Names of the files that were downloaded and put in place."""
    problems: list[str] = field(default_factory=list)
    tried: bool = True
    """False where the Hub had failed before, for another task."""

    @property
    def status(self) -> Literal["pulled", "present", "failed", "not tried"]:
        """How it ended, in a word."""
        if self.problems:
            return "failed"
        if not self.tried:
            return "not tried"
        return "pulled" if self.pulled else "present"


@dataclass(frozen=True, slots=True)
class _Split:
    """One split of a task, and whether its file in the cache is right."""

    name: Literal["train", "test"]
    reference: ContentRef
    folder: Path
    right: bool

    @property
    def file(self) -> str:
        """The name of its file, below the task's folder."""
        return self.reference.path


@dataclass(slots=True)
class _Plan:
    """What there is of a task, and what became of it."""

    data: ExternalData
    splits: tuple[_Split, ...]
    record: PulledRecord | None
    outcome: TaskPull

    @property
    def source(self) -> tuple[str, str]:
        return self.outcome.repository, self.outcome.revision

    @property
    def complete(self) -> bool:
        """Whether nothing is to be done, not even to ask what the revision stands for."""
        known = self.record is None or (self.record.repository, self.record.revision) == self.source
        return known and all(split.right for split in self.splits)

    def keeps(self, split: _Split, commit: str) -> bool:
        """Whether a split's file stays, and would come from this commit."""
        record = self.record
        if record is None or split.file not in record.files:
            return split.right
        return split.right and (record.repository, record.commit) == (self.source[0], commit)


def pull(
    tasks: Sequence[Task],
    *,
    revision: str | None = None,
    force: bool = False,
    watcher: Watcher | None = None,
) -> list[TaskPull]:
    """Bring the data of tasks into the cache folder.

    Args:
        tasks: Which; those whose data is shipped are passed over.
        revision: A branch, tag or commit of the data set; what the definitions state if not given.
        force: Download also what is here and right.
        watcher: Is told how far it is.

    Returns:
        What was done, by task. A failure of the Hub, or of a file on it, is in there.

    Raises:
        UserError: Nothing can be pulled: a package is missing, offline mode is on, another pull is
            at work, there is no such revision, or the cache folder cannot be written.
    """
    plans = [
        _look(task, task.definition.data, revision)
        for task in tasks
        if isinstance(task.definition.data, ExternalData)
    ]
    waiting = [plan for plan in plans if force or not plan.complete]
    if waiting:
        hub, cache = Hub(), paths.cache_folder()
        try:
            with _alone(cache):
                _Pulling(hub, watcher, force).pull(waiting)
        except OSError as error:
            raise UserError(
                f"{error.filename or cache}: cannot be written: {error.strerror or error}; make "
                "room, or set XDG_CACHE_HOME to another folder"
            ) from error
    return [plan.outcome for plan in plans]


def pulled_record(task: Task) -> PulledRecord | None:
    """Return where the data that a task reads was pulled from; None where it was not pulled."""
    data = task.definition.data
    if not isinstance(data, ExternalData) or not task.has_data():
        return None
    folder = paths.cache_folder() / data.folder
    return _read_record(folder) if task.files()[0] == folder / data.train.path else None


def _look(task: Task, data: ExternalData, revision: str | None) -> _Plan:
    folder = paths.cache_folder() / data.folder
    columns = (*task.feature_names, *task.target_names)
    splits = (
        _Split("train", data.train, folder, _is_right(folder, data.train, columns)),
        _Split("test", data.test, folder, _is_right(folder, data.test, columns)),
    )
    record = _read_record(folder)
    outcome = TaskPull(task, folder, data.hub.repository, revision or data.hub.revision)
    outcome.commit = record.commit if record else None
    return _Plan(data, splits, record, outcome)


def _is_right(folder: Path, reference: ContentRef, columns: Sequence[str]) -> bool:
    place = folder / reference.path
    try:
        rows = parse_rows(read_bytes(place), place, columns)
    except UserError:
        return False
    return sha256_of(canonical_form(rows, columns)) == reference.content_sha256


def _read_record(folder: Path) -> PulledRecord | None:
    try:
        return PulledRecord.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


class _Pulling:
    """One pull, of tasks that need something."""

    def __init__(self, hub: Hub, watcher: Watcher | None, force: bool) -> None:
        self._hub = hub
        self._watcher = watcher
        self._force = force
        self._done = 0

    def pull(self, plans: Sequence[_Plan]) -> None:
        for source in dict.fromkeys(plan.source for plan in plans):
            same = [plan for plan in plans if plan.source == source]
            for plan in same:
                plan.outcome.tried = False
            current = same[0]
            try:
                listing = self._hub.listing(*source)
                self._announce(same, listing)
                for current in same:
                    self._pull_task(current, listing)
            except HubError as error:
                current.outcome.problems.append(str(error))

    def _announce(self, plans: Sequence[_Plan], listing: Listing) -> None:
        total = 0
        for plan in plans:
            for split in self._needed(plan, listing):
                try:
                    files = split_files(listing, plan.data.hub.configuration, split.name)
                except HubFileError:
                    continue  # said when its turn comes
                total += sum(file.size or 0 for file in files)
        self._done = 0
        if self._watcher is not None:
            self._watcher.started(total)

    def _needed(self, plan: _Plan, listing: Listing) -> list[_Split]:
        return [
            split for split in plan.splits if self._force or not plan.keeps(split, listing.commit)
        ]

    def _pull_task(self, plan: _Plan, listing: Listing) -> None:
        outcome, needed = plan.outcome, self._needed(plan, listing)
        outcome.tried = True
        if self._force:
            shutil.rmtree(outcome.folder / _PARTS, ignore_errors=True)
        stay = {split.file for split in plan.splits if split not in needed}
        known = plan.record.files if plan.record else {}
        files = {name: sha256 for name, sha256 in known.items() if name in stay}
        if not needed:
            self._write_record(outcome, listing, files)
        for split in needed:
            try:
                content = self._csv_of(plan, split, listing)
            except (HubFileError, WrongTableError) as error:
                outcome.problems.append(f"{split.name}: {error}")
                continue
            # The record goes first: cut off in between, it tells of a file that is not there, and
            # never is there a file of which it tells something wrong.
            files[split.file] = sha256_of(content)
            self._write_record(outcome, listing, files)
            _put(split.folder / split.file, content)
            outcome.pulled.append(split.file)
        shutil.rmtree(outcome.folder / _PARTS, ignore_errors=True)

    def _write_record(self, outcome: TaskPull, listing: Listing, files: dict[str, str]) -> None:
        outcome.commit = listing.commit
        record = PulledRecord(
            repository=outcome.repository,
            revision=outcome.revision,
            commit=listing.commit,
            files=dict(sorted(files.items())),
        )
        _put(outcome.folder / RECORD, (record.model_dump_json(indent=2) + "\n").encode("utf-8"))

    def _csv_of(self, plan: _Plan, split: _Split, listing: Listing) -> bytes:
        """Return a split as the CSV file that goes into the cache.

        Raises:
            HubFileError: It is not on the Hub.
            WrongTableError: It is not what the task states.
        """
        task = plan.outcome.task
        columns = (*task.feature_names, *task.target_names)
        rows: list[Row] = []
        for file in split_files(listing, plan.data.hub.configuration, split.name):
            parts = plan.outcome.folder / _PARTS
            content = self._hub.download(listing, file, parts, self._reached)
            self._done += len(content)
            rows += table_rows(content, f"{listing.repository}/{file.path}", columns)
        found = sha256_of(canonical_form(rows, columns))
        if found != split.reference.content_sha256:
            raise WrongTableError(
                f"{listing.repository} at commit {listing.commit[:12]} has other rows than task "
                f"{task.name!r} states: their SHA-256 is {found}, expected "
                f"{split.reference.content_sha256}; nothing was changed; give the revision that "
                "has them with --revision"
            )
        return as_csv(rows, columns)

    def _reached(self, here: int) -> None:
        if self._watcher is not None:
            self._watcher.reached(self._done + here)


def _put(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    replace(place, content)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other pulls into this folder away: two would write to one part of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".pull.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another pull is at work in {folder}; wait until it has ended, then try again"
            ) from None
        yield
