"""A task: its definition, where its data is, and the data itself, read when first asked for."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness import paths
from harness.errors import DataNotFoundError
from harness.tasks.definition import ExternalData, TaskDefinition
from harness.tasks.reading import read_bytes, sha256_of

if TYPE_CHECKING:
    from harness.tasks.data import GroupRows, SplitFile, TaskData


@dataclass(frozen=True)
class Task:
    """A scaling-law problem. Its files are read and hashed at most once, when first needed."""

    definition: TaskDefinition
    path: Path
    """The YAML file, as an absolute path."""

    @property
    def name(self) -> str:
        """The name that folders, pages and options use."""
        return self.definition.name

    @property
    def suite(self) -> str:
        """The suite that the task is averaged in."""
        return self.definition.suite

    @property
    def title(self) -> str:
        """The name that pages show."""
        return self.definition.title

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features' names, in column order."""
        return tuple(column.name for column in self.definition.features)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The targets' names, in column order."""
        return tuple(column.name for column in self.definition.targets)

    def files(self) -> tuple[Path, Path]:
        """Return the files of the train and the test split.

        Raises:
            DataNotFoundError: External data is in neither of the two places; says what to do.
        """
        data = self.definition.data
        if isinstance(data, ExternalData):
            return _external_files(self.name, data, self._pull_command())
        folder = self.path.parent
        return folder / data.train.path, folder / data.test.path

    def has_data(self) -> bool:
        """Return whether both data files are on this machine; they may still be wrong."""
        try:
            return all(os.path.isfile(path) for path in self.files())
        except DataNotFoundError:
            return False

    def data(self) -> TaskData:
        """Return both splits as arrays, read, checked and compared with their SHA-256 once.

        Raises:
            UserError: The data is not there or not as the definition says.
        """
        return self._data

    def train(self) -> tuple[GroupRows, ...]:
        """Return the train rows by group. The file of the test split is not opened.

        Raises:
            UserError: The file is not there or not as the definition says.
        """
        from harness.tasks.data import SplitFile, load_train

        path = self.files()[0]
        seen = sha256_of(read_bytes(path))
        return load_train(self.definition, SplitFile(path, seen, self.definition.data.train))

    def digest(self) -> str:
        """Return the SHA-256 of everything here that can change a score.

        That is the definition without its wording, and the bytes of both data files. numpy is not
        imported, so asking whether there is anything to do stays cheap.

        Raises:
            UserError: The data is not there.
        """
        return self._digest

    def _pull_command(self) -> str:
        own = self.path.parent.parent != paths.tasks_folder()
        return f"sld tasks pull {self.path if own else self.suite}"

    @cached_property
    def _hashes(self) -> tuple[str, str]:
        train, test = self.files()
        return sha256_of(read_bytes(train)), sha256_of(read_bytes(test))

    @cached_property
    def _digest(self) -> str:
        train, test = self._hashes
        parts = {**self.definition.score_relevant(), "train": train, "test": test}
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return sha256_of(text.encode("utf-8"))

    @cached_property
    def _data(self) -> TaskData:
        from harness.tasks.data import load_data

        return load_data(self.definition, *self._split_files())

    def _split_files(self) -> tuple[SplitFile, SplitFile]:
        from harness.tasks.data import SplitFile

        (train, test), data = self.files(), self.definition.data
        train_seen, test_seen = self._hashes
        return SplitFile(train, train_seen, data.train), SplitFile(test, test_seen, data.test)


def _external_files(name: str, data: ExternalData, pull: str) -> tuple[Path, Path]:
    given = paths.data_folder()
    places = [base / data.folder for base in (given, paths.cache_folder()) if base is not None]
    for place in places:
        train, test = place / data.train.path, place / data.test.path
        if os.path.isfile(train) and os.path.isfile(test):
            return train, test
    suite = data.folder.split("/", maxsplit=1)[0]
    first = str(places[0]) if given is not None else "$SLD_DATA (not set)"
    if given is not None and not os.path.isdir(given):
        is_what = "a file" if os.path.isfile(given) else "not there"
        value = os.environ["SLD_DATA"]
        first += f" (SLD_DATA is {value!r}, which is {is_what}; expected a folder)"
    raise DataNotFoundError(
        f"the data of task {name!r} is not here: looked for {data.train.path} and "
        f"{data.test.path} in {first} and in {places[-1]}; type: {pull} (it is the data set "
        f"{data.hub.repository} on the Hugging Face Hub), or set SLD_DATA to the folder that "
        f"holds {suite}/"
    )
