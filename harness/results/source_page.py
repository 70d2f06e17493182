"""The text layout of a source page: written, and read back to the byte."""

from __future__ import annotations

import math
import os
import re
import unicodedata
from pathlib import Path
from typing import NoReturn

from harness.errors import UserError, one_line
from harness.results.article import read_article
from harness.results.records import ClaimedPage, ClaimedRun
from harness.tasks.reading import read_at_most

BACK_LINK = "← Back to Leaderboard"
ALL_RUNS = "All Runs (sorted by R²)"
LANGUAGE = "Python"

# Digits in one way only: with `[0-9]+\.?[0-9]*` a long line takes quadratic time to refuse.
_FIGURE = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_COUNT = r"[1-9][0-9]{0,5}"
_RUN_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_FIRST_RUN = re.compile(rf"Best Run ({_RUN_NUMBER}) R² = ({_FIGURE})")
_SHOWN_CHARACTERS = 60

MOST_BYTES = 64 * 1024 * 1024
"""Of a page; the largest of the published ones has some hundred kilobytes."""


def page_text(page: ClaimedPage) -> str:
    """Return the exact text of a page; it ends without a newline of its own.

    A page without a program has no line ``Python``. ``parse_page`` is the inverse.
    """
    first, *others = page.ranking
    lines = [
        BACK_LINK,
        "",
        page.title,
        "",
        f"Agent: {page.agent}",
        f"Model: {page.model}",
        f"Best R²: {page.best}",
        f"Mean R²: {page.mean}",
        f"Min R²: {page.min}",
        f"Runs: {page.runs}",
        "",
        ALL_RUNS,
        "",
        f"Best Run {first.run} R² = {first.r2}",
    ]
    if page.program:
        lines += [LANGUAGE, page.program]
    lines += [f"#{place} Run {run.run} R² = {run.r2}" for place, run in enumerate(others, 2)]
    return "\n".join(lines)


def read_page(path: Path) -> ClaimedPage:
    """Read a page from a file, see ``parse_page``.

    Raises:
        UserError: There is no such file, it cannot be read, or it is not a source page.
    """
    if os.path.isdir(path):  # `Path.is_dir` raises for names that are too long
        raise UserError(f"{path}: expected a source page (a file), got a directory")
    try:
        data = read_at_most(path, MOST_BYTES)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; expected a source page") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{one_line(str(path))}: no file can have this name") from error
    return parse_page(data, str(path))


def parse_page(data: bytes, name: str) -> ClaimedPage:
    """Split a source page into its parts.

    Args:
        data: The page: its text, or the HTML that this harness writes.
        name: What to call the page in messages.

    Returns:
        The page, such that ``page_text`` gives back the very text that was read.

    Raises:
        UserError: The bytes are not a source page; says which line was expected and what came.
    """
    if not data:
        raise UserError(f"{name}: expected a source page, got an empty file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name}: expected a source page in UTF-8, got the byte 0x{data[error.start]:02x} "
            f"at position {error.start}"
        ) from error
    if text.lstrip("\ufeff\t\n\f\r ").startswith("<"):
        text = _text_of_html(text, name)
    if text.startswith("\ufeff"):
        raise UserError(f"{name}: expected {BACK_LINK!r} first, got a byte order mark before it")
    page = _Reader(text, name).page()
    if page_text(page) != text:
        raise UserError(f"{name}: the page cannot be given back exactly as it is; not imported")
    return page


def _text_of_html(html: str, name: str) -> str:
    article = read_article(html)
    if article is None:
        raise UserError(
            f'{name}: expected an HTML page of this harness, got one without <article id="run">'
        )
    if article.altered:
        raise UserError(
            f"{name}: the page shows its program with characters replaced, since HTML cannot hold "
            "them; import the program's own file instead"
        )
    return article.text


class _Reader:
    """Reads the layout line by line; only a line feed ends a line."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = text.split("\n")
        self._name = name
        self._next = 0

    def page(self) -> ClaimedPage:
        self._exactly(BACK_LINK)
        self._exactly("")
        title = self._words("", "the task's title")
        self._exactly("")
        agent = self._words("Agent: ", "the agent's name")
        model = self._words("Model: ", "the model's name")
        best, mean, least = (self._figure(f"{word} R²: ") for word in ("Best", "Mean", "Min"))
        runs = self._match(re.compile(rf"Runs: ({_COUNT})"), "Runs: (how many)")[1]
        self._next += 1
        self._exactly("")
        self._exactly(ALL_RUNS)
        self._exactly("")
        first = self._ranked(self._match(_FIRST_RUN, "Best Run (number) R² = (figure)"))
        count = int(runs)
        program = self._program(count - 1)
        ranking = (first, *(self._ranked_at(place, count) for place in range(2, count + 1)))
        self._check_numbers(ranking)
        return ClaimedPage(
            title=title,
            agent=agent,
            model=model,
            best=best,
            mean=mean,
            min=least,
            runs=runs,
            program=program,
            ranking=ranking,
        )

    def _program(self, others: int) -> str:
        """Take the program: all up to the last lines, of which ``Runs:`` tells the number."""
        end = len(self._lines) - others
        if self._next == end:
            return ""
        self._exactly(LANGUAGE)
        program = "\n".join(self._lines[self._next : end]) if end > self._next else ""
        if not program:
            raise UserError(
                f"{self._name}: line {self._next + 1}: expected a program after the line "
                f"'{LANGUAGE}' and {others} lines of runs after it, got no program; a page "
                "without a program has no such line"
            )
        self._next = end
        return program

    def _ranked_at(self, place: int, count: int) -> ClaimedRun:
        pattern = re.compile(rf"#{place} Run ({_RUN_NUMBER}) R² = ({_FIGURE})")
        match = pattern.fullmatch(self._lines[self._next])
        if match is None:
            raise UserError(
                f"{self._name}: 'Runs: {count}' asks for the last {count - 1} lines to be the runs "
                f"#2 to #{count}, the last one without a newline; expected "
                f"'#{place} Run (number) R² = (figure)' on line {self._next + 1}, got "
                f"{_quoted(self._lines[self._next])}"
            )
        return self._ranked(match)

    def _ranked(self, match: re.Match[str]) -> ClaimedRun:
        self._next += 1
        self._check_finite(match[2])
        return ClaimedRun(run=int(match[1]), r2=match[2])

    def _check_numbers(self, ranking: tuple[ClaimedRun, ...]) -> None:
        seen: set[int] = set()
        for ranked in ranking:
            if ranked.run in seen:
                raise UserError(f"{self._name}: expected each run once, got run {ranked.run} twice")
            seen.add(ranked.run)

    def _figure(self, label: str) -> str:
        pattern = re.compile(rf"{label}({_FIGURE})")
        figure = self._match(pattern, f"{label}(figure)")[1]
        self._next += 1
        self._check_finite(figure)
        return figure

    def _check_finite(self, figure: str) -> None:
        if not math.isfinite(float(figure)):
            raise UserError(
                f"{self._name}: line {self._next}: expected a finite figure, got {_quoted(figure)}"
            )

    def _words(self, label: str, what: str) -> str:
        line = self._peek(label + f"({what})")
        words = line.removeprefix(label)
        if not line.startswith(label) or not words.strip() or _has_control(words):
            self._refuse(label + f"({what})")
        self._next += 1
        return words

    def _exactly(self, expected: str) -> None:
        if self._peek(expected) != expected:
            self._refuse(expected)
        self._next += 1

    def _match(self, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        match = pattern.fullmatch(self._peek(expected))
        if match is None:
            self._refuse(expected)
        return match

    def _peek(self, expected: str) -> str:
        if self._next >= len(self._lines):
            raise UserError(
                f"{self._name}: not a source page: expected {_quoted(expected)} on line "
                f"{self._next + 1}, got the end of the page"
            )
        return self._lines[self._next]

    def _refuse(self, expected: str) -> NoReturn:
        raise UserError(
            f"{self._name}: not a source page: expected {_quoted(expected)} on line "
            f"{self._next + 1}, got {_quoted(self._lines[self._next])}"
        )


def _has_control(words: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in words)


def _quoted(line: str) -> str:
    if not line:
        return "an empty line"
    shown = line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…"
    return repr(shown)
