"""The store's file: opened, made where it is new, checked, and what SQLite says put into words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import UserError

SCHEMA_VERSION = 1
_BUSY_SECONDS = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS programs (sha256 TEXT PRIMARY KEY, source BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS evaluations (
    digest TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    program TEXT NOT NULL REFERENCES programs (sha256),
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    traces BLOB NOT NULL,
    created TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS runs (
    task TEXT NOT NULL,
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    run INTEGER NOT NULL,
    agent_name TEXT NOT NULL,
    model_name TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES evaluations (digest),
    PRIMARY KEY (task, agent, model, run)
);
CREATE TABLE IF NOT EXISTS claims (
    task TEXT NOT NULL,
    agent TEXT NOT NULL,
    model TEXT NOT NULL,
    document TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (task, agent, model)
);
"""


class StoreFile:
    """An SQLite file in WAL mode with the tables of a store. Not shared between threads."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open a store; a new one is made unless it is only read.

        Raises:
            UserError: The file cannot be opened, is no store, is damaged, or is of a newer version.
        """
        self.path = path
        if path.is_dir():
            raise UserError(f"{path}: expected a store (an SQLite file), got a folder")
        if read_only and not path.is_file():
            raise UserError(f"{path}: no store there yet; `sld run` makes one")
        with self._explained():
            if read_only:
                self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS)
            self._db.isolation_level = None  # transactions are begun by hand
            try:
                self._check(new=not read_only)
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def check_whole(self) -> None:
        """Read the whole file and see whether it hangs together.

        Raises:
            UserError: It is damaged.
        """
        with self._explained():
            found = [text for (text,) in self._db.execute("PRAGMA integrity_check(3)")]
            loose = self._db.execute("PRAGMA foreign_key_check").fetchall()
        if found != ["ok"]:
            raise self._damaged("; ".join(found)[:200])
        if loose:
            raise self._damaged(f"{len(loose)} rows refer to what is not there")

    def _check(self, *, new: bool) -> None:
        """Make sure that this is a store of our version; make it one if it is new and empty."""
        if not self._tables() and new:
            self._use_wal()
            self._create()
        if not {"meta", "evaluations"} <= self._tables():
            raise UserError(f"{self.path}: an SQLite file, but not a store of this harness")
        self._check_version()
        if new:
            self._use_wal()
            self._db.execute("PRAGMA synchronous = NORMAL")

    def _use_wal(self) -> None:
        # SQLite does not wait here by itself while another process opens the same new file.
        give_up = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)

    def _tables(self) -> set[str]:
        rows = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}

    def _create(self) -> None:
        with self._writing():  # another process may be making it at this very moment
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            version = str(SCHEMA_VERSION)
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (version,))

    def _check_version(self) -> None:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if row is None or row[0] != str(SCHEMA_VERSION):
            found = row[0] if row else "none"
            raise UserError(
                f"{self.path}: a store of schema version {found}; "
                f"this harness reads version {SCHEMA_VERSION}"
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into a line for a person."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise UserError(f"{self.path}: the store cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error
        except OSError as error:
            raise UserError(f"{self.path}: the store cannot be made: {error.strerror}") from error

    def _damaged(self, why: str) -> UserError:
        return UserError(
            f"{self.path}: no store, or a damaged one ({why}); move it away and run again: "
            "what is missing is scored anew"
        )
