"""Which columns of any table are what, and what numbers they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.evolution.quantities import Quantity, quantity_of

if TYPE_CHECKING:
    import pandas as pd

_MOST_FEATURES = 12
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([kmbgt])", re.IGNORECASE)
_TIMES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_RESULTS = frozenset(
    {
        *("loss", "losses", "ppl", "perplexity", "nll", "bpb", "bpc", "error", "err"),
        *("acc", "accuracy", "brier", "score"),
    }
)
"""Words of columns that a run ends with, as its target is, and does not begin with."""
_BOOKKEEPING = frozenset(
    {
        *("seed", "runtime", "created", "updated", "timestamp", "walltime"),
        *("id", "runid", "uid", "uuid", "idx", "index"),
    }
)
"""Words of columns that trackers add to each run, besides those that begin with an underscore."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ENDS = ("loss", "perplexity", "accuracy")
_NAMELESS = re.compile(r"(Unnamed: \d+)?")
_SAME, _SHARE = 0.02, 0.01
"""A column within so much of a product of powers of others, and within such a share of what it
spans, says nothing that they do not."""
_COMPUTE = re.compile(r"flop|compute", re.IGNORECASE)
"""Columns that are left out rather than what they are computed from."""
_GAPS = 0.2
"""A column that is missing in more of the rows costs more rows than it is worth, unless somebody
asks for it."""
_ROWS_A_COLUMN = 3
"""With fewer rows than that a product of powers passes through all of them by chance."""


def require_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Check that columns are there, each once.

    Raises:
        UserError: One is not, or two have the same name.
    """
    for name in columns:
        if name not in frame.columns:
            there = ", ".join(map(str, frame.columns))
            raise UserError(f"no column {name!r}; the table has: {there}")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise UserError(f"two columns are called {str(twice[0])!r}; rename one of them")


def read_numbers(column: pd.Series) -> pd.Series:
    """Return a column as numbers; what is none becomes NaN.

    People write ``7B``, ``350M`` and ``1.4T``, too. (What a comma means nobody can tell: ``3,799``
    is no number. Dates and durations are none either: their nanoseconds say nothing to a law.)

    Args:
        column: As the table holds it.
    """
    import pandas as pd

    if column.dtype.kind in "mM":
        return pd.Series(np.nan, index=column.index)
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    words = numbers.isna() & column.notna()
    if words.any():
        numbers = numbers.where(~words, column.astype(str).map(_number))
    return numbers


def texts(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold text."""
    import pandas as pd

    return [str(name) for name in frame.columns if pd.api.types.is_string_dtype(frame[name])]


def in_numbers(frame: pd.DataFrame, columns: Sequence[str], *, whole: bool = False) -> pd.DataFrame:
    """Return a table in which some columns are numbers; yes and no stay what they are.

    Args:
        frame: The table, which is left alone.
        columns: Which.
        whole: Whether a column with a value that is no number stays as it is.
    """
    import pandas as pd

    made = frame.copy()
    for name in columns:
        numbers = read_numbers(frame[name])
        if not pd.api.types.is_bool_dtype(frame[name]) and not (whole and numbers.isna().any()):
            made[name] = numbers
    return made


def _number(text: str) -> float:
    found = _NUMBER.fullmatch(text.strip())
    return float(found[1]) * _TIMES[found[2].lower()] if found else np.nan


def no_numbers(column: pd.Series) -> str:
    """Say why a column cannot be computed with, by its first word."""
    word = first_word(column)
    return f"not numbers, such as {word!r}" if word else "hardly a value"


def first_word(column: pd.Series) -> str:
    """Return the first value that is there and is no number; empty where none is."""
    words = column[read_numbers(column).isna() & column.notna()]
    return str(words.iloc[0])[:40] if len(words) else ""


def named_features(
    frame: pd.DataFrame, features: Sequence[str], target: str, group: str | None
) -> list[str]:
    """Return the columns that somebody named to predict from, each once.

    Raises:
        UserError: There is none, or one is the target or the group, or holds no numbers.
    """
    if not features:
        raise UserError("no features; expected a column or more to predict from")
    for name in features:
        if name in {target, group}:
            raise UserError(f"column {name!r} is the target or the group, not a feature")
        if read_numbers(frame[name]).notna().sum() == 0:
            raise UserError(f"column {name!r}: {no_numbers(frame[name])}")
    return list(dict.fromkeys(features))


def usual_features(
    frame: pd.DataFrame, target: str, group: str | None
) -> tuple[list[str], list[str]]:
    """Return the columns to predict from where nobody named them, and what was left out.

    Left out are columns that are not numbers, do not vary, only number the rows, are a tracker's
    own, or look like another result of the run: a law that predicts one loss from another says
    nothing. So is what would cost many rows because it is missing there, and what others determine,
    such as compute beside sizes and tokens: no fit can tell its part from theirs.

    Raises:
        UserError: None is left, or too many are.
    """
    chosen: list[str] = []
    left_out: list[str] = []
    for name in map(str, frame.columns):
        if name in {target, group}:
            continue
        values = read_numbers(frame[name])
        if values.notna().mean() < 0.5:
            left_out.append(f"column {name!r}: {no_numbers(frame[name])}")
        elif values.nunique() < 2:
            left_out.append(f"column {name!r}: does not vary")
        elif _NAMELESS.fullmatch(name):
            left_out.append(f"column {name!r}: has no name (--features takes it all the same)")
        elif _is_result(name):
            left_out.append(
                f"column {name!r}: another result, by its name (--features takes it all the same)"
            )
        elif name.startswith("_") or _BOOKKEEPING & _words(name):
            left_out.append(
                f"column {name!r}: bookkeeping, by its name (--features takes it all the same)"
            )
        else:
            chosen.append(name)
    chosen, numbering = _numbering(frame, chosen)
    chosen, with_gaps = _with_gaps(frame, chosen, target)
    chosen, determined = _independent(frame, chosen)
    left_out += [*numbering, *with_gaps, *determined]
    if not chosen:
        why = f" ({'; '.join(left_out[:3])})" if left_out else ""
        raise UserError(f"no column is left to predict {target!r} from{why}; name some: --features")
    if len(chosen) > _MOST_FEATURES:
        raise UserError(
            f"{len(chosen)} numeric columns; a law of so many says little: name at most "
            f"{_MOST_FEATURES} with --features"
        )
    return chosen, left_out


def _numbering(frame: pd.DataFrame, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that do not only number the rows, and why others are left out.

    Where nothing else is there, such as epochs alone, they stay.
    """
    found = [name for name in names if quantity_of(name) is None and _numbers_rows(frame[name])]
    if len(found) == len(names):
        return list(names), []
    left_out = [
        f"column {name!r}: only numbers the rows (--features takes it all the same)"
        for name in found
    ]
    return [name for name in names if name not in found], left_out


def _numbers_rows(column: pd.Series) -> bool:
    """Return whether a column holds consecutive whole numbers, each once, in any order."""
    values = np.sort(read_numbers(column).to_numpy(dtype=float))
    finite = bool(np.isfinite(values).all())
    return finite and bool((values % 1 == 0).all() and (np.diff(values) == 1).all())


def _with_gaps(
    frame: pd.DataFrame, names: Sequence[str], target: str
) -> tuple[list[str], list[str]]:
    """Return the columns that cost few rows of the target's, and why others are left out."""
    numbers = in_numbers(frame, [*names, target])
    there = np.isfinite(numbers[[*names, target]].to_numpy(dtype=float))
    measured = there[there[:, -1], :-1]
    missing = dict(zip(names, (~measured).sum(axis=0).tolist(), strict=True))
    found = [name for name in names if missing[name] > _GAPS * len(measured)]
    if len(found) == len(names):
        return list(names), []
    left_out = [
        f"column {name!r}: missing in {missing[name]} of {len(measured)} rows, which would be lost "
        "(--features takes it all the same)"
        for name in found
    ]
    return [name for name in names if name not in found], left_out


def _independent(frame: pd.DataFrame, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that no others determine, in their order, and why others are left out."""
    kept: list[str] = []
    left_out = []
    for name in sorted(names, key=_worth):
        if others := _determined_by(frame, name, kept):
            left_out.append(
                f"column {name!r}: here a product of powers of {', '.join(others)} "
                "(--features takes it all the same)"
            )
        else:
            kept.append(name)
    return [name for name in names if name in kept], left_out


def _worth(name: str) -> int:
    """Return where a column stands among those that determine each other; the first is kept.

    A law of sizes and data has published forms to be compared with; one of steps has none.
    """
    if _COMPUTE.search(name):
        return 3
    quantity = quantity_of(name)
    if quantity in {Quantity.SIZE, Quantity.DATA}:
        return 0
    return 1 if quantity else 2


def _determined_by(frame: pd.DataFrame, name: str, others: Sequence[str]) -> list[str]:
    """Return the columns of which one is a product of powers in every row; none if it is not."""
    values = np.array([read_numbers(frame[each]) for each in (name, *others)], dtype=float)
    values = values[:, np.isfinite(values).all(axis=0)]
    own, *rest = values
    positive = [(each, row) for each, row in zip(others, rest, strict=True) if (row > 0).all()]
    enough = len(own) >= _ROWS_A_COLUMN * (len(positive) + 1)
    if not positive or not enough or not (own > 0).all():
        return []
    logs = [np.log(row) for _, row in positive]
    basis = np.column_stack([np.ones(len(own)), *logs])
    powers = np.linalg.lstsq(basis, np.log(own), rcond=None)[0]
    if np.abs(basis @ powers - np.log(own)).max() > min(_SAME, _SHARE * np.ptp(np.log(own))):
        return []
    parts = np.abs(powers[1:]) * np.ptp(logs, axis=1)
    return [each for (each, _), part in zip(positive, parts, strict=True) if part > _SAME]


def _is_result(name: str) -> bool:
    words = _words(name)
    return bool(_RESULTS & words) or any(word.endswith(_ENDS) for word in words)


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))


def group_names(column: pd.Series) -> tuple[str, ...]:
    """Return groups as text; whole numbers that gaps have made 1.0 are 1 again."""
    import pandas as pd

    if pd.api.types.is_float_dtype(column) and (column % 1 == 0).all():
        column = column.astype("int64")
    return tuple(column.astype(str))
