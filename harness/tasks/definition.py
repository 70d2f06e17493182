"""What a task's YAML file may say. Anything else in it is an error that names the key."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from harness.models import ONE_LINE, SHA256, StrictModel, matching

GROUP_COLUMN = "group"
"""The column of every data file that says which rows share constants."""

MAX_CURVE_POINTS = 200

Slug = Annotated[
    str,
    StringConstraints(max_length=100),
    matching(
        r"[a-z0-9][a-z0-9_-]*",
        "lower-case letters, digits, _ and -, with a letter or a digit first",
    ),
]
"""A name that is also a folder's and a page's name."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), ONE_LINE]
"""One line of text, not empty."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Sha256 = Annotated[str, SHA256]


def _problem(message: str) -> PydanticCustomError:
    """Return an error that pydantic reports in exactly these words."""
    return PydanticCustomError("task_definition", "{message}", {"message": message})


def stays_inside(path: str) -> bool:
    """Return whether a path is relative and never climbs out of the folder it starts from."""
    pure = PurePath(path)
    return not pure.is_absolute() and ".." not in pure.parts


class Column(StrictModel):
    """One feature or target of a task, as the data files call it."""

    name: str
    unit: Line
    meaning: Line

    @field_validator("name")
    @classmethod
    def _usable_as_a_name(cls, name: str) -> str:
        if not name.isidentifier():
            raise _problem(f"a column's name is letters, digits and _, not {name!r}")
        if name == GROUP_COLUMN:
            raise _problem(f"{GROUP_COLUMN!r} is the grouping column, not a feature or target")
        return name


class FileRef(StrictModel):
    """A data file and, where it is pinned, the SHA-256 of its bytes."""

    path: Line
    sha256: Sha256 | None = None

    @property
    def pinned(self) -> bool:
        """Whether the definition states what is in the file."""
        return self.sha256 is not None


class ShippedData(StrictModel):
    """Data files that lie beside the task's YAML file; paths are relative to its folder."""

    kind: Literal["shipped"]
    train: FileRef
    test: FileRef

    @model_validator(mode="after")
    def _two_files(self) -> Self:
        if PurePath(self.train.path) == PurePath(self.test.path):
            raise _problem(f"train and test are the same file, {self.train.path}")
        return self

    @property
    def pinned(self) -> bool:
        """Whether the definition states what is in both files."""
        return self.train.pinned and self.test.pinned

    @property
    def stays_inside(self) -> bool:
        """Whether both files lie in the folder of the YAML file, or below it."""
        return stays_inside(self.train.path) and stays_inside(self.test.path)


class HubSource(StrictModel):
    """Where third-party data is pulled from: a data set on the Hugging Face Hub."""

    repository: Line
    revision: Line
    configuration: Line


class ContentRef(StrictModel):
    """A data file whose rows are pinned, whatever their order and the notation of their numbers."""

    path: Line
    content_sha256: Sha256
    """SHA-256 of the rows' canonical form, see ``harness.tasks.reading.canonical_form``."""

    @property
    def pinned(self) -> bool:
        """Whether the definition states what is in the file."""
        return True


class ExternalData(StrictModel):
    """Third-party data that is not shipped; always pinned by its content."""

    kind: Literal["external"]
    folder: Line
    """Looked up below ``$SLD_DATA``, else below the user's cache folder."""
    train: ContentRef
    test: ContentRef
    hub: HubSource

    @property
    def pinned(self) -> bool:
        """Whether the definition states what is in both files."""
        return self.train.pinned and self.test.pinned

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        for path in (self.folder, self.train.path, self.test.path):
            if not stays_inside(path):
                raise _problem(f"{path}: external data stays inside the data folder")
        if self.train.path == self.test.path:
            raise _problem(f"train and test are the same file, {self.train.path}")
        return self


class CurveGrid(StrictModel):
    """Where a law is drawn on the pages: one line of rows through each group's data.

    ``along`` runs from its smallest to its largest value over the group's train and test rows,
    evenly in the feature or, with ``log``, in its logarithm. The other features stay at the values
    of the group's *largest* train row: the one whose ranks in them (ties share the mean rank) have
    the greatest sum, the first such row in file order.

    With ``simplex``, the names of proportions that sum to one (``along`` among them), ``along``
    runs from 0 to 1 instead and the other proportions share the rest as they do in the mean of the
    group's train rows; features outside the simplex stay at the largest train row.
    """

    along: str
    points: Annotated[int, Field(ge=2, le=MAX_CURVE_POINTS, strict=True)]
    log: Annotated[bool, Field(strict=True)]
    simplex: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _simplex_agrees(self) -> Self:
        if self.simplex is None:
            return self
        if len(set(self.simplex)) != len(self.simplex) or len(self.simplex) < 2:
            raise _problem("simplex names two or more features, each once")
        if self.along not in self.simplex:
            raise _problem(f"along names a feature of the simplex, not {self.along!r}")
        if self.log:
            raise _problem("a proportion runs from 0 to 1, so log is false with simplex")
        return self


class Reference(StrictModel):
    """The law that people have published for this task."""

    law: Line
    citation: Line
    url: Line | None


class TaskDefinition(StrictModel):
    """A scaling-law problem, as its YAML file states it."""

    schema_version: Literal[1] = 1
    name: Slug
    title: Line
    suite: Slug
    description: Text
    features: Annotated[tuple[Column, ...], Field(min_length=1)]
    """In the order of the columns of a program's ``data_points``."""
    targets: Annotated[tuple[Column, ...], Field(min_length=1)]
    max_params: Annotated[int, Field(gt=0, strict=True)] | None
    """Most constants per group; null: as many as the author likes. Has to be stated."""
    fit_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 300.0
    """Wall time for fitting all groups."""
    data: Annotated[ShippedData | ExternalData, Field(discriminator="kind")]
    reference: Reference
    curve: CurveGrid | None

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = [column.name for column in (*self.features, *self.targets)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _problem(f"features and targets name {', '.join(twice)} more than once")
        if self.curve is not None:
            features = {column.name for column in self.features}
            for name in (self.curve.along, *(self.curve.simplex or ())):
                if name not in features:
                    raise _problem(f"curve: {name!r} is not a feature of the task")
        return self

    def score_relevant(self) -> dict[str, object]:
        """Return the parts that can change a score or the curve; wording is not among them."""
        return {
            "name": self.name,
            "features": [column.name for column in self.features],
            "targets": [column.name for column in self.targets],
            "max_params": self.max_params,
            "fit_seconds": self.fit_seconds,
            "curve": None if self.curve is None else self.curve.model_dump(mode="json"),
        }
