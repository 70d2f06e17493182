"""The page on what published figures turned out to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.leaderboard.audit import Finding, audit, counted
from harness.leaderboard.page_names import PageNames
from harness.leaderboard.templating import render
from harness.results.records import StoredClaim, StoredRun

_WORDS = {
    Finding.EQUAL: ("equal", "our held-out R², to 0.000001"),
    Finding.CLOSE: ("close", "within 0.001 of our held-out R²"),
    Finding.FIT: ("the fit", "our R² on the train rows, not the held-out one"),
    Finding.DIFFERS: ("differs", "neither of the two"),
    Finding.FAILED: ("failed here", "the same program has no figure here"),
    Finding.NOT_RESCORABLE: ("not re-scorable", "the program reads a file when it is loaded"),
    Finding.NOT_SCORED: ("not scored", "the program was not run here yet"),
    Finding.NO_PROGRAM: ("no program", "only the figure was published"),
}


def audit_page(claims: Iterable[StoredClaim], runs: Sequence[StoredRun], names: PageNames) -> str:
    """Return the page.

    Args:
        claims: Published pages, at least one.
        runs: Our runs.
        names: What the run pages are called.
    """
    rows = audit(claims, runs)
    paged = {(run.key.task, run.key.agent, run.key.model) for run in runs}
    return render(
        "audit.html.j2",
        measured=True,
        rows=rows,
        counts=[(*_WORDS[finding], count) for finding, count in counted(rows).items()],
        word=lambda row: _WORDS[row.finding][0],
        page_of=lambda key: (
            names.run_page(key.task, (key.agent, key.model))
            if (key.task, key.agent, key.model) in paged
            else None
        ),
    )
