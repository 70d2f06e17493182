"""What a law's text means: each small program is read right, to the last digit, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.symbolic import Law, read_law
from harness.leaderboard.formula.targets import symbol_key
from harness.results.source_page import parse_page
from harness.tasks import load_catalogue

sympy = pytest.importorskip("sympy")

HEAD = "import math\nimport numpy as np\n"
FIT = "def fit_scaling_law(x, y):\n    return np.ones(4)\n"
DEFINE = "def scaling_law_func(data_points, params):\n"


def program(body: str, before: str = "", fit: str = FIT) -> str:
    """A program whose law has a body."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{HEAD}{before}{fit}{DEFINE}{lines}"


def expression_of(law: Law) -> Any:
    from harness.leaderboard.formula import trees

    return trees.to_sympy(law.expression, {node: name for node, name, _ in law.symbols})


def text_of(law: Law) -> str:
    from harness.leaderboard.formula import text

    return text.to_text(expression_of(law))


def values_of(law: Law, rows: np.ndarray, params: np.ndarray, target: int = 0) -> np.ndarray:
    """Compute a law of ``params`` for rows."""
    keys = [symbol_key(node) for node, _, _ in law.symbols]
    keys = [place[target] if kind == "each" else (kind, place) for kind, place in keys]
    given = [params[place] if kind == "param" else rows[:, place] for kind, place in keys]
    symbols = [sympy.Symbol(name) for _, name, _ in law.symbols]
    found = sympy.lambdify(symbols, expression_of(law), "numpy")(*given)
    return np.broadcast_to(found, len(rows))


def length_of(law: Law) -> int:
    keys = [symbol_key(node) for node, _, _ in law.symbols]
    flat = [x for kind, place in keys for x in (place if kind == "each" else [(kind, place)])]
    return max((place for kind, place in flat if kind == "param"), default=0) + 1


def run(text: str, rows: np.ndarray, params: np.ndarray) -> np.ndarray:
    """What the program itself predicts, after its fit."""
    names: dict[str, Any] = {"__name__": "program"}
    exec(text, names)
    names["fit_scaling_law"](rows.copy(), rows[:, 0].copy())
    return np.asarray(names["scaling_law_func"](rows.copy(), params.copy()), dtype=np.float64)


READ = {
    # arithmetic as people write it, with the parentheses that it needs
    "return params[0] - data_points[:, 0] - (params[1] - params[2])": "p_0 - a - (p_1 - p_2)",
    "return params[0] / data_points[:, 0] / (params[1] / params[2])": "p_0/(a*(p_1/p_2))",
    "return -data_points[:, 0] ** params[0] ** params[1]": "-a**(p_0**p_1)",
    "return params[0] * data_points[:, 0] * (7 // 2) + (-7) // 2 + (-7) % 3": "p_0*a*3 - 4 + 2",
    "return params[0] * np.log10(data_points[:, 0]) + math.log(8, 2)":
        "p_0*log(a)/log(10) + log(8)/log(2)",
    "return np.exp(params[0] * np.log(data_points[:, 0]))": "a**p_0",
    "return np.log1p(np.exp(params[0])) * data_points[:, 0]": "log(1 + exp(p_0))*a",
    "return np.abs(params[0] - data_points[:, 0]) * np.sign(data_points[:, 1])":
        "Abs(p_0 - a)*sign(b)",
    # bounds
    "return np.clip(data_points[:, 0], 2, params[0]) * params[1]": "Min(p_0, Max(2, a))*p_1",
    "return params[0] / np.maximum(data_points[:, 0], 2.5)": "p_0/Max(2.5, a)",
    "return params[0] / np.maximum(data_points[:, 0], 1e-12)": "p_0/a",
    "return np.exp(np.clip(params[0] * data_points[:, 0], -50, 50))": "exp(p_0*a)",
    "return np.exp(np.clip(params[0] * data_points[:, 0], -1, 1))": "exp(Min(1, Max(-1, p_0*a)))",
    # choices
    "x = data_points[:, 0]\nreturn np.where(x > 2, params[0] * x, params[1])":
        "Piecewise((p_0*a, a > 2), (p_1, True))",
    "x = data_points[:, 0]\nreturn np.where((x > 2) & ~(x < 4), params[0] * x, 1)":
        "Piecewise((p_0*a, (a > 2) and (not (a < 4))), (1, True))",
    "x = data_points[:, 0]\nreturn np.where(x < params[0], params[0], x)": "Max(a, p_0)",
    "x = data_points[:, 0]\nif params[0] > 1:\n    return params[0] * x\nreturn params[1] * x":
        "Piecewise((p_0*a, p_0 > 1), (p_1*a, True))",
    "k = params[0] if params[0] > 0.7 else 0.7\nreturn k * data_points[:, 0]": "Max(0.7, p_0)*a",
    # shapes
    "return params[0] + data_points @ params[1:3]": "p_0 + a*p_1 + b*p_2",
    "return params[0] * np.prod(data_points ** params[1:3], axis=1)": "p_0*a**p_1*b**p_2",
    "return (params[:2, None] * data_points.T).sum(axis=0)": "p_0*a + p_1*b",
    "s = data_points.sum(axis=1, keepdims=True)\nreturn (data_points / s)[:, 0] * params[0]":
        "a*p_0/(a + b)",
    "X = np.column_stack([np.ones(len(data_points)), data_points])\nreturn X @ params[:3]":
        "p_0 + a*p_1 + b*p_2",
    "x, y = data_points.T\nreturn params[0] * x + params[1] * y": "p_0*a + p_1*b",
    "return data_points[:, ::-1][:, 0] * params[0]": "b*p_0",
    "return (params[0] * data_points[:, 0])[:, None]": "p_0*a",
    # loops, over rows as well
    "s = 0\nx = data_points[:, 0]\nfor i in range(4):\n    if i % 2:\n        continue\n"
    "    s += params[i] * x\nreturn s": "p_0*a + p_2*a",
    "i = s = 0\nwhile i < 3:\n    s = s + params[i] * data_points[:, 0] ** i\n    i += 1\nreturn s":
        "p_0 + p_1*a + p_2*a**2",
    "out = np.zeros(len(data_points))\nfor i in range(len(data_points)):\n"
    "    out[i] = params[0] * data_points[i, 0]\nreturn out": "p_0*a",
    "out = []\nfor row in data_points:\n    if row[0] > 3:\n        v = params[0] * row[0]\n"
    "    else:\n        v = row[1]\n    out.append(v)\nreturn np.array(out)":
        "Piecewise((p_0*a, a > 3), (b, True))",
    "return [min(params[0], x) * y for x, y in data_points]": "Min(a, p_0)*b",
    # functions and scopes
    "f = [lambda x: x * params[i] for i in range(3)]\nreturn sum(g(data_points[:, 0]) for g in f)":
        "a*p_2 + a*p_2 + a*p_2",
    "k = params[0]\ndef f(x):\n    return k * x\nk = params[1] * 2\nreturn f(data_points[:, 0])":
        "p_1*2*a",
    "x = data_points[:, 0]\ndef f(n):\n    return params[0] * f(n - 1) if n else x\nreturn f(3)":
        "p_0*p_0*p_0*a",
    "max = min\nreturn max(params[0], params[1]) * data_points[:, 0]": "Min(p_0, p_1)*a",
    "params[0] = 2.0\nreturn params[0] * data_points[:, 0] + params[1]": "2*a + p_1",
    "x = data_points[:, 0] * 1.0\ny = x\ny += params[0]\nreturn x * y": "(a + p_0)*(a + p_0)",
    "l = [params[0]]\nm = l\nm.append(params[1])\nreturn l[-1] * data_points[:, 0]": "p_1*a",
    # names: the program's, but never a feature's for something else
    "E, A, alpha = params\nreturn E + A * data_points[:, 0] ** -alpha": "E + A/a**alpha",
    "a, b = params\nreturn a * data_points[:, 0] + b": "p_0*a + p_1",
    "total = params[0]\nfor i in range(1, 3):\n    total = total + params[i] * data_points[:, 0]\n"
    "return total": "p_0 + p_1*a + p_2*a",
}  # fmt: skip


@pytest.mark.parametrize("body", READ)
def test_a_law_is_read_and_gives_what_its_program_gives(body: str) -> None:
    law = read_law(program(body), ("a", "b"), ("y",))
    generator = np.random.default_rng(5)
    rows = generator.uniform(1.1, 6.0, (7, 2))
    # Only as many constants as the law takes, or one more where that is too few to be an array.
    for length in (length_of(law), length_of(law) + 1):
        params = generator.uniform(0.4, 1.6, length)
        try:
            expected = run(program(body), rows, params)
        except (ValueError, IndexError):
            continue
        np.testing.assert_allclose(values_of(law, rows, params), expected.ravel(), rtol=1e-9)
        break
    else:
        pytest.fail("the program ran with no number of constants")
    assert text_of(law) == READ[body]


ONE = "return params[0] * data_points[:, 0]"
UNCERTAIN = {
    "rows are mixed": program("x = data_points[:, 0]\nreturn params[0] * (x - x.mean())"),
    "rows are summed": program(f"{ONE} / sum(data_points[:, 0])"),
    "rows change places": program("return params[0] * data_points[::-1, 0]"),
    "one row for all": program("return params[0] * data_points[:, 0] / data_points[0, 0]"),
    "pairs of rows": program("x = data_points[:, 0]\nreturn (x[:, None] - x[None, :]).sum(axis=1)"),
    "rows by their number": program("return [params[0] * i for i in range(len(data_points))]"),
    "a row after the other": program(
        "out = []\nlast = 0.0\nfor row in data_points:\n    last = last + row[0]\n"
        "    out.append(params[0] * last)\nreturn np.array(out)"
    ),
    "how many rows": program("return params[0] * data_points[:, 0] * len(data_points)"),
    "some rows only": program("y = params[0] * data_points[:, 0]\ny[y > 3] = 3.0\nreturn y"),
    "a loop that ends early": program(
        "out = []\nfor row in data_points:\n    out.append(row[0])\n    if len(out) > 3:\n"
        "        break\nreturn np.array(out)"
    ),
    "how many constants": program("return sum(c * data_points[:, 0] for c in params)"),
    "which constant": program("return params[-1] * data_points[:, 0] + params[0]"),
    "whole numbers": program("return (params[0] * data_points[:, 0]).astype(int)"),
    "whole numbers stored": program("z = np.array([0, 0])\nz[0] = 2.7\nreturn z[0] * params[:1]"),
    "a view": program(
        "z = np.zeros((len(data_points), 2))\nz[:, 0] = data_points[:, 0]\nw = z[:, 0]\n"
        "z[:, 0] = 1.0\nreturn params[0] * w"
    ),
    "a counter": program(
        "return params[0] * f(f(data_points[:, 0]))",
        "def f(x, seen=[]):\n    seen.append(1)\n    return x * len(seen)\n",
    ),
    "chance": program(f"{ONE} * K", "K = np.random.rand()\n"),
    "another numpy": program("return np.exp(params[0] * data_points[:, 0])", "np.exp = np.sin\n"),
    "another numpy, later": program(
        "return np.exp(params[0] * data_points[:, 0])",
        fit="def fit_scaling_law(x, y):\n    np.exp = np.sin\n    return np.ones(1)\n",
    ),
    "another numpy, hidden": program(
        "return np.exp(params[0] * data_points[:, 0])", "np.__dict__.update(exp=np.sin)\n"
    ),
    "a class that acts": program(
        "return np.exp(params[0] * data_points[:, 0])", "class A:\n    np.exp = np.sin\n"
    ),
    "a decorator that acts": program(
        f"{ONE} * L[-1]",
        "L = [1.0]\ndef act(f):\n    L.append(2.0)\n    return f\n@act\ndef g():\n    pass\n",
    ),
    "a decorated law": HEAD + "def twice(f):\n    return lambda d, p: 2 * f(d, p)\n@twice\n"
    f"{DEFINE}    {ONE}\n",
    "unknown names": "from numpy import *\n" + program("return params[0] * exp(data_points[:, 0])"),
    "state that fit leaves": program(
        f"{ONE} * K",
        "K = 2.0\n",
        "def fit_scaling_law(x, y):\n    global K\n    K = x.mean()\n    return np.ones(1)\n",
    ),
    "state in a dict": program(
        f"{ONE} - S['m']",
        "S = {'m': 0.0}\n",
        "def fit_scaling_law(x, y):\n    s = S\n    s['m'] = x.mean()\n    return np.ones(1)\n",
    ),
    "state left by a helper": program(
        f"{ONE} - S['m']",
        "S = {'m': 0.0}\ndef put(d, m):\n    d['m'] = m\n",
        "def fit_scaling_law(x, y):\n    put(S, x.mean())\n    return np.ones(1)\n",
    ),
    "state in an array": program(
        f"{ONE} - S[0]",
        "S = np.array([1.0])\n",
        "def fit_scaling_law(x, y):\n    S[:] = x.mean()\n    return np.ones(1)\n",
    ),
    "state at a function": program(
        f"{ONE} - scaling_law_func.m",
        fit="def fit_scaling_law(x, y):\n    scaling_law_func.m = 1.0\n    return np.ones(1)\n",
    ),
    "another encoding": "# -*- coding: latin-1 -*-\n" + program(ONE),
    "no prediction": program("pass"),
    "too few values": program("a, b = data_points[:, 0], params[5:2]\nreturn np.sum(b) * a"),
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_is_not_certain_is_not_read(name: str) -> None:
    with pytest.raises((GiveUp, ProgramRaises)):
        read_law(UNCERTAIN[name], ("a", "b"), ("y",))


def test_the_number_of_constants_settles_which_is_the_last() -> None:
    body = "return params[-1] * data_points[:, 0] + params[0]"
    assert text_of(read_law(program(body), ("a", "b"), ("y",), 3)) == "p_2*a + p_0"


@pytest.mark.parametrize(
    ("before", "body", "text"),
    [
        ("class Unused:\n    size = 3\n    def f(self):\n        pass\n", ONE, "p_0*a"),
        ("GRID = np.linspace(0, 1, 5)\n", ONE, "p_0*a"),
        ("A, B = 1.0, 2.0\nA, B = B + 1, A + 5\n", f"{ONE} * B", "p_0*a*6"),
        ("K = 0\nfor i in range(3):\n    K += i\n", f"{ONE} * K", "p_0*a*3"),
        ("def make():\n    return 3.0\nK = make()\n", f"{ONE} * K", "p_0*a*3"),
        ("from numpy import exp as sin\n", f"{ONE} + sin(params[1])", "p_0*a + exp(p_1)"),
        ("def sum(x):\n    return x[0] - x[1]\n", f"{ONE} + sum(params)", "p_0*a + p_0 - p_1"),
    ],
)
def test_the_top_level_is_read_as_it_is_when_the_law_is_called(
    before: str, body: str, text: str
) -> None:
    assert text_of(read_law(program(body, before), ("a", "b"), ("y",))) == text


@pytest.mark.parametrize(
    ("after", "text"),
    [
        ("def scaling_law_func(d, p):\n    return p[0] - d[:, 0]\n", "p_0 - a"),
        ("scaling_law_func = lambda d, p: p[0] + d[:, 0]\n", "p_0 + a"),
        (
            "_f = scaling_law_func\ndef scaling_law_func(d, p):\n    return 2 * _f(d, p)\n",
            "2*p_0*a",
        ),
        ("if __name__ == '__main__':\n    print(scaling_law_func)\n", "p_0*a"),
    ],
)
def test_the_last_definition_of_a_law_counts(after: str, text: str) -> None:
    assert text_of(read_law(program(ONE) + after, ("a", "b"), ("y",))) == text


def test_what_a_formula_leaves_out_is_said() -> None:
    body = "if np.any(data_points < 0):\n    raise ValueError\n"
    body += "return params[0] / np.maximum(np.nan_to_num(data_points[:, 0]), 1e-9)"
    assert read_law(program(body), ("a", "b"), ("y",)).notes == (
        "checks that stop with an error",
        "what the program does with values that are not finite",
        "values are kept at 1e-09 or more",
    )


LAW = """
import math
TABLE = {"one": {"A": 2.0, "k": 0.5}, "two": {"A": 3.0, "k": 0.25}}
def law(input_data, group):
    c = TABLE.get(group)
    if c is None:
        c = TABLE["one"]
    return [{"y": c["A"] * math.exp(-c["k"] * row["n"])} for row in input_data]
"""


def test_constants_of_groups_are_symbols_that_say_where_they_stand() -> None:
    law = read_law(LAW, ("n",), ("y",))
    assert text_of(law) == "A*exp(-k*n)"
    assert [meaning for _, _, meaning in law.symbols] == [
        "constant TABLE[group]['A']",
        "constant TABLE[group]['k']",
        "n",
    ]
    assert law.notes == ("what the program does for a group that it does not know",)


STACK = "return np.stack([P[t, 0] * x[:, t] ** P[t, 1] for t in range(2)], axis=1)"
FORMS = {
    "P = params.reshape(2, 2)\n": ("p_j_0*x_j**p_j_1", ["2*j", "2*j + 1"]),
    "P = params.reshape(2, 2).T\n": ("p_0_j*x_j**p_2_j", ["j", "j + 2"]),
    "P = params.reshape(2, 2)[::-1]\n": ("p_j_2*x_j**p_j_3", ["2 - 2*j", "3 - 2*j"]),
}


@pytest.mark.parametrize("reshaped", FORMS)
def test_targets_of_one_form_share_a_formula_that_says_whose_constant_is_where(
    reshaped: str,
) -> None:
    text, places = FORMS[reshaped]
    law = read_law(program(f"x = data_points\n{reshaped}{STACK}"), ("a", "b"), ("y", "z"), 4)
    assert text_of(law) == text
    meanings = [meaning for _, _, meaning in law.symbols]
    assert meanings == [f"constant params[{places[0]}]", "a … b", f"constant params[{places[1]}]"]
    generator = np.random.default_rng(1)
    rows, params = generator.uniform(1.0, 4.0, (5, 2)), generator.uniform(0.3, 1.5, 4)
    expected = run(program(f"x = data_points\n{reshaped}{STACK}"), rows, params)
    for target in range(2):
        found = values_of(law, rows, params, target)
        np.testing.assert_allclose(found, expected[:, target], rtol=1e-9)


def test_targets_of_different_forms_have_no_formula() -> None:
    body = "x = data_points[:, 0]\nreturn np.stack([params[0] * x, params[1] / x], axis=1)"
    with pytest.raises(GiveUp):
        read_law(program(body), ("a", "b"), ("y", "z"))


@pytest.mark.data
@pytest.mark.parametrize("number", range(3))
def test_published_laws_give_what_their_programs_give(data_folder: Path, number: int) -> None:
    (path,) = (data_folder / "seeds").glob(f"00{number}_*.txt")
    page = parse_page(path.read_bytes(), path.name)
    definition = load_catalogue().by_title(page.title).definition
    features = [column.name for column in definition.features]
    targets = [column.name for column in definition.targets]
    law = read_law(page.program, features, targets)
    generator = np.random.default_rng(number)
    rows = generator.uniform(0.1, 0.9, (9, len(features)))
    params = generator.uniform(0.2, 0.9, length_of(law))
    expected = run_law_only(page.program, rows, params).reshape(len(rows), len(targets))
    for target in range(len(targets)):
        found = values_of(law, rows, params, target)
        np.testing.assert_allclose(found, expected[:, target], rtol=1e-9)


def run_law_only(text: str, rows: np.ndarray, params: np.ndarray) -> np.ndarray:
    names: dict[str, Any] = {"__name__": "program"}
    exec(text, names)
    return np.asarray(names["scaling_law_func"](rows, params), dtype=np.float64)
