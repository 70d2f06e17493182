"""The three children of one evaluation: fit all groups, predict, predict again in other batches.

Train rows enter the first child only; features of both splits the other two; test labels none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from harness.evaluation.records import Violation
from harness.evaluation.rules import Batch, Stack, compare, other_order, small_batches, stack_rows
from harness.failures import FailureKind
from harness.limits import Limits
from harness.sandbox import Call, Child, ChildFailed, ProgramText, Reply, Sandbox
from harness.tasks.data import GroupRows, TaskData


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What the full batches gave, by group, ``(N, T)`` each."""

    test: dict[str, np.ndarray]
    train: dict[str, np.ndarray]
    """A group is absent where its train rows could not be predicted."""
    curve: dict[str, np.ndarray]
    notes: list[str] = field(default_factory=list)


def fit(
    sandbox: Sandbox, program: ProgramText, data: TaskData, limits: Limits
) -> dict[str, np.ndarray]:
    """Fit every group on its train rows, sorted by features, then targets.

    The order is fixed because an ill-conditioned fit may end elsewhere when rows change places:
    what a program scores must not hang on the order in which a file lists its rows.

    Returns:
        The parameters by group, shape kept.

    Raises:
        ChildFailed: The program did not load, a fit failed, or the process ended.
        SandboxBroken: Our fault.
    """
    calls = [Call("fit", rows.group, _sorted_rows(rows)) for rows in data.train]
    with sandbox.open(program, limits, limits.fit_seconds) as child:
        replies = child.ask(calls)
    params = {call.group: _array(call, reply) for call, reply in zip(calls, replies, strict=False)}
    if len(params) < len(calls):
        raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer fits than groups")
    for values in params.values():
        values[np.isnan(values)] = np.nan  # one of them all: the others' bits could say something
    return params


def predict(
    sandbox: Sandbox,
    program: ProgramText,
    data: TaskData,
    limits: Limits,
    params: dict[str, np.ndarray],
) -> Predictions:
    """Predict each group's test rows, train rows and curve, each as one full batch.

    One group is asked about after the other, so a law holds no other group's parameters while it
    predicts. Held-out rows decide: a law that fails on them fails, one that fails on train rows
    only loses its fit figure, and one that fails along the curve has no curve.

    Raises:
        ChildFailed: The program did not load, or a group's test rows could not be predicted.
        SandboxBroken: Our fault.
    """
    width = len(program.targets)
    found = Predictions({}, {}, {})
    with sandbox.open(program, limits, limits.predict_seconds) as child:
        for group in sorted({rows.group for rows in (*data.test, *data.train)}):
            splits = _splits(data, group)
            calls = [Call("predict", group, (features,)) for _, features in splits]
            replies = _ask(child, calls, params, group)
            for (split, _), call, reply in zip(splits, calls, replies, strict=True):
                _keep(found, split, call, reply, width)
    return found


def _splits(data: TaskData, group: str) -> list[tuple[str, np.ndarray]]:
    """Return a group's full batches, held-out rows first, each with the name of its split."""
    test = [("test", rows.features) for rows in data.test if rows.group == group]
    train = [("train", rows.features) for rows in data.train if rows.group == group]
    curve = [("curve", data.curve[group])] if group in data.curve else []
    return [*test, *train, *curve]


def _ask(child: Child, calls: list[Call], params: dict[str, np.ndarray], group: str) -> list[Reply]:
    """Ask about one group, whose parameters are the only ones that the child is given now."""
    replies = child.ask(calls, {group: params[group]} if group in params else {})
    if len(replies) < len(calls):
        raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer predictions than asked for")
    return replies


def _keep(found: Predictions, split: str, call: Call, reply: Reply, width: int) -> None:
    group = call.group
    try:
        getattr(found, split)[group] = _prediction(call, reply, width)
    except ChildFailed as error:
        if split == "test":
            raise
        if split == "train":
            found.notes.append(f"train rows could not be predicted: {error.message}")
        else:
            found.curve[group] = np.full((len(call.arrays[0]), width), np.nan)


def predict_again(
    sandbox: Sandbox,
    program: ProgramText,
    data: TaskData,
    limits: Limits,
    params: dict[str, np.ndarray],
    first: Predictions,
) -> Violation | None:
    """Predict the same rows permuted and in small batches, in a process of its own.

    The groups come in another order, so that a law that uses what it was told of earlier groups
    predicts otherwise than before.

    Returns:
        The first row that is predicted otherwise than in its full batch, or None.

    Raises:
        ChildFailed: The process ended.
        SandboxBroken: Our fault.
    """
    rng = np.random.default_rng(_unforeseen(program, params, first))
    width = len(program.targets)
    with sandbox.open(program, limits, limits.predict_seconds) as child:
        for stack in other_order(stack_rows(data, first.test, first.train), rng):
            for batches in small_batches(stack, rng):
                calls = [Call(_way(batch), stack.group, (batch.features,)) for batch in batches]
                replies = _ask(child, calls, params, stack.group)
                for call, batch, reply in zip(calls, batches, replies, strict=True):
                    violation = _differs(call, reply, stack, batch, width)
                    if violation:
                        return violation
    return None


def _way(batch: Batch) -> str:
    return "predict_rows" if batch.alone else "predict"


def _unforeseen(program: ProgramText, params: dict[str, np.ndarray], first: Predictions) -> int:
    """Return a seed that follows from all that was predicted, so no law knows it before.

    A law that could foresee in which half a row will be asked could look at its batch for just
    those rows that are asked when it has seen the others.
    """
    digest = hashlib.sha256(program.source)
    for named in (params, first.test, first.train):
        for group in sorted(named):
            digest.update(np.ascontiguousarray(named[group]).tobytes())
    return int.from_bytes(digest.digest(), "little")


def _sorted_rows(rows: GroupRows) -> tuple[np.ndarray, np.ndarray]:
    columns = np.hstack([rows.features, rows.targets])
    order = np.lexsort(columns.T[::-1])
    return rows.features[order], rows.targets[order]


def _differs(call: Call, reply: Reply, stack: Stack, batch: Batch, width: int) -> Violation | None:
    try:
        return compare(stack, batch, _prediction(call, reply, width))
    except ChildFailed as error:
        message = (
            "the law is not a function of (row, params): rows that the full batch predicts "
            f"fail {batch.text}: {error.message}"
        )
        return Violation(rule="row_function", message=message)


def _array(call: Call, reply: Reply) -> np.ndarray:
    if reply.array is not None:
        return reply.array
    failure = reply.failure or ChildFailed(FailureKind.BAD_OUTPUT, "no answer")
    raise ChildFailed(failure.kind, f"{failure.message} [group {call.group!r}]", failure.line)


def _prediction(call: Call, reply: Reply, width: int) -> np.ndarray:
    """Return the predictions; the child has checked them, but the child is the candidate's."""
    array = _array(call, reply)
    if array.shape != (len(call.arrays[0]), width) or not np.isfinite(array).all():
        raise ChildFailed(FailureKind.BAD_OUTPUT, "predictions of a wrong shape, or not finite")
    return array
