"""Filing a program as the next run, with a small YAML file beside it that says whose it is."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError

from harness.candidates.discovery import RunFile, run_number
from harness.candidates.files import read_yaml, refuse_link
from harness.candidates.naming import MOST_RUN, add_names, agent_slug, load_names, model_slug
from harness.candidates.program import Candidate
from harness.errors import UserError, one_line
from harness.models import ONE_LINE, SHA256, StrictModel, describe_problems
from harness.whole_files import place, replace

_LONGEST_NAME = 100
_MOST_RACES = 1000
_FILED = frozenset({".py", ".yaml"})
_LONGEST_NOTES = 2000
_LONGEST_VALUE = 4 * _LONGEST_NOTES
"""Of the YAML file; notes may be written with spaces around them."""
_MOST_BYTES = 64 * 1024
"""Of the YAML file."""

NO_PROGRAM = "0" * 64
"""SHA-256 of a note that belongs to no program yet."""

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE
]
"""One line of text, not empty."""


class Submission(StrictModel):
    """What stands beside a filed program."""

    schema_version: Literal[1] = 1
    submitter: Line
    date: datetime.date
    sha256: Annotated[str, SHA256]
    """Of the program's bytes: the note belongs to this very text."""
    claimed_r2: float | None = Field(default=None, le=1.0, allow_inf_nan=False)
    """Held-out R² as the submitter states it."""
    notes: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST_NOTES)] | None
    ) = None


def submission_path(program: Path) -> Path:
    """Return where a filed program's YAML file is."""
    return program.with_suffix(".yaml")


def load_submission(program: Path) -> Submission | None:
    """Read the YAML file beside a filed program; None where there is none.

    Raises:
        UserError: It is a link, no regular file, too large or not YAML, has an unknown key, a key
            twice or a wrong value; names the file and the key.
    """
    path = submission_path(program)
    if not os.path.lexists(path):  # never raises, whatever the program is called
        return None
    document = read_yaml(path, "the program's note", most_bytes=_MOST_BYTES, longest=_LONGEST_VALUE)
    try:
        return Submission.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(describe_problems(error))}") from error


def check_name(name: str, what: str) -> None:
    """Refuse a display name that no folder can be called after.

    Raises:
        UserError: It is empty, too long, or has no letter and no digit.
    """
    slug = (agent_slug if what == "agent" else model_slug)(name)
    if not re.search(r"[a-z0-9]", slug) or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise UserError(
            f"--{what} {name[:_LONGEST_NAME]!r}: expected a name of at most {_LONGEST_NAME} "
            "printable characters with a Latin letter or a digit, such as 'GPT-5'"
        )
    if name != name.strip():
        raise UserError(f"--{what} {name!r}: starts or ends with a space")


def same_programs(folder: Path, candidate: Candidate) -> list[Path]:
    """Return the programs below a folder that are the same to the byte, sorted."""
    size = len(candidate.source)
    found = []
    for path in sorted(folder.rglob("*.py")):
        with contextlib.suppress(OSError):
            if path.stat().st_size == size and path.read_bytes() == candidate.source:
                found.append(path)
    return found


def next_run(folder: Path, taken: Collection[int] = ()) -> int:
    """Return the number that the next program in an agent's and model's folder gets, from 1.

    Args:
        folder: The folder.
        taken: Numbers of runs that lie elsewhere and are not to be had either.

    Raises:
        UserError: The folder has the largest number that a run may have.
    """
    # `Path.is_dir` raises for names that are too long, which are refused with all other reasons.
    names = [entry.name for entry in folder.iterdir()] if os.path.isdir(folder) else []
    stems = [stem for stem, suffix in map(os.path.splitext, names) if suffix in _FILED]
    numbers = [run_number(f"{stem}.py") for stem in stems]
    # Larger ones are no runs: whatever looks for runs passes them over and says so.
    here = [number for number in numbers if number is not None and number <= MOST_RUN]
    run = max(here, default=0) + 1
    while run in taken:
        run += 1
    if run > MOST_RUN:
        raise UserError(
            f"{folder}: the next run would have the number {run}, and {MOST_RUN} is the largest "
            "that a run may have; give the last run there a smaller number"
        )
    return run


def file_program(
    into: Path,
    task: str,
    agent: str,
    model: str,
    candidate: Candidate,
    note: Submission,
    *,
    taken: Collection[int] = (),
) -> RunFile:
    """File a program as the next run. Two who file at once get two numbers.

    Args:
        into: The candidates folder; made where it is missing.
        task: The task's name.
        agent: The agent's display name.
        model: The model's display name.
        candidate: The program.
        note: What its YAML file says, but for the SHA-256.
        taken: Numbers that runs elsewhere have.

    Returns:
        Where it is.

    Raises:
        UserError: A name's slug is taken by another name, the numbers have come to their end, or
            the folder cannot be written.
    """
    folder = _folder(into, task, agent, model)
    try:
        names = load_names(into)
        wider = names.with_names(agent, model)
        folder.mkdir(parents=True, exist_ok=True)
        if wider != names:
            add_names(into, [(agent, model)])
        run = _claim(folder, _text(note, candidate), taken)
        path = folder / f"run_{run}.py"
        if not place(path, candidate.source):
            raise UserError(f"{path}: somebody put a file there just now; submit again")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return _run_file(path, task, agent, model, run)


def number_on_file(path: Path, into: Path, task: str, agent: str, model: str) -> int | None:
    """Return the number of a program that lies at its place in a candidates folder already.

    Args:
        path: The program, by whatever way it is named.
        into: The candidates folder.
        task: The task's name.
        agent: The agent's display name.
        model: The model's display name.

    Returns:
        None where it lies elsewhere, or is a link.
    """
    number = run_number(path.name)
    if number is None or number > MOST_RUN or path.is_symlink():
        return None
    folder = _folder(into, task, agent, model)
    there = os.path.realpath(path.absolute().parent) == os.path.realpath(folder)
    return number if there else None


def write_note(
    into: Path, task: str, agent: str, model: str, run: int, candidate: Candidate, note: Submission
) -> RunFile:
    """Write the note of a program that lies at its place already, instead of the one beside it.

    Args:
        into: The candidates folder.
        task: The task's name.
        agent: The agent's display name.
        model: The model's display name.
        run: The program's number.
        candidate: The program.
        note: What its YAML file says, but for the SHA-256.

    Returns:
        Where the program is.

    Raises:
        UserError: A name's slug is taken by another name, the note is a link, or the folder cannot
            be written.
    """
    path = _folder(into, task, agent, model) / f"run_{run}.py"
    beside = submission_path(path)
    refuse_link(beside, "the program's note")
    try:
        names = load_names(into)
        if (names.agent(agent_slug(agent)), names.model(model_slug(model))) != (agent, model):
            add_names(into, [(agent, model)])
        replace(beside, _text(note, candidate))
    except OSError as error:
        raise UserError(f"{beside}: cannot be written: {error.strerror or error}") from error
    return _run_file(path, task, agent, model, run)


def _folder(into: Path, task: str, agent: str, model: str) -> Path:
    return into / task / agent_slug(agent) / model_slug(model)


def _text(note: Submission, candidate: Candidate) -> bytes:
    """Return what stands beside a program."""
    of_program = note.model_copy(update={"sha256": candidate.sha256})
    plain = of_program.model_dump(exclude_none=True)
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text.encode("utf-8")


def _run_file(path: Path, task: str, agent: str, model: str, run: int) -> RunFile:
    return RunFile(
        path=path.absolute(),
        task=task,
        agent=agent_slug(agent),
        model=model_slug(model),
        run=run,
        agent_name=agent,
        model_name=model,
    )


def _claim(folder: Path, text: bytes, taken: Collection[int]) -> int:
    """Take the next free number by putting the YAML file there; the program follows."""
    for _ in range(_MOST_RACES):
        run = next_run(folder, taken)
        if place(folder / f"run_{run}.yaml", text):
            return run
    raise UserError(f"{folder}: too many others file programs here; submit again")
