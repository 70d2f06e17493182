"""Two programs side by side, as HTML rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from markupsafe import Markup, escape

from harness.leaderboard.highlight import shown_program

MOST_LINES = 1000
"""Longer programs are not compared: nobody reads that, and it takes time."""
LONGEST_LINE = 2000
CONTEXT = 4
"""Equal lines shown around what differs."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two programs, or why they are not shown."""

    rows: Markup
    same: bool
    share: float
    """How alike they are: 2 M / T with M equal lines of T in all (difflib's ratio)."""
    too_long: bool = False


def side_by_side(left: bytes, right: bytes) -> SideBySide:
    """Compare two programs line by line.

    Returns:
        Table rows of two cells: class ``c`` where the sides differ, ``e`` where one side is empty
        and ``g`` for a gap of equal lines.
    """
    if left == right:
        return SideBySide(Markup(), same=True, share=1.0)
    ours, theirs = (shown_program(program).text.split("\n") for program in (left, right))
    longest = max(map(len, ours + theirs))
    if max(len(ours), len(theirs)) > MOST_LINES or longest > LONGEST_LINE:
        return SideBySide(Markup(), same=False, share=0.0, too_long=True)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    rows = "\n".join(_rows(matcher, ours, theirs))
    return SideBySide(Markup(rows), same=False, share=matcher.ratio())  # noqa: S704 (escaped)


def _rows(matcher: SequenceMatcher[str], ours: list[str], theirs: list[str]) -> Iterator[str]:
    shown = 0
    for group in matcher.get_grouped_opcodes(CONTEXT):
        skipped = group[0][1] - shown
        if skipped > 0:
            lines = f"{skipped} equal line{'' if skipped == 1 else 's'}"
            yield f'<tr class="g"><td colspan="2">{lines}'
        for tag, start, end, start_2, end_2 in group:
            for a, b in zip_longest(ours[start:end], theirs[start_2:end_2]):
                yield f"<tr>{_cell(a, tag)}{_cell(b, tag)}"
        shown = group[-1][2]
    if len(ours) > shown:
        skipped = len(ours) - shown
        yield f'<tr class="g"><td colspan="2">{skipped} equal line{"" if skipped == 1 else "s"}'


def _cell(line: str | None, tag: str) -> str:
    if line is None:
        return '<td class="e">'
    # A carriage return in a cell would end the line for whoever copies it.
    text = escape(line.replace("\r", "\N{SYMBOL FOR CARRIAGE RETURN}"))
    return f"<td>{text}" if tag == "equal" else f'<td class="c">{text}'
