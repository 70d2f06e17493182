"""What holds for a whole suite: the file ``suites.yaml`` of a tasks folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from harness.errors import UserError
from harness.models import StrictModel, describe_problems
from harness.tasks.definition import Slug
from harness.tasks.yaml_file import read_mapping

SUITES_FILE = "suites.yaml"


class SuiteDefinition(StrictModel):
    """What a suite states beyond its tasks."""

    expected_runs: Annotated[int, Field(gt=0, strict=True)] | None = None
    """How many runs an agent with a model should have on each task; null: no number is expected."""


class SuitesFile(StrictModel):
    """The content of ``suites.yaml``."""

    schema_version: Literal[1] = 1
    suites: dict[Slug, SuiteDefinition] = Field(default_factory=dict)


def load_suites(folder: Path) -> dict[str, SuiteDefinition]:
    """Return what a tasks folder states of its suites; nothing where it has no such file.

    Raises:
        UserError: The file is not YAML, or says something else.
    """
    path = folder / SUITES_FILE
    if not path.is_file():
        return {}
    try:
        return SuitesFile.model_validate(read_mapping(path)).suites
    except ValidationError as error:
        raise UserError(f"{path}: {describe_problems(error)}") from error
