"""The three children of one evaluation: fit all groups, predict in small batches, in full ones.

Train rows enter the first child only; features of both splits the other two; test labels none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from harness.evaluation.records import Violation
from harness.evaluation.rules import Batch, Part, compare, other_order, small_batches, spread
from harness.failures import FailureKind
from harness.limits import Limits
from harness.sandbox import Call, Child, ChildFailed, ProgramText, Reply, Sandbox
from harness.tasks.data import TaskData

_CURVE_ROWS = 4
"""How many rows of a group's curve are predicted in small batches, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What the full batches gave, by group, ``(N, T)`` each."""

    test: dict[str, np.ndarray]
    train: dict[str, np.ndarray]
    """A group is absent where its train rows could not be predicted."""
    curve: dict[str, np.ndarray]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class SmallAnswer:
    """What a small batch gave."""

    batch: Batch
    call: Call
    reply: Reply


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
    calls = [
        Call("fit", rows.group, sorted_rows(rows.features, rows.targets)) for rows in data.train
    ]
    with sandbox.open(program, limits, limits.fit_seconds) as child:
        replies = child.ask(calls)
    params = {call.group: answer(call, reply) for call, reply in zip(calls, replies, strict=False)}
    if len(params) < len(calls):
        raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer fits than groups")
    for values in params.values():
        values[np.isnan(values)] = np.nan  # one of them all: the others' bits could say something
    return params


def predict_small(
    sandbox: Sandbox,
    program: ProgramText,
    data: TaskData,
    limits: Limits,
    params: dict[str, np.ndarray],
) -> list[SmallAnswer]:
    """Predict every row in small batches, before any process has seen the full ones.

    What a law says here cannot depend on its full batch, whatever it finds to pass on to the
    process that will predict that. Rows are permuted, and groups come in another order there.

    Returns:
        What each batch gave, in the order asked.

    Raises:
        ChildFailed: The program did not load, or the process ended.
        SandboxBroken: Our fault.
    """
    rng = _unforeseen(program, data, params)
    answers = []
    with sandbox.open(program, limits, limits.predict_seconds) as child:
        for group in other_order(_groups(data), rng):
            parts = [_sampled(part) for part in _parts(data, group)]
            for batches in small_batches(parts, rng):
                calls = [Call(_way(batch), group, (batch.features,)) for batch in batches]
                replies = _ask(child, calls, params, group)
                answers += [
                    SmallAnswer(batch, call, reply)
                    for call, batch, reply in zip(calls, batches, replies, strict=True)
                ]
    return answers


def predict(
    sandbox: Sandbox,
    program: ProgramText,
    data: TaskData,
    limits: Limits,
    params: dict[str, np.ndarray],
) -> Predictions:
    """Predict each group's test rows, train rows and curve, each as one full batch.

    One group is asked about after the other, so a law holds no other group's parameters while it
    predicts. Rows are sorted by their features: the order of a file could tell of its labels.
    Held-out rows decide: a law that fails on them fails, one that fails on train rows only loses
    its fit figure, and one that fails along the curve has no curve.

    Raises:
        ChildFailed: The program did not load, or a group's test rows could not be predicted.
        SandboxBroken: Our fault.
    """
    width = len(program.targets)
    found = Predictions({}, {}, {})
    rng = _unforeseen(program, data, params)
    with sandbox.open(program, limits, limits.predict_seconds) as child:
        for group in _groups(data):
            parts = _parts(data, group)
            orders = [_by_features(part.features, rng) for part in parts]
            calls = [
                Call("predict", group, (part.features[order],))
                for part, order in zip(parts, orders, strict=True)
            ]
            replies = _ask(child, calls, params, group)
            for part, order, call, reply in zip(parts, orders, calls, replies, strict=True):
                _keep(found, part, order, call, reply, width)
    return found


def disagreement(
    small: list[SmallAnswer], found: Predictions, data: TaskData, width: int
) -> Violation | None:
    """Return the first row that a small batch predicts otherwise than its full batch, or None.

    Args:
        small: What the small batches gave.
        found: What the full batches gave; what they could not predict is not compared.
        data: The task's rows.
        width: Number of targets.
    """
    scales = {split: spread(data, split) for split in ("test", "train", "curve")}
    for one in small:
        part = one.batch.part
        full = getattr(found, part.split).get(part.group)
        if full is None or not np.isfinite(full).all():
            continue
        if part.split == "curve":
            full = full[_sample(len(full))]
        try:
            again = prediction(one.call, one.reply, width)
        except ChildFailed as error:
            message = (
                "the law is not a function of (row, params): rows that the full batch predicts "
                f"fail {one.batch.text}: {error.message}"
            )
            return Violation(rule="row_function", message=message)
        violation = compare(one.batch, full, again, scales[part.split])
        if violation:
            return violation
    return None


def _groups(data: TaskData) -> list[str]:
    return sorted({rows.group for rows in (*data.test, *data.train)})


def _parts(data: TaskData, group: str) -> list[Part]:
    """Return a group's splits, held-out rows first."""
    test = [Part(group, "test", rows.features) for rows in data.test if rows.group == group]
    train = [Part(group, "train", rows.features) for rows in data.train if rows.group == group]
    curve = [Part(group, "curve", data.curve[group])] if group in data.curve else []
    return [*test, *train, *curve]


def _sampled(part: Part) -> Part:
    """Return a part with some of its rows, if it is a curve: it is shown, not scored."""
    if part.split != "curve":
        return part
    return replace(part, features=part.features[_sample(len(part.features))])


def _sample(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, _CURVE_ROWS)).astype(int))


def _by_features(features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an order of rows that says nothing but their features do; equal ones anyhow."""
    shuffled = rng.permutation(len(features))
    order: np.ndarray = shuffled[np.lexsort(features[shuffled].T[::-1])]
    return order


def _ask(child: Child, calls: list[Call], params: dict[str, np.ndarray], group: str) -> list[Reply]:
    """Ask about one group, whose parameters are the only ones that the child is given now."""
    replies = child.ask(calls, {group: params[group]} if group in params else {})
    if len(replies) < len(calls):
        raise ChildFailed(FailureKind.BAD_OUTPUT, "fewer predictions than asked for")
    return replies


def _keep(
    found: Predictions, part: Part, order: np.ndarray, call: Call, reply: Reply, width: int
) -> None:
    try:
        values = np.empty((len(order), width))
        values[order] = prediction(call, reply, width)
        getattr(found, part.split)[part.group] = values
    except ChildFailed as error:
        if part.split == "test":
            raise
        if part.split == "train":
            found.notes.append(f"train rows could not be predicted: {error.message}")
        else:
            found.curve[part.group] = np.full((len(order), width), np.nan)


def _way(batch: Batch) -> str:
    return "predict_rows" if batch.alone else "predict"


def _unforeseen(
    program: ProgramText, data: TaskData, params: dict[str, np.ndarray]
) -> np.random.Generator:
    """Return a generator that the same evaluation repeats and no program can know.

    Test labels, which enter no child, are part of its seed. A law that could foresee in which half
    a row will be asked could look at its batch for just the rows of the second.
    """
    digest = hashlib.sha256(program.source)
    for rows in (*data.test, *data.train):
        digest.update(np.ascontiguousarray(rows.targets).tobytes())
    for group in sorted(params):
        digest.update(np.ascontiguousarray(params[group]).tobytes())
    return np.random.default_rng(int.from_bytes(digest.digest(), "little"))


def sorted_rows(features: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows sorted by features, then targets: the order in which every fit gets them."""
    order = np.lexsort(np.hstack([features, targets]).T[::-1])
    return features[order], targets[order]


def answer(call: Call, reply: Reply) -> np.ndarray:
    """Return the array that a call gave.

    Raises:
        ChildFailed: It gave a failure; names the group.
    """
    if reply.array is not None:
        return reply.array
    failure = reply.failure or ChildFailed(FailureKind.BAD_OUTPUT, "no answer")
    raise ChildFailed(failure.kind, f"{failure.message} [group {call.group!r}]", failure.line)


def prediction(call: Call, reply: Reply, width: int) -> np.ndarray:
    """Return the predictions; the child has checked them, but the child is the candidate's."""
    array = answer(call, reply)
    if array.shape != (len(call.arrays[0]), width) or not np.isfinite(array).all():
        raise ChildFailed(FailureKind.BAD_OUTPUT, "predictions of a wrong shape, or not finite")
    return array
