"""The one way to evaluate a proposal: on train-side folds.

A gateway is made from train rows. Held-out rows, and where they are, are unknown to it, so nothing
that a proposer is told can come from them. Trees of ours are fitted in this process or in workers;
program text, whoever wrote it, only ever runs in the sandbox.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from harness.candidates.program import Candidate
from harness.evaluation import children
from harness.evaluation.rules import TOLERANCE, check_constants, count_constants
from harness.evolution.beyond import Beyond, beyond, variances
from harness.evolution.fitness import BEST, WORST, costs, normalised_error
from harness.evolution.folds import Fold, everything
from harness.evolution.probes import explodes, probe_columns
from harness.evolution.rows import FloatArray, TrainRows
from harness.failures import FailureKind
from harness.limits import Limits
from harness.sandbox import Call, ChildFailed, ProgramText, Sandbox
from harness.tasks import Task
from harness.tasks.data import GroupRows

PROGRAM_LIMITS = Limits(fit_seconds=60.0, predict_seconds=20.0)
"""Of one program on all folds together: a search has no time for slower ones."""


@dataclass(frozen=True, slots=True)
class TrainSide:
    """All that a search knows of a task."""

    name: str
    title: str
    description: str
    features: tuple[tuple[str, str, str], ...]
    """Name, unit, meaning."""
    targets: tuple[tuple[str, str, str], ...]
    max_params: int | None
    known_law: str
    train: tuple[GroupRows, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features' names, in column order."""
        return tuple(name for name, _, _ in self.features)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The targets' names, in column order."""
        return tuple(name for name, _, _ in self.targets)


def train_side(task: Task) -> TrainSide:
    """Return what a search may know of a task. The file of the test split is not opened.

    Raises:
        UserError: The train split is missing or wrong.
    """
    definition = task.definition
    return TrainSide(
        name=task.name,
        title=task.title,
        description=definition.description,
        features=tuple((c.name, c.unit, c.meaning) for c in definition.features),
        targets=tuple((c.name, c.unit, c.meaning) for c in definition.targets),
        max_params=definition.max_params,
        known_law=definition.reference.law,
        train=task.train(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the folds say of a program."""

    fitness: float
    """Mean of what the folds say against it (``costs``); infinite where it failed."""
    errors: tuple[float, ...] = ()
    """Normalised mean square error of each fold, clipped."""
    n_constants: int = 0
    failure: str = ""
    """Why there is no fitness, as one line."""
    fit: float | None = None
    """Normalised error on all train rows; None where it failed."""
    theta: FloatArray | None = None
    """Shape constants of a tree, ``(cells, P)``."""


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What a program is asked: to fit some rows of a group, and what it says of others then."""

    group: int
    fitted: np.ndarray
    """Places of the rows; one can be there more than once."""
    asked: FloatArray
    """Feature values, ``(M, F)``."""
    fold: int = 0
    """Fits to one fold share a child, fits to others do not."""


class ProgramGateway:
    """Evaluates program text on folds, in the sandbox."""

    def __init__(
        self,
        side: TrainSide,
        rows: TrainRows,
        folds: Sequence[Fold],
        sandbox: Sandbox,
        limits: Limits = PROGRAM_LIMITS,
    ) -> None:
        """Prepare the calls that every program gets.

        Args:
            side: The task, as far as a search knows it.
            rows: Its train rows.
            folds: On which programs are judged.
            sandbox: Where they run.
            limits: Of one program on all folds together.
        """
        self._side = side
        self._rows = rows
        self._folds = tuple(folds)
        self._sandbox = sandbox
        self._limits = limits

    def evaluate(self, source: str) -> Verdict:
        """Fit a program to each fold's rows and to all, and judge it on what the fold holds out.

        A child for each fold fits its groups, and one predicts: a program that keeps what it has
        seen would begin a fold's fit with what another knew of the judged rows. What a program does
        wrong is its failure; a sandbox that breaks is not, and raises.

        Raises:
            SandboxBroken: Our fault.
        """
        folds = [*self._folds, everything(self._rows)]
        rows = self._rows
        places = [
            (number, group)
            for number, fold in enumerate(folds)
            for group in range(len(rows.groups))
            if fold.judged[group].any()
        ]
        questions = [
            _Question(
                group,
                np.flatnonzero(folds[number].fitted[group]),
                rows.values[group][folds[number].judged[group]],
                number,
            )
            for number, group in places
        ]
        try:
            most, answers, beyond = self._predicted(source, questions, self._probes())
        except ChildFailed as error:
            return Verdict(np.inf, failure=_said(error))
        too_many = check_constants({"": most}, self._side.max_params)
        if too_many:
            return Verdict(np.inf, n_constants=most, failure=f"rule violation: {most} constants")
        found = dict(zip(places, answers, strict=True))
        errors = []
        for number, fold in enumerate(folds):
            groups = [group for group in range(len(rows.groups)) if fold.judged[group].any()]
            y = np.concatenate([rows.y[group][fold.judged[group]] for group in groups])
            said = np.concatenate([found[number, group] for group in groups])
            with np.errstate(over="ignore"):
                errors.append(normalised_error(said - y, y, rows.loss))
        clipped = np.clip(np.nan_to_num(errors, nan=WORST, posinf=WORST), BEST, WORST)
        *errors, fit = clipped.tolist()
        if beyond is None or self._explodes(_cells(beyond)):
            errors = [WORST] * len(errors)
        fitness = float(costs(np.array(errors), most, fit).mean())
        return Verdict(fitness, tuple(errors), most, fit=fit)

    def _probes(self) -> FloatArray:
        """Return the points beyond the rows of each group, ``(G, M, F)``."""
        axes, columns = self._rows.axes, probe_columns(self._rows)
        return np.stack([axis.value(c) for axis, c in zip(axes, columns, strict=True)], axis=-1)

    def _explodes(self, said: FloatArray) -> bool:
        """Whether what a program says at the probes, ``(cells, M)``, leaves the targets behind."""
        rows = self._rows
        cells = rows.y.transpose(0, 2, 1).reshape(len(said), -1)
        count = len(rows.targets)
        return explodes(said, cells, np.repeat(rows.weights, count, axis=0), count)

    def answers(self, source: str) -> FloatArray | str:
        """Return what a program says of all train rows, fitted to them, ``(G, N, T)``.

        Returns:
            Its failure, as one line, where it has one.

        Raises:
            SandboxBroken: Our fault.
        """
        rows = self._rows
        real = [np.flatnonzero(weights > 0) for weights in rows.weights]
        questions = [_Question(n, own, rows.values[n][own]) for n, own in enumerate(real)]
        try:
            _, found, _ = self._predicted(source, questions)
        except ChildFailed as error:
            return _said(error)
        said = np.zeros_like(rows.y)
        for group, predicted in enumerate(found):
            said[group] = predicted[0]
            said[group, : len(predicted)] = predicted
        return said

    def beyond(self, source: str, resamples: np.ndarray) -> Beyond | None:
        """Return what a program says beyond the rows, and how firmly; None where it fails there.

        A program that cannot be fitted to resampled rows counts as one that they shake most.

        Args:
            source: The program.
            resamples: How often each row is drawn, ``(B, G, N)``.

        Raises:
            SandboxBroken: Our fault.
        """
        rows = self._rows
        asked = self._probes()
        whole, *again = (
            [
                _Question(group, np.repeat(np.arange(len(own)), own), asked[group])
                for group, own in enumerate(counts)
            ]
            for counts in [(rows.weights > 0).astype(int), *resamples]
        )
        try:
            said = _cells(self._predicted(source, whole)[1])
        except ChildFailed:
            return None
        try:
            together = self._predicted(source, [one for questions in again for one in questions])[1]
        except ChildFailed:
            together = []
        size = len(rows.groups)
        resampled = [_cells(together[n : n + size]) for n in range(0, len(together), size)]
        return beyond(said, resampled, variances(rows))

    def _predicted(
        self, source: str, questions: Sequence[_Question], probes: FloatArray | None = None
    ) -> tuple[int, list[FloatArray], list[FloatArray] | None]:
        """Return what a program answers, fitted as asked.

        Args:
            source: The program.
            questions: In order; with probes, the last are the fits to all rows, one a group.
            probes: What these last fits are asked besides, ``(G, M, F)``.

        Returns:
            Most constants of a group, the answer to each question, ``(M, T)``, and the answers at
            the probes: None where there are none, or the program fails there.
        """
        text = source.encode("utf-8")
        program = ProgramText(
            source=text,
            format=Candidate(text, "").format or "evolve-block",
            features=self._side.feature_names,
            targets=self._side.target_names,
            seed=0,
        )
        rows = self._rows
        params: list[np.ndarray] = []
        over = time.monotonic() + self._limits.fit_seconds
        for _, together in groupby(questions, key=lambda one: one.fold):
            params += self._fitted(program, list(together), over - time.monotonic())
        with self._sandbox.open(program, self._limits, self._limits.predict_seconds) as child:

            def said(place: int, asked: FloatArray) -> FloatArray:
                group = rows.groups[questions[place].group]
                call = Call("predict", group, (asked,))
                replies = child.ask([call], {group: params[place]})
                if len(replies) != 1:
                    raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer predictions than asked for")
                return children.prediction(call, replies[0], len(rows.targets))

            answers = [said(place, one.asked) for place, one in enumerate(questions)]
            beyond = None
            last = len(questions) - len(self._rows.groups)
            if probes is not None:
                with suppress(ChildFailed):  # no number there is an answer, too
                    beyond = [said(last + n, asked) for n, asked in enumerate(probes)]
        if probes is not None:
            self._require_function_of_row(program, questions[last:], params[last:], answers[last:])
        return max(map(count_constants, params), default=0), answers, beyond

    def _require_function_of_row(
        self,
        program: ProgramText,
        questions: Sequence[_Question],
        params: Sequence[np.ndarray],
        answers: Sequence[FloatArray],
    ) -> None:
        """Check that a row of each group is predicted alone as it was among others.

        What looks at its batch would be bred from, sent, and refused when it is scored.

        Raises:
            ChildFailed: It is not.
        """
        rows = self._rows
        with self._sandbox.open(program, self._limits, self._limits.predict_seconds) as child:
            for one, own, full in zip(questions, params, answers, strict=True):
                group, place = rows.groups[one.group], len(full) // 2
                call = Call("predict", group, (one.asked[place : place + 1],))
                replies = child.ask([call], {group: own})
                if len(replies) != 1:
                    raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer predictions than asked for")
                alone = children.prediction(call, replies[0], len(rows.targets))[0]
                scale = np.maximum(np.abs(full[place]), rows.y[one.group].std(axis=0))
                if not (np.abs(alone - full[place]) <= TOLERANCE * scale).all():
                    raise ChildFailed(
                        FailureKind.BAD_OUTPUT,
                        "the law is not a function of (row, params): a row of group "
                        f"{group!r} is predicted as {full[place][0]:.9g} among others and as "
                        f"{alone[0]:.9g} alone",
                    )

    def _fitted(
        self, program: ProgramText, questions: Sequence[_Question], seconds: float
    ) -> list[np.ndarray]:
        """Return the constants of the fits that share a child."""
        rows, calls = self._rows, []
        for one in questions:
            x, y = rows.values[one.group][one.fitted], rows.y[one.group][one.fitted]
            calls.append(Call("fit", rows.groups[one.group], children.sorted_rows(x, y)))
        late = f"no answer within {self._limits.fit_seconds:g} s"
        if seconds <= 0:
            raise ChildFailed(FailureKind.TIMEOUT, late)
        try:
            with self._sandbox.open(program, self._limits, seconds) as child:
                replies = child.ask(calls)
        except ChildFailed as error:
            if error.kind is FailureKind.TIMEOUT:  # what was left for this fold says nothing
                raise ChildFailed(FailureKind.TIMEOUT, late) from error
            raise
        # After a fit that failed there are no more replies: its own error is the one to tell.
        params = [children.answer(call, reply) for call, reply in zip(calls, replies, strict=False)]
        if len(params) < len(calls):
            raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer fits than groups")
        return params


def _cells(answers: Sequence[FloatArray]) -> FloatArray:
    """Return answers to one question a group, ``(M, T)`` each, as cells, ``(cells, M)``."""
    stacked = np.stack(answers).transpose(0, 2, 1)
    return stacked.reshape(-1, stacked.shape[-1])


def _said(error: ChildFailed) -> str:
    where = f" (line {error.line})" if error.line is not None else ""
    return f"{error.kind}: {error.message}{where}"
