"""Untrusted text, made fit for a file: names and messages come from whoever wrote a program."""

from __future__ import annotations

import re
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE_BREAKS = re.compile("[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORMULA_STARTS = frozenset("=+-@＝＋－＠")
"""A spreadsheet takes what starts so for a formula, whatever invisible stands before it."""
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Categories of what leaves no mark of its own: controls, marks on other characters, spaces, and
what has no meaning yet."""
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are blank."""


def encodable(text: str) -> str:
    """Return text that UTF-8 can hold: halves of surrogate pairs become U+FFFD."""
    return _SURROGATES.sub(_REPLACEMENT, text)


def xml_text(text: str) -> str:
    """Return text that XML 1.0 can hold: any other character becomes U+FFFD."""
    return _NOT_XML.sub(_REPLACEMENT, text)


def csv_text(text: str) -> str:
    """Return text for a cell of a spreadsheet.

    Control characters and line breaks become spaces. What a spreadsheet would run as a formula
    gets a leading apostrophe, and so does what starts with a tab or a carriage return.
    """
    risky = _first_seen(text) in _FORMULA_STARTS or text[:1] in ("\t", "\r")
    guard = "'" if risky else ""
    return guard + encodable(_CONTROLS.sub(" ", text))


def _first_seen(text: str) -> str:
    """Return the first character of a text that is seen; none where there is none."""
    return next(
        (c for c in text if unicodedata.category(c) not in _UNSEEN and c not in _FILLERS), ""
    )


def visible_text(text: str) -> str:
    """Return one line of text without characters that are not seen but change how it is read.

    Line breaks and tabs become a space; other control characters, and those that turn the
    direction of writing, are dropped.
    """
    spaced = _LINE_BREAKS.sub(" ", text)
    return encodable(_DIRECTIONS.sub("", _CONTROLS.sub("", spaced)))


def shortened(text: str, longest: int) -> str:
    """Return at most so many characters of a text, the last of them an ellipsis if it is cut."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
