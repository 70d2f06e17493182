"""The pages that compare: one for each two entries, and the one that leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.leaderboard.board import SuiteOutline
from harness.leaderboard.comparison import Contender, ContenderTask, compare_on
from harness.leaderboard.diff import SideBySide, side_by_side
from harness.leaderboard.entries import BAR_AGENT
from harness.leaderboard.page_names import COMPARE, Pair, compare_page
from harness.leaderboard.tables import SuiteTables
from harness.leaderboard.templating import render

if TYPE_CHECKING:
    from harness.leaderboard.rendering import Tools

ALL_PAIRS_UP_TO = 45
"""Entries of a suite, by rank, each two of which have a page; of the others only with the best."""


@dataclass(frozen=True, slots=True)
class TaskDiff:
    """The best programs of both on one task."""

    title: str
    a: ContenderTask
    b: ContenderTask
    diff: SideBySide


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Makes the page of two contenders."""

    a: Contender
    b: Contender
    suites: tuple[SuiteOutline, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The page's file name."""
        return (compare_page(self.a.pair, self.b.pair),)

    def make(self, tools: Tools) -> dict[str, bytes]:  # noqa: ARG002 (no arrays are compared)
        """Return the page."""
        return {self.names[0]: compare_html(self.a, self.b, self.suites).encode("utf-8")}


def compare_html(a: Contender, b: Contender, suites: Sequence[SuiteOutline]) -> str:
    """Return the page of two contenders.

    Args:
        a: One.
        b: The other.
        suites: All suites; those on which either has nothing are left out.
    """
    found = [compared for suite in suites if (compared := compare_on(suite, a, b)) is not None]
    titles = {task.name: task.title for suite in suites for task in suite.tasks}
    return render(
        "compare.html.j2",
        a=a,
        b=b,
        suites=found,
        verdict=lambda compared: compared.verdict(a, b),
        diffs=[
            TaskDiff(
                titles[name],
                a.tasks[name],
                b.tasks[name],
                side_by_side(a.tasks[name].program, b.tasks[name].program),
            )
            for name in titles
            if name in a.tasks and name in b.tasks
        ],
    )


def pairs_with_pages(rankings: Sequence[Sequence[Pair]]) -> list[tuple[Pair, Pair]]:
    """Return the pairs of contenders that have a page, sorted.

    On each suite: every two of the first ``ALL_PAIRS_UP_TO``, and every one with the first, and
    with people's entries. `sld compare` does any two.

    Args:
        rankings: The contenders of each suite, best first.
    """
    wanted: set[tuple[Pair, Pair]] = set()
    for ranked in rankings:
        top = set(ranked[:ALL_PAIRS_UP_TO])
        central = {*ranked[:1], *(pair for pair in ranked if pair[0] == BAR_AGENT)}
        for index, one in enumerate(ranked):
            for other in ranked[index + 1 :]:
                if (one in top and other in top) or one in central or other in central:
                    wanted.add((min(one, other), max(one, other)))
    return sorted(wanted)


def compare_index(
    tables: Sequence[SuiteTables],
    known: Mapping[Pair, Contender],
    pages: Sequence[tuple[Pair, Pair]],
) -> str:
    """Return the page that leads to all comparisons: for each suite a square of differences.

    Args:
        tables: The rankings of all suites.
        known: All contenders.
        pages: Which two have a page.
    """
    with_page = set(pages)
    return render(
        "compare_index.html.j2",
        suites=[suite for suite in tables if suite.usual.rows],
        shown=ALL_PAIRS_UP_TO,
        known=known,
        name=COMPARE,
        page=lambda one, other: (
            compare_page(one, other) if (min(one, other), max(one, other)) in with_page else None
        ),
        choices=sorted(known.values(), key=lambda each: (each.name.casefold(), each.pair)),
    )
