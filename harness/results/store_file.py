"""The store's file: opened, made where it is new, checked, and what SQLite says put into words."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import UserError
from harness.results import store_seals as seals

SCHEMA_VERSION = 2
"""1: without seals; such a store gets them when it is next written to."""
_BUSY_SECONDS = 60.0
_FULL_BYTES = 1 << 20
"""Less free space than this where a file could not grow: the disk is full."""
_SCHEMA = f"""{seals.SCHEMA}
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
        self._read_only = read_only
        with self._explained():
            mode = _mode(path)
            if mode is not None and stat.S_ISDIR(mode):
                raise UserError(f"{path}: expected a store (an SQLite file), got a folder")
            if read_only and (mode is None or not stat.S_ISREG(mode)):
                raise UserError(f"{path}: no store there yet; `sld run` makes one")
            if read_only:
                self._db = self._open_to_read()
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
        """Read the whole file and see whether its structure hangs together.

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
        version = self._version()
        if new:
            self._use_wal()
            self._db.execute("PRAGMA synchronous = NORMAL")
        if version < SCHEMA_VERSION:
            if not new:  # the file stays as it is
                copy = sqlite3.connect(":memory:", isolation_level=None)
                self._db.backup(copy)
                self._db.close()
                self._db = copy
            self._upgrade()

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

    def _version(self) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        known = {str(version): version for version in range(1, SCHEMA_VERSION + 1)}
        if row is None or row[0] not in known:
            found = row[0] if row else "none"
            raise UserError(
                f"{self.path}: a store of schema version {found}; "
                f"this harness reads version {' or '.join(known)}"
            )
        return known[row[0]]

    def _upgrade(self) -> None:
        with self._writing():
            if self._version() < SCHEMA_VERSION:  # no other process has done it meanwhile
                seals.seal_everything(self._db)
                version = str(SCHEMA_VERSION)
                self._db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (version,))

    def _open_to_read(self) -> sqlite3.Connection:
        name = self.path.absolute().as_uri()
        opened = sqlite3.connect(f"{name}?mode=ro", uri=True)
        try:
            opened.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            opened.close()
            log = self.path.with_name(f"{self.path.name}-wal")
            if _primary(error) != sqlite3.SQLITE_CANTOPEN or (
                log.exists() and log.stat().st_size > 0
            ):
                raise
            # Nothing can be written beside the file, and nobody is writing to it.
            opened = sqlite3.connect(f"{name}?immutable=1", uri=True)
        except BaseException:
            opened.close()
            raise
        return opened

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read all tables as they are at one moment, whoever writes beside."""
        with self._explained():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._roll_back()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # SQLite has ended it by itself where the disk is full
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into a line for a person."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        except (seals.SealBroken, UnicodeDecodeError, MemoryError) as error:
            # SQLite quotes rotten text in its messages, and a rotten size asks for any amount.
            raise self._damaged(str(error) or "a size beyond all memory") from error
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise self._full() from error
            verb = "read" if self._read_only else "made"
            why = error.strerror
            if isinstance(error, FileExistsError):
                why = f"{self.path.parent} is a file; expected a folder"
            raise UserError(f"{self.path}: the store cannot be {verb}: {why}") from error

    def _unusable(self, error: sqlite3.Error) -> UserError:
        code = _primary(error)
        no_room = code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN} and self._is_full()
        if code == sqlite3.SQLITE_FULL or no_room:
            return self._full()
        shut = code == sqlite3.SQLITE_CANTOPEN and not os.access(self.path.parent, os.W_OK)
        if code == sqlite3.SQLITE_READONLY or (shut and not self._read_only):
            return UserError(
                f"{self.path}: the store cannot be written: the file, its folder or its disk is "
                "read-only; allow writing, or name another one with --store"
            )
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return UserError(
                f"{self.path}: the store cannot be used: another process has been writing to it "
                f"for {_BUSY_SECONDS:.0f} s; run again when it has ended"
            )
        if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM}:
            return UserError(
                f"{self.path}: the store cannot be used: {error}; see whether its folder can be "
                "read and written and its disk is sound"
            )
        return self._damaged(str(error))

    def _is_full(self) -> bool:
        try:
            return shutil.disk_usage(self.path.parent).free < _FULL_BYTES
        except OSError:
            return False

    def _full(self) -> UserError:
        return UserError(
            f"{self.path}: the disk is full; free some space and run again: what is finished is "
            "stored and is not scored anew"
        )

    def _damaged(self, why: str) -> UserError:
        return UserError(
            f"{self.path}: no store, or a damaged one ({why}); move it away and run again: "
            "what is missing is scored anew, and what was exported comes back by "
            "`sld results import`"
        )


def _mode(path: Path) -> int | None:
    """Return what kind of file is at a path; None where there is none.

    Raises:
        OSError: Nobody can know, for instance because no file can have this name.
    """
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _primary(error: sqlite3.Error) -> int | None:
    """Return SQLite's code without its details; None where it gave none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
