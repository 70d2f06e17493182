"""The store: one SQLite file in WAL mode, one writer at a time, unique on the digest.

An evaluation is written in one transaction with its program and the run that it belongs to, as soon
as it is finished; a killed process loses nothing that was written. Evaluations are never changed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from harness.candidates.naming import agent_slug, model_slug
from harness.errors import UserError
from harness.evaluation.records import Evaluation
from harness.results.records import ClaimedPage, RunAssignment, RunKey, StoredClaim, StoredRun

if TYPE_CHECKING:
    from harness.evaluation.records import Traces

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
_RUNS = """
SELECT r.task, r.agent, r.model, r.run, r.agent_name, r.model_name, r.path, e.document, p.source,
       e.created
FROM runs r JOIN evaluations e USING (digest) JOIN programs p ON p.sha256 = e.program
ORDER BY r.task, r.agent, r.model, r.run
"""


class Store:
    """Every evaluation, the runs they belong to, and claims. Not shared between threads."""

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

    def statuses(self) -> dict[str, str]:
        """Return the status of every stored evaluation by digest."""
        with self._explained():
            return dict(self._db.execute("SELECT digest, status FROM evaluations"))

    def evaluation(self, digest: str) -> Evaluation:
        """Return a stored evaluation.

        Raises:
            KeyError: There is none with this digest.
            UserError: The store is damaged.
        """
        with self._explained():
            query = "SELECT document FROM evaluations WHERE digest = ?"
            row = self._db.execute(query, (digest,)).fetchone()
        if row is None:
            raise KeyError(digest)
        return self._parse(row[0])

    def traces(self, digest: str) -> Traces:
        """Return the arrays of a stored evaluation.

        Raises:
            KeyError: There is none with this digest.
            UserError: The store is damaged.
        """
        from harness.results.traces import unpack

        with self._explained():
            query = "SELECT traces FROM evaluations WHERE digest = ?"
            row = self._db.execute(query, (digest,)).fetchone()
        if row is None:
            raise KeyError(digest)
        try:
            return unpack(row[0])
        except ValueError as error:
            raise self._damaged(str(error)) from error

    def runs(self) -> list[StoredRun]:
        """Return every run with its evaluation and program, sorted by its key."""
        with self._explained():
            rows = self._db.execute(_RUNS).fetchall()
        return [self._stored_run(*row) for row in rows]

    def _stored_run(
        self,
        task: str,
        agent: str,
        model: str,
        run: int,
        agent_name: str,
        model_name: str,
        path: str,
        document: str,
        source: bytes,
        created: str,
    ) -> StoredRun:
        return StoredRun(
            key=RunKey(task, agent, model, run),
            agent_name=agent_name,
            model_name=model_name,
            path=path,
            evaluation=self._parse(document),
            program=bytes(source),
            created=created,
        )

    def add(self, evaluation: Evaluation, traces: Traces, program: bytes) -> None:
        """Store an evaluation; one that is already stored stays as it is.

        Args:
            evaluation: Not a harness error.
            traces: Its arrays.
            program: The candidate's bytes.

        Raises:
            UserError: The store cannot be written.
        """
        self._insert("INSERT OR IGNORE", evaluation, traces, program)

    def replace(self, evaluation: Evaluation, traces: Traces, program: bytes) -> None:
        """Store an evaluation in place of the one with its digest (scored again on request)."""
        self._insert("INSERT OR REPLACE", evaluation, traces, program)

    def _insert(self, how: str, evaluation: Evaluation, traces: Traces, program: bytes) -> None:
        import hashlib

        from harness.results.traces import pack

        sha256 = hashlib.sha256(program).hexdigest()
        row = (
            evaluation.digest,
            evaluation.task,
            sha256,
            evaluation.status,
            evaluation.model_dump_json(),
            pack(traces),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._writing():
            self._db.execute("INSERT OR IGNORE INTO programs VALUES (?, ?)", (sha256, program))
            self._db.execute(f"{how} INTO evaluations VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def assign(self, runs: list[RunAssignment]) -> None:
        """Say which evaluations are which runs; what the store already says costs no write."""
        with self._explained():
            present = set(self._db.execute("SELECT * FROM runs"))
        wanted = {
            (*astuple(run.key), run.agent_name, run.model_name, run.path, run.digest)
            for run in runs
        }
        new = sorted(wanted - present)
        if new:
            with self._writing():
                statement = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                self._db.executemany(statement, new)

    def forget_missing(self, root: Path) -> list[RunKey]:
        """Take runs off the board whose program was under a folder and is no longer there.

        Their evaluations stay in the store.
        """
        prefix = f"{root}/"
        with self._explained():
            rows = self._db.execute("SELECT task, agent, model, run, path FROM runs").fetchall()
        gone = [
            RunKey(*row[:4])
            for row in rows
            if row[4].startswith(prefix) and not Path(row[4]).exists()
        ]
        if gone:
            with self._writing():
                for key in gone:
                    self._db.execute(
                        "DELETE FROM runs WHERE task = ? AND agent = ? AND model = ? AND run = ?",
                        (key.task, key.agent, key.model, key.run),
                    )
        return sorted(gone)

    def add_claim(self, task: str, page: ClaimedPage, source: str) -> None:
        """Store what a published page claims, in place of an earlier claim of the same pair.

        Args:
            task: The task's name.
            page: The page.
            source: Where it was read from.
        """
        slugs = (agent_slug(page.agent), model_slug(page.model))
        row = (task, *slugs, page.model_dump_json(), source)
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", row)

    def claims(self) -> list[StoredClaim]:
        """Return all claims, sorted by task, agent and model."""
        with self._explained():
            rows = self._db.execute(
                "SELECT task, agent, model, document, source FROM claims ORDER BY 1, 2, 3"
            ).fetchall()
        try:
            return [
                StoredClaim(task, agent, model, ClaimedPage.model_validate_json(document), source)
                for task, agent, model, document, source in rows
            ]
        except ValidationError as error:
            raise self._damaged(str(error)) from error

    def _parse(self, document: str) -> Evaluation:
        try:
            return Evaluation.model_validate_json(document)
        except ValidationError as error:
            raise self._damaged(" ".join(str(error).split())[:200]) from error

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
