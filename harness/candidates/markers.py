"""The region of a program that evolution may rewrite, as its markers say.

Scoring does not need them: programs come without, or with one of the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

START, END = "EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END"
_MARKER = re.compile(rf"^[ \t]*#[ \t]*({START}|{END})\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Region:
    """The lines between a pair of markers; both markers stay outside."""

    first: int
    """Line of the start marker, from 1."""
    last: int
    """Line of the end marker."""


@dataclass(frozen=True, slots=True)
class Markers:
    """What a program's markers say."""

    regions: tuple[Region, ...]
    problems: tuple[tuple[int, str], ...]
    """Markers without their other half: line and what is wrong."""


def find_markers(text: str) -> Markers:
    """Return the regions between markers, in order, and markers that have no other half.

    Args:
        text: A program; only a comment that is alone on its line is a marker.
    """
    regions: list[Region] = []
    problems: list[tuple[int, str]] = []
    opened: int | None = None
    line, position = 1, 0
    for match in _MARKER.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        if match[1] == START:
            if opened is not None:
                problems.append((opened, f"{START} is opened again before its {END}"))
            opened = line
        elif opened is None:
            problems.append((line, f"{END} without a {START} before it"))
        else:
            regions.append(Region(opened, line))
            opened = None
    if opened is not None:
        problems.append((opened, f"{START} without an {END} after it"))
    return Markers(tuple(regions), tuple(sorted(problems)))
