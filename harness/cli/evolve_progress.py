"""The live display of a search: best so far, rate, archive, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console

    from harness.evolution.ledger import Budget
    from harness.evolution.proposals import Entry
    from harness.evolution.search import Search

_EVERY = 0.25


class EvolveDisplay:
    """One line that is written anew, on a terminal; elsewhere a line each time the best changes."""

    def __init__(self, terminal: Console, search: Search, budget: Budget) -> None:
        """Prepare the display."""
        self._terminal = terminal
        self._search = search
        self._budget = budget
        self._shown = 0.0
        self._best: int | None = None
        self._status = terminal.status("starting") if terminal.is_terminal else None

    def __enter__(self) -> Self:
        """Show it."""
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        if self._status is not None:
            self._status.stop()

    def evaluated(self, search: Search, _entry: Entry) -> None:
        """Take note of an evaluated entry."""
        best = search.view.archive.best()
        if best and best[0].number != self._best:
            self._best = best[0].number
            if self._status is None:
                self._terminal.print(self._line(), markup=False, soft_wrap=True)
        now = time.monotonic()
        if self._status is not None and now - self._shown > _EVERY:
            self._shown = now
            self._status.update(self._line())

    def _line(self) -> str:
        search = self._search
        best = search.view.archive.best()
        said = f"best {best[0].fitness:.3f} (#{best[0].number})" if best else "nothing yet"
        rate = search.n_evaluated / max(search.seconds, 1e-9)
        left = self._budget.in_words(search.seconds, search.n_evaluated, search.ledger)
        spent = ""
        if search.ledger.accounts:
            spent = f"spent: {search.ledger.tokens} tokens, ${search.ledger.dollars:.2f}, "
        return (
            f"{said}, {search.n_evaluated} evaluated ({rate:.0f} a second), "
            f"{len(search.view.archive)} cells, {spent}left: {left}"
        )


def laws_in_time(search: Search) -> str:
    """Return how many laws a search evaluated, in what time, and whether nothing was left."""
    rate = search.n_evaluated / max(search.seconds, 1e-9)
    line = f"{search.n_evaluated} laws in {search.seconds:.1f} s ({rate:.0f} a second)"
    return f"{line}; nothing new was found any more" if search.exhausted else line


@contextmanager
def laws_line(terminal: Console) -> Iterator[Callable[[Search, Entry], None]]:
    """Show how many laws were tried, on a terminal; yields what is to be told of each."""
    if not terminal.is_terminal:
        yield lambda _search, _entry: None
        return
    with terminal.status("starting") as status:

        def evaluated(search: Search, _entry: Entry) -> None:
            if search.n_evaluated % 20 == 0:
                status.update(f"{search.n_evaluated} laws tried in {search.seconds:.0f} s")

        yield evaluated
