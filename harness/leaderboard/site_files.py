"""The files of the site: written atomically, only when they change, and only its own.

A manifest in the folder says which files are the site's: what was written there, and from what
input. A file whose input is the same and that nobody touched is not even made again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from harness.errors import UserError
from harness.models import StrictModel, describe_problems
from harness.whole_files import locked, replace

MANIFEST = "manifest.json"
_PATIENCE = 1.0
"""Seconds of waiting for another writer of which nothing is said."""


class FileRecord(StrictModel):
    """What is known of one file of the site."""

    sha256: str = ""
    """Of what was written; empty while it is not known whether it was."""
    input: str = ""
    """Digest of all that the file was made from; empty where it is not known."""


class Manifest(StrictModel):
    """Which files of a folder are the site's."""

    schema_version: Literal[2] = 2
    files: dict[str, FileRecord] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, document: Any) -> Any:
        """Read what the first version wrote, which kept the SHA-256 alone."""
        if not isinstance(document, dict) or document.get("schema_version", 1) != 1:
            return document
        files = document.get("files", {})
        if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
            return document
        records = {name: {"sha256": digest} for name, digest in files.items()}
        return {**document, "schema_version": 2, "files": records}

    @field_validator("files", mode="after")
    @classmethod
    def _inside(cls, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
        for name in files:
            if not is_site_name(name):
                msg = f"expected file names inside the folder, got {name!r}"
                raise ValueError(msg)
        return files


@dataclass(frozen=True, slots=True)
class Changes:
    """What writing a set of files did; names are sorted."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def is_site_name(name: str) -> bool:
    """Return whether a name is that of a file in the folder or in a folder of it, nothing else."""
    path = PurePosixPath(name)
    plain = str(path) == name and "\\" not in name and "\0" not in name
    return plain and not path.is_absolute() and ".." not in path.parts and 1 <= len(path.parts) <= 2


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is at no time half there.

    Raises:
        UserError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, data, lasting=False)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def only_writer(folder: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Keep others from writing a site into a folder; waits for one that is at it.

    Two at once would each go by the manifest that the other is about to replace.

    Args:
        folder: The site's folder; made if it is not there, and removed again where an error leaves
            nothing in it.
        waiting: Called, once and by another thread, when this has to wait for more than a moment.

    Raises:
        UserError: It is no folder, or it can be neither made nor read.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: expected a folder for the site, got a file")
    impatient = threading.Timer(_PATIENCE, waiting or (lambda: None))
    impatient.daemon = True
    found = folder.exists()
    with ExitStack() as held:
        try:
            impatient.start()
            _lock(folder, held)
        except OSError as error:
            raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
        finally:
            impatient.cancel()
        try:
            yield
        except BaseException:
            if not found:
                with suppress(OSError):  # something is in it
                    folder.rmdir()
            raise


def _lock(folder: Path, held: ExitStack) -> None:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # removed again by who made it
            before = folder.stat()
            held.enter_context(locked(folder))
            if os.path.samestat(before, folder.stat()):
                return
        held.close()  # the lock is on a folder that is gone


class SiteFolder:
    """Makes a folder hold the files of a site, and no other that an earlier call put there.

    Files that are not the site's are neither changed nor removed; nor is a vanished page that
    somebody has edited.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, str]) -> None:
        """Look at a folder; nothing is written yet.

        Args:
            folder: Where to write, as its ``only_writer``.
            inputs: The digest of what each file of the site is made from, by name.

        Raises:
            UserError: The folder's manifest cannot be read, or a file that is not the site's is in
                the way.
        """
        self._folder = folder
        self._inputs = dict(sorted(inputs.items()))
        self._before = _read_manifest(folder).files
        self._records: dict[str, FileRecord] = {}
        self._written: list[str] = []
        for name in self._inputs:
            if name not in self._before:
                _check_free(folder / name)

    def current(self) -> frozenset[str]:
        """Return the files that are as they should be: same input, and untouched since."""
        found = set()
        for name, digest in self._inputs.items():
            record = self._before.get(name)
            if record is None or record.input != digest or not record.sha256:
                continue
            if _digest_of(self._folder / name) == record.sha256:
                found.add(name)
        return frozenset(found)

    def begin(self, kept: Collection[str]) -> None:
        """Say which files stay as they are; all others are to be put, or are removed.

        Until all is done the manifest names the old files and the new ones: after a sudden end,
        the next call still knows which are the site's.
        """
        self._records = {name: self._before[name] for name in kept}
        if self._records.keys() == self._inputs.keys() == self._before.keys():
            return
        pending = {name: FileRecord() for name in self._inputs if name not in self._records}
        _write_manifest(self._folder, self._before | pending)

    def put(self, name: str, data: bytes) -> None:
        """Write one file, unless it holds these bytes already.

        Raises:
            UserError: It cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        if _digest_of(self._folder / name) != digest:
            write_atomically(self._folder / name, data)
            self._written.append(name)
        self._records[name] = FileRecord(sha256=digest, input=self._inputs[name])

    def finish(self) -> Changes:
        """Remove what is no longer of the site and say what was done.

        Raises:
            UserError: The manifest cannot be written.
        """
        removed = [
            name
            for name, record in sorted(self._before.items())
            if name not in self._inputs and _remove_unedited(self._folder, name, record.sha256)
        ]
        _write_manifest(self._folder, self._records)
        unchanged = sorted(self._records.keys() - set(self._written))
        return Changes(tuple(sorted(self._written)), tuple(unchanged), tuple(removed))


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise UserError(
            f"{path}: not a manifest of this site ({describe_problems(error)}); choose another "
            "folder, or remove that file if the folder holds nothing else"
        ) from error


def _write_manifest(folder: Path, files: Mapping[str, FileRecord]) -> None:
    manifest = Manifest(files=dict(sorted(files.items())))
    data = manifest.model_dump_json(indent=1).encode("utf-8") + b"\n"
    if _digest_of(folder / MANIFEST) != hashlib.sha256(data).hexdigest():
        write_atomically(folder / MANIFEST, data)


def _check_free(path: Path) -> None:
    if path.is_symlink() or path.exists():
        raise UserError(
            f"{path}: is in the way and was not written by this site; move it, or choose another "
            "folder"
        )


def _remove_unedited(folder: Path, name: str, digest: str) -> bool:
    path = folder / name
    found = _digest_of(path)
    if found is None or (digest and found != digest):
        return False
    path.unlink()
    if path.parent != folder and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return True


def _digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a plain file, None where there is none."""
    if path.is_symlink():
        return None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
