"""Reads one data file, row by row, and says exactly where it is wrong. Needs no numpy."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError, one_line
from harness.tasks.definition import GROUP_COLUMN

MOST_BYTES = 512 * 1024 * 1024
"""Of a data file; the largest of the shipped ones has some hundred kilobytes."""
_CHUNK = 1024 * 1024
_LONGEST_QUOTE = 100
_MOST_QUOTED = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data file."""

    line: int
    """Line of the file on which the row ends, from 1."""
    group: str
    values: tuple[float, ...]
    """Features, then targets, in the order of the definition."""


def read_at_most(path: Path, most: int) -> bytes:
    """Return a file's bytes; no more of it is read than is allowed.

    Raises:
        OSError: It cannot be read.
        ValueError: No file can have this name.
        UserError: It is larger than that, or endless (a device).
    """
    content = bytearray()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):  # one read of all would take the memory at once
            content += chunk
            if len(content) > most:
                raise UserError(f"{path}: larger than {most:,} bytes, the most that is read")
    return bytes(content)


def read_bytes(path: Path) -> bytes:
    """Return a data file's bytes.

    Raises:
        UserError: It is missing, a folder, no regular file, too large, or not readable.
    """
    try:
        # A task's YAML file may name any path; one that is a pipe would block for ever.
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise UserError(f"{path}: no regular file; expected a CSV file")
        return read_at_most(path, MOST_BYTES)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected a CSV file of the task's data") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; expected a CSV file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{one_line(str(path))}: no file can have this name") from error


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def canonical_form(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """Return rows as CSV in a form that does not hang on who wrote the file.

    That is a header (``group`` and the columns, in the definition's order), then the rows with
    numbers as shortest decimals that give them back exactly, sorted by their bytes.

    Args:
        rows: The rows of a split.
        columns: The features' and targets' names.
    """
    lines = [_csv_line([row.group, *map(repr, row.values)]) for row in rows]
    return b"".join([_csv_line([GROUP_COLUMN, *columns]), *sorted(lines)])


def _csv_line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8")


def parse_rows(content: bytes, path: Path, columns: Sequence[str]) -> list[Row]:
    """Parse a data file: a header (any order), then one row a line.

    Args:
        content: The file's bytes: UTF-8, with or without a byte order mark.
        path: What to call the file in messages.
        columns: The features' and targets' names; the file has these and ``group``, no others.

    Returns:
        The rows in file order; blank lines are skipped.

    Raises:
        UserError: Names the file and the line, column or cell that is wrong.
    """
    reader = csv.reader(io.StringIO(_decode(content, path), newline=""), strict=True)
    try:
        header = next((cells for cells in reader if cells), None)
        if header is None:
            raise UserError(f"{path}: is empty; expected a header line")
        places = _places(header, path, columns)
        rows = [
            _row(cells, reader.line_num, len(header), places, path) for cells in reader if cells
        ]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    if not rows:
        raise UserError(f"{path}: has a header but no rows")
    return rows


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: not UTF-8 (byte 0x{content[error.start]:02x}); "
            "save the file as CSV in UTF-8"
        ) from error


def _places(header: list[str], path: Path, columns: Sequence[str]) -> dict[str, int]:
    """Return where each wanted column is, ``group`` first."""
    wanted = (GROUP_COLUMN, *columns)
    for name, count in Counter(header).items():
        if count > 1:
            raise UserError(f"{path}: column {_quoted([name])} appears more than once")
    expected = f"expected the columns {', '.join(wanted)}"
    missing = [name for name in wanted if name not in header]
    if missing:
        raise UserError(f"{path}: no column {_quoted(missing)}; {expected}")
    unknown = [name for name in header if name not in wanted]
    if unknown:
        raise UserError(f"{path}: unknown column {_quoted(unknown)}; {expected}")
    return {name: header.index(name) for name in wanted}


def _quoted(names: list[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:_MOST_QUOTED])
    more = len(names) - _MOST_QUOTED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…")


def _row(cells: list[str], line: int, width: int, places: dict[str, int], path: Path) -> Row:
    if len(cells) != width:
        raise UserError(f"{path}, line {line}: {len(cells)} cells; the header has {width}")
    where = f"{path}, line {line}"
    values = {
        name: _number(cells[place], f"{where}, column {name!r}")
        for name, place in places.items()
        if name != GROUP_COLUMN
    }
    group = cells[places[GROUP_COLUMN]]
    if not group.strip():
        raise UserError(f"{where}, column {GROUP_COLUMN!r}: empty; expected the group's name")
    return Row(line=line, group=group, values=tuple(values.values()))


def _number(cell: str, where: str) -> float:
    # Python also reads 1_000 and digits of other scripts, which no other program would.
    plain = cell.isascii() and "_" not in cell
    try:
        value = float(cell) if plain else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        got = _short(cell) if cell.strip() else "an empty cell"
        raise UserError(f"{where}: expected a finite number, got {got}")
    return value


def count_rows(path: Path) -> int:
    """Return how many rows a data file has, by its lines: quick, and checks nothing else.

    Raises:
        UserError: The file is missing, a folder, or not readable.
    """
    return max(sum(1 for line in read_bytes(path).splitlines() if line.strip()) - 1, 0)
