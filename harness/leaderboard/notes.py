"""What a claimed figure turns out to be, in a sentence for the page of its entry."""

from __future__ import annotations

from collections.abc import Iterable

from harness.evaluation.figures import six
from harness.leaderboard.audit import CLOSE, Finding, judge
from harness.results.records import StoredClaim, StoredRun


def claim_notes(claim: StoredClaim, runs: Iterable[StoredRun]) -> list[str]:
    """Return what to say about a claimed page whose program was scored here.

    Args:
        claim: The page.
        runs: Our runs of the same task, agent and model.

    Returns:
        One note for each run whose program is the page's, to the byte.
    """
    program = claim.page.program.encode("utf-8")
    if not program:
        return []
    same = (run for run in runs if run.program == program)
    return [_note(claim.page.ranking[0].r2, run) for run in same]


def _note(claimed: str, run: StoredRun) -> str:
    start = f"The claimed R² {claimed}"
    evaluation = run.evaluation
    if evaluation.r2 is None:
        why = f" ({evaluation.error.text})" if evaluation.error else ""
        return f"{start} is not confirmed: the same program failed here{why}."
    finding = judge(float(claimed), evaluation)
    held_out = six(evaluation.r2)
    if finding is Finding.EQUAL:
        return f"{start} equals our held-out R² ({held_out})."
    if finding is Finding.CLOSE:
        return f"{start} lies within {CLOSE:g} of our held-out R² ({held_out})."
    if evaluation.r2_fit is None:
        return f"{start} is not our held-out R² ({held_out})."
    fit = six(evaluation.r2_fit)
    if finding is Finding.FIT:
        return (
            f"{start} equals our R² on the train rows ({fit}), not the held-out one ({held_out})."
        )
    return f"{start} is neither our held-out R² ({held_out}) nor our R² on the train rows ({fit})."
