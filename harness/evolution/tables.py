"""A task made of any table: which columns are what, and which rows are held out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.evaluation.figures import count
from harness.evolution.columns import (
    first_word,
    group_names,
    in_numbers,
    named_features,
    no_numbers,
    read_numbers,
    require_columns,
    texts,
    usual_features,
)
from harness.evolution.folds import joint_ranks
from harness.evolution.rows import FloatArray, train_rows
from harness.tasks.data import GroupRows

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
"""The group of a table without groups."""
HELD_OUT = 0.2
"""How much of the joint scale is held out where nobody says what."""
_FEWEST_ROWS = 8
_CALLED = frozenset({"and", "or", "not", "in", "abs", "exp", "log", "log10", "sqrt"})
"""Words before a bracket in a condition."""
_FEWEST_HELD_OUT = 3
_MOST_NAMED = 4
"""Columns in a message."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A checked table, as arrays."""

    features: tuple[str, ...]
    target: str
    groups: tuple[str, ...]
    """Of each row, ``(N,)``."""
    x: FloatArray
    """``(N, F)``."""
    y: FloatArray
    """``(N,)``."""
    held_out: np.ndarray
    """Whether a row is held out, ``(N,)``."""
    split: str
    """How the rows were divided, in words."""
    left_out: tuple[str, ...] = ()
    """What was not used, and why, a line each."""

    def rows(self, *, held_out: bool) -> tuple[GroupRows, ...]:
        """Return the rows of one side by group, sorted by name."""
        side = self.held_out if held_out else ~self.held_out
        names = np.array(self.groups)
        return tuple(
            GroupRows(name, self.x[chosen], self.y[chosen][:, None])
            for name in sorted(set(self.groups))
            if (chosen := side & (names == name)).any()
        )


def read_table(
    frame: pd.DataFrame,
    target: str,
    *,
    features: Sequence[str] | None = None,
    group: str | None = None,
    hold_out: str | None = None,
) -> Table:
    """Check a table and divide its rows.

    Args:
        frame: One row a training run.
        target: The column to predict.
        features: The columns to predict it from; all other numeric ones if not given.
        group: The column that says which rows share constants.
        hold_out: A condition on columns, such as ``params > 1e9``; if not given, the rows that are
            largest along all features at once are held out.

    Raises:
        UserError: A column is not there or not numeric, the condition is wrong, or too few rows
            are left on either side.
    """
    require_columns(frame, [target, *(features or []), *([group] if group else [])])
    if read_numbers(frame[target]).notna().sum() == 0:
        raise UserError(f"column {target!r}, the target: {no_numbers(frame[target])}")
    left_out: list[str] = []
    if features is not None:
        chosen = named_features(frame, features, target, group)
    else:
        chosen, left_out = usual_features(frame, target, group)
    kept, not_used = _usable(frame, [*chosen, target], group)
    x, y = kept[chosen].to_numpy(dtype=float), kept[target].to_numpy(dtype=float)
    if len(y) < _FEWEST_ROWS:
        raise UserError(
            f"{len(y)} usable rows; a law needs {_FEWEST_ROWS} at least, and some of them held out"
            f"{_because(not_used)}"
        )
    names = group_names(kept[group]) if group else (ALL,) * len(y)
    if hold_out is not None:
        held = _asked_for(kept, hold_out, group)
        split = f"held out: {hold_out}"
    else:
        held, most = _largest(x, y, chosen, target)
        along = "all features jointly" if len(chosen) > 1 else chosen[0]
        split = f"held out: the largest {most} along {along}"
    _require_enough(split, held, not_used)
    fitted = {n for n, h in zip(names, held, strict=True) if not h}
    usable = np.isin(names, list(fitted))
    if not usable.all():  # of some groups nothing is left to fit constants to
        whole = ", ".join(sorted(set(names) - fitted)[:8])
        if hold_out is None:
            split += f", but for groups that lie there as a whole ({whole})"
            held &= usable
        else:
            rows = count(int((~usable).sum()), "row")
            not_used.append(f"{rows} of groups that are held out as a whole: {whole}")
            x, y, held = x[usable], y[usable], held[usable]
            names = tuple(n for n in names if n in fitted)
    _require_enough(split, held, not_used)
    varies = np.ptp(x[~held], axis=0) > 0
    if not varies.all():
        still = [name for name, moves in zip(chosen, varies, strict=True) if not moves]
        not_used.append(_without(still, named=features is not None, all_of=not varies.any()))
        x, chosen = x[:, varies], [name for name in chosen if name not in still]
    again = _again(names, x, y, held)
    if again.any():  # rows that differ in nothing but what is no feature any more
        not_used.append(_repeated(again, [*chosen, target], group))
        x, y, held = x[~again], y[~again], held[~again]
        names = tuple(n for n, twice in zip(names, again, strict=True) if not twice)
        _require_enough(split, held, not_used)
    if np.ptp(y[held]) == 0 or np.ptp(y[~held]) == 0:
        raise UserError(f"{split}: {target!r} does not vary there, so there is nothing to learn")
    return Table(tuple(chosen), target, names, x, y, held, split, (*left_out, *not_used))


def _because(not_used: Sequence[str]) -> str:
    return "".join(f"; not used: {line}" for line in not_used)


def _require_enough(split: str, held: np.ndarray, not_used: Sequence[str]) -> None:
    """Check that enough rows are on either side.

    Raises:
        UserError: They are not.
    """
    if held.sum() < _FEWEST_HELD_OUT or (~held).sum() < _FEWEST_ROWS // 2:
        raise UserError(
            f"{split}: {count(int(held.sum()), 'row')} held out and {int((~held).sum())} left to "
            f"fit on; expected {_FEWEST_HELD_OUT} and {_FEWEST_ROWS // 2} at least; name another "
            f"--hold-out{_because(not_used)}"
        )


def _again(names: Sequence[str], x: FloatArray, y: FloatArray, held: np.ndarray) -> np.ndarray:
    """Return the rows that are there once more; of such rows one that is fitted is kept."""
    import pandas as pd

    order = np.argsort(held, kind="stable")
    rows = pd.DataFrame(np.column_stack([x, y])).assign(group=list(names))
    again = np.zeros(len(y), dtype=bool)
    again[order] = rows.iloc[order].duplicated().to_numpy()
    return again


def _repeated(again: np.ndarray, columns: Sequence[str], group: str | None) -> str:
    """Say how many rows are there once more."""
    same = ", ".join([*columns, *([group] if group else [])])
    return f"{count(int(again.sum()), 'row')} with the {same} of another, to the last digit"


def _without(still: Sequence[str], *, named: bool, all_of: bool) -> str:
    """Say that features do not vary in the rows to fit: their part could be anything beyond them.

    Raises:
        UserError: Somebody named them, or there are no others.
    """
    which = ", ".join(map(repr, still))
    if named or all_of:
        raise UserError(
            f"{which}: the same in all rows to fit, so no law can know its part; leave it out of "
            "--features, or name another --hold-out"
        )
    return f"column {which}: the same in all rows to fit"


def _usable(
    frame: pd.DataFrame, columns: Sequence[str], group: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that can be computed with, columns as numbers, and what was left out."""
    import pandas as pd

    used = in_numbers(frame, columns)
    there = pd.DataFrame(np.isfinite(used[list(columns)].to_numpy(dtype=float)), columns=[*columns])
    if group:  # an empty name is none, as in a file
        named = frame[group].notna() & frame[group].astype(str).str.strip().ne("")
        there[group] = there.get(group, True) & named.to_numpy()
    finite = there.all(axis=1).to_numpy()
    used, left_out = used[finite], []
    if not finite.all():
        left_out.append(_missing(frame, there, columns))
    again = used.duplicated([*columns, *([group] if group else [])]).to_numpy()
    if again.any():
        left_out.append(_repeated(again, columns, group))
    return used[~again], left_out


def _missing(frame: pd.DataFrame, there: pd.DataFrame, columns: Sequence[str]) -> str:
    """Say how many rows cannot be used, and because of which columns.

    Args:
        frame: The table.
        there: Whether a value can be used: the columns, then the group.
        columns: The features, then the target.
    """
    gaps = (~there).sum().sort_values(ascending=False, kind="stable")
    gaps = gaps[gaps > 0]
    named = ", ".join(f"{name!r} in {gap}" for name, gap in gaps.iloc[:_MOST_NAMED].items())
    more = f" and {len(gaps) - _MOST_NAMED} other columns" if len(gaps) > _MOST_NAMED else ""
    words = [(name, no_number) for name in columns if (no_number := first_word(frame[name]))]
    such = f", such as {words[0][1]!r} in {words[0][0]!r}" if words else ""
    *features, _ = columns
    hint = "; --features without such columns keeps them" if {*features} & {*gaps.index} else ""
    rows = count(int((~there.all(axis=1)).sum()), "row")
    return f"{rows} with a value that is missing or no finite number ({named}{more}{such}{hint})"


def _asked_for(frame: pd.DataFrame, condition: str, group: str | None) -> np.ndarray:
    """Return the rows that a condition names. It is parsed by pandas' own small language."""
    import pandas as pd

    frame = in_numbers(frame, [name for name in texts(frame) if name != group], whole=True)
    if "@" in condition or "__" in condition or _calls(condition):
        raise UserError(f"--hold-out {condition!r}: expected a comparison of columns with numbers")
    try:
        found = frame.eval(condition, engine="python")
        flags = np.asarray(found, dtype=object)
        blank = pd.isna(flags)
    except Exception as error:  # pandas raises whatever its parser meets
        said = " ".join(str(error).split())[:200]
        raise UserError(
            f"--hold-out {condition!r}: expected a condition on columns such as "
            f"'params > 1e9', names with spaces in backticks ({said})"
        ) from error
    if flags.shape != (len(frame),):
        raise UserError(f"--hold-out {condition!r}: expected one yes or no a row")
    for value in flags[~blank]:
        if value not in (0, 1):
            raise UserError(
                f"--hold-out {condition!r}: expected a comparison such as 'params > 1e9', which is "
                f"yes or no in each row, got {str(value)[:40]!r}"
            )
    return np.where(blank, 0, flags).astype(bool)  # a blank is no yes


def _calls(condition: str) -> bool:
    """Return whether a condition calls anything but a function of numbers: tables write files."""
    plain = re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"", "_", condition)
    called = re.findall(r"([\w.)\]]+)\s*\(", plain)
    # With these it is hard to tell where a string ends.
    unclear = any(mark in condition for mark in ("\\", "'''", '"""'))
    return unclear or not _CALLED.issuperset(called)


def _largest(
    x: FloatArray, y: FloatArray, features: Sequence[str], target: str
) -> tuple[np.ndarray, str]:
    """Return the rows that are largest along all features at once, and how many these are.

    Rows that are equal there are all held out or none, so that it can be far from what is usual.
    """
    one = GroupRows(ALL, x, y[:, None])
    ranks = joint_ranks(train_rows([one], features, [target]))[0]
    held: np.ndarray = ranks >= 1.0 - HELD_OUT
    if held.mean() >= HELD_OUT / 2 and held.sum() >= _FEWEST_HELD_OUT:
        return held, f"{held.mean():.0%}"
    if held.sum() < _FEWEST_HELD_OUT:
        held = ranks >= np.sort(ranks)[-_FEWEST_HELD_OUT]
    return held, f"{int(held.sum())} of {len(y)} rows"
