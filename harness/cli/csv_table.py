"""A CSV file as a table; what is wrong with it is one line."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table.

    Raises:
        UserError: The file is not there, not UTF-8, or no table.
    """
    import pandas as pd

    from harness.errors import UserError

    try:
        with warnings.catch_warnings():  # values without a name, which pandas would drop
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, encoding="utf-8", index_col=False)
    except pd.errors.ParserWarning as error:
        raise UserError(f"{path}: {_too_many(path)}") from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; expected a CSV file with a header") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: expected a CSV file, got a folder") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not text in UTF-8; expected a CSV file (save a spreadsheet as one first)"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path}: nothing in it; expected a header and a row a run") from error
    except (OSError, ValueError) as error:  # pandas' own errors are values
        said = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: not a CSV table: {said}") from error
    if frame.empty:
        raise UserError(f"{path}: no rows below the header")
    _require_names(path, [str(name) for name in frame.columns])
    frame = frame.rename(columns=lambda name: str(name).strip())
    (only, *others) = frame.columns
    if not others and any(mark in only for mark in ";\t|"):
        raise UserError(f"{path}: a single column {only!r}; expected commas between columns")
    if only.startswith(('{"', '[{"')):
        raise UserError(f"{path}: JSON by its first line; expected a CSV file with a header")
    return frame


def _too_many(path: Path) -> str:
    """Say why rows have more values than the header has names."""
    with path.open(encoding="utf-8") as file:
        header = file.readline()
    if ";" in header and "," not in header:
        return "semicolons between columns; expected commas there, and points in numbers"
    return "rows with more values than the header has names; name every column"


def _require_names(path: Path, columns: list[str]) -> None:
    """Check that no name is there twice: pandas makes `loss.1` of the second `loss`."""
    import pandas as pd

    from harness.errors import UserError

    made = [name.rpartition(".") for name in columns]
    twice = [name for name, _, end in made if end.isdigit() and name in columns]
    if twice and path.is_file():  # what the header says, unless it can be read only once
        header = pd.read_csv(path, encoding="utf-8", header=None, nrows=1, dtype=str)
        names = header.iloc[0].tolist()
        twice = [name for name in twice if names.count(name) > 1]
    if twice:
        raise UserError(f"{path}: two columns are called {twice[0]!r}; rename one of them")
