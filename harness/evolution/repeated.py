"""Forms in which data is seen more than once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from harness.evolution.expression import Law
from harness.evolution.factors import Constrained, Log, Power
from harness.evolution.forms import LOVELACE, MUENNIGHOFF, Form, power, terms
from harness.evolution.rows import Kind, TrainRows
from harness.evolution.scales import Bend, Blend, Effective, Feature, Scale, Shift, Supported

_HARDLY_REPEATED = 2.0


def repeated(
    rows: TrainRows, logs: list[int], only: tuple[int, int] | None = None
) -> Iterator[Form]:
    """Return forms in which data is seen more than once; none where no two features are such.

    Args:
        rows: The train rows.
        logs: The features that are scales or logarithms.
        only: Which features are the distinct data and the data seen, if that is known.
    """
    for scale in repetitions(rows, only):
        unique, seen = scale.unique, scale.seen
        worth = Power(scale)
        others = [power(index) for index in logs if index not in {unique, seen}]
        yield Form("repeated data", MUENNIGHOFF, Law(terms(worth, *others)))
        yield Form("repeated data, joint", MUENNIGHOFF, Law(terms((worth, *others))))
        both = (worth, *others)
        yield Form("repeated data and its product", MUENNIGHOFF, Law(terms(worth, *others, both)))
        for other in logs:
            if other not in {unique, seen}:
                excess = (Power(Feature(other)), Power(Feature(unique)))
                law = Law(terms(worth, power(other), excess))
                yield Form("repeated data and over-fitting", MUENNIGHOFF, law)
                yield from _supported(scale, other)
                yield from _constrained(scale, other)


def _supported(scale: Effective, other: int) -> Iterator[Form]:
    """Forms in which a model can be too large for the distinct data."""
    worth, size = Power(scale), Power(Supported(other, scale.unique))
    both = terms(worth, size)
    yield Form("repeated data and parameters", MUENNIGHOFF, Law(both))
    yield Form("repeated data and parameters, no floor", MUENNIGHOFF, Law(both, offset=False))
    onset = terms(worth, power(other), Log(Shift(_load(scale, other))))
    yield Form("repeated data and memorisation", LOVELACE, Law(onset))
    yield Form("repeated data, parameters, memorisation", LOVELACE, Law((*both, onset[-1])))


def _constrained(scale: Effective, other: int) -> Iterator[Form]:
    """Forms in which the distinct data says how large a model can be of use."""
    onset = Log(Bend(_load(scale, other)))
    for shared in (True, False):
        both = Constrained(other, scale.unique, scale.seen, scale.ratio, shared)
        yield Form("data-constrained law", MUENNIGHOFF, Law(terms(both)))
        law = Law(terms(both, onset))
        yield Form("data-constrained law and memorisation", LOVELACE, law)
    law = Law(terms(Power(scale), power(other), onset))
    yield Form("repeated data and the onset of memorisation", LOVELACE, law)


def _load(scale: Effective, other: int) -> Scale:
    """Return the scale on which memorisation sets in; its cost is a logarithm from there on."""
    return Blend(Blend(Feature(scale.seen), Feature(other)), Feature(scale.unique))


def repetitions(rows: TrainRows, only: tuple[int, int] | None = None) -> list[Effective]:
    """Return the effective-data scales that features allow.

    Never fewer seen than distinct, and, where nobody says which they are, some rows in which hardly
    anything is seen twice: a number of experts is no number of distinct parameters.

    Args:
        rows: The train rows.
        only: Which features are the distinct data and the data seen, if that is known.
    """
    real = rows.weights > 0
    scales = [n for n, axis in enumerate(rows.axes) if axis.kind is Kind.SCALE]
    found = []
    for unique, seen in permutations(scales, 2):
        if only is not None and only != (unique, seen):
            continue
        u, d = rows.values[..., unique][real], rows.values[..., seen][real]
        hardly = only is not None or (d / u).min() < _HARDLY_REPEATED
        if (u <= d).all() and (u < d).any() and hardly:
            ratio = float(np.log(rows.axes[seen].reference / rows.axes[unique].reference))
            found.append(Effective(unique, seen, ratio))
    return found
