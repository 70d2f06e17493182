"""Writes what a discovery found: the program, and the table as a task that others can score on."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import yaml

from harness.evolution.discover import Discovery
from harness.evolution.emit import identifiers
from harness.evolution.tables import Table
from harness.tasks.definition import GROUP_COLUMN
from harness.writing import write_text

_LONGEST_NAME = 60


def save_discovery(discovery: Discovery, folder: Path, name: str) -> tuple[Path, Path]:
    """Write the program and the task.

    Args:
        discovery: What was found.
        folder: Where; made where it is missing.
        name: Of the task: lower-case letters, digits and ``_``.

    Returns:
        The program's file and the task's YAML file.

    Raises:
        UserError: The folder cannot be written.
    """
    table = discovery.table
    program = folder / f"{name}_law.py"
    write_text(program, discovery.program)
    splits = {}
    for split, held_out in (("train", False), ("test", True)):
        content = _csv(table, held_out=held_out)
        file = folder / f"{name}_{split}.csv"
        write_text(file, content)
        digest = hashlib.sha256(content.encode("utf-8")).hexdigest()
        splits[split] = {"path": file.name, "sha256": digest}
    path = folder / f"{name}.yaml"
    document = _document(discovery, name, splits)
    write_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))
    return program, path


def task_name(text: str) -> str:
    """Return a task's name made from any text.

    Texts of which it tells too little, such as those in other scripts, are told apart by a digest:
    two tables must not overwrite each other's laws.
    """
    text = unicodedata.normalize("NFC", text)
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    foreign = any(c.isalnum() and not c.isascii() for c in text)
    if words and len(words) <= _LONGEST_NAME and not foreign:
        return words
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{words[: _LONGEST_NAME - 9].strip('_') or 'table'}_{digest}"


def _column_names(table: Table) -> list[str]:
    """Return the features' names, then the target's, as a task may call them."""
    names = [*table.features, table.target]
    if all(name.isidentifier() and name != GROUP_COLUMN for name in names):
        return names
    return identifiers([_plain(name) for name in identifiers(names)])


def _plain(name: str) -> str:
    """Return a part of a name as a name of a task's column."""
    if name == GROUP_COLUMN:
        return f"{name}_column"
    return f"c_{name}" if name[0].isdigit() else name


def _document(
    discovery: Discovery, name: str, splits: dict[str, dict[str, str]]
) -> dict[str, object]:
    table = discovery.table

    *features, target = _column_names(table)

    def column(label: str, meaning: str) -> dict[str, str]:
        return {"name": label, "unit": "as given", "meaning": meaning}

    return {
        "schema_version": 1,
        "name": name,
        "title": _printable(f"{table.target} of a table of training runs ({name})"[:100]),
        "suite": "own",
        "description": _printable(
            f"{table.target} from {', '.join(table.features)}; {table.split}."
        ),
        "features": [
            column(label, f"the column {name!r} of the table")
            for label, name in zip(features, table.features, strict=True)
        ],
        "targets": [column(target, f"the column {table.target!r}, which is predicted")],
        "max_params": discovery.search.side.max_params,
        "fit_seconds": 300,
        "data": {"kind": "shipped", **splits},
        "reference": {
            "law": _printable(discovery.formula),
            "citation": "found in this table",
            "url": None,
        },
        "curve": None,
    }


def _printable(text: str) -> str:
    """Return a text as one line: the name of a column may hold anything, a task's words may not."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _csv(table: Table, *, held_out: bool) -> str:
    lines = [",".join([GROUP_COLUMN, *_column_names(table)])]
    for rows in table.rows(held_out=held_out):
        for x, y in zip(rows.features, rows.targets, strict=True):
            lines.append(_line([_cell(rows.group), *map(_number, (*x, *y))]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return ",".join(cells)


def _cell(text: str) -> str:
    if any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _number(value: float) -> str:
    return repr(float(value))
