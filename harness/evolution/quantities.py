"""What a feature is a number of, as far as its name and its values say so.

A wrong guess makes laws of something else what others must beat, so in doubt there is none.
"""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import pairwise

from harness.evolution.rows import Kind, TrainRows, mixture_of


class Quantity(StrEnum):
    """What training runs differ in, in the words of those who publish laws of it."""

    SIZE = "model size"
    DATA = "data seen"
    UNIQUE = "distinct data"
    TUNING = "fine-tuning data"
    COMPUTE = "compute"
    EXPERTS = "experts"
    VOCABULARY = "vocabulary"
    STREAMS = "parallel streams"
    RATE = "learning rate"
    BATCH = "batch size"
    SHARE = "share of a mixture"


_NOUNS: dict[Quantity, frozenset[str]] = {
    Quantity.SIZE: frozenset({"param", "params", "parameter", "parameters", "modelsize"}),
    Quantity.DATA: frozenset(
        {
            *("token", "tokens", "data", "dataset", "sample", "samples", "example", "examples"),
            *("character", "characters", "byte", "bytes"),
        }
    ),
    Quantity.UNIQUE: frozenset({"unique", "distinct"}),
    Quantity.TUNING: frozenset({"sft", "finetune", "finetuning", "finetuned"}),
    Quantity.COMPUTE: frozenset({"flop", "flops", "compute"}),
    Quantity.EXPERTS: frozenset({"experts"}),
    Quantity.VOCABULARY: frozenset({"vocab", "vocabulary"}),
    Quantity.STREAMS: frozenset({"stream", "streams"}),
    Quantity.RATE: frozenset({"lr", "learningrate"}),
    Quantity.BATCH: frozenset({"bsz", "bs", "batch", "batchsize"}),
}
_PAIRS = {
    ("learning", "rate"): Quantity.RATE,
    ("model", "size"): Quantity.SIZE,
    ("fine", "tuning"): Quantity.TUNING,
    ("fine", "tune"): Quantity.TUNING,
    ("parallel", "size"): Quantity.STREAMS,
}
_ONLY_IN = {"rate": ("learning", "rate"), "parallel": ("parallel", "size")}
"""Words that are something else without another: a rate of dropout, parallelism over data."""
_WHOLE = {"N": Quantity.SIZE, "D": Quantity.DATA, "C": Quantity.COMPUTE, "size": Quantity.SIZE}
"""Names of one word, after a logarithm; letters as in Kaplan et al. 2020, arXiv:2001.08361."""
_TOGETHER: dict[frozenset[Quantity], Quantity] = {
    frozenset({Quantity.UNIQUE, Quantity.DATA}): Quantity.UNIQUE,
    frozenset({Quantity.TUNING, Quantity.DATA}): Quantity.TUNING,
    frozenset({Quantity.BATCH, Quantity.DATA}): Quantity.BATCH,
    frozenset({Quantity.VOCABULARY, Quantity.SIZE}): Quantity.VOCABULARY,
}
"""What two nouns in one name mean: tokens of a batch are its size. Others contradict each other."""
_OTHERWISE = frozenset(
    {
        *("per", "ratio", "fraction", "share", "proportion", "percent", "pct", "multiplier"),
        *("val", "valid", "validation", "eval", "test", "final", "end", "min", "warmup", "decay"),
        *("dropout", "seed", "index", "idx", "id", "norm", "schedule", "step", "steps", "epoch"),
        *("epochs", "context", "ctx", "seq", "sequence", "length", "len", "quality", "noise"),
        *("memory", "mem", "throughput", "speed", "time", "seconds", "cost", "price", "dim"),
        *("layer", "layers", "head", "heads", "width", "depth", "loss", "error"),
    }
)
"""Words of what is neither the one nor the other, whatever else stands in its name."""
_LOG = frozenset({"log", "ln"})
_WITHOUT = frozenset({"non", "no", "without", "excluding"})
_WORD, _PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+"), re.compile(r"[A-Za-z]+")
_COUNT = re.compile(r"^(?:n(?=params|parameters|tokens|experts)|[kmgtpez](?=flops?$))")
"""What is written together with a noun: how many, or thousands of millions."""


def quantity_of(name: str) -> Quantity | None:
    """Return what a feature of a name is a number of, or a logarithm of a number of.

    Args:
        name: Of the column.

    Returns:
        None where the name does not tell, or tells two things.
    """
    words = [word for word in _WORD.findall(name) if word.lower() not in _LOG]
    if len(words) == 1:
        (word,) = words
        if (whole := _WHOLE.get(word if len(word) == 1 else word.lower())) is not None:
            return whole
    lower = [word.lower() for word in words]
    together = {_COUNT.sub("", piece.lower()) for piece in _PIECE.findall(name)}
    pairs = list(pairwise(lower))
    alone = any(word in lower and pair not in pairs for word, pair in _ONLY_IN.items())
    if alone or _OTHERWISE.intersection(lower):
        return None
    found = {_PAIRS[pair] for pair in pairs if pair in _PAIRS}
    found |= {kind for kind, nouns in _NOUNS.items() if nouns & {*lower, *together}}
    if found == {Quantity.VOCABULARY, Quantity.SIZE} and _WITHOUT.intersection(lower):
        return Quantity.SIZE
    if len(found) == 1:
        (only,) = found
        return None if only is Quantity.TUNING else only
    return _TOGETHER.get(frozenset(found))


def quantities(rows: TrainRows) -> tuple[Quantity | None, ...]:
    """Return what each feature is; None where that is not sure.

    Shares are what adds up to one in every row, whatever they are called. A name that says
    logarithm and values that are none, or the other way round, contradict each other: laws have
    powers of sizes, not of their logarithms.

    Args:
        rows: The train rows.
    """
    mixture = mixture_of(rows.values.reshape(-1, len(rows.axes)))
    found = []
    for place, axis in enumerate(rows.axes):
        said = Quantity.SHARE if place in mixture else quantity_of(axis.name)
        logarithm = bool(_LOG.intersection(word.lower() for word in _WORD.findall(axis.name)))
        kind = Kind.SHARE if place in mixture else Kind.LOG if logarithm else Kind.SCALE
        found.append(said if axis.kind is kind else None)
    return tuple(found)


def places(rows: TrainRows) -> dict[Quantity, int] | None:
    """Return which feature is which quantity; None where not each is one of its own.

    Shares are many, and only the place of the last one is told.

    Args:
        rows: The train rows.
    """
    found = quantities(rows)
    told = [one for one in found if one is not None]
    alone = [one for one in told if one is not Quantity.SHARE]
    if len(told) < len(found) or len(set(alone)) < len(alone):
        return None
    return {quantity: place for place, quantity in enumerate(told)}
