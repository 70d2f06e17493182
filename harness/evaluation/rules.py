"""The rules that are checked, not asked for: the cap on constants, the law as a row function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.evaluation.records import Violation
from harness.tasks.data import GroupRows, TaskData

TOLERANCE = 1e-9
"""Relative to the larger of the prediction and the standard deviation of the split."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows of one group, train and test rows mixed."""

    features: np.ndarray
    """``(n, F)``."""
    rows: np.ndarray
    """Positions in the group's stacked rows, ``(n,)``."""
    alone: bool = False
    """Whether the rows are predicted one by one, each in a batch of its own."""

    @property
    def text(self) -> str:
        """Where the rows stand, for messages."""
        return "alone" if self.alone else f"in a batch of {len(self.rows)}"


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """All rows of one group that the full batch predicted: test rows first, then train rows."""

    group: str
    features: np.ndarray
    predicted: np.ndarray
    scale: np.ndarray
    """What a difference is measured against besides the prediction itself, ``(N, T)``."""
    n_test: int


def count_constants(params: np.ndarray) -> int:
    """Return how many constants a group's parameters are, whatever shape they come in.

    The values, and what a shape can tell besides: each axis beyond two, and for an array without
    values each axis that is longer than one.
    """
    long = sum(length > 1 for length in params.shape) if params.size == 0 else 0
    return int(params.size) + long + max(0, params.ndim - 2)


def check_constants(sizes: dict[str, int], cap: int | None) -> Violation | None:
    """Return a violation where a group has more constants than the task allows."""
    over = {group: size for group, size in sizes.items() if cap is not None and size > cap}
    if not over:
        return None
    group = max(sorted(over), key=lambda name: over[name])
    message = f"{over[group]} constants for group {group!r}; the task allows {cap} per group"
    return Violation(rule="max_params", message=message)


def stack_rows(
    data: TaskData, test: dict[str, np.ndarray], train: dict[str, np.ndarray]
) -> list[Stack]:
    """Return, for each group, the rows to predict again. Groups without predictions are left out.

    Args:
        data: The task's rows.
        test: Predictions of the test rows by group, ``(N, T)``.
        train: Predictions of the train rows by group.
    """
    splits = ((data.test, test), (data.train, train))
    spread = [
        np.std(np.concatenate([rows.targets for rows in split]), axis=0) for split, _ in splits
    ]
    parts: dict[str, list[tuple[GroupRows, np.ndarray, np.ndarray]]] = {}
    for (split, predicted), scale in zip(splits, spread, strict=True):
        for rows in split:
            if rows.group in predicted:
                found = predicted[rows.group]
                wide = np.broadcast_to(scale, found.shape)
                parts.setdefault(rows.group, []).append((rows, found, wide))
    n_test = {rows.group: len(rows.targets) for rows in data.test if rows.group in test}
    return [
        Stack(
            group,
            np.concatenate([rows.features for rows, _, _ in parts[group]]),
            np.concatenate([found for _, found, _ in parts[group]]),
            np.concatenate([wide for _, _, wide in parts[group]]),
            n_test.get(group, 0),
        )
        for group in sorted(parts)
    ]


def other_order(stacks: list[Stack], rng: np.random.Generator) -> list[Stack]:
    """Return the groups in the order in which a second process is asked about them.

    Backwards, so that no group has the same groups before it in both processes; and one of those
    that had others before it the first time, drawn anew, comes first and has none.
    """
    order = stacks[::-1]
    if len(order) > 2:
        order.insert(0, order.pop(int(rng.integers(len(order) - 1))))
    return order


def small_batches(stack: Stack, rng: np.random.Generator) -> list[list[Batch]]:
    """Return a group's rows again, permuted, in small batches: one row, halves, then single rows.

    Each inner list is one request. The second half is only sent once the first is answered, so a
    program that looks at its batch, or collects what it has seen, cannot know the whole split when
    it predicts the first half, and nothing at all when it predicts the one row before it.
    """
    order = rng.permutation(len(stack.features))
    middle = (len(order) + 1) // 2
    single = rng.permutation(len(order))
    one, first, second, alone = (
        Batch(stack.features[rows], rows, alone=alone)
        for rows, alone in (
            (order[-1:], True),
            (order[:middle], False),
            (order[middle:], False),
            (single, True),
        )
    )
    return [[one], [first], [second, alone] if len(second.rows) else [alone]]


def compare(stack: Stack, batch: Batch, again: np.ndarray) -> Violation | None:
    """Return a violation where rows are predicted otherwise in a small batch than in the full one.

    Args:
        stack: The group's rows and full-batch predictions.
        batch: The rows predicted again.
        again: Their predictions, ``(n, T)``.
    """
    full = stack.predicted[batch.rows]
    allowed = TOLERANCE * np.maximum(np.abs(full), stack.scale[batch.rows])
    with np.errstate(over="ignore"):  # beyond all numbers is more than allowed, too
        off = np.abs(again - full) > allowed
    if not off.any():
        return None
    where = int(off.any(axis=1).argmax())
    target = int(off[where].argmax())
    row = int(batch.rows[where])
    split, number = ("test", row) if row < stack.n_test else ("train", row - stack.n_test)
    message = (
        f"the law is not a function of (row, params): {split} row {number + 1} of group "
        f"{stack.group!r} is predicted as {full[where, target]:.9g} in the full batch and "
        f"as {again[where, target]:.9g} {batch.text}"
    )
    return Violation(rule="row_function", message=message)
