"""What a submission came to: for a terminal, as JSON, and as Markdown for a job's summary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.cli.score import number, print_scorecard

if TYPE_CHECKING:
    from rich.console import Console

    from harness.leaderboard.placing import Place
    from harness.runner.submit import Verdict

_MOST_REASONS = 40
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Report:
    """One submitted program."""

    verdict: Verdict
    place: Place | None
    """Where it ranks; None where it is refused."""
    claimed: float | None
    """Held-out R² as the submitter states it."""
    own_task: bool = False
    """Whether the task is the submitter's own YAML file."""

    @property
    def title(self) -> str:
        """The program and where it belongs, in one line."""
        proposal = self.verdict.proposal
        return f"{proposal.path} for {proposal.task.name} / {proposal.agent} / {proposal.model}"

    @property
    def outcome(self) -> str:
        """What became of it, in one line."""
        verdict = self.verdict
        if verdict.problem is not None:
            return f"could not be judged: {verdict.problem}"
        if verdict.reasons:
            count = len(verdict.reasons)
            return f"refused, for {count} reasons:" if count > 1 else "refused:"
        if verdict.filed is not None:
            return f"filed: {verdict.filed.path}"
        return "accepted; nothing was filed"

    def reasons(self) -> list[str]:
        """Return why it is refused, a line each."""
        shown = [one.text[:_LONGEST] for one in self.verdict.reasons[:_MOST_REASONS]]
        left = len(self.verdict.reasons) - len(shown)
        return [*shown, f"... and {left} more"] if left else shown

    def remarks(self) -> list[str]:
        """Return what else there is to say, a line each."""
        lines = [f"note: {note.text}" for note in self.verdict.notes]
        if self.own_task:
            name = self.verdict.proposal.task.name
            lines.append(
                f"note: {name} is your own task: no page shows it and `sld run` does not know it; "
                "`sld score FILE --task YAML` scores on it again"
            )
        if self.claimed is not None and self.verdict.evaluation is not None:
            lines.append(self._claim(self.claimed))
        return lines + (self._ranks(self.place) if self.place is not None else [])

    def _claim(self, claimed: float) -> str:
        from harness.leaderboard.audit import Finding, judge

        evaluation = self.verdict.evaluation
        if evaluation is None or evaluation.r2 is None:
            return f"claimed R² {claimed:.6f}: failed here"
        words = {
            Finding.EQUAL: "equal to the held-out R²",
            Finding.CLOSE: "within 0.001 of the held-out R²",
            Finding.FIT: "that is the R² on the train rows, not on held-out rows",
        }
        off = f"differs from the held-out R² by {claimed - evaluation.r2:+.6f}"
        return f"claimed R² {claimed:.6f}: {words.get(judge(claimed, evaluation), off)}"

    def _ranks(self, place: Place) -> list[str]:
        filed = self.verdict.filed is not None
        row, suite = place.task, place.suite
        runs = _count(row.entry.n_runs, "run")
        verb = "ranks" if filed else "would rank"
        before = f" (rank {place.before} before)" if place.before not in {None, row.rank} else ""
        first = f"{verb} {row.rank} of {place.n_task} on {row.entry.task}{before}: "
        lines = [first + f"mean R² {number(row.mean)} over {runs}"]
        if place.best_other is not None:
            best = place.best_other
            name = f"{best.agent_name} / {best.model_name}"
            lines.append(f"the best other there is {name} with {number(best.mean)}")
        elif self.own_task:
            lines.append("nobody else has a stored run there")
        else:
            lines.append("nobody else has a stored run there; `sld run` scores those on file")
        if place.bar is not None and place.bar is not place.best_other:
            lines.append(f"the bar, {place.bar.agent_name}, has {number(place.bar.mean)}")
        if self.own_task:  # it is in no suite of ours, whatever its file says
            return lines
        absent = suite.n_tasks - suite.n_tasks_with_runs
        counts = f"; {_count(absent, 'task')} without runs count -1 each" if absent else ""
        lines.append(
            f"{verb} {suite.rank} of {place.n_suite} in suite {suite.suite}: "
            f"Mean R² {number(suite.mean)}{counts}"
        )
        return lines

    def document(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints: the scorecard, and what became of it."""
        verdict, place = self.verdict, self.place
        proposal, evaluation = verdict.proposal, verdict.evaluation
        run = verdict.filed or (verdict.job.file if verdict.job else None)
        card = evaluation.scorecard() if evaluation else {"task": proposal.task.name}
        return {
            **card,
            "path": str(proposal.path),
            "agent": proposal.agent,
            "model": proposal.model,
            "run": run.run if run and verdict.accepted else None,
            "accepted": verdict.accepted,
            "filed": str(verdict.filed.path) if verdict.filed else None,
            "reasons": [{"line": r.line, "message": r.message} for r in verdict.reasons],
            "remarks": [{"line": n.line, "message": n.message} for n in verdict.notes],
            "problem": verdict.problem,
            "claimed_r2": self.claimed,
            "rank": place
            and {
                "task": place.task.rank,
                "of": place.n_task,
                "before": place.before,
                "mean": place.task.mean,
                "suite": place.suite.rank,
                "suite_of": place.n_suite,
                "suite_mean": place.suite.mean,
            },
        }


def print_report(terminal: Console, report: Report) -> None:
    """Print a report for a person."""
    terminal.print(report.title, markup=False, soft_wrap=True, style="bold")
    if report.verdict.evaluation is not None:
        print_scorecard(terminal, report.verdict.evaluation)
    terminal.print(report.outcome, markup=False, soft_wrap=True)
    for line in report.reasons():
        terminal.print(f"- {line}", markup=False, soft_wrap=True)
    for line in report.remarks():
        terminal.print(line, markup=False, soft_wrap=True)


def markdown(reports: Iterable[Report]) -> str:
    """Return reports as Markdown; nothing that a program or its author wrote is read as such."""
    parts = [part for report in reports for part in _section(report)]
    return "\n".join(["## Submitted programs", "", *(parts or ["None."]), ""])


def _section(report: Report) -> list[str]:
    verdict = report.verdict
    lines = [f"### {_text(report.title)}", "", f"**{_text(report.outcome)}**", ""]
    lines += [f"- {_text(reason)}" for reason in report.reasons()]
    evaluation = verdict.evaluation
    if evaluation is not None:
        rows = [
            ("status", evaluation.status),
            ("R² held-out", number(evaluation.r2)),
            ("R² train", number(evaluation.r2_fit)),
            ("counts as", number(evaluation.score)),
            ("constants", "-" if evaluation.n_params is None else str(evaluation.n_params)),
            ("isolation", evaluation.isolation.text),
            *(("not in force", reason) for reason in evaluation.isolation.missing),
        ]
        lines += ["", "| | |", "| --- | --- |"]
        lines += [f"| {_text(name)} | {_text(value)} |" for name, value in rows]
    remarks = report.remarks()
    if remarks:
        lines += ["", *(f"- {_text(remark)}" for remark in remarks)]
    return [*lines, ""]


def _text(value: str) -> str:
    """Return text in which every mark that Markdown or HTML could read is spelled as an entity."""
    words = " ".join(value.split())
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in words)


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}" if number_of == 1 else f"{number_of} {noun}s"
