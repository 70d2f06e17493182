"""The files that show all runs at once: the index, the pages beside it, what machines read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.leaderboard.audit_page import audit_page
from harness.leaderboard.board import BoardSuite
from harness.leaderboard.compare_page import compare_index
from harness.leaderboard.comparison import contenders
from harness.leaderboard.entries import claimed_entries, entries
from harness.leaderboard.exports import export_files, export_names
from harness.leaderboard.index_page import index_page
from harness.leaderboard.matrix_page import matrix_page
from harness.leaderboard.page_names import AUDIT, COMPARE, INDEX, MATRIX, PageNames, Pair
from harness.leaderboard.tables import claimed_tables, suite_tables
from harness.results.records import StoredClaim, StoredRun

if TYPE_CHECKING:
    from harness.leaderboard.rendering import Tools


@dataclass(frozen=True, slots=True)
class Summary:
    """Makes the index, agents x models, the way to all comparisons, and the exports."""

    suites: tuple[BoardSuite, ...]
    runs: tuple[StoredRun, ...]
    claims: tuple[StoredClaim, ...]
    page_names: PageNames
    pairs: tuple[tuple[Pair, Pair], ...]
    """Which two entries have a page that compares them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names."""
        audited = (AUDIT,) if self.claims else ()
        exported = export_names(self.suites, {run.key.task for run in self.runs})
        return (INDEX, MATRIX, COMPARE, *audited, *exported)

    def make(self, tools: Tools) -> dict[str, bytes]:  # noqa: ARG002 (no arrays are needed)
        """Return the files."""
        shown = entries(self.runs)
        claimed = claimed_entries(self.claims)
        tables = [suite_tables(suite, shown) for suite in self.suites]
        pages = {
            INDEX: index_page(tables, claimed, self.page_names, measured=True),
            MATRIX: matrix_page(tables, self.pairs),
            COMPARE: compare_index(tables, contenders(shown), self.pairs),
        }
        if self.claims:
            pages[AUDIT] = audit_page(self.claims, self.runs, self.page_names)
        encoded = {name: text.encode("utf-8") for name, text in pages.items()}
        return encoded | export_files(tables, self.runs, self.page_names)


@dataclass(frozen=True, slots=True)
class ClaimedSummary:
    """Makes the index of claims alone."""

    suites: tuple[BoardSuite, ...]
    claims: tuple[StoredClaim, ...]
    page_names: PageNames

    @property
    def names(self) -> tuple[str, ...]:
        """The index alone."""
        return (INDEX,)

    def make(self, tools: Tools) -> dict[str, bytes]:  # noqa: ARG002 (claims have no arrays)
        """Return the index."""
        claimed = claimed_entries(self.claims)
        tables = [claimed_tables(suite, claimed) for suite in self.suites]
        return {INDEX: index_page(tables, [], self.page_names, measured=False).encode("utf-8")}
