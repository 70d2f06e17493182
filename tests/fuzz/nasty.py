"""Inputs that broke a reader once, or would break a careless one, each with how it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fuzz import nasty_frames, nasty_texts
from fuzz.cases import Case, Ending, Inputs


def _cases(ending: Ending, tables: Mapping[str, Inputs]) -> Iterator[Case]:
    for reader, inputs in tables.items():
        for title, data in inputs.items():
            yield Case(reader, title, data.encode() if isinstance(data, str) else data, ending)


CASES = (
    *nasty_texts.everywhere(),
    *_cases("read", nasty_texts.READ),
    *_cases("refused", nasty_texts.REFUSED),
    *_cases("read", nasty_frames.READ),
    *_cases("refused", nasty_frames.REFUSED),
)
