"""Formulas in parts for paper: all of a formula is there, in its order, and fits."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.formula.lines import LINE, formula_lines
from harness.leaderboard.formula.mathml import checked_mathml, symbol_mathml, wrapped

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STYLE = Path(__file__).resolve().parents[1] / "harness/leaderboard/assets/style.css"
NAMES = [symbol_mathml(name) for name in ("x", "beta_3", "tokens", "p_12")]


def row(*children: str) -> str:
    return f"<mrow>{''.join(children)}</mrow>"


def total(*terms: str) -> str:
    return row("<mo>+</mo>".join(terms))


def product(*factors: str) -> str:
    return row("<mo>\u2062</mo>".join(factors))


def closed(inner: str) -> str:
    return row("<mo>(</mo>", inner, "<mo>)</mo>")


def exp(inner: str) -> str:
    return row("<mi>exp</mi><mo>\u2061</mo><mo>(</mo>", inner, "<mo>)</mo>")


def over(above: str, below: str) -> str:
    return f"<mfrac>{above}{below}</mfrac>"


def power(base: str, exponent: str) -> str:
    return f"<msup>{closed(base)}{exponent}</msup>"


def cases(*values: str) -> str:
    rows = [f"<mtr><mtd>{v}</mtd><mtd><mtext>if </mtext>{v}</mtd></mtr>" for v in values]
    return row(row(f"<mo>{{</mo><mtable>{''.join(rows)}</mtable>"))


LONG = total(*(product("<mn>2</mn>", name) for name in NAMES * 4))
LAWS = {
    "sum": LONG,
    "nested": total("<mi>E</mi>", exp(exp(LONG))),
    "product": product(closed(LONG), closed(LONG)),
    "power": power(LONG, "<mn>2</mn>"),
    "cases": exp(cases(LONG, LONG)),
    "fraction": over("<mn>1</mn>", total(*NAMES * 2)),
    "smaller fraction": over(
        total(*(product("<mn>2</mn>", name) for name in NAMES * 3)), "<mi>k</mi>"
    ),
    "wide fraction": over(LONG, over(LONG, LONG)),
    "symbol": "<mi>" + "m" * 300 + "</mi>",
}
LAWS = {name: row("<mi>loss</mi><mo>=</mo>", law) for name, law in LAWS.items()}


def leaves(markup: str) -> list[str]:
    return [node.text for node in ET.fromstring(f"<a>{markup}</a>").iter() if node.text]


def written(tokens: list[str]) -> str:
    """What is read, without what stands for the shape of a fraction or of a law in cases."""
    return re.sub("[\u2061\u2062\u00d7()/;}]", "", "".join(tokens))


laws = st.recursive(
    st.sampled_from([*NAMES, "<mn>0.25</mn>"]),
    lambda inner: (
        st.lists(inner, min_size=2, max_size=9).map(lambda terms: total(*terms))
        | st.lists(inner, min_size=2, max_size=4).map(lambda terms: product(*terms))
        | inner.map(exp)
        | st.tuples(inner, inner).map(lambda both: over(*both))
        | st.tuples(inner, inner).map(lambda both: power(*both))
        | st.tuples(inner, inner).map(lambda both: cases(*both))
    ),
    max_leaves=60,
)


@given(laws)
def test_nothing_of_a_formula_is_lost_or_moved(law: str) -> None:
    mathml = checked_mathml(wrapped(law))
    assert mathml is not None
    lines = formula_lines(mathml)
    if lines is not None:
        assert written(leaves(lines)) == written(leaves(mathml))


def test_what_fits_a_line_is_not_cut() -> None:
    assert formula_lines(wrapped(total(*NAMES))) is None
    assert formula_lines(wrapped(cases(total(*NAMES)))) is None


def test_a_formula_is_cut_before_its_sums_and_then_its_products() -> None:
    lines = formula_lines(wrapped(LONG))
    assert lines is not None
    parts = [written(leaves(part)) for part in re.findall("<math.*?</math>", lines)]
    assert len(parts) == 16
    assert all(part.startswith("+2") for part in parts[1:])
    lines = formula_lines(wrapped(product(*(exp(total(*NAMES)) for _ in range(5)))))
    assert lines is not None
    assert len(re.findall('<mrow><mo form="infix">\u00d7</mo><mrow><mi>exp', lines)) == 4


def test_a_cut_fraction_divides_by_all_that_was_below() -> None:
    long = total(*NAMES * 8)
    lines = formula_lines(wrapped(over("<mi>a</mi>", over(long, long))))
    read = "".join(leaves(lines or ""))
    assert read.startswith("a/((x+")
    assert ")/(x+" in read
    assert read.endswith("))")


def test_only_a_part_that_cannot_be_cut_is_wider_than_a_line() -> None:
    for name, law in LAWS.items():
        lines = formula_lines(wrapped(law))
        wide = [float(width) for width in re.findall(r"--em: (\d+)", lines or "")]
        assert all(width >= LINE for width in wide)
        assert bool(wide) == (name in {"symbol", "smaller fraction"}), name


@pytest.mark.browser
@pytest.mark.parametrize("paper", [590, 718], ids=["narrow", "A4"])
def test_no_formula_is_wider_than_the_paper(browser: Browser, paper: int) -> None:
    shown = [f"<p>{formula_lines(wrapped(law)) or wrapped(law)}</p>" for law in LAWS.values()]
    context = browser.new_context(viewport={"width": paper, "height": 900})
    opened = context.new_page()
    opened.emulate_media(media="print")
    style = f"<style>{STYLE.read_text('utf-8')}</style>"
    opened.set_content(f'{style}<main><div class="formula-lines">{"".join(shown)}</div></main>')
    right = opened.evaluate(
        "[...document.querySelectorAll('math')].map((m) => m.getBoundingClientRect().right)"
    )
    context.close()
    assert len(right) > 40
    assert max(right) <= paper
