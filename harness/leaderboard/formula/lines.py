"""Formulas for paper, which cannot be scrolled: cut into parts that a browser sets into lines.

No browser breaks a formula by itself. Where one is wider than a line, it is cut before its signs,
the weakest last, and each part is a formula of its own. A part that cannot be cut (a fraction)
says how wide it is, so that it can be made smaller.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest

from harness.leaderboard.formula.mathml import APPLY_FUNCTION, INVISIBLE_TIMES, MINUS, NAMESPACE

LINE = 40.0
"""The width of a line in em: the narrowest paper at the size of the text."""
WIDEST = 60.0
"""The width of a fraction that can still be read when it is made as wide as a line."""

TIMES = "\u00d7"
_SIGN, _TIMES, _OPENING, _NEVER = 3, 2, 1, 0
_STRENGTHS = {
    **dict.fromkeys(("=", "+", MINUS, "<", ">", "\u2264", "\u2265", "\u2260"), _SIGN),
    **dict.fromkeys(("\u00b7", TIMES, INVISIBLE_TIMES), _TIMES),
}
_SCRIPT = 0.75
_SPACED = 1.4
_PLAIN_SIGN = 0.65


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stays together, and how well a line can be broken before it."""

    markup: str
    width: float
    strength: int


def formula_lines(mathml: str) -> str | None:
    """Return a formula in parts that follow each other like words; None where it fits a line.

    Args:
        mathml: A ``math`` element, as `checked_mathml` returns it.
    """
    root = ET.fromstring(mathml.replace(f' xmlns="{NAMESPACE}"', "", 1))  # noqa: S314 - checked
    widths: dict[ET.Element, float] = {}
    if _measure(root, widths) <= LINE:
        return None
    pieces = [piece for child in root for piece in _pieces(child, _NEVER, widths)]
    return " ".join(_part(group) for group in _groups(pieces, _SIGN))


def _pieces(node: ET.Element, strength: int, widths: dict[ET.Element, float]) -> Iterator[_Piece]:
    """Cut what does not fit a line, where it can be cut."""
    if widths[node] > LINE and node.tag == "mrow":
        yield from _of_row(node, strength, widths)
    elif widths[node] > LINE and node.tag == "msup" and node[0].tag == "mrow":
        *most, last = _of_row(node[0], strength, widths)
        yield from most
        markup = f"<msup><mrow>{last.markup}</mrow>{_markup(node[1])}</msup>"
        yield _Piece(markup, last.width + _SCRIPT * widths[node[1]], last.strength)
    elif widths[node] > LINE and node.tag == "mtable":
        yield from _of_table(node, strength, widths)
    elif widths[node] > WIDEST and node.tag == "mfrac":
        for half in node:  # a fraction in it is set smaller no more
            _measure(half, widths)
        yield from _bracketed(node[0], strength, widths)
        yield _Piece(_sign("/", infix=True), _SPACED, _TIMES)
        yield from _bracketed(node[1], _NEVER, widths)
    else:
        yield _Piece(_markup(node), widths[node], strength)


def _bracketed(
    node: ET.Element, strength: int, widths: dict[ET.Element, float]
) -> Iterator[_Piece]:
    """Cut what was over or under a line, which held it together."""
    if node.tag != "mrow" and not (node.tag == "mfrac" and widths[node] > WIDEST):
        yield from _pieces(node, strength, widths)
        return
    yield _Piece("<mo>(</mo>", _PLAIN_SIGN, strength)
    yield from _pieces(node, _OPENING, widths)
    yield _Piece("<mo>)</mo>", _PLAIN_SIGN, _NEVER)


def _of_table(
    table: ET.Element, strength: int, widths: dict[ET.Element, float]
) -> Iterator[_Piece]:
    """Cut a law in cases, which then stand behind each other."""
    for place, row in enumerate(table):
        if place:
            yield _Piece('<mo form="infix">;</mo>', _PLAIN_SIGN, _NEVER)
        for index, cell in enumerate(row):
            first = strength if place == index == 0 else _SIGN
            for number, child in enumerate(cell):
                if index and not number:
                    yield _Piece('<mspace width="1em"/>', 1.0, first)
                    first = _NEVER
                yield from _pieces(child, _NEVER if number else first, widths)
    yield _Piece("<mo>}</mo>", _PLAIN_SIGN, _NEVER)


def _of_row(row: ET.Element, strength: int, widths: dict[ET.Element, float]) -> Iterator[_Piece]:
    before = ""
    for place, child in enumerate(row):
        sign = (child.text or "") if child.tag == "mo" else ""
        here = _STRENGTHS.get(sign, _OPENING if before == "(" else _NEVER)
        if place == 0:
            here = strength
        if sign in _STRENGTHS:
            yield _Piece(_sign(sign, infix=place > 0), widths[child], here)
        else:
            yield from _pieces(child, here, widths)
        before = sign


def _sign(sign: str, *, infix: bool) -> str:
    """Return a sign with the space around it that it has in its formula."""
    return f'<mo form="{"infix" if infix else "prefix"}">{escape(sign, quote=False)}</mo>'


def _groups(pieces: list[_Piece], strength: int) -> Iterator[list[_Piece]]:
    """Cut where it is best to, and further where that is not enough."""
    group: list[_Piece] = []
    for piece in [*pieces, None]:
        if group and (piece is None or piece.strength >= strength):
            if sum(each.width for each in group) > LINE and strength > _OPENING:
                yield from _groups(group, strength - 1)
            else:
                yield group
            group = []
        if piece is not None:
            group.append(piece)


def _part(group: list[_Piece]) -> str:
    head, *rest = [piece.markup for piece in group]
    if head == _sign(INVISIBLE_TIMES, infix=True):  # at the head of a line it has to be seen
        head = _sign(TIMES, infix=True)
    width = sum(piece.width for piece in group)
    wide = f' style="--em: {width:.0f}"' if width > LINE else ""
    inner = "".join([head, *rest])
    return f'<math xmlns="{NAMESPACE}" displaystyle="true"{wide}><mrow>{inner}</mrow></math>'


def _markup(node: ET.Element) -> str:
    inner = "".join(map(_markup, node))
    return f"<{node.tag}>{escape(node.text or '', quote=False)}{inner}</{node.tag}>"


def _measure(node: ET.Element, widths: dict[ET.Element, float], fractions: int = 0) -> float:
    """Return about how wide something is, in em and rather more than less; keep it for all.

    Args:
        node: What is measured, with all that is in it.
        widths: Where the widths are kept.
        fractions: In how many fractions it is; those in others are set smaller.
    """
    deeper = fractions + (node.tag == "mfrac")
    inner = [_measure(child, widths, deeper) for child in node]
    found = _width(node, inner, widths)
    widths[node] = found = found * _SCRIPT if node.tag == "mfrac" and fractions else found
    return found


def _width(node: ET.Element, inner: Sequence[float], widths: Mapping[ET.Element, float]) -> float:
    text = node.text or ""
    if node.tag == "mo":
        if text in {APPLY_FUNCTION, INVISIBLE_TIMES}:
            return 0.2
        return _SPACED if text in _STRENGTHS else _PLAIN_SIGN
    if node.tag == "mfrac":
        return max(inner) + 0.2
    if node.tag in {"msup", "msub"}:
        return inner[0] + _SCRIPT * sum(inner[1:]) + 0.1
    if node.tag == "mtable":
        columns = zip_longest(*([widths[cell] for cell in row] for row in node), fillvalue=0.0)
        return sum(max(column) + 0.8 for column in columns)
    if node.tag == "msqrt":
        return sum(inner) + 1.2
    return sum(map(_letter, text)) + sum(inner)


def _letter(char: str) -> float:
    if not char.isascii() or char in "mwMW":
        return 1.0
    return 0.8 if char.isupper() else 0.62
