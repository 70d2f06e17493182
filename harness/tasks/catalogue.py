"""Finds tasks: the shipped suites, or a user's own YAML file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from harness import paths
from harness.errors import UserError, one_line
from harness.limits import MOST_FIT_SECONDS
from harness.models import describe_problems
from harness.tasks.definition import ShippedData, TaskDefinition
from harness.tasks.suites import SUITES_FILE, SuiteDefinition, load_suites
from harness.tasks.task import Task
from harness.tasks.yaml_file import read_mapping


def load_definition(path: Path) -> Task:
    """Read one task's YAML file; its data is not touched.

    Raises:
        UserError: The file is not there, not YAML, or not a task; names the file and the field.
    """
    path = path.absolute()
    try:
        definition = TaskDefinition.model_validate(read_mapping(path))
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(describe_problems(error))}") from error
    if definition.fit_seconds > MOST_FIT_SECONDS:
        raise UserError(
            f"{path}: fit_seconds: is {definition.fit_seconds:g}; expected at most "
            f"{MOST_FIT_SECONDS:,} (20 days)"
        )
    return Task(definition=definition, path=path)


class Catalogue:
    """The tasks of one folder. Suites and tasks are always in the order of their names."""

    def __init__(
        self, tasks: Iterable[Task], suites: Mapping[str, SuiteDefinition] | None = None
    ) -> None:
        """Take tasks, refusing two with the same name or the same title.

        Args:
            tasks: The tasks.
            suites: What suites state beyond their tasks, by name.

        Raises:
            UserError: Names both files.
        """
        self._suites = dict(suites or {})
        self._tasks = tuple(sorted(tasks, key=lambda task: (task.suite, task.name)))
        self._by_name = _index(self._tasks, lambda task: task.name, "name")
        self._by_title = _index(self._tasks, lambda task: task.title, "title")

    def suites(self) -> tuple[str, ...]:
        """Return the suites' names."""
        return tuple(sorted({task.suite for task in self._tasks}))

    def suite(self, name: str) -> SuiteDefinition:
        """Return what a suite states beyond its tasks."""
        return self._suites.get(name, SuiteDefinition())

    def check_suites(self, file: Path) -> None:
        """Make sure that what is stated of suites is stated of suites that have tasks.

        Args:
            file: Where it is stated.

        Raises:
            UserError: There is one without tasks; misspelt, it would quietly state nothing.
        """
        for name in sorted(self._suites.keys() - set(self.suites())):
            raise UserError(
                f"{file}: suites.{name}: no task is in a suite {name!r}"
                f"{_did_you_mean(name, self.suites())}; "
                f"the suites are: {', '.join(self.suites()) or 'none'}"
            )

    def tasks(self, suite: str | None = None, pattern: str = "*") -> tuple[Task, ...]:
        """Return tasks.

        Args:
            suite: Only those of this suite.
            pattern: Only those whose name matches this glob.

        Raises:
            UserError: There is no such suite.
        """
        if suite is not None and suite not in self.suites():
            raise UserError(
                f"unknown suite {suite!r}{_did_you_mean(suite, self.suites())}; "
                f"the suites are: {', '.join(self.suites()) or 'none'}"
            )
        return tuple(
            task
            for task in self._tasks
            if suite in (None, task.suite) and fnmatchcase(task.name, pattern)
        )

    def find(self, name_or_yaml: str) -> Task:
        """Return the task of this name, or the one that a YAML file defines.

        Args:
            name_or_yaml: What `--task` takes.

        Raises:
            UserError: There is no such task, or the YAML file is not a task or is another one than
                the task of its name.
        """
        task = self._by_name.get(name_or_yaml)
        if task is not None:
            return task
        if looks_like_a_task_file(name_or_yaml):
            return self._own(load_definition(Path(name_or_yaml)))
        raise UserError(
            f"unknown task {one_line(repr(name_or_yaml))}"
            f"{_did_you_mean(name_or_yaml, self._by_name)}; expected "
            "a task's name (list them with: sld tasks list) or the path of a task's YAML file"
        )

    def _own(self, task: Task) -> Task:
        """Return a user's own task; a copy of one of ours is ours.

        Runs are kept by their task's name: another task of the same name would put figures of
        other data among ours.

        Raises:
            UserError: One of ours has its name and is another one.
        """
        known = self._by_name.get(task.name)
        if known is None:
            return task
        if task.path == known.path or (
            task.definition == known.definition and task.definition.data.pinned
        ):
            return known
        raise UserError(
            f"{task.path}: name: {task.name!r} is the name of another task, "
            f"{known.path}; rename yours"
        )

    def by_name(self, name: str) -> Task:
        """Return the task of this name.

        Raises:
            UserError: There is no such task.
        """
        task = self._by_name.get(name)
        if task is None:
            raise UserError(
                f"unknown task {one_line(repr(name))}{_did_you_mean(name, self._by_name)}; "
                "list them with: sld tasks list"
            )
        return task

    def by_title(self, title: str) -> Task:
        """Return the task that pages call so.

        Raises:
            UserError: There is no such task.
        """
        task = self._by_title.get(title)
        if task is None:
            raise UserError(
                f"no task has the title {one_line(repr(title))}"
                f"{_did_you_mean(title, self._by_title)}; "
                "list them with: sld tasks list"
            )
        return task


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Read ``<suite>/<task>.yaml`` of a folder; no data is touched.

    Args:
        folder: Where the suites are; the shipped ones when not given.

    Raises:
        UserError: There is no such folder, a file in it is not a task or lies in the wrong place,
            two tasks share a name or a title, or ``suites.yaml`` is wrong.
    """
    folder = paths.tasks_folder() if folder is None else folder
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected one with <suite>/<task>.yaml in it")
    placed = (_load_placed(path) for path in sorted(folder.glob("*/*.yaml")))
    catalogue = Catalogue(placed, load_suites(folder))
    catalogue.check_suites(folder / SUITES_FILE)
    return catalogue


def _load_placed(path: Path) -> Task:
    task = load_definition(path)
    if task.name != path.stem:
        raise UserError(f"{task.path}: name: is {task.name!r}; expected the file's {path.stem!r}")
    if task.suite != path.parent.name:
        raise UserError(
            f"{task.path}: suite: is {task.suite!r}; expected the folder's {path.parent.name!r}"
        )
    data = task.definition.data
    if isinstance(data, ShippedData) and not data.stays_inside:
        raise UserError(f"{task.path}: data: paths are relative and stay inside the suite's folder")
    return task


def _index(tasks: Iterable[Task], key: Callable[[Task], str], what: str) -> dict[str, Task]:
    index: dict[str, Task] = {}
    for task in tasks:
        first = index.setdefault(key(task), task)
        if first is not task:
            raise UserError(
                f"two tasks have the {what} {key(task)!r}: {first.path} and {task.path}"
            )
    return index


def looks_like_a_task_file(text: str) -> bool:
    """Return whether what `--task` was given is meant as a YAML file, not as a name."""
    # os.path rather than Path: a name no file can have (too long, NUL) is no file, not an error.
    return text.endswith((".yaml", ".yml")) or os.sep in text or os.path.isfile(text)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
