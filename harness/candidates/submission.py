"""Filing a program as the next run, with a small YAML file beside it that says whose it is."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError

from harness.candidates.discovery import RunFile
from harness.candidates.naming import agent_slug, load_names, model_slug, save_names
from harness.candidates.program import Candidate
from harness.errors import UserError
from harness.models import ONE_LINE, SHA256, StrictModel, describe_problems

_NUMBERED = re.compile(r"run_(0|[1-9][0-9]*)\.(?:py|yaml)")
_LONGEST_NAME = 100
_MOST_RACES = 1000

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
    notes: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None


def submission_path(program: Path) -> Path:
    """Return where a filed program's YAML file is."""
    return program.with_suffix(".yaml")


def load_submission(program: Path) -> Submission | None:
    """Read the YAML file beside a filed program; None where there is none.

    Raises:
        UserError: It is not YAML, has an unknown key or a wrong value; names the file and the key.
    """
    path = submission_path(program)
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        return Submission.model_validate(document)
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise UserError(f"{path}: {describe_problems(error)}") from error
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())[:300]}") from error


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


def next_run(folder: Path) -> int:
    """Return the number that the next program in an agent's and model's folder gets, from 1."""
    # `Path.is_dir` raises for names that are too long, which are refused with all other reasons.
    names = (entry.name for entry in folder.iterdir()) if os.path.isdir(folder) else ()
    numbers = [int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))]
    return max(numbers, default=0) + 1


def file_program(
    into: Path, task: str, agent: str, model: str, candidate: Candidate, note: Submission
) -> RunFile:
    """File a program as the next run. Two who file at once get two numbers.

    Args:
        into: The candidates folder; made where it is missing.
        task: The task's name.
        agent: The agent's display name.
        model: The model's display name.
        candidate: The program.
        note: What its YAML file says, but for the SHA-256.

    Returns:
        Where it is.

    Raises:
        UserError: A name's slug is taken by another name, or the folder cannot be written.
    """
    folder = into / task / agent_slug(agent) / model_slug(model)
    of_program = note.model_copy(update={"sha256": candidate.sha256})
    plain = of_program.model_dump(exclude_none=True)
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    try:
        names = load_names(into)
        wider = names.with_names(agent, model)
        folder.mkdir(parents=True, exist_ok=True)
        if wider != names:
            save_names(into, wider)
        run = _claim(folder, text.encode("utf-8"))
        path = folder / f"run_{run}.py"
        if not _place(path, candidate.source):
            raise UserError(f"{path}: somebody put a file there just now; submit again")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return RunFile(
        path=path.absolute(),
        task=task,
        agent=agent_slug(agent),
        model=model_slug(model),
        run=run,
        agent_name=agent,
        model_name=model,
    )


def _claim(folder: Path, text: bytes) -> int:
    """Take the next free number by putting the YAML file there; the program follows."""
    for _ in range(_MOST_RACES):
        run = next_run(folder)
        if _place(folder / f"run_{run}.yaml", text):
            return run
    raise UserError(f"{folder}: too many others file programs here; submit again")


def _place(path: Path, content: bytes) -> bool:
    """Put a whole file where there is none, at once and for good; False where there is one."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.link(name, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(name)
    return True
