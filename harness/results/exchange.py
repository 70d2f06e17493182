"""The content of a store as lines of JSON, to be kept, sent and merged.

The first line names the format. Then come programs, evaluations, runs and claims, each kind sorted,
so that the same content gives the same bytes, and a last line without which the file was cut short.
A line stands alone but for what it refers to: an evaluation to its program by SHA-256, a run to its
evaluation by digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from harness.candidates.naming import (
    LONGEST_PATH,
    LONGEST_SLUG,
    MOST_RUN,
    agent_slug,
    is_shown_name,
    model_slug,
)
from harness.errors import UserError, one_line
from harness.evaluation.records import Evaluation
from harness.models import SHA256, StrictModel, describe_problems, matching
from harness.results.line_checks import check_evaluation, check_names
from harness.results.records import ClaimedPage
from harness.results.source_page import page_text, parse_page
from harness.results.traces import pack, unpack

FORMAT_VERSION = 2
"""1: without the last line, so that a file that was cut short may look whole."""
LONGEST_LINE = 256 * 1024 * 1024
"""Characters; an evaluation of our largest task has some hundred thousand."""

MOST_ARRAY_BYTES = 64 * 1024 * 1024
"""Of one evaluation's arrays, unpacked: a few packed bytes may stand for a thousand times more."""
ELSEWHERE = "elsewhere:"
"""What the path of a program that is not on this machine begins with."""
_LONGEST_FILE_NAME = 255

Sha256 = Annotated[str, SHA256]


def _shown(name: str) -> str:
    if not is_shown_name(name):
        raise ValueError("expected one line without control characters")
    return name


def _agent(slug: str) -> str:
    if agent_slug(slug) != slug:
        raise ValueError(f"expected an agent's folder name, such as {agent_slug(slug)[:100]!r}")
    return slug


def _model(slug: str) -> str:
    if model_slug(slug) != slug:
        raise ValueError(f"expected a model's folder name, such as {model_slug(slug)[:100]!r}")
    return slug


def _at_most(most: int) -> AfterValidator:
    def check(text: str) -> str:
        if len(text) > most:
            raise ValueError(f"expected {most:,} characters at most, got {len(text):,}")
        return text

    return AfterValidator(check)


def _path(path: str) -> str:
    # Anything else makes the very question whether there is such a file an error. What is taken
    # into a store may be marked there, and has to come out again.
    plain = path.removeprefix(ELSEWHERE)
    if len(plain) > LONGEST_PATH:
        raise ValueError(f"expected {LONGEST_PATH:,} characters at most, got {len(plain):,}")
    parts = f"{ELSEWHERE}{plain}".split("/")
    if "\0" in path or any(len(part.encode()) > _LONGEST_FILE_NAME for part in parts):
        raise ValueError("expected a path that a file can have")
    return path


Place = Annotated[str, Field(min_length=1), _at_most(500), AfterValidator(_shown)]
# Pages are called by these three; whatever else stood in them could name other files.
TaskName = Annotated[
    str,
    _at_most(100),
    matching(r"[A-Za-z0-9_-]+", "a task's name: letters, digits, _ and -"),
]
Agent = Annotated[str, Field(min_length=1), _at_most(LONGEST_SLUG), AfterValidator(_agent)]
Model = Annotated[str, Field(min_length=1), _at_most(LONGEST_SLUG), AfterValidator(_model)]


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
        _check_arrays(found)
        return found


class RunLine(StrictModel):
    """Whose run an evaluation is."""

    kind: Literal["run"] = "run"
    task: TaskName
    agent: Agent
    model: Model
    run: Annotated[int, Field(ge=0, le=MOST_RUN)]
    agent_name: Place
    model_name: Place
    path: Annotated[str, AfterValidator(_path)]
    digest: Place


class ClaimLine(StrictModel):
    """What a published page claims."""

    kind: Literal["claim"] = "claim"
    task: TaskName
    agent: Agent
    model: Model
    source: str
    page: ClaimedPage


class EndLine(StrictModel):
    """The last line."""

    kind: Literal["end"] = "end"


Line = ProgramLine | EvaluationLine | RunLine | ClaimLine
_LINE: TypeAdapter[Line | EndLine] = TypeAdapter(
    Annotated[Line | EndLine, Field(discriminator="kind")]
)


class NotExportable(UserError):
    """A row of a sound store that no line of an export could hold."""


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
    """Return the line of a run, given its row in the store.

    Raises:
        NotExportable: A name is longer than a line may have it, or of another form.
    """
    try:
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
    except ValidationError as error:
        raise NotExportable(
            f"run {one_line(f'{task}/{agent}/{model}/{run}')}: {one_line(describe_problems(error))}"
            "; no export can hold this run: give its folder a name that it can hold, then `sld run`"
        ) from error


def claim_line(task: str, agent: str, model: str, document: str, source: str) -> ClaimLine:
    """Return the line of a claim, given its row in the store.

    Raises:
        NotExportable: A name is longer than a line may have it, or of another form.
        ValidationError: The document is none.
    """
    page = ClaimedPage.model_validate_json(document)
    try:
        return ClaimLine(task=task, agent=agent, model=model, source=source, page=page)
    except ValidationError as error:
        raise NotExportable(
            f"claim {one_line(f'{task}/{agent}/{model}')}: {one_line(describe_problems(error))}; "
            "no export can hold this claim: import its page under such a name into another store"
        ) from error


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


def _check_arrays(packed: bytes) -> None:
    """Make sure that arrays can be unpacked and are what packing them writes.

    Raises:
        ValueError: They are damaged, or too much.
    """
    try:
        plain = _unpacked(packed)
        again = _unpacked(pack(unpack(packed)))
    except (zlib.error, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"damaged arrays: {error}") from error
    if again != plain:
        raise ValueError("damaged arrays: more than arrays, or not in their order")


def _unpacked(packed: bytes) -> bytes:
    reader = zlib.decompressobj()
    plain = reader.decompress(packed, MOST_ARRAY_BYTES)
    if reader.unconsumed_tail:
        raise ValueError(f"arrays of more than {MOST_ARRAY_BYTES:,} bytes")
    if not reader.eof or reader.unused_data:
        raise ValueError("damaged arrays: cut short, or something after them")
    return plain


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
