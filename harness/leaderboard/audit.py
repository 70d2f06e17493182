"""Published figures against ours: what each turns out to be once its program was scored here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.evaluation.records import FLOOR, Evaluation
from harness.failures import FailureKind
from harness.results.records import RunKey, StoredClaim, StoredRun

EQUAL = 1e-6
"""How far a figure may lie from ours to be the same, but for how it was printed."""
CLOSE = 1e-3
FIT = 1e-4
"""How far a figure may lie from our fit to be that: where a fit ends depends on the machine."""

_READING = ("FileNotFoundError", "PermissionError", "IsADirectoryError", "NotADirectoryError")


class Finding(StrEnum):
    """What a claimed figure turned out to be."""

    EQUAL = "equal"
    """Our held-out R², to 1e-6."""
    CLOSE = "close"
    """Within 1e-3 of it."""
    FIT = "equals the fit"
    """Our R² on the train rows, and nearer to that than to the held-out one."""
    DIFFERS = "differs"
    FAILED = "failed here"
    NOT_RESCORABLE = "not re-scorable"
    """The program reads a file when it is loaded, which candidates cannot."""
    NOT_SCORED = "not scored"
    """The program was published, and not scored here yet."""
    NO_PROGRAM = "no program"
    """Only the figure was published."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One claimed figure."""

    key: RunKey
    agent_name: str
    model_name: str
    claimed: float
    finding: Finding
    r2: float | None = None
    """Ours, held out."""
    r2_fit: float | None = None
    why: str = ""
    """Why it failed here."""

    @property
    def difference(self) -> float | None:
        """Claimed minus ours; a claim raised to -1 is compared with ours raised to it."""
        return None if self.r2 is None else -distance(self.claimed, self.r2)


def audit(claims: Iterable[StoredClaim], runs: Iterable[StoredRun]) -> list[AuditRow]:
    """Return a row for each figure that published pages claim, sorted by task, agent, model, run.

    A program is compared with the claim that it was published with where it is the same to the
    byte, wherever it stands among our runs of the same task, agent and model.

    Args:
        claims: Published pages.
        runs: Our runs, of other tasks too.
    """
    ours: dict[tuple[str, str, str], list[StoredRun]] = {}
    for run in runs:
        ours.setdefault((run.key.task, run.key.agent, run.key.model), []).append(run)
    rows = [
        row
        for claim in claims
        for row in _rows(claim, ours.get((claim.task, claim.agent, claim.model), []))
    ]
    return sorted(rows, key=lambda row: row.key)


def counted(rows: Iterable[AuditRow]) -> Mapping[Finding, int]:
    """Return how many rows there are of each finding that there is, the best first."""
    found = [row.finding for row in rows]
    return {finding: found.count(finding) for finding in Finding if finding in found}


def judge(claimed: float, ours: Evaluation) -> Finding:
    """Return what a claimed figure is, beside our evaluation of the same program."""
    if ours.r2 is None:
        error = ours.error
        reads = error is not None and error.message.startswith(_READING)
        loading = error is not None and error.kind is FailureKind.LOAD_ERROR
        return Finding.NOT_RESCORABLE if reads and loading else Finding.FAILED
    held_out = abs(distance(claimed, ours.r2))
    if held_out <= EQUAL:
        return Finding.EQUAL
    fit = abs(claimed - ours.r2_fit) if ours.r2_fit is not None else held_out
    if fit <= FIT and fit < held_out:
        return Finding.FIT
    return Finding.CLOSE if held_out <= CLOSE else Finding.DIFFERS


def distance(claimed: float, ours: float) -> float:
    """Return ours minus a claimed figure, which may have been raised to -1."""
    return min(ours - claimed, max(ours, FLOOR) - claimed, key=abs)


def _rows(claim: StoredClaim, runs: list[StoredRun]) -> Iterable[AuditRow]:
    ours = {hashlib.sha256(run.program).hexdigest(): run.evaluation for run in reversed(runs)}
    for place, line in enumerate(claim.page.ranking):
        key = RunKey(claim.task, claim.agent, claim.model, line.run)
        names = (key, claim.page.agent, claim.page.model, float(line.r2))
        published = line.program
        # A page publishes the program of its first run only, and not its SHA-256.
        if published is None and place == 0 and claim.page.program:
            published = hashlib.sha256(claim.page.program.encode("utf-8")).hexdigest()
        found = ours.get(published) if published is not None else None
        if published is None:
            yield AuditRow(*names, Finding.NO_PROGRAM)
        elif found is None:
            yield AuditRow(*names, Finding.NOT_SCORED)
        else:
            why = found.error.text if found.error else ""
            yield AuditRow(*names, judge(float(line.r2), found), found.r2, found.r2_fit, why)
