"""What the functions of numpy, math and scipy do, as far as laws use them.

Whatever is not in the table is not known, and a program that uses it has no formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.leaderboard.formula import arrays, scalars
from harness.leaderboard.formula.array_functions import ARRAY_FUNCTIONS, is_float_type
from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises
from harness.leaderboard.formula.values import (
    Machine,
    Module,
    Value,
    is_number,
)

Handler = Callable[..., Value]
"""Called with the machine, then the program's arguments, by place and by name."""

CONSTANTS: dict[str, Value] = {
    **{
        f"{module}.{name}": getattr(math, name)
        for module in ("numpy", "math")
        for name in ("pi", "e", "inf", "nan")
    },
    "math.tau": math.tau,
    "numpy.newaxis": None,
    "numpy.finfo().eps": float(np.finfo(float).eps),
    "numpy.finfo().tiny": float(np.finfo(float).tiny),
    "numpy.finfo().max": float(np.finfo(float).max),
    "sys.float_info.epsilon": float(np.finfo(float).eps),
    "sys.float_info.min": float(np.finfo(float).tiny),
    "sys.float_info.max": float(np.finfo(float).max),
}

_NOT_FINITE = "what the program does with values that are not finite"

MODULES = {
    "numpy", "math", "scipy", "scipy.special", "scipy.optimize", "numpy.linalg", "numpy.random",
    "numpy.polynomial", "scipy.stats", "scipy.linalg", "warnings", "itertools", "functools",
    "typing", "collections", "collections.abc", "__future__", "dataclasses", "sys", "numpy.typing",
    "sys.float_info", "json", "re", "os", "time", "copy", "operator", "random", "logging",
    "numpy.finfo()", "scipy.interpolate", "abc", "enum", "string", "statistics", "cmath",
}  # fmt: skip
"""Modules that may be imported; of what they hold, only what the table below names can be used."""


def _unary(op: str) -> Handler:
    return lambda machine, x: arrays.combine(machine, lambda a: scalars.unary(machine, op, a), x)


def _binary(op: str) -> Handler:
    return lambda machine, a, b: arrays.combine(machine, scalars.binary(machine, op), a, b)


def _bound(op: str) -> Handler:
    return lambda machine, a, b: arrays.combine(machine, scalars.bound(machine, op), a, b)


def _logical(op: str) -> Handler:
    return lambda machine, *values: arrays.combine(machine, scalars.logical(machine, op), *values)


def _compared(op: str) -> Handler:
    return lambda machine, a, b: arrays.combine(machine, scalars.compare(machine, op), a, b)


def _where(machine: Machine, condition: Value, a: Value, b: Value) -> Value:
    return arrays.combine(machine, scalars.choose(machine), condition, a, b)


def _clip(
    machine: Machine, x: Value, a_min: Value = None, a_max: Value = None, **other: Value
) -> Value:
    low, high = other.pop("min", a_min), other.pop("max", a_max)
    if other:
        raise GiveUp("clip with other arguments")
    if low is not None:
        x = _bound("max")(machine, x, low)
    return x if high is None else _bound("min")(machine, x, high)


def _finite(known: bool) -> Handler:
    def judge(item: Any) -> bool:
        if is_number(item):
            raise GiveUp("asks whether a constant is finite")
        return known

    def check(machine: Machine, x: Value) -> Value:
        machine.terms.note(_NOT_FINITE)
        return arrays.combine(machine, judge, x)

    return check


def _nan_to_num(machine: Machine, x: Value, **_: Value) -> Value:
    machine.terms.note(_NOT_FINITE)
    return x


def _ignored(_machine: Machine, *_: Value, **__: Value) -> Value:
    return None


def _finfo(_machine: Machine, dtype: Value) -> Value:
    if dtype is None or not is_float_type(dtype):
        raise GiveUp("another type of numbers")
    return Module("numpy.finfo()")


def _scalar_only(handler: Handler) -> Handler:
    def call(machine: Machine, *values: Value) -> Value:
        if any(not isinstance(value, Expr) and not is_number(value) for value in values):
            raise ProgramRaises("a function of numbers gets something else")
        return handler(machine, *values)

    return call


_UNARY = {
    "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sqrt": "sqrt",
    "abs": "abs", "absolute": "abs", "fabs": "abs", "sign": "sign", "sin": "sin", "cos": "cos",
    "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arctan": "atan",
    "arcsinh": "asinh", "log2": "log2", "log10": "log10", "square": "square",
    "negative": "neg",
}  # fmt: skip

_BINARY = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div",
    "power": "pow", "float_power": "pow", "logaddexp": "logaddexp",
}  # fmt: skip

_MATH_ONE = (
    "exp", "log1p", "expm1", "sqrt", "fabs", "sin", "cos", "tan", "sinh", "cosh", "tanh", "log2",
    "log10",
)  # fmt: skip


def _logarithm(machine: Machine, x: Value, base: Value = None) -> Value:
    result = scalars.unary(machine, "log", x)
    if base is None:
        return result
    return scalars.binary(machine, "div")(result, scalars.unary(machine, "log", base))


_NUMPY: dict[str, Handler] = {
    **ARRAY_FUNCTIONS,
    **{name: _unary(op) for name, op in _UNARY.items()},
    **{name: _binary(op) for name, op in _BINARY.items()},
    **dict.fromkeys(("maximum", "fmax"), _bound("max")),
    **dict.fromkeys(("minimum", "fmin"), _bound("min")),
    **{f"logical_{op}": _logical(op) for op in ("and", "or", "not")},
    **dict(
        zip(
            ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
            map(_compared, scalars.COMPARISONS),
            strict=True,
        )
    ),
    "where": _where,
    "clip": _clip,
    "isfinite": _finite(True),
    "isnan": _finite(False),
    "isinf": _finite(False),
    "nan_to_num": _nan_to_num,
    "finfo": _finfo,
    "seterr": _ignored,
}

FUNCTIONS: dict[str, Handler] = {
    **{f"numpy.{name}": handler for name, handler in _NUMPY.items()},
    **{f"math.{name}": _scalar_only(_unary(_UNARY[name])) for name in _MATH_ONE},
    "math.log": _scalar_only(_logarithm),
    "math.pow": _scalar_only(_binary("pow")),
    "math.isfinite": _scalar_only(_finite(True)),
    "math.isnan": _scalar_only(_finite(False)),
    "math.isinf": _scalar_only(_finite(False)),
    "scipy.special.expit": _unary("expit"),
    **{f"warnings.{name}": _ignored for name in ("warn", "simplefilter", "filterwarnings")},
    "builtins.print": _ignored,
}
"""By full name; those of the language itself that take any value are in ``builtin_calls``."""
