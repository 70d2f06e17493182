"""The lines that an export is made of: each kind, what it may hold, and a store's content."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

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
from harness.results.records import ClaimedPage
from harness.results.traces import pack, unpack

FORMAT_VERSION = 2
"""1: without the last line, so that a file that was cut short may look whole."""
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
