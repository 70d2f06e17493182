"""A task's rows as arrays, checked. Importing this module imports numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.tasks.curve import curve_rows
from harness.tasks.definition import ContentRef, FileRef, TaskDefinition
from harness.tasks.reading import Row, canonical_form, parse_rows, read_bytes, sha256_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupRows:
    """The rows of one group in one split, in file order. The arrays are read-only."""

    group: str
    features: FloatArray
    """``(N, F)``, C-contiguous, in the definition's feature order."""
    targets: FloatArray
    """``(N, T)``, C-contiguous, in the definition's target order."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskData:
    """Both splits of a task, groups sorted by name, and the rows along which laws are drawn."""

    train: tuple[GroupRows, ...]
    test: tuple[GroupRows, ...]
    curve: dict[str, FloatArray]
    """``(K, F)`` read-only feature rows by group; empty where the task declares no curve."""


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A data file, and what is known of it."""

    path: Path
    seen: str
    """SHA-256 of its bytes at an earlier look."""
    reference: FileRef | ContentRef
    """What the definition states."""


def load_data(definition: TaskDefinition, train: SplitFile, test: SplitFile) -> TaskData:
    """Read and check both splits of a task.

    Args:
        definition: The task's definition.
        train: The file of the train split.
        test: The file of the test split.

    Raises:
        UserError: A file is not as the definition says, or the splits do not make a task: a test
            group without train rows, a test target that does not vary, the same row twice.
    """
    train_rows = _read_split(definition, train)
    test_rows = _read_split(definition, test)
    _check_no_row_twice(definition, (train.path, train_rows), (test.path, test_rows))
    n_features = len(definition.features)
    train_groups = _group(train_rows, n_features)
    test_groups = _group(test_rows, n_features)
    _check_groups(definition, train_groups, test_groups)
    _check_test_varies(definition, test_groups)
    return TaskData(
        train=train_groups, test=test_groups, curve=_curve(definition, train_groups, test_groups)
    )


def load_train(definition: TaskDefinition, train: SplitFile) -> tuple[GroupRows, ...]:
    """Read and check the train split alone; the test split is not even opened.

    Args:
        definition: The task's definition.
        train: The file of the train split.

    Raises:
        UserError: The file is not as the definition says, or holds the same row twice.
    """
    rows = _read_split(definition, train)
    _check_no_row_twice(definition, (train.path, rows))
    return _group(rows, len(definition.features))


def _read_split(definition: TaskDefinition, file: SplitFile) -> list[Row]:
    content = read_bytes(file.path)
    columns = [column.name for column in (*definition.features, *definition.targets)]
    rows = parse_rows(content, file.path, columns)
    # Compared after parsing, so that a broken line is named rather than a hash.
    bytes_found = sha256_of(content)
    if isinstance(file.reference, ContentRef):
        found, stated = sha256_of(canonical_form(rows, columns)), file.reference.content_sha256
        what = "the SHA-256 of its rows"
    else:
        found, stated = bytes_found, file.reference.sha256 or bytes_found
        what = "its SHA-256"
    if found != stated:
        raise UserError(
            f"{file.path}: not the data of task {definition.name!r}: {what} is {found}, "
            f"expected {stated}; restore the file, or state the new SHA-256 in the task's "
            "YAML file if the change is meant"
        )
    if bytes_found != file.seen:
        raise UserError(f"{file.path}: changed while it was in use; start again")
    return rows


def _group(rows: list[Row], n_features: int) -> tuple[GroupRows, ...]:
    by_group: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        by_group.setdefault(row.group, []).append(row.values)
    groups = []
    for name in sorted(by_group):
        table = np.array(by_group[name], dtype=np.float64)
        groups.append(
            GroupRows(
                group=name,
                features=_frozen(table[:, :n_features]),
                targets=_frozen(table[:, n_features:]),
            )
        )
    return tuple(groups)


def _frozen(array: FloatArray) -> FloatArray:
    own = np.array(array, dtype=np.float64, order="C")
    own.setflags(write=False)
    return own


def _check_no_row_twice(definition: TaskDefinition, *splits: tuple[Path, Sequence[Row]]) -> None:
    """Refuse a row that appears twice: in one split it counts double, in both it leaks."""
    seen: dict[tuple[str, tuple[float, ...]], str] = {}
    for path, rows in splits:
        for row in rows:
            here = f"{path}, line {row.line}"
            first = seen.setdefault((row.group, row.values), here)
            if first != here:
                raise UserError(
                    f"task {definition.name!r}: the same row twice: {here} repeats {first}; "
                    "remove one of them"
                )


def _check_groups(
    definition: TaskDefinition, train: tuple[GroupRows, ...], test: tuple[GroupRows, ...]
) -> None:
    missing = sorted({rows.group for rows in test} - {rows.group for rows in train})
    if missing:
        raise UserError(
            f"task {definition.name!r}: test group {missing[0]!r} has no train rows, so nothing "
            "can be fitted for it"
        )


def _check_test_varies(definition: TaskDefinition, test: tuple[GroupRows, ...]) -> None:
    joined = np.concatenate([rows.targets for rows in test])
    with np.errstate(over="ignore", invalid="ignore"):
        variances = joined.var(axis=0)
    for index, target in enumerate(definition.targets):
        values, variance = joined[:, index], variances[index]
        if values.min() == values.max() or variance == 0:
            fault = "does not vary"
        elif not np.isfinite(variance):
            fault = "varies too widely"
        else:
            continue
        raise UserError(
            f"task {definition.name!r}: target {target.name!r} {fault} over the test split, "
            "so R² is not defined"
        )


def _curve(
    definition: TaskDefinition, train: tuple[GroupRows, ...], test: tuple[GroupRows, ...]
) -> dict[str, FloatArray]:
    grid = definition.curve
    if grid is None:
        return {}
    names = tuple(column.name for column in definition.features)
    test_features = {rows.group: rows.features for rows in test}
    curves = {}
    for rows in train:
        held_out = test_features.get(rows.group, rows.features[:0])
        try:
            curves[rows.group] = _frozen(curve_rows(grid, names, rows.features, held_out))
        except ValueError as error:
            raise UserError(
                f"task {definition.name!r}: curve, group {rows.group!r}: {error}"
            ) from error
    return curves
