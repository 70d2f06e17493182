"""The identity of an evaluation: present in the store means done."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from harness.limits import Limits
from harness.tasks import Task
from harness.versions import SCORING_VERSION, versions

if TYPE_CHECKING:
    from harness.evaluation.records import Evaluation

DEFAULT_SEED = 0


def limits_for(task: Task) -> Limits:
    """Return the limits of a task: the defaults and its own time limit."""
    return Limits(fit_seconds=task.definition.fit_seconds)


def evaluation_digest(source: bytes, task: Task, limits: Limits, seed: int) -> str:
    """Return the SHA-256 over all that decides what an evaluation gives.

    That is the program, the task's definition and data, the limits, the seed, the scoring version
    and the versions of Python, numpy and scipy.

    Raises:
        DataNotFoundError: The task's data is not here.
    """
    return _digest(source, task, limits, seed, SCORING_VERSION, versions())


def still_holds(evaluation: Evaluation, source: bytes, task: Task) -> bool:
    """Whether an evaluation is of a task's data, definition, limits and rules as they are now.

    Other versions of Python, numpy and scipy do no harm: the figures are what these gave.

    Args:
        evaluation: A stored one.
        source: Its program.
        task: The task of its name.

    Raises:
        DataNotFoundError: The task's data is not here.
    """
    rules, made_with = evaluation.scoring_version, evaluation.versions
    if rules != SCORING_VERSION:
        return False
    limits = limits_for(task)
    return evaluation.digest == _digest(source, task, limits, evaluation.seed, rules, made_with)


def _digest(
    source: bytes, task: Task, limits: Limits, seed: int, scoring: int, made_with: dict[str, str]
) -> str:
    document = {
        "source": hashlib.sha256(source).hexdigest(),
        "task": task.digest(),
        "limits": limits.model_dump(),
        "seed": seed,
        "scoring": scoring,
        "versions": made_with,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
