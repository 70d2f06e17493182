"""Laws read from programs' text: right to the last digit, or not shown; and nothing is executed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.leaderboard.formula import FormulaWorker
from harness.leaderboard.formula.client import LAW_SECONDS, WALL_SECONDS
from harness.leaderboard.formula.expressions import GiveUp
from harness.leaderboard.formula.mathml import checked_mathml
from harness.leaderboard.formula.symbolic import read_law
from harness.leaderboard.formula.targets import symbol_key
from harness.tasks import load_catalogue

sympy = pytest.importorskip("sympy")

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(ROOT.glob("candidates/*/*/*/*.py"))
DEFINITIONS = {task.name: task.definition for task in load_catalogue().tasks()}
LOOP = """\
total = 0.0
for i in range(2):
    total = total + params[i] * data_points[:, i]
return total
"""
GROUP = "javascript"
"""A group that the one shipped program of format ``law`` knows."""
HEAD = "import numpy as np\ndef scaling_law_func(data_points, params):\n"


@pytest.fixture(scope="module")
def worker() -> Iterator[FormulaWorker]:
    made = FormulaWorker()
    yield made
    made.close()


def text_of(worker: FormulaWorker, body: str, *features: str, targets: tuple[str, ...] = ("y",)):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    found = worker.formula((HEAD + lines).encode(), features or ("a", "b"), targets)
    return found and found.text


# --- the shipped programs


def relative_path(path: Path) -> str:
    return str(path.relative_to(ROOT / "candidates"))


def column_names(path: Path) -> tuple[list[str], list[str]]:
    definition = DEFINITIONS[path.relative_to(ROOT / "candidates").parts[0]]
    return [x.name for x in definition.features], [x.name for x in definition.targets]


def namespace(path: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), names)
    return names


def constant(path: Path, place: tuple[Any, ...]) -> float:
    """What a program's table holds for the group: ``place`` is (name, groups, key...)."""
    name, _, *keys = place
    value = namespace(path)[name][GROUP]
    for key in keys:
        value = value[key]
    return float(value)


def run_by_python(path: Path, rows: np.ndarray, params: np.ndarray, n_targets: int) -> np.ndarray:
    """What the program itself predicts: ``(N, T)``."""
    names = namespace(path)
    if "scaling_law_func" not in names:
        features, targets = column_names(path)
        given = [dict(zip(features, map(float, row), strict=True)) for row in rows]
        found = names["law"](given, GROUP)
        return np.array([[row[name] for name in targets] for row in found])
    try:
        found = names["scaling_law_func"](rows, params)
    except (ValueError, IndexError, TypeError):
        found = names["scaling_law_func"](rows, params.reshape(n_targets, -1))
    return np.asarray(found, dtype=np.float64).reshape(len(rows), n_targets)


@pytest.mark.parametrize("path", PROGRAMS, ids=relative_path)
def test_a_formula_gives_what_its_program_gives(path: Path) -> None:
    trees = import_module("harness.leaderboard.formula.trees")
    features, targets = column_names(path)
    if relative_path(path) in UNREAD:
        with pytest.raises(GiveUp, match="number of parameters"):
            read_law(path.read_text("utf-8"), features, targets)
    number = UNREAD.get(relative_path(path))
    law = read_law(path.read_text("utf-8"), features, targets, number)
    expression = trees.to_sympy(law.expression, {node: name for node, name, _ in law.symbols})
    symbols = [sympy.Symbol(name) for _, name, _ in law.symbols]
    compute = sympy.lambdify(symbols, expression, "numpy")
    keys = [symbol_key(node) for node, _, _ in law.symbols]
    per_target = [
        [places[target] if kind == "each" else (kind, places) for kind, places in keys]
        for target in range(len(targets))
    ]
    numbers = [place for each in per_target for kind, place in each if kind == "param"]
    generator = np.random.default_rng(len(path.name))
    # Guards of exponents are left out of formulas: rows and constants that set none off.
    shares = features[0].startswith("proportion")
    rows = generator.uniform(0.02 if shares else 1.5, 0.9 if shares else 50.0, (40, len(features)))
    params = generator.uniform(0.2, 0.9, max(numbers, default=-1) + 1)
    expected = run_by_python(path, rows, params, len(targets))
    for target, each in enumerate(per_target):
        values = [
            params[place]
            if kind == "param"
            else rows[:, place]
            if kind == "feature"
            else constant(path, place)
            for kind, place in each
        ]
        found = np.broadcast_to(compute(*values), len(rows))
        np.testing.assert_allclose(found, expected[:, target], rtol=1e-9)


UNREAD = {
    "easy_question_scaling_law/human/human/run_1.py": 6,
    "sft_scaling_law/baseline/power_law/run_1.py": 3,
}
"""How many constants these take is not certain from their text; with the number they are read."""


# --- small laws


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return params[0] + params[1] * data_points[:, 0] ** -params[2]", "p_0 + p_1/a**p_2"),
        ("E, A, alpha = params\nreturn E + A / data_points[:, 0] ** alpha", "E + A/a**alpha"),
        ("return np.exp(params[0] - params[1] * np.log(data_points[:, 1]))", None),
        ("x = data_points[:, 0] / 1e9\nreturn params[0] * np.maximum(x, 1.0)", "p_0*Max(1, a/1e9)"),
        ("s = 0.0\nfor i in range(2):\n    s = s + params[i] * data_points[:, i]\nreturn s",
         "p_0*a + p_1*b"),
        ("def term(x, k):\n    return params[k] / x\nreturn term(data_points[:, 0], 0)", "p_0/a"),
        ("return params[0] - (data_points[:, 0] - params[1])", "p_0 - (a - p_1)"),
        ("return [params[0] * row[0] for row in data_points]", "p_0*a"),
    ],
)  # fmt: skip
def test_small_laws_read_as_people_write_them(
    worker: FormulaWorker, body: str, expected: str | None
) -> None:
    found = text_of(worker, body)
    assert found is not None
    if expected is not None:
        assert found == f"y = {expected}"
    else:
        assert found == "y = exp(p_0 - p_1*log(b))"


def test_targets_of_one_form_share_a_formula_with_an_index(worker: FormulaWorker) -> None:
    body = "p = params.reshape(2, 2)\nx = data_points[:, 0]\n"
    body += "return np.stack([p[t, 0] * x ** p[t, 1] for t in range(2)], axis=1)"
    found = worker.formula(
        (HEAD + "".join(f"    {line}\n" for line in body.splitlines())).encode(),
        ["n"],
        ["loss_1", "loss_2"],
    )
    assert found is not None
    assert found.text.startswith("loss_j = ")
    assert ("j", "the target: 0 for loss_1, 1 for loss_2") in found.symbols


@pytest.mark.parametrize(
    "body",
    [
        "return params[0] * np.random.rand() * data_points[:, 0]",
        "return params[0] * data_points[:, 0].mean() * data_points[:, 0]",
        "return np.sort(data_points[:, 0]) * params[0]",
        "return params[int(data_points[0, 0])] * data_points[:, 0]",
        "if data_points[0, 0] > 3:\n    params[0] = 2.0\nreturn params[0] * data_points[:, 0]",
        "return eval('params[0]') * data_points[:, 0]",
        "return data_points",
        "pass",
    ],
)
def test_what_is_not_certain_is_not_shown(worker: FormulaWorker, body: str) -> None:
    assert text_of(worker, body) is None


# --- hostile programs


def hostile(written: Path) -> dict[str, bytes]:
    law = HEAD + "    return params[0] * data_points[:, 0]\n"
    return {
        "empty": b"",
        "null bytes": b"\0" + law.encode(),
        "no program": b"def (((",
        "deep parentheses": b"x = " + b"(" * 90_000 + b")" * 90_000,
        "deep sums": ("x = 1" + "+1" * 60_000 + "\n" + law).encode(),
        "deep minus": ("x = " + "-" * 60_000 + "1\n" + law).encode(),
        "endless loop": (HEAD + "    while True:\n        pass\n").encode(),
        "long loop": (HEAD + "    for i in range(10**12):\n        pass\n    return 1\n").encode(),
        "huge power": (HEAD + "    return data_points[:, 0] * 9**9**9**9\n").encode(),
        "huge list": (HEAD + "    return [0] * 10**12 * params[0]\n").encode(),
        "huge text": (HEAD + "    x = 'a' * 10**12\n    return params[0]\n").encode(),
        "recursion": (HEAD + "    return scaling_law_func(data_points, params)\n").encode(),
        "a megabyte": law.encode() + b"# x\n" * 250_000,
        "import": f"open({str(written)!r}, 'w').write('x')\n{HEAD}    return 1\n".encode(),
        "decorator": f"@exec(\"open({str(written)!r}, 'w')\")\n{law}".encode(),
        "default": f"def f(x=open({str(written)!r}, 'w')): pass\n{HEAD}    return f()".encode(),
        "class": f"class A:\n    x = open({str(written)!r}, 'w')\n{HEAD}    return A.x".encode(),
        "not utf-8": HEAD.encode() + b"    return '\xff\xfe'\n",
    }


@pytest.mark.parametrize("name", sorted(hostile(Path("x"))))
def test_hostile_programs_give_nothing_and_leave_the_reader_at_work(
    worker: FormulaWorker, tmp_path: Path, name: str
) -> None:
    written = tmp_path / "written"
    started = time.monotonic()
    found = worker.formula(hostile(written)[name], ("a", "b"), ("y",))
    assert found is None or "p_0*a" in found.text
    assert time.monotonic() - started < 20
    assert not written.exists()
    assert text_of(worker, "return params[0] * data_points[:, 0]") == "y = p_0*a"


@pytest.mark.parametrize("name", ["<script>x</script>", "a\u202eb", "a" * 5000, "</math><b>"])
def test_names_of_columns_are_escaped(worker: FormulaWorker, name: str) -> None:
    found = worker.formula(
        (HEAD + "    return params[0] * data_points[:, 0]\n").encode(), [name], [name]
    )
    if found is not None:
        assert "<script" not in found.mathml
        assert "<b>" not in found.mathml
        assert "\u202e" not in found.mathml


# --- a child that misbehaves


def child(code: str, *, seconds: float = 0.5) -> FormulaWorker:
    return FormulaWorker([sys.executable, "-c", code], seconds=seconds)


ANSWERING = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n    "
GOOD = '{"mathml": "<math><mi>x</mi></math>", "text": "x", "symbols": [], "notes": []}'


@pytest.mark.parametrize(
    "answer",
    [
        "import time; time.sleep(60)",
        "sys.exit(1)",
        "print('nonsense', flush=True)",
        "print('null', flush=True)",
        "print('{\"mathml\": 1}', flush=True)",
        f"print({GOOD.replace('notes', 'extra')!r}, flush=True)",
        f"print({GOOD.replace('<mi>x</mi>', '<script>x</script>')!r}, flush=True)",
        "print('x' * 3_000_000, flush=True)",
        "sys.stdout.write('x' * 10); sys.stdout.flush(); import time; time.sleep(60)",
    ],
)
def test_whatever_a_child_does_there_is_an_answer_in_time(answer: str) -> None:
    worker = child(ANSWERING + answer)
    started = time.monotonic()
    for _ in range(2):
        assert worker.formula(b"x", ["a"], ["y"]) is None
    assert time.monotonic() - started < 15
    worker.close()
    worker.close()


COUNTING = f"""
import sys, time
from unittest import mock
for reader in ("printing", "symbolic", "text", "trees"):  # sympy takes a second
    sys.modules["harness.leaderboard.formula." + reader] = mock.Mock()
from harness.leaderboard.formula import worker
def read(request):
    time.sleep(0.2)
    while request["program"] == "works":
        pass
    return {GOOD}
worker.LAW_SECONDS = 0.1
worker._read = read
worker.main()
"""


def test_a_law_has_processor_time_so_that_a_busy_machine_drops_none() -> None:
    """Regression: beside other work a formula came too late, and its page stayed without it."""
    assert WALL_SECONDS >= 10 * LAW_SECONDS
    worker = FormulaWorker([sys.executable, "-c", COUNTING])
    assert worker.formula(b"waits", ["a"], ["y"]) is not None
    process = worker._process
    assert process is not None
    assert worker.formula(b"works", ["a"], ["y"]) is None
    assert process.returncode == -signal.SIGPROF


def test_a_good_answer_is_taken() -> None:
    worker = child(ANSWERING + f"print({GOOD!r}, flush=True)", seconds=5)
    found = worker.formula(b"x", ["a"], ["y"])
    worker.close()
    assert found is not None
    assert found.mathml.endswith("<mi>x</mi></math>")


@pytest.mark.parametrize("code", ["raise SystemExit", "print('no')", "import no_such_thing"])
def test_a_child_that_does_not_come_up_is_given_up(code: str) -> None:
    worker = child(code)
    for _ in range(4):
        assert worker.formula(b"x", ["a"], ["y"]) is None
    assert not worker.available


def test_without_sympy_there_is_no_formula_and_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.leaderboard.formula.client.find_spec", lambda name: None)
    worker = child("open('/nowhere/at/all', 'w')")
    assert not worker.available
    assert worker.formula(b"x", ["a"], ["y"]) is None


def test_who_writes_pages_does_not_load_the_reader() -> None:
    code = (
        "import sys, harness.leaderboard.formula\n"
        "loaded = {'sympy', 'harness.leaderboard.formula.symbolic'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# --- what may stand in a page


@pytest.mark.parametrize(
    "inner",
    [
        "<script>x</script>",
        "<annotation-xml><b/></annotation-xml>",
        "<mi><b>x</b></mi>",
        "<maction><mi>x</mi></maction>",
        "<mi>x</mi>text",
        "<mi>&undefined;</mi>",
        "<mi>x",
        "<mi>a\u202eb</mi>",
        "<mrow>" * 200 + "</mrow>" * 200,
    ],
)
def test_other_markup_than_a_formula_is_refused(inner: str) -> None:
    assert checked_mathml(f"<math>{inner}</math>") is None


@pytest.mark.parametrize(
    "math",
    [
        '<math><mi onclick="x()">x</mi></math>',
        '<math><mi href="//x">x</mi></math>',
        '<math onclick="x()"><mi>x</mi></math>',
        '<!DOCTYPE x [<!ENTITY a "b">]><math><mi>&a;</mi></math>',
        "<mi>x</mi>",
        "",
    ],
)
def test_attributes_and_entities_are_refused(math: str) -> None:
    assert checked_mathml(math) is None
