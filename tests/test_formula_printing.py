"""Formulas as a reader reads them: what MathML and text say is what the law computes."""

from __future__ import annotations

import math
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from harness.leaderboard.formula import FormulaWorker
from harness.leaderboard.formula.expressions import Expr, GiveUp, Terms
from harness.leaderboard.formula.mathml import checked_mathml, symbol_mathml, symbol_text, wrapped

pytest.importorskip("sympy")

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
SIGNS = {
    "\u2062": "*", "\u00b7": "*", "\u00d7": "*", "\u2061": "", "\u2212": "-", "=": "==",
    "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "otherwise": "True", "if ": "",
    "arctan": "atan", "arcsinh": "asinh",
}  # fmt: skip
NAMES = ("x", "A_1", "beta", "long_name")


def choose(*rows: tuple[float, bool]) -> float:
    return next(value for value, condition in rows if condition)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(math, name)
    for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "asinh")
}
FUNCTIONS |= {
    "abs": abs,
    "max": max,
    "min": min,
    "sign": lambda x: (x > 0) - (x < 0),
    "neg": lambda a: -a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": pow,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
    "where": lambda condition, a, b: a if condition else b,
}
READABLE = {
    **{name: FUNCTIONS[name] for name in FUNCTIONS if name not in {"and", "or", "not"}},
    "Abs": abs,
    "Max": max,
    "Min": min,
    "choose": choose,
    "Piecewise": choose,
}


def compute(node: Expr, values: dict[Expr, float]) -> Any:
    if node.op == "num":
        return node.value
    if node.op == "sym":
        return values[node]
    return FUNCTIONS[node.op](*(compute(part, values) for part in node.args))


def read(node: ET.Element) -> str:
    """Return MathML as a line of Python: an ``mrow`` is read from left to right, as on paper."""
    tag = node.tag.removeprefix(NAMESPACE)
    shown = ET.tostring(node, encoding="unicode").replace("ns0:", "").partition(" xmlns")
    bare = shown[0] + shown[2].partition(">")[1] + shown[2].partition(">")[2] if shown[1] else ""
    for name in NAMES:
        if bare == symbol_mathml(name):
            return name
    parts = [read(child) for child in node]
    match tag:
        case "mi" | "mn" | "mo" | "mtext":
            text = node.text or ""
            return SIGNS.get(text, text)
        case "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        case "msup":
            return f"{parts[0]}**({parts[1]})"
        case "msqrt":
            return f"sqrt({parts[0]})"
        case "mtable":
            return f"choose({','.join(parts)})"
        case "mtr":
            return f"({','.join(parts)})"
        case "mrow" if parts[:1] == ["{"]:
            return parts[1]
        case "mrow" if parts[:1] == parts[2:] == ["|"]:
            return f"abs({parts[1]})"
    return "".join(parts)


def some_law(terms: Terms, chance: random.Random, depth: int) -> Any:
    if not depth or chance.random() < 0.12:
        symbols = [terms.symbol(("param", place)) for place in range(len(NAMES))]
        numbers = (1, 2, 3, 0.5, -1, -2, -0.25, 1e9, 1e-9, -3e-7, 10)
        return chance.choice(symbols) if chance.random() < 0.7 else chance.choice(numbers)
    operations = ["add", "sub", "mul", "div", "pow", "neg", "exp", "log", "max", "min", "sqrt"]
    op = chance.choice([*operations, *operations[:4], "abs", "tanh", "sign", "where"])
    first = some_law(terms, chance, depth - 1)
    if op in {"neg", "exp", "log", "sqrt", "abs", "tanh", "sign"}:
        return terms.apply(op, first)
    second = some_law(terms, chance, depth - 1)
    if op == "where":
        return terms.apply(op, some_condition(terms, chance, 2), first, second)
    return terms.apply(op, first, second)


def some_condition(terms: Terms, chance: random.Random, depth: int) -> Expr:
    if depth and chance.random() < 0.5:
        parts = [some_condition(terms, chance, depth - 1) for _ in range(2)]
        op = chance.choice(["and", "or", "not"])
        return terms.apply(op, *parts[: 1 if op == "not" else 2])
    symbol = terms.symbol(("param", chance.randrange(len(NAMES))))
    other = terms.symbol(("param", chance.randrange(len(NAMES))))
    return terms.apply(
        chance.choice(["lt", "le", "gt", "ge"]), symbol, terms.apply("mul", 2, other)
    )


@pytest.mark.parametrize("seed", range(6))
def test_random_laws_are_written_so_that_they_are_read_as_meant(seed: int) -> None:
    """Regression: sympy's own printers lose parentheses of expressions that are not evaluated."""
    from harness.leaderboard.formula import printing, text, trees

    chance = random.Random(seed)
    checked = 0
    for _ in range(400):
        terms = Terms()
        symbols = [terms.symbol(("param", place)) for place in range(len(NAMES))]
        values = {symbol: chance.uniform(0.3, 3.0) for symbol in symbols}
        try:
            law = terms.wrap(some_law(terms, chance, chance.randint(1, 5)))
            expected = compute(law, values)
            written = trees.to_sympy(law, dict(zip(symbols, NAMES, strict=True)))
        except (GiveUp, ValueError, OverflowError, ZeroDivisionError, TypeError):
            continue  # no real number, or sympy refuses it
        mathml = checked_mathml(wrapped(printing.to_mathml(written)))
        assert mathml is not None
        names = dict(zip(NAMES, values.values(), strict=True))
        for line in (read(ET.fromstring(mathml)), text.to_text(written)):
            try:
                found = eval(line, {**READABLE, **names})
            except (ValueError, OverflowError, ZeroDivisionError, TypeError):
                continue  # the branch that is not taken is none of a real number
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-6), line
            checked += 1
    assert checked > 300


@pytest.mark.parametrize(
    ("name", "text", "mathml"),
    [
        ("alpha", "α", "<mi>α</mi>"),
        ("A_1", "A_1", "<msub><mi>A</mi><mn>1</mn></msub>"),
        ("D0", "D_0", "<msub><mi>D</mi><mn>0</mn></msub>"),
        ("beta_N", "β_N", "<msub><mi>β</mi><mi>N</mi></msub>"),
        ("log_A_j", "log_A_j", "<msub><mi>log_A</mi><mi>j</mi></msub>"),
        (
            "row_j_2",
            "row_j,2",
            "<msub><mi>row</mi><mrow><mi>j</mi><mo>,</mo><mn>2</mn></mrow></msub>",
        ),
        ("num_params", "num_params", "<mi>num_params</mi>"),
    ],
)
def test_symbols_are_spelt_alike_in_the_formula_and_beneath(
    name: str, text: str, mathml: str
) -> None:
    assert symbol_text(name) == text
    assert symbol_mathml(name) == mathml


LAW = b"""
def scaling_law_func(data_points, params):
    A1, A_1, alpha = params
    return A1 + A_1 / data_points[:, 0] ** alpha
"""
SLOW = b"""
def scaling_law_func(data_points, params):
    for i in range(1000):
        for j in range(50):
            pass
    return params[-1] * data_points[:, 0]
"""


def test_symbols_that_look_alike_get_other_names() -> None:
    worker = FormulaWorker()
    found = worker.formula(LAW, ["n"], ["loss"])
    worker.close()
    assert found is not None
    shown = [symbol for symbol, _ in found.symbols]
    assert len(shown) == len(set(shown)) == 3
    assert found.text == "loss = A1 + p_1/n**alpha"


def test_a_law_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    worker = FormulaWorker(seconds=0.3)
    assert worker.formula(SLOW, ["n"], ["loss"]) is None
    found = worker.formula(LAW, ["n"], ["loss"])
    worker.close()
    assert found is not None


HOSTILE = """
T = {
    "g": {"<script>x()</script>": 1.5, "\\u202ek": 2.5},
    "h": {"<script>x()</script>": 2.0, "\\u202ek": 3.0},
}
def law(input_data, group):
    \u05d0 = T[group]["<script>x()</script>"]
    return [{"loss": \u05d0 * row["n"] + T[group]["\\u202ek"]} for row in input_data]
"""


def test_what_a_program_calls_its_constants_is_shown_as_harmless_text() -> None:
    worker = FormulaWorker()
    found = worker.formula(HOSTILE.encode(), ["n"], ["loss"])
    worker.close()
    assert found is not None
    assert found.text == "loss = c0*n + c1"
    assert "script" not in found.mathml + found.text
    assert all(text.isprintable() for symbol in found.symbols for text in symbol)
