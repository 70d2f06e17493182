"""Seals: the SHA-256 of each row of a store, so that a rotten byte is never read as a figure.

SQLite notices where its own structure is broken, not where a digit is another one. Each row has a
seal in a table of its own: a row that was changed does not fit its seal, and one that can no longer
be found leaves its seal behind. A program needs none: its key is its SHA-256.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

SCHEMA = """
CREATE TABLE IF NOT EXISTS seals (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
"""
Row = Sequence[object]

# The columns under a seal, and how many of them are the row's name.
_SEALED = {
    "evaluation": ("digest, task, program, status, document, created FROM evaluations", 1),
    "arrays": ("digest, traces FROM evaluations", 1),
    "run": ("task, agent, model, run, agent_name, model_name, path, digest FROM runs", 4),
    "claim": ("task, agent, model, document, source FROM claims", 3),
}
_TYPES = {"run": int, "traces": bytes}


class SealBroken(ValueError):
    """A row is not what was written, or is gone."""


def select(kind: str) -> str:
    """Return the query that reads rows of a kind as they are sealed."""
    return f"SELECT {_SEALED[kind][0]}"


def order(kind: str) -> str:
    """Return what sorts them by their names."""
    return f" ORDER BY {', '.join(str(n + 1) for n in range(_SEALED[kind][1]))}"


def put(database: sqlite3.Connection, how: str, kind: str, rows: Iterable[Row]) -> None:
    """Seal rows that were just written, in the way (``INSERT OR ...``) in which they were."""
    database.executemany(
        f"{how} INTO seals VALUES (?, ?, ?)",
        ((kind, _name(kind, row), _seal(row)) for row in rows),
    )


def remove(database: sqlite3.Connection, kind: str, keys: Iterable[Row]) -> None:
    """Take the seals of rows away that were just removed."""
    database.executemany(
        "DELETE FROM seals WHERE kind = ? AND name = ?",
        ((kind, _name(kind, key)) for key in keys),
    )


def seal_everything(database: sqlite3.Connection) -> None:
    """Seal all rows of a store that has no seals.

    Raises:
        SealBroken: A value is of a type that is never written.
    """
    database.execute(SCHEMA)
    for kind, (source, _) in _SEALED.items():
        names = source.partition(" FROM ")[0].split(", ")
        rows = database.execute(select(kind)).fetchall()
        put(database, "INSERT OR REPLACE", kind, _well_typed(names, rows))


def _well_typed(names: Sequence[str], rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        for name, value in zip(names, row, strict=True):
            if type(value) is not _TYPES.get(name, str):
                raise SealBroken(f"{name} is {type(value).__name__}")
        yield row


class Seals:
    """The seals of one kind, all of them or one, against which rows are held."""

    def __init__(self, database: sqlite3.Connection, kind: str, name: str | None = None) -> None:
        """Read them."""
        self._kind = kind
        query = "SELECT name, sha256 FROM seals WHERE kind = ?"
        if name is None:
            rows = database.execute(query, (kind,))
        else:
            rows = database.execute(f"{query} AND name = ?", (kind, name))
        self._seals: Mapping[str, bytes] = dict(rows)

    def check(self, row: Row) -> None:
        """Hold a row against its seal.

        Raises:
            SealBroken: It has none, or another one.
        """
        name = _name(self._kind, row)
        if self._seals.get(name) != _seal(row):
            raise SealBroken(f"{self._kind} {_short(name)} is not what was stored")

    def check_all(self, rows: Iterable[Row]) -> None:
        """Hold all rows of the kind against their seals.

        Raises:
            SealBroken: One does not fit, or is missing.
        """
        found = set()
        for row in rows:
            self.check(row)
            found.add(_name(self._kind, row))
        self.check_names(found)

    def check_names(self, names: set[str]) -> None:
        """Hold the names of all rows of the kind against those that have seals.

        Raises:
            SealBroken: One is missing, or was never written.
        """
        if odd := self._seals.keys() ^ names:
            gone = min(odd, key=str)
            what = "is missing" if gone in self._seals else "was never stored"
            raise SealBroken(f"{self._kind} {_short(gone)} {what}")


def check_program(sha256: object, source: object) -> None:
    """Hold a program against its key.

    Raises:
        SealBroken: It is not the program of this SHA-256.
    """
    if not isinstance(source, bytes) or hashlib.sha256(source).hexdigest() != sha256:
        raise SealBroken(f"program {_short(sha256)} is not what was stored")


def _name(kind: str, row: Row) -> str:
    return "/".join(map(str, row[: _SEALED[kind][1]]))


def _seal(row: Row) -> bytes:
    digest = hashlib.sha256()
    for value in row:
        raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        digest.update(f"{type(value).__name__} {len(raw)} ".encode("ascii"))
        digest.update(raw)
    return digest.digest()


def _short(name: object) -> str:
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(name))
    return text if "/" in text else text[:12]
