"""Arithmetic, comparison, logic and choice of two scalars, known or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from harness.leaderboard.formula.expressions import Expr, GiveUp, fold
from harness.leaderboard.formula.values import (
    Machine,
    is_number,
)

_NO_NUMBERS = "rows for which the program gives no number"


def binary(machine: Machine, op: str) -> Callable[[Any, Any], Any]:
    """Return an operation on two scalars; numbers are computed with at once."""

    def apply(a: Any, b: Any) -> Any:
        if is_number(a) and is_number(b):
            return fold(op, a, b)
        return machine.terms.apply(op, a, b)

    return apply


def bound(machine: Machine, op: str) -> Callable[[Any, Any], Any]:
    """Return the maximum or minimum of two scalars."""
    no_bound = -math.inf if op == "max" else math.inf

    def apply(a: Any, b: Any) -> Any:
        if a == no_bound:
            return b
        return a if b == no_bound else binary(machine, op)(a, b)

    return apply


def negative(machine: Machine, a: Any) -> Any:
    """Return minus a scalar."""
    return -a if is_number(a) else machine.terms.apply("neg", a)


def compare(machine: Machine, op: str) -> Callable[[Any, Any], Any]:
    """Return a comparison of two scalars, known or not."""

    def apply(a: Any, b: Any) -> Any:
        if is_number(a) and is_number(b):
            return COMPARISONS[op](a, b)
        return machine.terms.apply(op, a, b)

    return apply


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def logical(machine: Machine, op: str) -> Callable[..., Any]:
    """Return ``and``, ``or`` or ``not`` of truth values, known or not."""

    def apply(*values: Any) -> Any:
        for value in values:
            if not isinstance(value, bool) and not (isinstance(value, Expr) and value.is_condition):
                raise GiveUp("logic with numbers")
        if op == "not":
            known = isinstance(values[0], bool)
            return not values[0] if known else machine.terms.apply("not", values[0])
        decisive = op == "or"
        if any(value is decisive for value in values):
            return decisive
        unknown = [value for value in values if not isinstance(value, bool)]
        if len(unknown) < 2:
            return unknown[0] if unknown else not decisive
        return machine.terms.apply(op, *unknown)

    return apply


def choose(machine: Machine) -> Callable[[Any, Any, Any], Any]:
    """Return the choice between two scalars; what is no number is never chosen."""

    def apply(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, bool):
            return a if condition else b
        if not (isinstance(condition, Expr) and condition.is_condition):
            raise GiveUp("a choice by numbers")
        for value, other in ((a, b), (b, a)):
            if isinstance(value, float) and not math.isfinite(value):
                machine.terms.note(_NO_NUMBERS)
                return other
        return machine.terms.apply("where", condition, a, b)

    return apply


def unary(machine: Machine, op: str, a: Any) -> Any:
    """Return a function of one scalar."""
    terms = machine.terms
    if is_number(a):
        if op in {"abs", "neg"}:
            return abs(a) if op == "abs" else -a
        if (op in {"log", "log2", "log10"} and a <= 0) or (op == "sqrt" and a < 0):
            raise GiveUp("the logarithm or root of a constant that has none")
    match op:
        case "log2" | "log10":
            return terms.apply("div", terms.apply("log", a), terms.apply("log", int(op[3:])))
        case "square":
            return binary(machine, "pow")(a, 2)
        case "expit":
            return terms.apply(
                "div", 1, terms.apply("add", 1, terms.apply("exp", negative(machine, a)))
            )
        case _:
            return terms.apply(op, a)
