"""What searches did, event by event, in the store's file: a killed search goes on from here."""

from __future__ import annotations

import errno
import fcntl
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.errors import UserError
from harness.results.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS searches (
    name TEXT PRIMARY KEY,
    created TEXT NOT NULL,
    settings TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS search_events (
    search TEXT NOT NULL REFERENCES searches (name),
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (search, number)
) WITHOUT ROWID;
"""
_BUSY_MS = 30_000


class Journal:
    """The events of one search, in order. Each is written at once, as a whole or not at all."""

    def __init__(self, store: Path, name: str) -> None:
        """Open the journal of a search; the file is made where it is missing.

        Args:
            store: The store's file.
            name: Of the search.

        Raises:
            UserError: The file cannot be opened or written.
        """
        self.name = name
        self._path = store
        Store(store).close()  # made, or brought up to date, where it has to be
        with self._explained():
            self._db = sqlite3.connect(store, isolation_level=None, check_same_thread=False)
            self._db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        """Return the journal."""
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

    def settings(self) -> dict[str, Any] | None:
        """Return how the search was begun; None where it was not."""
        with self._explained():
            query = "SELECT settings FROM searches WHERE name = ?"
            row = self._db.execute(query, (self.name,)).fetchone()
        return None if row is None else self._parsed(row[0])

    def begin(self, settings: dict[str, Any], created: str) -> None:
        """Take note that a search begins.

        Args:
            settings: All that decides what it will do; strict JSON.
            created: When, as the user's clock says.
        """
        text = json.dumps(settings, sort_keys=True, allow_nan=False)
        with self._explained():
            row = (self.name, created, text)
            self._db.execute("INSERT INTO searches VALUES (?, ?, ?)", row)

    def append(self, number: int, event: dict[str, Any]) -> None:
        """Write the next event."""
        text = json.dumps(event, sort_keys=True, allow_nan=False)
        with self._explained():
            row = (self.name, number, text)
            self._db.execute("INSERT INTO search_events VALUES (?, ?, ?)", row)

    def events(self) -> list[dict[str, Any]]:
        """Return all events so far, in order."""
        with self._explained():
            query = "SELECT document FROM search_events WHERE search = ? ORDER BY number"
            rows = self._db.execute(query, (self.name,)).fetchall()
        return [self._parsed(row[0]) for row in rows]

    def names(self) -> list[str]:
        """Return the names of all searches in this file, sorted."""
        with self._explained():
            rows = self._db.execute("SELECT name FROM searches ORDER BY 1").fetchall()
        return [row[0] for row in rows]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from this search, for as long as the block takes.

        The lock is one byte of a file beside the store, so that a process that is killed leaves
        nothing behind that another would have to clear away.

        Raises:
            UserError: Another process has the search, or the file cannot be made.
        """
        place = zlib.crc32(self.name.encode("utf-8"))
        store = self._path.resolve()  # by whatever name it is called
        beside = store.with_name(f"{store.name}.lock")
        try:
            lock = beside.open("ab")
        except OSError as error:
            raise UserError(f"{beside}: cannot be written: {error.strerror}") from error
        with lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError as error:
                if error.errno in {errno.EAGAIN, errno.EACCES}:
                    raise UserError(
                        f"search {self.name!r} is under way in another process; wait until it has "
                        "ended, or take another --seed or --store"
                    ) from None
                # Some network file systems have no locks. The events still tell two writers apart.
            yield

    def forget(self) -> None:
        """Remove the search and its events."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM search_events WHERE search = ?", (self.name,))
            self._db.execute("DELETE FROM searches WHERE name = ?", (self.name,))
            self._db.execute("COMMIT")

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise self._broken(str(error)) from error
        if not isinstance(document, dict):
            raise self._broken("an event that is no object")
        return document

    def _broken(self, why: str) -> UserError:
        return UserError(
            f"{self._path}: the journal of search {self.name!r} is damaged ({why}); "
            "begin another search, or take the store from a backup"
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise UserError(
                f"{self._path}: search {self.name!r} is written by another process; "
                "wait for it, or give this one another name"
            ) from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise UserError(f"{self._path}: the journal cannot be used: {error}") from error
