"""A candidate program inside its child: loaded, seeded, called, its answers checked.

What numpy offers is bound here before the candidate can patch it.
"""

from __future__ import annotations

import errno
import importlib.abc
import io
import random
import sys
import tokenize
import types
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
from numpy import asarray, complexfloating, concatenate, float64, isfinite, ndarray
from numpy.random import bit_generator
from numpy.random import seed as seed_numpy

from . import wire

MODULE_NAME = "candidate"
FILE_NAME = "candidate.py"
MAX_MESSAGE = 500
MAX_VALUES = wire.MAX_VALUES
FIT, LAW_OF_PARAMS, LAW = "fit_scaling_law", "scaling_law_func", "law"
_ALLOWED = frozenset({*sys.stdlib_module_names, "numpy", "scipy", MODULE_NAME})


class ProgramError(Exception):
    """The candidate did something wrong; ``kind`` is one of the taxonomy's words."""

    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        """Keep what a person will read."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line


class _ImportGuard(importlib.abc.MetaPathFinder):
    """Refuses every import but the standard library, numpy and scipy."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the protocol's signature
        target: types.ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top not in _ALLOWED:
            msg = (
                f"No module named {top!r} here: "
                "a candidate may import the standard library, numpy and scipy"
            )
            raise ModuleNotFoundError(msg, name=top)
        return None


def guard_imports() -> None:
    """Forget all modules that candidates may not use, and refuse to import them again."""
    for name in list(sys.modules):
        if name.partition(".")[0] not in _ALLOWED:
            del sys.modules[name]
    sys.meta_path.insert(0, _ImportGuard())


def reseed(seed: int) -> None:
    """Make ``random``, ``np.random`` and ``default_rng()`` start from a given seed."""
    random.seed(seed)
    seed_numpy(seed % (1 << 32))  # noqa: NPY002 - candidates use the global generator
    # numpy draws the entropy of `default_rng()` with the `randbits` that it imported.
    vars(bit_generator)["randbits"] = random.Random(seed).getrandbits  # noqa: S311 - repeatable on purpose


def describe(error: BaseException, program_file: str) -> ProgramError:
    """Turn what a candidate raised into a failure, naming the line of the program."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == program_file:
            line = trace.tb_lineno
        trace = trace.tb_next
    no_pages = isinstance(error, OSError) and error.errno == errno.ENOMEM  # mmap says it so
    if isinstance(error, MemoryError) or no_pages:
        return ProgramError("memory", _one_line(error) or "out of memory", line)
    if isinstance(error, SystemExit):
        return ProgramError("candidate_error", "called sys.exit", line)
    return ProgramError("candidate_error", f"{type(error).__name__}: {_one_line(error)}", line)


def _one_line(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException:  # a message may fail in any way
        return "(its message cannot be shown)"
    clean = text[: 4 * MAX_MESSAGE].encode("utf-8", "replace").decode("utf-8")
    return " ".join(clean.split())[:MAX_MESSAGE]


def _scalar(value: object) -> object:
    """Return the one value of an array of size one: laws often compute with one-row arrays."""
    return value.reshape(())[()] if isinstance(value, ndarray) and value.size == 1 else value


class Program:
    """One loaded candidate."""

    def __init__(
        self, source: bytes, form: str, features: list[str], targets: list[str], seed: int
    ) -> None:
        """Load the program from its source, in the current folder.

        Args:
            source: The program's bytes.
            form: ``evolve-block`` or ``law``.
            features: Column names in the order of the arrays.
            targets: Column names in the order of the arrays.
            seed: Start of every random generator, at load and at each call.

        Raises:
            ProgramError: Syntax, import or missing function, or the module raised.
        """
        self.form = form
        self.features = features
        self.targets = targets
        self.seed = seed
        path = Path.cwd() / FILE_NAME
        path.write_bytes(source)
        self.file = str(path)
        self.module = types.ModuleType(MODULE_NAME)
        self.module.__file__ = self.file
        sys.modules[MODULE_NAME] = self.module
        code = self._compile(source)
        reseed(seed)
        try:
            exec(code, self.module.__dict__)  # noqa: S102 - this is what the cage is for
        except ImportError as error:
            known = describe(error, self.file)
            raise ProgramError("load_error", _one_line(error), known.line) from error
        except BaseException as error:
            known = describe(error, self.file)
            kind = known.kind if known.kind == "memory" else "load_error"
            raise ProgramError(kind, known.message, known.line) from error
        self._require_functions()

    def _compile(self, source: bytes) -> types.CodeType:
        try:
            source.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"not UTF-8: byte {error.start} is 0x{source[error.start]:02x}"
            raise ProgramError("load_error", message) from error
        if not source.strip():
            raise ProgramError("load_error", "the file is empty")
        self._require_plain_encoding(source)
        try:
            return compile(source, self.file, "exec", dont_inherit=True)
        except SyntaxError as error:
            message = f"{type(error).__name__}: {_one_line(SyntaxError(error.msg))}"
            raise ProgramError("load_error", message, error.lineno) from error
        except MemoryError as error:
            raise ProgramError("memory", "out of memory while compiling") from error
        except (ValueError, RecursionError) as error:
            message = f"{type(error).__name__}: {_one_line(error)}"
            raise ProgramError("load_error", message) from error

    def _require_plain_encoding(self, source: bytes) -> None:
        # Under another encoding a comment that people read could be code that Python runs.
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        except SyntaxError as error:
            raise ProgramError("load_error", _one_line(error), 1) from error
        if encoding not in {"utf-8", "utf-8-sig"}:
            raise ProgramError("load_error", f"declares the encoding {encoding}, not UTF-8", 1)

    def _require_functions(self) -> None:
        needed = (LAW,) if self.form == "law" else (FIT, LAW_OF_PARAMS)
        found = [name for name in needed if callable(getattr(self.module, name, None))]
        if len(found) == len(needed):
            return
        absent = " and ".join(f"`{name}`" for name in needed if name not in found)
        if self.form == "law" or found:
            message = f"missing function: the program defines no {absent}"
        else:
            message = (
                f"missing function: the program defines neither `{FIT}` and `{LAW_OF_PARAMS}` "
                f"nor `{LAW}`"
            )
        raise ProgramError("load_error", message)

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            function: Callable[..., Any] = getattr(self.module, name)
            return function(*arguments)
        except BaseException as error:
            raise describe(error, self.file) from error

    def reseed(self) -> None:
        """Start the random generators anew."""
        reseed(self.seed)

    def fit(self, features: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Fit one group.

        Args:
            features: ``(N, F)``.
            targets: ``(N, T)``; the program gets ``(N,)`` where T is 1.

        Returns:
            The parameters as float64, shape kept.

        Raises:
            ProgramError: The fit raised, or returned what is no array of real numbers.
        """
        self.reseed()  # a group's fit must not hang on the groups before it
        values = targets[:, 0].copy() if targets.shape[1] == 1 else targets
        answer = self._call(FIT, features, values)
        array = self._real_array(answer, f"`{FIT}` returned")
        if array.size > MAX_VALUES:
            raise ProgramError("bad_output", f"`{FIT}` returned {array.size} values")
        if array.ndim > wire.MAX_DIMENSIONS:
            raise ProgramError("bad_output", f"`{FIT}` returned an array of {array.ndim} axes")
        return array

    def predict(self, features: np.ndarray, group: str, params: np.ndarray | None) -> np.ndarray:
        """Predict some rows of one group.

        Args:
            features: ``(N, F)``.
            group: The group's name (format ``law``).
            params: The group's parameters (format ``evolve-block``).

        Returns:
            Predictions, ``(N, T)``, finite.

        Raises:
            ProgramError: The law raised, or returned something else.
        """
        if self.form == "law":
            rows = [dict(zip(self.features, row, strict=True)) for row in features.tolist()]
            answer = self._table(self._call(LAW, rows, group), len(rows))
            name = LAW
        else:
            copy = None if params is None else params.copy()
            answer = self._call(LAW_OF_PARAMS, features, copy)
            name = LAW_OF_PARAMS
        shaped = self._shaped(self._real_array(answer, f"`{name}` returned"), len(features), name)
        if not isfinite(shaped).all():
            row = int((~isfinite(shaped)).any(axis=1).argmax())
            value = shaped[row][~isfinite(shaped[row])][0]
            count = int((~isfinite(shaped)).any(axis=1).sum())
            message = f"`{name}` returned {value} for {count} of {len(shaped)} rows"
            raise ProgramError("bad_output", f"{message} (first: row {row + 1})")
        return shaped

    def predict_rows(
        self, features: np.ndarray, group: str, params: np.ndarray | None
    ) -> np.ndarray:
        """Predict rows one by one, each in a call of its own; see ``predict``."""
        rows = [features[row : row + 1].copy() for row in range(len(features))]
        return concatenate([self.predict(row, group, params) for row in rows])

    def _table(self, answer: object, count: int) -> list[list[Any]]:
        if not isinstance(answer, list | tuple):
            kind = type(answer).__name__
            raise ProgramError("bad_output", f"`{LAW}` returned {kind}, not a list of dicts")
        try:
            rows = list(answer)  # a subclass may do anything when it is walked
        except BaseException as error:
            raise describe(error, self.file) from error
        if len(rows) != count:
            message = f"`{LAW}` returned {len(rows)} predictions for {count} rows"
            raise ProgramError("bad_output", message)
        table = []
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict):
                kind = type(row).__name__
                message = f"`{LAW}` returned {kind} for row {number}, not a dict"
                raise ProgramError("bad_output", message)
            absent = [name for name in self.targets if not dict.__contains__(row, name)]
            if absent:
                message = f"`{LAW}` returned no {absent[0]!r} for row {number}"
                raise ProgramError("bad_output", message)
            table.append([_scalar(dict.__getitem__(row, name)) for name in self.targets])
        return table

    def _real_array(self, answer: object, what: str) -> np.ndarray:
        try:
            array = asarray(answer)
            if array.dtype.kind == "c":
                raise ProgramError("bad_output", f"{what} complex numbers, not real ones")
            if array.dtype.kind not in "buifO":
                kind = type(answer).__name__ if array.ndim == 0 else str(array.dtype)
                raise ProgramError("bad_output", f"{what} {kind}, not real numbers")
            if array.dtype.kind == "O":
                self._refuse_objects(array, what)
            real = asarray(array, dtype=float64)
        except ProgramError:
            raise
        except MemoryError as error:
            raise describe(error, self.file) from error
        except BaseException as error:
            kind = type(answer).__name__
            message = f"{what} {kind} that is no array of real numbers ({_one_line(error)})"
            raise ProgramError("bad_output", message[:MAX_MESSAGE]) from error
        # A subclass may lie about its shape; the harness wants a plain array.
        return ndarray.__array__(real).view(ndarray) if type(real) is not ndarray else real

    def _refuse_objects(self, array: np.ndarray, what: str) -> None:
        # numpy would take all three: it drops imaginary parts, reads text, and makes None NaN.
        for value in array.flat:
            if value is None:
                raise ProgramError("bad_output", f"{what} None, not real numbers")
            if isinstance(value, complex | complexfloating):
                raise ProgramError("bad_output", f"{what} complex numbers, not real ones")
            if isinstance(value, str | bytes):
                raise ProgramError("bad_output", f"{what} text, not real numbers")

    def _shaped(self, array: np.ndarray, rows: int, name: str) -> np.ndarray:
        count = len(self.targets)
        allowed: list[tuple[int, ...]] = [(rows, count)]
        if count == 1:
            allowed.append((rows,))
        if rows == 1:
            allowed += [(count,)] if count > 1 else [()]
        if array.shape not in allowed:
            expected = f"({rows},)" if count == 1 else f"({rows}, {count})"
            message = f"`{name}` returned shape {array.shape}, expected {expected}"
            raise ProgramError("bad_output", message)
        return array.reshape(rows, count)
