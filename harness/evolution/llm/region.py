"""Rewrites what stands between a program's markers, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.candidates.markers import END, START, find_markers

SEARCH, DIVIDER, REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^`~<\n]*)$", re.MULTILINE)
"""A line that opens or closes a code block: the fence, and what is said of the block."""
_MARK = re.compile(r"([ \t]*)(?:(<{5,9})[ \t]*SEARCH|(={5,9})|(>{5,9})[ \t]*REPLACE)")


class NoRewriteError(ValueError):
    """An answer that cannot be applied; the text says why, for the model that gave it."""


@dataclass(frozen=True, slots=True)
class Regions:
    """A program's text, cut at its markers."""

    kept: tuple[str, ...]
    """What stands around the regions, markers included: one more than there are regions."""
    texts: tuple[str, ...]
    """What may be rewritten."""

    def joined(self, texts: tuple[str, ...]) -> str:
        """Return the program with other regions; everything else byte for byte."""
        parts = [self.kept[0]]
        for text, kept in zip(texts, self.kept[1:], strict=True):
            parts += [text, kept]
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Block:
    """A change that an answer asks for, as lines."""

    search: list[str]
    replace: list[str]
    indent: str
    """What its lines, marks included, all begin with."""

    def dedented(self) -> Block:
        """Return the change without the indent of the whole block."""
        search = [line.removeprefix(self.indent) for line in self.search]
        return Block(search, [line.removeprefix(self.indent) for line in self.replace], "")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A line that bounds the halves of a block; models count its signs loosely."""

    at: int
    indent: str
    signs: str


def cut(program: str) -> Regions:
    """Return a program's regions; without markers, all of it is one."""
    regions = find_markers(program).regions
    if not regions:
        return Regions(("", ""), (program,))
    lines = program.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    kept, texts, position = [], [], 0
    for region in regions:
        first, last = starts[region.first], starts[region.last - 1]
        kept.append(program[position:first])
        texts.append(program[first:last])
        position = last
    kept.append(program[position:])
    return Regions(tuple(kept), tuple(texts))


def rewrite_whole(program: str, answer: str) -> str:
    """Return a program with its region replaced by code.

    Args:
        program: The parent.
        answer: The new region; where it has markers of its own, what stands between them counts.

    Raises:
        NoRewriteError: The program has more regions than the answer.
    """
    regions = cut(program)
    given = cut(answer).texts
    if len(given) != len(regions.texts):
        msg = (
            f"the program has {len(regions.texts)} regions between markers, and the answer "
            f"{len(given)}; give the whole program with its markers"
        )
        raise NoRewriteError(msg)
    texts = tuple(_framed(_without_markers(text)) for text in given)
    return _changed(program, regions.joined(texts))


def rewrite_by_diff(program: str, answer: str) -> str:
    """Return a program with the changes of an answer made inside its regions.

    Args:
        program: The parent.
        answer: Holds SEARCH/REPLACE blocks; text between them does not count.

    Raises:
        NoRewriteError: A block is malformed, or what it searches is not there exactly once.
    """
    regions = cut(program)
    texts = [text.split("\n") for text in regions.texts]
    for number, block in enumerate(read_blocks(answer), 1):
        taken, places = block, _places(texts, block.search)
        if not places:  # a block may be indented as a whole, or its marks as the code is
            taken = block.dedented()
            places = _places(texts, taken.search)
        if len(places) != 1:
            times = f"{len(places)} times" if places else "nowhere"
            msg = (
                f"the SEARCH of block {number} stands {times} between the markers; it must be "
                "whole lines, copied exactly, that stand there once"
            )
            raise NoRewriteError(msg)
        region, line = places[0]
        texts[region][line : line + len(taken.search)] = taken.replace
    whole = tuple(_framed(_without_markers("\n".join(lines))) for lines in texts)
    return _changed(program, regions.joined(whole))


def has_blocks(answer: str) -> bool:
    """Whether an answer looks as if it holds SEARCH/REPLACE blocks."""
    return any(mark.signs[0] == "<" for mark in _marks(answer.split("\n")))


def read_blocks(answer: str) -> list[Block]:
    """Return the changes that an answer asks for.

    Raises:
        NoRewriteError: There is none, or one is malformed.
    """
    lines = [line.rstrip("\r") for line in answer.split("\n")]
    blocks: list[Block] = []
    begin: _Mark | None = None
    dividers: list[_Mark] = []
    stray = False
    for mark in _marks(lines):
        number = len(blocks) + 1
        if mark.signs[0] == "=":
            dividers.append(mark)
        elif mark.signs[0] == "<":
            if begin is not None:
                raise _malformed(number, f"no {REPLACE} before the next {SEARCH}")
            begin, dividers, stray = mark, [], False
        elif begin is None:
            stray = True
        else:
            blocks.append(_block(number, lines, (begin, mark), dividers))
            begin = None
    if begin is not None:
        raise _malformed(len(blocks) + 1, f"it ends without {REPLACE}")
    if stray:
        raise _malformed(len(blocks) + 1, f"{REPLACE} without {SEARCH} before it")
    if not blocks:
        msg = f"no blocks of {SEARCH}, {DIVIDER}, {REPLACE}"
        raise NoRewriteError(msg)
    return blocks


def closes(fence: re.Match[str], begun: re.Match[str]) -> bool:
    """Whether a fence ends the code block that another one began."""
    same = fence[1][0] == begun[1][0] and len(fence[1]) >= len(begun[1])
    return same and not fence[2].strip()


def _marks(lines: list[str]) -> list[_Mark]:
    found = [(at, _MARK.fullmatch(line.rstrip())) for at, line in enumerate(lines)]
    return [_Mark(at, m[1], m[2] or m[3] or m[4]) for at, m in found if m is not None]


def _block(
    number: int, lines: list[str], ends: tuple[_Mark, _Mark], dividers: list[_Mark]
) -> Block:
    """Return the block between two marks.

    Either half may hold lines of equals signs of its own, as under a title. So the divider is the
    first that stands and counts as the other marks do, if there is one.
    """
    begin, end = ends
    around, counts = {begin.indent, end.indent}, {len(begin.signs), len(DIVIDER)}
    likely = [mark for mark in dividers if mark.indent in around or len(mark.signs) in counts]
    if not likely:
        raise _malformed(number, f"no {DIVIDER} between its halves")
    middle = min(likely, key=lambda m: (m.indent not in around, len(m.signs) != len(begin.signs)))
    search = _unfenced(lines[begin.at + 1 : middle.at])
    replace = _unfenced(lines[middle.at + 1 : end.at])
    if not any(line.strip() for line in search):
        raise _malformed(number, "its SEARCH is empty")
    written = [lines[mark.at] for mark in (begin, middle, end)] + search + replace
    indents = [line[: len(line) - len(line.lstrip())] for line in written if line.strip()]
    least = min(indents, key=len)
    common = least if all(indent.startswith(least) for indent in indents) else ""
    return Block(search, replace, common)


def _unfenced(half: list[str]) -> list[str]:
    """Drop the fences around a half: they are the answer's, not the program's."""
    filled = [at for at, line in enumerate(half) if line.strip()]
    if len(filled) > 1:
        first, last = (FENCE.fullmatch(half[at]) for at in (filled[0], filled[-1]))
        if first is not None and last is not None and closes(last, first):
            return half[filled[0] + 1 : filled[-1]]
    return half


def _malformed(number: int, why: str) -> NoRewriteError:
    return NoRewriteError(f"block {number} is malformed: {why}")


def _places(texts: list[list[str]], search: list[str]) -> list[tuple[int, int]]:
    """Return the region and the line of each place where some whole lines stand."""
    return [(region, line) for region, text in enumerate(texts) for line in _found(text, search)]


def _found(lines: list[str], search: list[str]) -> list[int]:
    """Return where some whole lines stand; blanks at their ends do not count."""
    wanted = [line.rstrip() for line in search]
    plain = [line.rstrip() for line in lines]
    last = len(plain) - len(wanted)
    return [at for at in range(last + 1) if plain[at : at + len(wanted)] == wanted]


def _without_markers(text: str) -> str:
    """Drop marker lines: a rewrite must not move the region's ends."""
    if START not in text and END not in text:
        return text
    return "\n".join(
        line
        for line in text.split("\n")
        if not (line.lstrip().startswith("#") and (START in line or END in line))
    )


def _framed(text: str) -> str:
    """The end marker stays on a line of its own."""
    return text if text.endswith("\n") or not text else text + "\n"


def _changed(program: str, other: str) -> str:
    if other == program:
        msg = "the program would be the same as before"
        raise NoRewriteError(msg)
    return other
