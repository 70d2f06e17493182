"""Programs as HTML: coloured where that is safe, and never a byte more or less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from markupsafe import Markup, escape
from pygments.lexers.python import PythonLexer

from harness.leaderboard.code_styles import css_class

NUL_SHOWN = "\ufffd"
NOT_UTF8 = "The program is not UTF-8; the bytes that are not are shown as \ufffd."
HAS_NUL = f"The program has NUL characters, which HTML cannot hold; they are shown as {NUL_SHOWN}."
REORDERS = (
    "The program holds characters that change the order in which text is shown ({}); what it does "
    "may not be what it seems to say."
)

# The bidirectional controls: https://www.unicode.org/reports/tr9/, table of section 2.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Pygments drops or rewrites these, or a reader would not see that they are there.
_NEVER_COLOURED = (b"\r", b"\f", b"\0", b"\xef\xbb\xbf")
# Colouring takes time that grows with the program; beyond this nobody reads it.
_MOST_COLOURED = 200_000


@dataclass(frozen=True, slots=True)
class ShownProgram:
    """What a page shows of a program."""

    text: str
    """The characters shown."""
    notes: tuple[str, ...] = ()
    """What a reader must know about the text."""
    altered: bool = False
    """Whether the text differs from the program."""


def shown_program(program: bytes) -> ShownProgram:
    """Return the characters that a page can show of a program, and what it cannot."""
    notes = []
    try:
        text = program.decode("utf-8")
    except UnicodeDecodeError:
        text = program.decode("utf-8", errors="replace")
        notes.append(NOT_UTF8)
    if "\0" in text:
        text = text.replace("\0", NUL_SHOWN)
        notes.append(HAS_NUL)
    altered = bool(notes)
    marks = sorted(set(_BIDI.findall(text)))
    if marks:
        notes.append(REORDERS.format(", ".join(f"U+{ord(mark):04X}" for mark in marks)))
    return ShownProgram(text, tuple(notes), altered)


def highlight(program: bytes) -> Markup:
    """Return a program as HTML whose text is the program's, to the byte.

    A program that Pygments would alter is escaped and left uncoloured. What HTML cannot hold at
    all is replaced as ``shown_program`` says.
    """
    text = shown_program(program).text
    if len(text) <= _MOST_COLOURED and not any(mark in program for mark in _NEVER_COLOURED):
        pieces = list(_pieces(text))
        if "".join(piece for _, piece in pieces) == text:
            return Markup("").join(_span(name, piece) for name, piece in pieces)
    return _escaped(text)


def _pieces(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield the text in pieces with their class; neighbours of one class are joined."""
    tokens = ((css_class(token), value) for token, value in _lexer().get_tokens(text))
    for name, run in groupby(tokens, key=lambda token: token[0]):
        yield name, "".join(value for _, value in run)


@cache
def _lexer() -> PythonLexer:
    return PythonLexer(stripnl=False, ensurenl=False)


def _span(name: str | None, text: str) -> Markup:
    return escape(text) if name is None else Markup('<span class="{}">{}</span>').format(name, text)


def _escaped(text: str) -> Markup:
    """Escape a text; a carriage return needs a reference, or the parser makes it a newline."""
    return Markup(str(escape(text)).replace("\r", "&#13;"))  # noqa: S704 (escaped just before)
