"""What an attack is: a program, how it must end, and which isolation layers keep it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from _pytest.mark.structures import ParameterSet

from harness.evaluation.records import Evaluation

OK = "ok"
"""The program ends well and gains nothing: its figures are no better than an honest one's."""
CONSTANTS, ROW = "max_params", "row_function"
LOAD, RAISED, OUTPUT = "load_error", "candidate_error", "bad_output"
TIMEOUT, MEMORY, CRASH = "timeout", "memory", "crash"
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to cheat or do harm.

    In the program's text ``@TEST@``, ``@TRAIN@``, ``@TASK@`` (paths), ``@MARK@`` (a name that is
    found nowhere else), ``@PARENT@`` and ``@NEIGHBOUR@`` (process ids) are filled in.
    """

    name: str
    program: str
    ends: frozenset[str]
    """Any of the words above."""
    needs: tuple[str, ...] = ()
    """Isolation layers without which the attack is not kept out."""
    limits: Mapping[str, float] = field(default_factory=dict)
    not_stopped: str = ""
    """Why the attack still works."""


def attack(
    name: str,
    program: str,
    *ends: str,
    needs: str = "",
    not_stopped: str = "",
    **limits: float,
) -> Attack:
    """Return an attack; it must end as one of some words."""
    return Attack(name, program, frozenset(ends), tuple(needs.split()), limits, not_stopped)


def table(attacks: Iterable[Attack]) -> list[ParameterSet]:
    """Return attacks for ``parametrize``, by name."""
    return [
        pytest.param(
            one,
            id=one.name,
            marks=[pytest.mark.xfail(strict=True, reason=one.not_stopped)]
            if one.not_stopped
            else [],
        )
        for one in attacks
    ]


def ending(evaluation: Evaluation) -> str:
    """Return how an evaluation ended, in one word."""
    if evaluation.error is not None:
        return str(evaluation.error.kind)
    if evaluation.violations:
        return "+".join(violation.rule for violation in evaluation.violations)
    return OK
