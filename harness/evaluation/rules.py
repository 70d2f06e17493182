"""The rules that are checked, not asked for: the cap on constants, the law as a row function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.evaluation.records import Violation
from harness.tasks.data import TaskData

TOLERANCE = 1e-9
"""Relative to the larger of the prediction and the standard deviation of the split."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The rows of one split of one group."""

    group: str
    split: str
    """``test``, ``train`` or ``curve``."""
    features: np.ndarray
    """``(N, F)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows of a part."""

    part: Part
    rows: np.ndarray
    """Their positions in the part, ``(n,)``."""
    alone: bool = False
    """Whether the rows are predicted one by one, each in a batch of its own."""

    @property
    def features(self) -> np.ndarray:
        """``(n, F)``."""
        chosen: np.ndarray = self.part.features[self.rows]
        return chosen

    @property
    def text(self) -> str:
        """Where the rows stand, for messages."""
        return "alone" if self.alone else f"in a batch of {len(self.rows)}"


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


def spread(data: TaskData, split: str) -> np.ndarray:
    """Return the standard deviation of a split's targets, ``(T,)``; a curve has the test rows'."""
    rows = data.train if split == "train" else data.test
    deviation: np.ndarray = np.std(np.concatenate([one.targets for one in rows]), axis=0)
    return deviation


def other_order(groups: list[str], rng: np.random.Generator) -> list[str]:
    """Return groups in another order than that in which full batches are asked for.

    Backwards, so that no group has the same groups before it in both processes; and one of those
    that have others before them there, drawn anew, comes first and has none.
    """
    order = groups[::-1]
    if len(order) > 2:
        order.insert(0, order.pop(int(rng.integers(len(order) - 1))))
    return order


def small_batches(parts: list[Part], rng: np.random.Generator) -> list[list[Batch]]:
    """Return a group's rows, permuted, in small batches: one row each, halves, then single rows.

    Each inner list is one request. The second half is only sent once the first is answered, so a
    program that looks at its batch, or collects what it has seen, cannot know the whole split when
    it predicts the first half, and nothing at all when it predicts the one row before it.
    """
    requests: list[list[Batch]] = [[], [], []]
    for part in parts:
        order = rng.permutation(len(part.features))
        requests[0].append(Batch(part, order[-1:], alone=True))
        if len(order) == 1:
            continue  # that was all of it
        middle = (len(order) + 1) // 2
        requests[1].append(Batch(part, order[:middle]))
        requests[2].append(Batch(part, order[middle:]))
        requests[2].append(Batch(part, rng.permutation(len(order)), alone=True))
    return [batches for batches in requests if batches]


def compare(
    batch: Batch, full: np.ndarray, again: np.ndarray, scale: np.ndarray
) -> Violation | None:
    """Return a violation where rows are predicted otherwise in a small batch than in the full one.

    Args:
        batch: The rows.
        full: The full batch's predictions of the whole part, ``(N, T)``.
        again: The small batch's predictions, ``(n, T)``.
        scale: What a difference is measured against besides the prediction itself, ``(T,)``.
    """
    expected = full[batch.rows]
    allowed = TOLERANCE * np.maximum(np.abs(expected), scale)
    with np.errstate(over="ignore"):  # beyond all numbers is more than allowed, too
        off = np.abs(again - expected) > allowed
    if not off.any():
        return None
    where = int(off.any(axis=1).argmax())
    target = int(off[where].argmax())
    message = (
        f"the law is not a function of (row, params): {batch.part.split} row "
        f"{int(batch.rows[where]) + 1} of group {batch.part.group!r} is predicted as "
        f"{expected[where, target]:.9g} in the full batch and as {again[where, target]:.9g} "
        f"{batch.text}"
    )
    return Violation(rule="row_function", message=message)
