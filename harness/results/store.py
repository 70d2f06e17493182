"""The store: one SQLite file in WAL mode, one writer at a time, unique on the digest.

An evaluation is written in one transaction with its program, as soon as it is finished, and then
the run that it belongs to; a killed process loses nothing that was written. Evaluations are never
changed, and whatever is read is held against its seal.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.candidates.naming import agent_slug, model_slug
from harness.evaluation.records import Evaluation
from harness.results import store_seals as seals
from harness.results.records import ClaimedPage, RunAssignment, RunKey, StoredClaim, StoredRun
from harness.results.store_file import StoreFile

if TYPE_CHECKING:
    from harness.evaluation.records import Traces
    from harness.results.lines import Content, EvaluationLine
    from harness.results.merge import Merge

_RUNS = """
SELECT r.task, r.agent, r.model, r.run, r.agent_name, r.model_name, r.path, r.digest,
       e.digest, e.task, e.program, e.status, e.document, e.created, p.source
FROM runs r JOIN evaluations e USING (digest) JOIN programs p ON p.sha256 = e.program
ORDER BY r.task, r.agent, r.model, r.run
"""
_RUN_COLUMNS = 8
_PROGRAMS = "SELECT sha256, source FROM programs ORDER BY 1"
_STATUSES = frozenset({"ok", "failed", "violation"})


class Store(StoreFile):
    """Every evaluation, the runs they belong to, and claims. Not shared between threads."""

    def statuses(self) -> dict[str, str]:
        """Return the status of every stored evaluation by digest."""
        with self._reading():
            found = dict(self._db.execute("SELECT digest, status FROM evaluations"))
            seals.Seals(self._db, "evaluation").check_names(set(found))
        if not _STATUSES.issuperset(found.values()):
            raise self._damaged("a status that is none")
        return found

    def check_whole(self) -> None:
        """Read everything and hold it against its seals.

        Raises:
            UserError: The store is damaged.
        """
        super().check_whole()
        self.content()

    def evaluation(self, digest: str) -> Evaluation:
        """Return a stored evaluation.

        Raises:
            KeyError: There is none with this digest.
            UserError: The store is damaged.
        """
        return self._parse(self._row("evaluation", digest)[4])

    def traces(self, digest: str) -> Traces:
        """Return the arrays of a stored evaluation.

        Raises:
            KeyError: There is none with this digest.
            UserError: The store is damaged.
        """
        from harness.results.traces import unpack

        try:
            return unpack(self._row("arrays", digest)[1])
        except ValueError as error:
            raise self._damaged(str(error)) from error

    def _row(self, kind: str, digest: str) -> tuple[Any, ...]:
        """Return one row as it is sealed."""
        query = seals.select(kind) + " WHERE digest = ?"
        with self._reading():
            row: tuple[Any, ...] | None = self._db.execute(query, (digest,)).fetchone()
            if row is None:
                raise KeyError(digest)
            seals.Seals(self._db, kind, digest).check((digest, *row[1:]))
        return row

    def runs(self) -> list[StoredRun]:
        """Return every run with its evaluation and program, sorted by its key."""
        with self._reading():
            rows = self._db.execute(_RUNS).fetchall()
            seals.Seals(self._db, "run").check_all(row[:_RUN_COLUMNS] for row in rows)
            evaluations = seals.Seals(self._db, "evaluation")
            for row in rows:
                evaluations.check(row[_RUN_COLUMNS:-1])
                seals.check_program(row[10], row[-1])
        return [self._stored_run(row) for row in rows]

    def _stored_run(self, row: tuple[Any, ...]) -> StoredRun:
        *key, agent_name, model_name, path, _ = row[:_RUN_COLUMNS]
        document, created, source = row[-3:]
        return StoredRun(
            key=RunKey(*key),
            agent_name=agent_name,
            model_name=model_name,
            path=path,
            evaluation=self._parse(document),
            program=source,
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
            self._put_evaluations(how, [row])

    def _put_evaluations(self, how: str, rows: list[tuple[Any, ...]]) -> None:
        statement = f"{how} INTO evaluations VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._db.executemany(statement, rows)
        seals.put(self._db, how, "evaluation", ((*row[:5], row[6]) for row in rows))
        seals.put(self._db, how, "arrays", ((row[0], row[5]) for row in rows))

    def _put_runs(self, how: str, rows: list[tuple[Any, ...]]) -> None:
        statement = f"{how} INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._db.executemany(statement, rows)
        seals.put(self._db, how, "run", rows)

    def _put_claims(self, how: str, rows: list[tuple[Any, ...]]) -> None:
        self._db.executemany(f"{how} INTO claims VALUES (?, ?, ?, ?, ?)", rows)
        seals.put(self._db, how, "claim", rows)

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
                self._put_runs("INSERT OR REPLACE", new)

    def holders(self) -> dict[RunKey, tuple[str, str]]:
        """Return the path and the digest of the program that is each run."""
        with self._reading():
            return {RunKey(*row[:4]): (row[6], row[7]) for row in self._all("run")}

    def forget_missing(self, root: Path) -> list[RunKey]:
        """Take runs off the board whose program was under a folder and is no longer there.

        Their evaluations stay in the store. Paths may lead there in different ways.

        Args:
            root: A folder that is there: one that is not may come back.
        """
        folder = root.resolve()
        gone = [
            key
            for key, (path, _) in self.holders().items()
            if Path(path).is_absolute()  # else it was never on this machine
            and not Path(path).exists()
            and folder in Path(path).resolve().parents
        ]
        if gone:
            with self._writing():
                for key in gone:
                    self._db.execute(
                        "DELETE FROM runs WHERE task = ? AND agent = ? AND model = ? AND run = ?",
                        (key.task, key.agent, key.model, key.run),
                    )
                seals.remove(self._db, "run", map(astuple, gone))
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
            self._put_claims("INSERT OR REPLACE", [row])

    def claims(self) -> list[StoredClaim]:
        """Return all claims, sorted by task, agent and model."""
        with self._reading():
            rows = self._all("claim")
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
        from harness.results.lines import Content, claim_line, run_line

        with self._reading():
            programs = dict(self._db.execute(_PROGRAMS))
            for each in programs.items():
                seals.check_program(*each)
            evaluations, runs, claims = map(self._all, ("evaluation", "run", "claim"))
            arrays = dict(self._all("arrays"))
            if arrays.keys() != {row[0] for row in evaluations}:
                raise seals.SealBroken("an evaluation without its arrays")
        try:
            lines = {row[0]: self._evaluation_line(row, arrays[row[0]]) for row in evaluations}
            if not programs.keys() >= {line.program for line in lines.values()}:
                raise self._damaged("an evaluation without its program")
            if not lines.keys() >= {row[-1] for row in runs}:
                raise self._damaged("a run without its evaluation")
            return Content(
                programs,
                lines,
                {row[:4]: run_line(*row) for row in runs},
                {row[:3]: claim_line(*row) for row in claims},
            )
        except ValidationError as error:
            raise self._damaged(" ".join(str(error).split())[:200]) from error

    def _all(self, kind: str) -> list[tuple[Any, ...]]:
        """Return all rows of a kind as they are sealed, sorted."""
        rows = self._db.execute(seals.select(kind) + seals.order(kind)).fetchall()
        seals.Seals(self._db, kind).check_all(rows)
        return rows

    def _evaluation_line(self, row: tuple[Any, ...], traces: bytes) -> EvaluationLine:
        from harness.results.lines import EvaluationLine

        digest, _, program, _, document, created = row
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
            for how, part in (
                ("INSERT OR IGNORE", merge.new),
                ("INSERT OR REPLACE", merge.replaced),
            ):
                self._put(how, part)

    def _put(self, how: str, part: Content) -> None:
        statement = "INSERT OR IGNORE INTO programs VALUES (?, ?)"
        self._db.executemany(statement, sorted(part.programs.items()))
        evaluations: list[tuple[Any, ...]] = [
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
        ]
        self._put_evaluations(how, evaluations)
        runs: list[tuple[Any, ...]] = [
            (*key, line.agent_name, line.model_name, line.path, line.digest)
            for key, line in part.runs.items()
        ]
        self._put_runs(how, runs)
        claims: list[tuple[Any, ...]] = [
            (*key, line.page.model_dump_json(), line.source) for key, line in part.claims.items()
        ]
        self._put_claims(how, claims)

    def _parse(self, document: str) -> Evaluation:
        try:
            return Evaluation.model_validate_json(document)
        except ValidationError as error:
            raise self._damaged(" ".join(str(error).split())[:200]) from error
