"""The content of a store as lines of JSON, to be kept, sent and merged.

The first line names the format. Then come programs, evaluations, runs and claims, each kind sorted,
so that the same content gives the same bytes, and a last line without which the file was cut short.
A line stands alone but for what it refers to: an evaluation to its program by SHA-256, a run to its
evaluation by digest.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from harness.errors import UserError, one_line
from harness.models import StrictModel, describe_problems
from harness.results.line_checks import check_evaluation, check_names
from harness.results.lines import (
    FORMAT_VERSION,
    ClaimLine,
    Content,
    EndLine,
    EvaluationLine,
    HeaderLine,
    Line,
    ProgramLine,
    RunLine,
    program_line,
)
from harness.results.records import ClaimedPage
from harness.results.source_page import page_text, parse_page

LONGEST_LINE = 256 * 1024 * 1024
"""Characters; an evaluation of our largest task has some hundred thousand."""

_LINE: TypeAdapter[Line | EndLine] = TypeAdapter(
    Annotated[Line | EndLine, Field(discriminator="kind")]
)


def to_lines(content: Content) -> Iterator[str]:
    """Yield a store's content line by line, each with its line break."""
    yield _written(HeaderLine())
    for sha256 in sorted(content.programs):
        yield _written(program_line(content.programs[sha256]))
    for table in (content.evaluations, content.runs, content.claims):
        for _, line in sorted(table.items()):
            yield _written(line)
    yield _written(EndLine())


def from_lines(
    lines: Iterable[str], name: str, note: Callable[[str], None] = lambda _: None
) -> Content:
    """Read lines; nothing is taken on trust.

    Args:
        lines: The lines of a file, with or without line breaks.
        name: The file's name, for messages.
        note: Is told what cannot be checked in a file of an older version.

    Raises:
        UserError: A line is not what it should be, one is there twice with another content, one
            refers to what is nowhere in the file, or the last one is missing; names the line.
    """
    content = Content({}, {}, {}, {})
    number, version, ended = 0, FORMAT_VERSION, False
    for number, text in enumerate(lines, 1):
        where = f"{name}, line {number}"
        if number == 1:
            version = _version(text, where)
            continue
        if not text.strip():
            continue
        if ended:
            raise UserError(f"{where}: comes after the last line; expected one export a file")
        line = _read(text, where)
        if isinstance(line, EndLine):
            ended = True
        else:
            _take(content, line, where)
    if number == 0:
        raise UserError(f"{name}: empty; expected what `sld results export` writes")
    if not ended and version > 1:
        raise UserError(
            f'{name}: cut short after line {number}: expected {{"kind": "end"}} on the last line; '
            "export or copy it again"
        )
    _check_references(content, name)
    if not ended:
        note(
            f"{name}: written by an older harness, without a last line that says so: "
            "if it was cut short, nobody can see it"
        )
    return content


def _version(text: str, where: str) -> int:
    try:
        header = HeaderLine.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"{where}: no file of results; expected what `sld results export` writes, "
            f'with {{"kind": "sld-results", "version": {FORMAT_VERSION}}} on the first line'
        ) from error
    if not 1 <= header.version <= FORMAT_VERSION:
        raise UserError(
            f"{where}: results of version {one_line(str(header.version))}; "
            f"this harness reads 1 to {FORMAT_VERSION}"
        )
    return header.version


def _read(text: str, where: str) -> Line | EndLine:
    if len(text) > LONGEST_LINE:
        raise UserError(f"{where}: longer than {LONGEST_LINE:,} characters")
    try:
        return _LINE.validate_json(text)
    except ValidationError as error:
        raise UserError(f"{where}: {one_line(describe_problems(error))}") from error


def _take(content: Content, line: Line, where: str) -> None:
    try:
        if isinstance(line, ProgramLine):
            content.programs[line.sha256] = line.source
            return
        if isinstance(line, EvaluationLine):
            _ = line.arrays  # checked once, here
        if isinstance(line, ClaimLine):
            _check_page(line.page)
        _check_true(line)
    except (ValueError, binascii.Error) as error:
        raise UserError(f"{where}: {one_line(str(error))}") from error
    except UserError as error:
        raise UserError(f"{where}: {one_line(str(error))}") from error
    other: Line
    if isinstance(line, EvaluationLine):
        other = content.evaluations.setdefault(line.digest, line)
    elif isinstance(line, RunLine):
        other = content.runs.setdefault((line.task, line.agent, line.model, line.run), line)
    else:
        other = content.claims.setdefault((line.task, line.agent, line.model), line)
    if other != line:
        raise UserError(f"{where}: the same {line.kind} as on an earlier line, with other content")


def check_content(content: Content, name: str) -> None:
    """Refuse what a store holds where it cannot be true; what is read from lines was checked.

    Args:
        content: What a store holds.
        name: The store's name, for messages.

    Raises:
        UserError: Names the row and its field.
    """
    lines: list[tuple[str, Line]] = [
        *((digest[:12], line) for digest, line in sorted(content.evaluations.items())),
        *(("/".join(map(str, key)), line) for key, line in sorted(content.runs.items())),
        *(("/".join(key), line) for key, line in sorted(content.claims.items())),
    ]
    for place, line in lines:
        try:
            _check_true(line)
        except ValueError as error:
            raise UserError(f"{name}: {place}: {one_line(str(error))}") from error


def _check_true(line: Line) -> None:
    """Refuse a line of the right form that cannot be true.

    Raises:
        ValueError: Names the field, what was expected and what came.
    """
    try:
        if isinstance(line, EvaluationLine):
            check_evaluation(line.document)
        if isinstance(line, RunLine):
            agent, model = (line.agent, line.agent_name), (line.model, line.model_name)
            check_names(agent, model, ("agent_name", "model_name"))
        if isinstance(line, ClaimLine):
            agent, model = (line.agent, line.page.agent), (line.model, line.page.model)
            check_names(agent, model, ("page.agent", "page.model"))
    except ValueError as error:
        raise ValueError(f"{line.kind}.{error}") from error


def _check_page(page: ClaimedPage) -> None:
    """Make sure that a claim is one that a page could have made, since pages are made of it.

    Raises:
        UserError: It is none.
        ValueError: It is none.
    """
    if not page.ranking:
        raise ValueError("page: a claim without a run")
    runs = tuple(run.model_copy(update={"program": None}) for run in page.ranking)
    plain = page.model_copy(update={"ranking": runs})
    if parse_page(page_text(plain).encode("utf-8"), "page") != plain:
        raise ValueError("page: no source page gives this claim")


def _check_references(content: Content, name: str) -> None:
    for digest, evaluation in sorted(content.evaluations.items()):
        if evaluation.program not in content.programs:
            raise UserError(f"{name}: the program of evaluation {digest[:12]} is not in the file")
    for key, run in sorted(content.runs.items()):
        if run.digest not in content.evaluations:
            raise UserError(f"{name}: the evaluation of run {'/'.join(map(str, key))} is missing")
        if content.evaluations[run.digest].document.task != run.task:
            raise UserError(f"{name}: run {'/'.join(map(str, key))} has another task's evaluation")


def _written(line: StrictModel) -> str:
    document = line.model_dump(mode="json", exclude_none=isinstance(line, ProgramLine))
    return json.dumps(document, sort_keys=True, allow_nan=False) + "\n"
