"""How far a run is: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from harness.evaluation.figures import figure
from harness.evaluation.records import Evaluation
from harness.runner.plan import Job

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_PLAIN_SECONDS = 5.0
"""How often plain lines sum up how far the run is."""


def outcome_line(evaluation: Evaluation) -> str:
    """Return what an evaluation gave as one short text."""
    if evaluation.error is not None:
        return evaluation.error.text
    r2 = f"R² {figure(evaluation.r2)}"
    fit = "" if evaluation.r2_fit is None else f"  (train {figure(evaluation.r2_fit)})"
    rules = ", ".join(violation.rule for violation in evaluation.violations)
    return f"{r2}{fit}" + (f"  violates {rules}" if rules else "")


class ProgressDisplay:
    """Shows done, failed and stored runs, throughput and the time left."""

    def __init__(self, console: Console, total: int, stored: int, *, verbose: bool = True) -> None:
        """Prepare a display.

        Args:
            console: Where to write; decides whether the display is live.
            total: Evaluations to do.
            stored: Runs that need nothing.
            verbose: Whether each finished evaluation gets a line.
        """
        self._console = console
        self._total = total
        self._stored = stored
        self._verbose = verbose
        self._done = self._failed = 0
        self._warned: set[str] = set()
        self._started = self._said = time.monotonic()
        self._progress: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        """Start the live display, on a terminal."""
        if self._console.is_terminal and self._total:
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

            self._progress = Progress(
                SpinnerColumn(),
                BarColumn(bar_width=30),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._progress.start()
            self._bar = self._progress.add_task(self._summary(), total=self._total)
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

    def finished(self, job: Job, evaluation: Evaluation) -> None:
        """Count and show one finished evaluation."""
        self._done += 1
        self._failed += evaluation.status == "failed"
        self._warn(evaluation)
        seconds = evaluation.seconds.fit + evaluation.seconds.predict
        if self._verbose:
            width = len(str(self._total))
            self._console.print(
                f"[{self._done:>{width}}/{self._total}] {job.label}  {outcome_line(evaluation)}  "
                f"{seconds:.1f} s",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        if self._progress is not None and self._bar is not None:
            self._progress.update(self._bar, completed=self._done, description=self._summary())
        elif time.monotonic() - self._said >= _PLAIN_SECONDS:
            self._said = time.monotonic()
            self._console.print(self._summary(), markup=False, soft_wrap=True)

    def _warn(self, evaluation: Evaluation) -> None:
        """Say once what isolation this machine lacks."""
        for reason in evaluation.isolation.missing:
            if reason not in self._warned:
                self._warned.add(reason)
                self._console.print(
                    f"warning: isolation not in force: {reason}", markup=False, soft_wrap=True
                )

    def _summary(self) -> str:
        elapsed = time.monotonic() - self._started
        rate = self._done / elapsed if elapsed > 0 else 0.0
        left = f"{(self._total - self._done) / rate:.0f} s left" if rate else "starting"
        return (
            f"{self._done}/{self._total} done, {self._failed} failed, {self._stored} stored before"
            f"  {rate:.1f}/s  {left}"
        )
