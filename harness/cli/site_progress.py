"""How far the writing of a site is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_PLAIN_SECONDS = 5.0
_WORTH_A_BAR = 30
"""Fewer files are made before a bar is read."""


class SiteProgress:
    """Shows how many files are made, how fast, and how long the rest takes."""

    def __init__(self, console: Console) -> None:
        """Prepare a display.

        Args:
            console: Where to write; decides whether the display is live.
        """
        self._console = console
        self._total = self._done = 0
        self._started = self._said = time.monotonic()
        self._progress: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        """Return the display; it shows once it is told what there is to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the live display."""
        if self._progress is not None:
            self._progress.stop()

    def started(self, total: int, unchanged: int) -> None:
        """Start to show how far ``total`` files are, beside ``unchanged`` ones."""
        self._total = total
        if total < _WORTH_A_BAR:
            return
        if not self._console.is_terminal:
            self._console.print(f"{total} files to write, {unchanged} unchanged")
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("writing pages"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._progress.start()
        self._bar = self._progress.add_task("pages", total=total)

    def made(self, count: int) -> None:
        """Count files that are made."""
        self._done += count
        if self._progress is not None and self._bar is not None:
            self._progress.update(self._bar, completed=self._done)
        elif time.monotonic() - self._said >= _PLAIN_SECONDS:
            self._said = time.monotonic()
            rate = self._done / (self._said - self._started)
            left = (self._total - self._done) / rate
            self._console.print(f"{self._done}/{self._total} files, {left:.0f} s left")
