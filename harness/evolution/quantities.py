"""What a feature is a number of, as far as its name says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from harness.evolution.rows import Axis, Kind


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


_WORDS: tuple[tuple[Quantity, frozenset[str]], ...] = (
    (Quantity.UNIQUE, frozenset({"unique", "distinct"})),
    (Quantity.TUNING, frozenset({"sft", "finetune", "finetuning", "finetuned"})),
    (Quantity.SIZE, frozenset({"param", "params", "parameter", "parameters"})),
    (Quantity.EXPERTS, frozenset({"expert", "experts"})),
    (Quantity.RATE, frozenset({"lr"})),
    (Quantity.BATCH, frozenset({"bsz", "bs", "batch", "batchsize"})),
    (Quantity.VOCABULARY, frozenset({"vocab", "vocabulary"})),
    (Quantity.STREAMS, frozenset({"stream", "streams", "parallel"})),
    (Quantity.COMPUTE, frozenset({"flop", "flops", "compute"})),
    (
        Quantity.DATA,
        frozenset(
            {
                *("token", "tokens", "data", "dataset", "sample", "samples", "example", "examples"),
                *("character", "characters", "byte", "bytes"),
            }
        ),
    ),
)
"""Words that tell, the more special ones first: distinct tokens are no number of tokens seen, and
parameters outside the vocabulary are no vocabulary."""
_PAIRS = {
    ("learning", "rate"): Quantity.RATE,
    ("model", "size"): Quantity.SIZE,
    ("fine", "tuning"): Quantity.TUNING,
}
_WHOLE = {
    "N": Quantity.SIZE,
    "D": Quantity.DATA,
    "C": Quantity.COMPUTE,
    "size": Quantity.SIZE,
}
"""Whole names; letters as in Kaplan et al. 2020, arXiv:2001.08361."""
_OTHERWISE = frozenset({"per", "ratio", "warmup", "decay", "dropout"})
"""Words of what is neither a number of the one nor of the other."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def quantity_of(axis: Axis) -> Quantity | None:
    """Return what a feature is a number of; None where its name does not tell.

    Args:
        axis: The feature. A logarithm counts as what it is a logarithm of.
    """
    if axis.kind is Kind.SHARE:
        return Quantity.SHARE
    if axis.name in _WHOLE:
        return _WHOLE[axis.name]
    words = [word.lower() for word in _WORD.findall(axis.name)]
    if _OTHERWISE.intersection(words):
        return None
    for pair, quantity in _PAIRS.items():
        if pair in pairwise(words):
            return quantity
    return next((quantity for quantity, some in _WORDS if some.intersection(words)), None)


def quantities(axes: Sequence[Axis]) -> dict[Quantity, int] | None:
    """Return which feature is which quantity; None where not each is one of its own.

    Shares are many, and only the place of the last one is told.
    """
    found = [quantity_of(axis) for axis in axes]
    told = [one for one in found if one is not None]
    alone = [one for one in told if one is not Quantity.SHARE]
    if len(told) < len(axes) or len(set(alone)) < len(alone):
        return None
    return {quantity: place for place, quantity in enumerate(told)}
