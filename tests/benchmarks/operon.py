"""A general symbolic regression under the same rules: pyoperon's laws, refitted and chosen by us.

Needs the extra ``sr``. pyoperon breeds expressions on all train rows, every cell (one target of
one group) standardised, so that all groups share a shape. What lies on its front of error against
length is refitted to each cell from the constants found, judged on the search folds, and chosen by
the same fitness as everything else; constants within the task's cap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.evolution import runtime
from harness.evolution.emit import plain_source
from harness.evolution.fitness import BEST, WORST, costs
from harness.evolution.folds import Fold, everything
from harness.evolution.rows import FloatArray, Kind, TrainRows

SYMBOLS = "add,sub,mul,div,exp,log,square,constant,variable"
MAX_LENGTH = 24
RESTARTS = 3
MOST_JUDGED = 12
"""Expressions of a target that are refitted on the folds: the longest lists are cut evenly."""
BOUND = 1e3
_OF = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_CALL = {"Exp": "np.exp", "Log": "np.log", "Square": "np.square"}


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression of pyoperon: code in ``x`` (columns) and ``s`` (constants)."""

    code: str
    constants: tuple[float, ...]

    def terms(self, x: FloatArray) -> Callable[[Any], Any]:
        """Return what the two linear constants multiply, as a function of the others."""
        compiled = eval(f"lambda x, s: {self.code}", {"np": np})

        def basis(s: Any) -> Any:
            with np.errstate(all="ignore"):
                return np.column_stack([np.broadcast_to(compiled(x, s), len(x)), np.ones(len(x))])

        return basis


def operon_program(
    rows: TrainRows, folds: Sequence[Fold], cap: int | None, seed: int, seconds: float, jobs: int
) -> tuple[str, str]:
    """Return the program that is chosen, and its law in one line.

    Args:
        rows: The train rows; nothing else is known here.
        folds: The search folds.
        cap: Most constants of a group.
        seed: Of pyoperon's generator.
        seconds: Of breeding, all targets and restarts together.
        jobs: Threads.
    """
    each = None if cap is None else cap // len(rows.targets)
    share = max(1, round(seconds / RESTARTS / len(rows.targets)))
    chosen = []
    for target in range(len(rows.targets)):
        found: dict[str, Expression] = {}
        for restart in range(RESTARTS):
            for one in _bred(rows, target, seed * 100 + restart, share, jobs):
                if each is None or len(one.constants) + 2 <= each:
                    found.setdefault(one.code, one)
        some = sorted(found.values(), key=lambda one: (len(one.constants), one.code))
        if not some:
            some = [Expression("s[0] * x[:, 0]", (1.0,))]
        if len(some) > MOST_JUDGED:
            places = np.linspace(0, len(some) - 1, MOST_JUDGED).round().astype(int)
            some = [some[place] for place in places]
        chosen.append(min(some, key=lambda one: _fitness(one, rows, target, folds)))
    return _written(chosen, rows), "; ".join(one.code for one in chosen)


def _columns(rows: TrainRows, group: int) -> FloatArray:
    """Return shares as they are, everything else as its coordinate, ``(N, F)``."""
    shares = np.array([axis.kind is Kind.SHARE for axis in rows.axes])
    return np.where(shares, rows.values[group], rows.coordinates[group])


def _bred(rows: TrainRows, target: int, seed: int, seconds: int, jobs: int) -> list[Expression]:
    from pyoperon.sklearn import SymbolicRegressor

    inputs, outputs = [], []
    for group in range(len(rows.groups)):
        real = rows.weights[group] > 0
        y = rows.y[group, real, target]
        inputs.append(_columns(rows, group)[real])
        outputs.append((y - y.mean()) / max(y.std(), 1e-12))
    regressor = SymbolicRegressor(
        allowed_symbols=SYMBOLS,
        objectives=["mse", "length"],
        max_length=MAX_LENGTH,
        optimizer_iterations=5,
        generations=10**6,
        max_evaluations=10**9,
        max_time=seconds,
        n_threads=jobs,
        random_state=seed,
    )
    regressor.fit(np.concatenate(inputs), np.concatenate(outputs))
    names = {hashed: int(name[1:]) - 1 for hashed, name in regressor.variables_.items()}
    return [_expression(one["tree"].Nodes, names) for one in regressor.pareto_front_]


def _expression(nodes: Sequence[Any], columns: dict[int, int]) -> Expression:
    """Read a tree, which pyoperon keeps in postfix order, last argument first."""
    constants: list[float] = []
    stack: list[str] = []
    for node in nodes:
        kind = str(node.Type).rsplit(".", 1)[-1]
        if kind == "Constant":
            constants.append(float(node.Value))
            stack.append(f"s[{len(constants) - 1}]")
        elif kind == "Variable":
            constants.append(float(node.Value))
            stack.append(f"s[{len(constants) - 1}] * x[:, {columns[node.HashValue]}]")
        elif kind in _CALL:
            stack.append(f"{_CALL[kind]}({stack.pop()})")
        else:
            parts = [stack.pop() for _ in range(node.Arity)]
            stack.append("(" + f" {_OF[kind]} ".join(f"({part})" for part in parts) + ")")
    code = stack.pop()
    return _without_scale(code, constants)


def _without_scale(code: str, constants: list[float]) -> Expression:
    """Drop the scale and offset that pyoperon puts around a tree: both are solved for anyway."""
    last = len(constants) - 1
    around = re.fullmatch(
        rf"\(\(s\[{last}\]\) \+ \(\(\(s\[{last - 1}\]\) \* \((.*)\)\)\)\)", code, re.DOTALL
    )
    if around is None or last < 1:
        return Expression(code, tuple(constants))
    return Expression(around[1], tuple(constants[:-2]))


def _fitted(one: Expression, x: FloatArray, y: FloatArray) -> FloatArray:
    start = np.array([one.constants])
    # Nothing is usual of its constants: the spread is infinite.
    shape = np.outer([-BOUND, BOUND, 0.0, np.inf], np.ones(len(one.constants)))
    with np.errstate(all="ignore"):
        return np.asarray(runtime.fit_shape(one.terms(x), y, np.ones(len(y)), start, shape))


def _fitness(one: Expression, rows: TrainRows, target: int, folds: Sequence[Fold]) -> float:
    """Return the fitness of one target's expression."""
    logs = []
    for fold in (*folds, everything(rows)):
        off, seen = [], []
        for group in range(len(rows.groups)):
            judged, fitted = fold.judged[group], fold.fitted[group]
            if not judged.any():
                continue
            x, y = _columns(rows, group), rows.y[group, :, target]
            try:
                constants = _fitted(one, x[fitted], y[fitted])
                with np.errstate(all="ignore"):
                    predicted = one.terms(x[judged])(constants[2:]) @ constants[:2]
            except (ValueError, np.linalg.LinAlgError):
                return float("inf")
            off.append(predicted - y[judged])
            seen.append(y[judged])
        with np.errstate(all="ignore"):
            error = np.square(np.concatenate(off)).mean() / np.concatenate(seen).var()
        logs.append(np.log(np.clip(np.nan_to_num(error, nan=WORST), BEST, WORST)))
    *errors, fit = logs
    return float(costs(np.exp(errors), len(one.constants) + 2, float(np.exp(fit))).mean())


def _written(chosen: Sequence[Expression], rows: TrainRows) -> str:
    """Return a candidate program with one expression for each target."""
    columns = []
    for place, axis in enumerate(rows.axes):
        value = f"data_points[:, {place}]"
        if axis.kind is Kind.SCALE:
            columns.append(f"np.log(np.maximum({value}, 1e-12) / {axis.reference!r})")
        elif axis.kind is Kind.SHARE:
            columns.append(value)
        else:
            columns.append(f"{value} - {axis.reference!r}")
    widest = max(len(one.constants) for one in chosen)
    code = [
        '"""A law found by pyoperon, refitted by variable projection."""',
        "import numpy as np\nfrom scipy.optimize import least_squares\n",
        "# EVOLVE-BLOCK-START",
        "SHAPES = (" + ", ".join(f"lambda x, s: {one.code}" for one in chosen) + ",)",
        f"STARTS = {[list(one.constants) for one in chosen]!r}",
        f"WIDEST = {widest}",
        "def columns(data_points):",
        f"    return np.column_stack([{', '.join(columns)}])",
        "def basis(shape, x, s):",
        '    with np.errstate(all="ignore"):',
        "        whole = np.broadcast_to(shape(x, s), len(x))",
        "    return np.column_stack([whole, np.ones(len(x))])",
        *map(plain_source, ("solve_linear", "weighed", "fit_shape")),
        "def fit_scaling_law(data_points, loss_values):",
        "    x, y = columns(data_points), loss_values.reshape(len(data_points), -1)",
        "    found = []",
        "    for place, shape in enumerate(SHAPES):",
        "        start = np.array([STARTS[place]])",
        f"        limits = np.outer([{-BOUND}, {BOUND}, 0.0, np.inf], np.ones(start.size))",
        "        terms = lambda s: basis(shape, x, s)",
        "        own = fit_shape(terms, y[:, place], np.ones(len(x)), start, limits)",
        "        found.append(np.concatenate([own, np.zeros(WIDEST + 2 - len(own))]))",
        "    return np.stack(found) if len(SHAPES) > 1 else found[0]",
        "def scaling_law_func(data_points, params):",
        "    x, out = columns(data_points), []",
        "    for place, shape in enumerate(SHAPES):",
        "        own = np.atleast_2d(params)[place]",
        "        used = 2 + len(STARTS[place])",
        "        out.append(basis(shape, x, own[2:used]) @ own[:2])",
        "    return np.column_stack(out) if len(SHAPES) > 1 else out[0]",
        "# EVOLVE-BLOCK-END\n",
    ]
    return "\n".join(code)
