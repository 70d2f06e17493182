"""The content of a store as lines of JSON, to be kept, sent and merged.

The first line names the format. Then come programs, evaluations, runs and claims, each kind sorted,
so that the same content gives the same bytes. A line stands alone but for what it refers to: an
evaluation to its program by SHA-256, a run to its evaluation by digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from harness.errors import UserError
from harness.evaluation.records import Evaluation
from harness.models import StrictModel, describe_problems
from harness.results.records import ClaimedPage
from harness.results.traces import unpack

FORMAT_VERSION = 1
LONGEST_LINE = 256 * 1024 * 1024
"""Characters; an evaluation of our largest task has some hundred thousand."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Place = Annotated[str, Field(min_length=1, max_length=500)]


class HeaderLine(StrictModel):
    """The first line."""

    kind: Literal["sld-results"] = "sld-results"
    version: int = FORMAT_VERSION


class ProgramLine(StrictModel):
    """A program; text where it is UTF-8, else base64."""

    kind: Literal["program"] = "program"
    sha256: Sha256
    text: str | None = None
    base64: str | None = None

    @property
    def source(self) -> bytes:
        """The program's bytes.

        Raises:
            ValueError: There are none, or they are not those of the SHA-256.
        """
        if (self.text is None) == (self.base64 is None):
            raise ValueError("expected either text or base64")
        if self.text is not None:
            found = self.text.encode("utf-8")
        else:
            found = base64.b64decode(self.base64 or "", validate=True)
        if hashlib.sha256(found).hexdigest() != self.sha256:
            raise ValueError("the program is not the one of its SHA-256")
        return found


class EvaluationLine(StrictModel):
    """An evaluation with its arrays."""

    kind: Literal["evaluation"] = "evaluation"
    digest: Place
    program: Sha256
    created: Place
    """When it was stored: UTC, ISO 8601."""
    document: Evaluation
    traces: str
    """The arrays as the store holds them, base64."""

    @property
    def arrays(self) -> bytes:
        """The arrays as the store holds them.

        Raises:
            ValueError: They are damaged, or the line contradicts itself.
        """
        if self.document.digest != self.digest:
            raise ValueError(f"the document is that of {self.document.digest}")
        found = base64.b64decode(self.traces, validate=True)
        unpack(found)
        return found


class RunLine(StrictModel):
    """Whose run an evaluation is."""

    kind: Literal["run"] = "run"
    task: Place
    agent: Place
    model: Place
    run: int
    agent_name: Place
    model_name: Place
    path: str
    digest: Place


class ClaimLine(StrictModel):
    """What a published page claims."""

    kind: Literal["claim"] = "claim"
    task: Place
    agent: Place
    model: Place
    source: str
    page: ClaimedPage


Line = ProgramLine | EvaluationLine | RunLine | ClaimLine
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class Content:
    """What a store holds, or a file of lines; each kind by its key."""

    programs: dict[str, bytes]
    evaluations: dict[str, EvaluationLine]
    runs: dict[tuple[str, str, str, int], RunLine]
    claims: dict[tuple[str, str, str], ClaimLine]


def program_line(source: bytes) -> ProgramLine:
    """Return the line of a program."""
    sha256 = hashlib.sha256(source).hexdigest()
    try:
        return ProgramLine(sha256=sha256, text=source.decode("utf-8"))
    except UnicodeDecodeError:
        return ProgramLine(sha256=sha256, base64=base64.b64encode(source).decode("ascii"))


def run_line(
    task: str,
    agent: str,
    model: str,
    run: int,
    agent_name: str,
    model_name: str,
    path: str,
    digest: str,
) -> RunLine:
    """Return the line of a run, given its row in the store."""
    return RunLine(
        task=task,
        agent=agent,
        model=model,
        run=run,
        agent_name=agent_name,
        model_name=model_name,
        path=path,
        digest=digest,
    )


def claim_line(task: str, agent: str, model: str, document: str, source: str) -> ClaimLine:
    """Return the line of a claim, given its row in the store."""
    page = ClaimedPage.model_validate_json(document)
    return ClaimLine(task=task, agent=agent, model=model, source=source, page=page)


def to_lines(content: Content) -> Iterator[str]:
    """Yield a store's content line by line, each with its line break."""
    yield _written(HeaderLine())
    for sha256 in sorted(content.programs):
        yield _written(program_line(content.programs[sha256]))
    for table in (content.evaluations, content.runs, content.claims):
        for _, line in sorted(table.items()):
            yield _written(line)


def from_lines(lines: Iterable[str], name: str) -> Content:
    """Read lines; nothing is taken on trust.

    Args:
        lines: The lines of a file, with or without line breaks.
        name: The file's name, for messages.

    Raises:
        UserError: A line is not what it should be, one is there twice with another content, or one
            refers to what is nowhere in the file; names the line.
    """
    content = Content({}, {}, {}, {})
    number = 0
    for number, text in enumerate(lines, 1):
        where = f"{name}, line {number}"
        if number == 1:
            _check_header(text, where)
            continue
        if text.strip():
            _take(content, _read(text, where), where)
    if number == 0:
        raise UserError(f"{name}: empty; expected what `sld results export` writes")
    _check_references(content, name)
    return content


def _check_header(text: str, where: str) -> None:
    try:
        header = HeaderLine.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"{where}: no file of results; expected what `sld results export` writes, "
            f'with {{"kind": "sld-results", "version": {FORMAT_VERSION}}} on the first line'
        ) from error
    if header.version != FORMAT_VERSION:
        raise UserError(
            f"{where}: results of version {header.version}; this harness reads {FORMAT_VERSION}"
        )


def _read(text: str, where: str) -> Line:
    if len(text) > LONGEST_LINE:
        raise UserError(f"{where}: longer than {LONGEST_LINE:,} characters")
    try:
        return _LINE.validate_json(text)
    except ValidationError as error:
        raise UserError(f"{where}: {describe_problems(error)[:300]}") from error


def _take(content: Content, line: Line, where: str) -> None:
    try:
        if isinstance(line, ProgramLine):
            content.programs[line.sha256] = line.source
            return
        if isinstance(line, EvaluationLine):
            _ = line.arrays  # checked once, here
    except (ValueError, binascii.Error) as error:
        raise UserError(f"{where}: {error}") from error
    other: Line
    if isinstance(line, EvaluationLine):
        other = content.evaluations.setdefault(line.digest, line)
    elif isinstance(line, RunLine):
        other = content.runs.setdefault((line.task, line.agent, line.model, line.run), line)
    else:
        other = content.claims.setdefault((line.task, line.agent, line.model), line)
    if other != line:
        raise UserError(f"{where}: the same {line.kind} as on an earlier line, with other content")


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
