"""Writes a law as a candidate program: readable, self-contained, numpy and scipy only.

A written program computes what its tree computes, operation by operation, and fits with the same
code (``runtime``): their scores agree to 1e-9, which ``refit`` and the tests compare.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.evolution import runtime
from harness.evolution.expression import Law
from harness.evolution.formula import formula
from harness.evolution.rows import Axis, FloatArray, Kind, Loss, sizes_of

_WIDTH, _LONG = 96, 100
_FITS: dict[Loss, tuple[str, ...]] = {
    "squares": ("row_weights", "weighed", "fit_shape"),
    "robust": ("row_weights", "weighed", "fit_shape", "fit_robust"),
}
"""What of the runtime each loss needs; the last one is called."""


@dataclass(frozen=True, slots=True, eq=False)
class Emission:
    """What is written besides the law."""

    title: str
    axes: tuple[Axis, ...]
    targets: tuple[str, ...]
    starts: FloatArray
    """Shape constants that each fit begins with, ``(S, P)``."""
    origin: str = ""
    """Where the law comes from, a sentence."""
    loss: Loss = "squares"
    """How residuals of its fits count."""


def write_program(law: Law, emission: Emission) -> str:
    """Return a law as the text of an ``evolve-block`` program.

    Args:
        law: The law.
        emission: Names, references, starts.
    """
    names = _coordinate_names(emission.axes)
    constants = slot_names(law, emission.axes)
    parts = [
        _terms(law, emission, names, constants),
        *map(plain_source, _solvers(law)),
        *map(plain_source, _FITS[emission.loss]),
        _fit(law, emission),
        _predict(law, emission),
    ]
    return (
        f"{_docstring(law, emission)}\n\nimport numpy as np\n"
        "from scipy.optimize import least_squares\n\n"
        f"# EVOLVE-BLOCK-START\n{_numbers(law, emission, constants)}\n\n\n"
        + "\n\n\n".join(part.strip("\n") for part in parts)
        + "\n\n\n# EVOLVE-BLOCK-END\n"
    )


def _solvers(law: Law) -> tuple[str, ...]:
    """Return which functions of the runtime solve for its linear constants."""
    return ("solve_linear", "solve_signed") if law.positive else ("solve_linear",)


def slot_names(law: Law, axes: Sequence[Axis]) -> list[str]:
    """Return names for the shape constants: what each is, and of which features."""
    features = identifiers([axis.name for axis in axes])
    names: list[str] = []
    for term in law.terms:
        for factor in term.factors:
            of = "_".join(features[index] for index in sorted(factor.features)[:2])
            names += [f"{slot.name}_{of}" for slot in factor.slots]
    return _numbered(names)


def identifiers(names: Sequence[str]) -> list[str]:
    """Return names as parts of Python names, all different: a column can be called anything."""
    plain = [re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_") for name in names]
    return _numbered([name or "column" for name in plain])


def _numbered(names: list[str]) -> list[str]:
    """Return names with a number behind those that are there more than once."""
    taken = {name for name in names if names.count(name) == 1}
    result = []
    for name in names:
        own, number = name, 0
        while names.count(name) > 1 and (number == 0 or own in taken):
            number += 1  # past the names of columns that end in a number themselves
            own = f"{name}_{number}"
        taken.add(own)
        result.append(own)
    return result


def _coordinate_names(axes: Sequence[Axis]) -> list[str]:
    """Return what coordinates are called; each begins so that it is no name of numpy's or ours."""
    names = []
    for axis, name in zip(axes, identifiers([axis.name for axis in axes]), strict=True):
        prefix = "log_" if axis.kind is not Kind.LOG else "" if name.startswith("log_") else "x_"
        names.append(prefix + name)
    return names if len(set(names)) == len(names) else [f"x_{n}" for n in range(len(names))]


def _docstring(law: Law, emission: Emission) -> str:
    text = formula(law, emission.axes, emission.targets)
    lines = [emission.title, "", *textwrap.wrap(text, _WIDTH, subsequent_indent="    ")]
    lines += ["", f"{law.n_constants} constants for each target of a group."]
    if emission.origin:
        lines += ["", *textwrap.wrap(emission.origin, _WIDTH)]
    clean = "\n".join(lines).replace("\\", "/").replace('"""', "'''")
    return f'"""{clean}\n"""'


def _numbers(law: Law, emission: Emission, constants: Sequence[str]) -> str:
    lines = ["# Shape constants: lower and upper bound, what is usual and how far from it."]
    if law.slots:
        lines += ["SHAPE = np.array(", "    ["]
        for row, name in zip(_shape(law).T, constants, strict=True):
            lines.append(f"        {row.tolist()!r},  # {name}")
        lines += ["    ]", ").T"]
    else:
        lines.append("SHAPE = np.empty((4, 0))")
    lines.append("# Where fits begin.")
    rows = [f"        {[float(f'{v:.6g}') for v in row]!r}," for row in emission.starts]
    if law.slots:
        lines += ["STARTS = np.array(", "    [", *rows, "    ]", ")"]
    else:
        lines.append("STARTS = np.empty((1, 0))")
    if law.positive:
        lines.append("# Columns of terms() whose constants are not negative: as these change.")
        lines.append(f"POSITIVE = {law.positive!r}")
    lines.append("# Features that may say how large a run is: shares do not.")
    lines.append(f"SIZES = np.array({sizes_of(emission.axes)!r}, dtype=int)")
    return "\n".join(lines)


def _shape(law: Law) -> FloatArray:
    """Return bounds of the shape constants, what is usual of each and its spread, ``(4, P)``."""
    rows = [[s.low, s.high, float(f"{s.usual:.6g}"), float(f"{s.spread:.6g}")] for s in law.slots]
    return np.array(rows).reshape(len(law.slots), 4).T


def _terms(law: Law, emission: Emission, names: Sequence[str], constants: Sequence[str]) -> str:
    lines = [
        "def terms(data_points, shape):",
        '    """Return what the linear constants multiply: (rows, terms)."""',
    ]
    for index, (axis, name) in enumerate(zip(emission.axes, names, strict=True)):
        if index in law.features:
            column = f"data_points[:, {index}]"
            if axis.kind is Kind.LOG:
                lines.append(f"    {name} = ({column} - {axis.reference!r}) / {axis.unit!r}")
            else:
                lines.append(
                    f"    {name} = np.log(np.maximum({column} / {axis.reference!r}, 1e-12))"
                )
    if constants:
        comma = "," if len(constants) == 1 else ""
        line = f"    {', '.join(constants)}{comma} = shape"
        each = [f"        {name}," for name in constants]
        lines += [line] if len(line) <= _LONG else ["    (", *each, "    ) = shape"]
    lines.append("    return np.column_stack(")
    lines.append("        [")
    for factors in law.code(names, constants):
        line = f"            {' * '.join(factors)},"
        if len(line) <= _LONG or len(factors) == 1:
            lines += _broken(line)
        else:
            first, *rest = factors
            lines += ["            (", *_broken(f"                {first}")]
            for factor in rest:
                lines += _broken(f"                * {factor}")
            lines.append("            ),")
    if law.offset:
        lines.append("            np.ones(len(data_points)),")
    lines += ["        ]", "    )"]
    return "\n".join(lines)


def _broken(line: str) -> list[str]:
    """Return a line that stands within brackets as several, none too long where a space allows."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line.strip(),
        _LONG,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _fit(law: Law, emission: Emission) -> str:
    y = "np.log(loss_values)" if law.link == "log" else "loss_values"
    call = _FITS[emission.loss][-1]
    solve = ", solve=solve" if law.positive else ""
    each = f"{call}(columns, {{y}}, weights, STARTS, SHAPE{solve})"
    begin = f"    y = {y}\n    weights = row_weights(data_points, loss_values, SIZES)\n"
    begin += "\n    def columns(shape):\n        return terms(data_points, shape)\n\n"
    if law.positive:
        begin += "    def solve(basis, y):\n        return solve_signed(basis, y, POSITIVE)\n\n"
    if len(emission.targets) == 1:
        body = f"{begin}    return {each.format(y='y')}"
    else:
        body = f"{begin}    return np.stack(\n        [\n"
        body += f"            {each.format(y='y[:, target]')}\n"
        body += "            for target in range(y.shape[1])\n        ]\n    )"
    return (
        "\n\ndef fit_scaling_law(data_points, loss_values):\n"
        '    """Return the linear constants, then the shape constants."""\n' + body
    )


def _predict(law: Law, emission: Emission) -> str:
    linear = law.n_linear
    if len(emission.targets) == 1:
        total = f"terms(data_points, params[{linear}:]) @ params[:{linear}]"
        body = f"    total = {total}"
    else:
        body = (
            "    total = np.column_stack(\n        [\n"
            f"            terms(data_points, own[{linear}:]) @ own[:{linear}] for own in params\n"
            "        ]\n    )"
        )
    answer = "np.exp(np.clip(total, -60.0, 60.0))" if law.link == "log" else "total"
    return (
        "\n\ndef scaling_law_func(data_points, params):\n"
        '    """Predict every row from the constants."""\n' + body + f"\n    return {answer}"
    )


def plain_source(name: str) -> str:
    """Return a function of the runtime without its annotations."""
    source = inspect.getsource(getattr(runtime, name))
    source = re.sub(r": (?:Callable\[\[Any\], Any\]|Any)(?=[,)\n])", "", source)
    source = source.replace(": Any = ", "=")
    head, end = source.split(" -> Any:", 1)  # what stood in several lines fits one now
    head = re.sub(r"\(\n +", "(", re.sub(r",\n +", ", ", head)).replace(",\n)", ")")
    source = f"{head} -> Any:{end}"
    return "\n\n" + re.sub(r" -> Any:", ":", source).rstrip("\n")


def refit(
    law: Law,
    axes: Sequence[Axis],
    starts: FloatArray,
    features: FloatArray,
    y: FloatArray,
    loss: Loss = "squares",
) -> FloatArray:
    """Fit a tree to some rows as its program does; returns the constants, ``(T, K + P)``.

    Args:
        law: The law.
        axes: Of the features.
        starts: Where fits begin, ``(S, P)``.
        features: ``(N, F)``.
        y: ``(N, T)``.
        loss: How residuals count.
    """
    rounded = np.array([[float(f"{v:.6g}") for v in row] for row in starts])
    rounded = rounded.reshape(len(starts), len(law.slots))
    target = np.log(y) if law.link == "log" else y
    columns = [np.ascontiguousarray(target[:, index]) for index in range(y.shape[1])]
    weights = runtime.row_weights(features, y, sizes_of(axes))

    def solve(basis: FloatArray, aim: FloatArray) -> Any:
        if law.positive:
            return runtime.solve_signed(basis, aim, law.positive)
        return runtime.solve_linear(basis, aim)

    return np.stack(
        [
            getattr(runtime, _FITS[loss][-1])(
                lambda shape: _basis(law, axes, features, shape),
                column,
                weights,
                rounded,
                _shape(law),
                solve=solve,
            )
            for column in columns
        ]
    )


def predict(
    law: Law, axes: Sequence[Axis], constants: FloatArray, features: FloatArray
) -> FloatArray:
    """Predict rows from a tree's constants, as its program does; ``(N, T)``."""
    linear = law.n_linear
    total = np.column_stack(
        [_basis(law, axes, features, own[linear:]) @ own[:linear] for own in constants]
    )
    return np.exp(np.clip(total, -60.0, 60.0)) if law.link == "log" else total


def _basis(law: Law, axes: Sequence[Axis], features: FloatArray, shape: FloatArray) -> FloatArray:
    columns = [axis.coordinate(features[:, index]) for index, axis in enumerate(axes)]
    parts = law.basis(columns, list(shape))
    return np.column_stack([np.broadcast_to(part, len(features)) for part in parts])
