"""Rewrites what stands between a program's markers, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from harness.candidates.markers import END, START, find_markers

SEARCH, DIVIDER, REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"


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
    for number, (search, replace) in enumerate(read_blocks(answer), 1):
        places = [
            (region, line) for region, lines in enumerate(texts) for line in _found(lines, search)
        ]
        if len(places) != 1:
            times = f"{len(places)} times" if places else "nowhere"
            msg = (
                f"the SEARCH of block {number} stands {times} between the markers; it must be "
                "whole lines, copied exactly, that stand there once"
            )
            raise NoRewriteError(msg)
        region, line = places[0]
        texts[region][line : line + len(search)] = replace
    whole = tuple(_framed(_without_markers("\n".join(lines))) for lines in texts)
    return _changed(program, regions.joined(whole))


def has_blocks(answer: str) -> bool:
    """Whether an answer looks as if it holds SEARCH/REPLACE blocks."""
    return any(line.rstrip() == SEARCH for line in answer.split("\n"))


def read_blocks(answer: str) -> list[tuple[list[str], list[str]]]:
    """Return the lines that each block searches and what replaces them.

    Raises:
        NoRewriteError: There is none, or one is malformed.
    """
    lines = [line.rstrip("\r") for line in answer.split("\n")]
    marks = [line.rstrip() for line in lines]
    blocks: list[tuple[list[str], list[str]]] = []
    at = 0
    while (begin := _next(marks, SEARCH, at)) is not None:
        number = len(blocks) + 1
        end = _next(marks, REPLACE, begin)
        if end is None:
            raise _malformed(number, f"it ends without {REPLACE}")
        if _next(marks, SEARCH, begin + 1, end) is not None:
            raise _malformed(number, f"no {REPLACE} before the next {SEARCH}")
        middle = _next(marks, DIVIDER, begin, end)
        if middle is None:
            raise _malformed(number, f"no {DIVIDER} between its halves")
        search, replace = lines[begin + 1 : middle], lines[middle + 1 : end]
        if not any(line.strip() for line in search):
            raise _malformed(number, "its SEARCH is empty")
        blocks.append((search, replace))
        at = end + 1
    if _next(marks, REPLACE, at) is not None:
        raise _malformed(len(blocks) + 1, f"{REPLACE} without {SEARCH} before it")
    if not blocks:
        msg = f"no blocks of {SEARCH}, {DIVIDER}, {REPLACE}"
        raise NoRewriteError(msg)
    return blocks


def _next(marks: list[str], mark: str, begin: int, end: int | None = None) -> int | None:
    """Return the next line that is a mark; None where there is none before the end."""
    try:
        return marks.index(mark, begin, len(marks) if end is None else end)
    except ValueError:
        return None


def _malformed(number: int, why: str) -> NoRewriteError:
    return NoRewriteError(f"block {number} is malformed: {why}")


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
