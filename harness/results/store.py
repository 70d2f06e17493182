"""The store: one SQLite file in WAL mode, one writer at a time, unique on the digest.

An evaluation is written in one transaction with its program and the run that it belongs to, as soon
as it is finished; a killed process loses nothing that was written. Evaluations are never changed.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from harness.candidates.naming import agent_slug, model_slug
from harness.evaluation.records import Evaluation
from harness.results.records import ClaimedPage, RunAssignment, RunKey, StoredClaim, StoredRun
from harness.results.store_file import StoreFile

if TYPE_CHECKING:
    from harness.evaluation.records import Traces
    from harness.results.exchange import Content, EvaluationLine
    from harness.results.merge import Merge

_RUNS = """
SELECT r.task, r.agent, r.model, r.run, r.agent_name, r.model_name, r.path, e.document, p.source,
       e.created
FROM runs r JOIN evaluations e USING (digest) JOIN programs p ON p.sha256 = e.program
ORDER BY r.task, r.agent, r.model, r.run
"""
_EVERYTHING = (
    "SELECT sha256, source FROM programs ORDER BY 1",
    "SELECT digest, program, created, document, traces FROM evaluations ORDER BY 1",
    "SELECT * FROM runs ORDER BY 1, 2, 3, 4",
    "SELECT * FROM claims ORDER BY 1, 2, 3",
)


class Store(StoreFile):
    """Every evaluation, the runs they belong to, and claims. Not shared between threads."""

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

    def content(self) -> Content:
        """Return everything that the store holds.

        Raises:
            UserError: The store is damaged.
        """
        from harness.results.exchange import Content, claim_line, run_line

        with self._explained():
            self._db.execute("BEGIN")  # one moment for all tables, whoever writes beside
            try:
                tables = [self._db.execute(query).fetchall() for query in _EVERYTHING]
            finally:
                self._db.execute("ROLLBACK")
        programs, evaluations, runs, claims = tables
        try:
            return Content(
                {sha256: bytes(source) for sha256, source in programs},
                {row[0]: self._evaluation_line(*row) for row in evaluations},
                {row[:4]: run_line(*row) for row in runs},
                {row[:3]: claim_line(*row) for row in claims},
            )
        except ValidationError as error:
            raise self._damaged(" ".join(str(error).split())[:200]) from error

    def _evaluation_line(
        self, digest: str, program: str, created: str, document: str, traces: bytes
    ) -> EvaluationLine:
        from harness.results.exchange import EvaluationLine

        return EvaluationLine(
            digest=digest,
            program=program,
            created=created,
            document=self._parse(document),
            traces=b64encode(traces).decode("ascii"),
        )

    def take(self, merge: Merge) -> None:
        """Write what a merge adds and replaces, all of it or nothing.

        Raises:
            UserError: The store cannot be written.
        """
        with self._writing():
            for how, part in (("IGNORE", merge.new), ("REPLACE", merge.replaced)):
                self._put(f"INSERT OR {how}", part)

    def _put(self, how: str, part: Content) -> None:
        run = self._db.executemany
        run("INSERT OR IGNORE INTO programs VALUES (?, ?)", sorted(part.programs.items()))
        evaluations = (
            (
                line.digest,
                line.document.task,
                line.program,
                line.document.status,
                line.document.model_dump_json(),
                line.arrays,
                line.created,
            )
            for line in part.evaluations.values()
        )
        run(f"{how} INTO evaluations VALUES (?, ?, ?, ?, ?, ?, ?)", evaluations)
        runs = (
            (*key, line.agent_name, line.model_name, line.path, line.digest)
            for key, line in part.runs.items()
        )
        run(f"{how} INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", runs)
        claims = (
            (*key, line.page.model_dump_json(), line.source) for key, line in part.claims.items()
        )
        run(f"{how} INTO claims VALUES (?, ?, ?, ?, ?)", claims)

    def _parse(self, document: str) -> Evaluation:
        try:
            return Evaluation.model_validate_json(document)
        except ValidationError as error:
            raise self._damaged(" ".join(str(error).split())[:200]) from error
