"""The tables of a data set on the Hub: which parquet files make up a split, and their rows."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from harness.errors import UserError
from harness.tasks.definition import GROUP_COLUMN
from harness.tasks.hub import HubFile, HubFileError, Listing, MissingExtraError
from harness.tasks.reading import Row


class WrongTableError(UserError):
    """A file of the Hub does not hold the rows that the task states."""


def split_files(listing: Listing, configuration: str, split: str) -> tuple[HubFile, ...]:
    """Return the parquet files of one split, in order.

    ``<configuration>/<split>-00000-of-00002.parquet`` is the usual place, in any folder; a folder
    for the split, or the configuration in the file's name, is as good.

    Raises:
        HubFileError: There is none, a part of it is missing, or there are several to choose from.
    """
    where = f"{listing.repository} at commit {listing.commit[:12]}"
    found: dict[tuple[str, str], list[tuple[int, HubFile]]] = {}
    for file in listing.files:
        stem = _stem_of_split(PurePosixPath(file.path), configuration, split)
        if stem is not None:
            part = re.search(r"-(\d+)-of-(\d+)$", stem)
            series = (str(PurePosixPath(file.path).parent), part[2] if part else "")
            found.setdefault(series, []).append((int(part[1]) if part else 0, file))
    if not found:
        raise HubFileError(
            f"{where} has no parquet file of the {split} split of configuration {configuration!r}; "
            "give another revision with --revision, or set SLD_DATA to a folder with the CSV files"
        )
    if len(found) > 1:
        names = ", ".join(files[0][1].path for files in found.values())
        raise HubFileError(
            f"{where} has the {split} split of configuration {configuration!r} more than once: "
            f"{names}; give another revision with --revision"
        )
    ((_, total), parts), *_ = found.items()
    parts.sort(key=lambda part: (part[0], part[1].path))
    if total and [number for number, _ in parts] != list(range(int(total))):
        raise HubFileError(
            f"{where} has {len(parts)} of {int(total)} parts of the {split} split of configuration "
            f"{configuration!r}; give another revision with --revision"
        )
    return tuple(file for _, file in parts)


def _stem_of_split(path: PurePosixPath, configuration: str, split: str) -> str | None:
    """Return a file's name without its ending if it is of the split, None otherwise."""
    if path.suffix != ".parquet":
        return None
    folders, name = list(path.parent.parts), path.stem
    if configuration in folders:
        folders.remove(configuration)
    elif re.match(rf"{re.escape(configuration)}([-._]|$)", name):
        name = name[len(configuration) + 1 :]
    else:
        return None
    named = re.match(r"(train|test|validation|valid|dev)(?![a-zA-Z0-9])", name)
    of_split = named[1] == split if named else split in folders
    return path.stem if of_split else None


def table_rows(content: bytes, name: str, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a parquet file, its columns by name and in any order.

    Args:
        content: The file's bytes.
        name: What to call the file in messages.
        columns: The features' and targets' names; the file has these and ``group``, no others.

    Raises:
        WrongTableError: It is no such table; names the column.
        MissingExtraError: pyarrow cannot be imported.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("pyarrow") from None
    try:
        table = pq.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowException, OSError, ValueError):
        raise WrongTableError(f"{name}: not a parquet file that can be read") from None
    wanted = (GROUP_COLUMN, *columns)
    expected = f"expected the columns {', '.join(wanted)}"
    missing = [column for column in wanted if column not in table.column_names]
    if missing:
        raise WrongTableError(f"{name}: no column {_quoted(missing)}; {expected}")
    unknown = list(table.column_names)
    for column in wanted:
        unknown.remove(column)
    if unknown:
        raise WrongTableError(f"{name}: unknown column {_quoted(unknown)}; {expected}")
    groups = _values(table, GROUP_COLUMN, pa.string(), name)
    values = [_values(table, column, pa.float64(), name) for column in columns]
    return [
        Row(line=number, group=group, values=row)
        for number, (group, row) in enumerate(zip(groups, zip(*values, strict=True), strict=True))
    ]


def _values(table: Any, column: str, kind: Any, name: str) -> list[Any]:
    import pyarrow as pa

    what = "text" if column == GROUP_COLUMN else "finite numbers"
    given = table.column(column)
    try:
        values: list[Any] = given.cast(kind).to_pylist()
    except pa.ArrowException:
        values = [None]
    if any(
        value is None or (kind == pa.float64() and not math.isfinite(value)) for value in values
    ):
        raise WrongTableError(f"{name}: column {column!r} is not all {what} (it is {given.type})")
    return values


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """Return rows as the data files have them: in order, numbers as shortest exact decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([GROUP_COLUMN, *columns])
    writer.writerows([row.group, *map(repr, row.values)] for row in rows)
    return text.getvalue().encode("utf-8")
