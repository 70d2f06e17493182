"""MathML that is safe to put into a page: what may stand in it, and how symbols are written."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import escape

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
INVISIBLE_TIMES = "\u2062"
APPLY_FUNCTION = "\u2061"
MINUS = "\u2212"

_TOKENS = frozenset({"mi", "mn", "mo", "mtext"})
_LAYOUTS = frozenset({"mrow", "mfrac", "msup", "msub", "msqrt", "mtable", "mtr", "mtd"})
_DEEPEST = 120
_LARGEST = 200_000

_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega
"""
GREEK = dict(zip(_NAMES.split(), "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True))
"""Letters by name; those that look like Latin ones would be taken for them."""


def checked_mathml(text: str) -> str | None:
    """Return MathML rewritten in one fixed way, or None where it is not safe or not well-formed.

    Only elements that show a formula are let through, without attributes; anything else refuses
    the whole text.

    Args:
        text: A ``math`` element.
    """
    if len(text) > _LARGEST or "<!" in text or "<?" in text:
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - no declarations, so there are no entities
        inner = "".join(_written(child, 1) for child in root)
    except (ET.ParseError, ValueError):
        return None
    known = root.tag.removeprefix(f"{{{NAMESPACE}}}") == "math" and root.attrib.keys() <= {
        "display"
    }
    return wrapped(inner) if known and not (root.text or "").strip() else None


def wrapped(inner: str) -> str:
    """Return a ``math`` element around its content."""
    return f'<math xmlns="{NAMESPACE}" display="block">{inner}</math>'


def _written(node: ET.Element, depth: int) -> str:
    tag = node.tag.removeprefix(f"{{{NAMESPACE}}}")
    text = node.text or ""
    known = tag in _TOKENS | _LAYOUTS and not node.attrib
    if depth > _DEEPEST or not known or (node.tail or "").strip():
        raise ValueError(tag)
    if tag in _TOKENS:
        if len(node) or not _is_shown(text):
            raise ValueError(tag)
        content = escape(text, quote=False)
    else:
        if text.strip():
            raise ValueError(tag)
        content = "".join(_written(child, depth + 1) for child in node)
    return f"<{tag}>{content}</{tag}>"


def _is_shown(text: str) -> bool:
    return all(char.isprintable() or char in INVISIBLE_TIMES + APPLY_FUNCTION for char in text)


def symbol_parts(name: str) -> tuple[str, tuple[str, ...]]:
    """Split a symbol's name into what is shown on the line and what below it.

    A letter, Latin or Greek, takes what follows it as its index (``A_1``, ``D0``, ``beta_N``); a
    longer name keeps its underscores, but for the places in a vector at its end.
    """
    match = re.fullmatch(r"([A-Za-z]|[A-Za-z]+?)_?(\d*)((?:_\w*)?)", name, re.ASCII)
    if match and (len(match[1]) == 1 or match[1] in GREEK):
        below = [match[2], *match[3].split("_")]
        return GREEK.get(match[1], match[1]), tuple(part for part in below if part)
    match = re.fullmatch(r"(\w+?)((?:_(?:\d+|j))*)", name)
    if match is None:
        return name, ()
    return GREEK.get(match[1], match[1]), tuple(part for part in match[2].split("_") if part)


def symbol_text(name: str) -> str:
    """Return a symbol as plain text, spelt as its MathML shows it."""
    base, below = symbol_parts(name)
    return "_".join([base, ",".join(below)] if below else [base])


def symbol_mathml(name: str) -> str:
    """Return a symbol as MathML, without the ``math`` around it."""
    base, below = symbol_parts(name)
    shown = _identifier(base)
    if not below:
        return shown
    items = [f"<mn>{part}</mn>" if part.isdigit() else _identifier(part) for part in below]
    index = items[0] if len(items) == 1 else f"<mrow>{'<mo>,</mo>'.join(items)}</mrow>"
    return f"<msub>{shown}{index}</msub>"


def _identifier(text: str) -> str:
    return f"<mi>{escape(GREEK.get(text, text), quote=False)}</mi>"
