"""Who is tied with whom, as it is drawn: one bracket a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.leaderboard.page_names import Pair
from harness.leaderboard.uncertainty import Uncertainty


@dataclass(frozen=True, slots=True)
class TieMark:
    """How a row stands in the bracket of its group."""

    tied: bool
    first: bool
    last: bool

    @property
    def css(self) -> str:
        """The classes of the row's rank cell."""
        names = (("tie", self.tied), ("tie-first", self.first), ("tie-last", self.last))
        return " ".join(name for name, here in names if here)


def tie_marks(pairs: Sequence[Pair], sure: Mapping[Pair, Uncertainty]) -> dict[Pair, TieMark]:
    """Return the mark of each row, in the order of a ranking.

    Rows are tied that share a tie rank with another.

    Args:
        pairs: The rows' agents and models, best first.
        sure: How sure their ranks are; a row that is not in it is tied with nobody.
    """
    ranks = [sure[pair].tie_rank if pair in sure else None for pair in pairs]
    shared = Counter(rank for rank in ranks if rank is not None)
    marks = {}
    for index, (pair, rank) in enumerate(zip(pairs, ranks, strict=True)):
        tied = rank is not None and shared[rank] > 1
        # One of few runs may stand between two that are tied: the bracket leaves it out.
        above = tied and index > 0 and ranks[index - 1] == rank
        below = tied and index + 1 < len(ranks) and ranks[index + 1] == rank
        marks[pair] = TieMark(tied, tied and not above, tied and not below)
    return marks
