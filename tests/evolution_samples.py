"""Rows and laws that the tests of the search share."""

from __future__ import annotations

import numpy as np

from harness.evolution.expression import Law, Term
from harness.evolution.factors import (
    Bump,
    Constrained,
    Joint,
    Log,
    Mixture,
    Peak,
    Power,
    Raw,
    Saturation,
    Valley,
)
from harness.evolution.gateway import TrainSide
from harness.evolution.rows import TrainRows, train_rows
from harness.evolution.scales import (
    Bend,
    Blend,
    Bottleneck,
    Effective,
    Feature,
    Limit,
    Shift,
    Supported,
)
from harness.tasks.data import GroupRows

SCALES = ("size", "tokens")


def grid(groups: int = 2, noise: float = 0.0, seed: int = 0) -> list[GroupRows]:
    """Return rows of a sum of power laws, sizes and tokens over three decades."""
    rng = np.random.default_rng(seed)
    size, tokens = np.meshgrid(np.geomspace(1e6, 1e9, 7), np.geomspace(1e8, 1e11, 6))
    features = np.column_stack([size.ravel(), tokens.ravel()])
    made = []
    for number in range(groups):
        loss = 1.5 + number + 80 * features[:, 0] ** -0.3 + 900 * features[:, 1] ** -0.35
        loss = loss + noise * rng.normal(size=len(loss))
        made.append(GroupRows(f"g{number}", features, loss[:, None]))
    return made


def rows(groups: int = 2, noise: float = 0.0) -> TrainRows:
    """Return them as the search sees them."""
    return train_rows(grid(groups, noise), SCALES, ("loss",))


SIZE, TOKENS = Feature(0), Feature(1)
LAWS = {
    "sum": Law((Term((Power(SIZE),)), Term((Power(TOKENS),)))),
    "product": Law((Term((Power(SIZE), Power(TOKENS))),)),
    "log link": Law((Term((Log(SIZE),)), Term((Log(TOKENS), Log(SIZE)))), link="log"),
    "no offset": Law((Term((Power(SIZE),)),), offset=False),
    "shift": Law((Term((Power(Shift(SIZE)),)), Term((Log(TOKENS),)))),
    "blend": Law((Term((Power(Blend(SIZE, Shift(TOKENS))),)),)),
    "effective": Law((Term((Power(Effective(0, 1, 4.5)),)),)),
    "supported": Law((Term((Power(Supported(1, 0)),)),)),
    "bend": Law((Term((Log(SIZE),)), Term((Log(Bend(SIZE)),)), Term((Log(Bend(TOKENS)),)))),
    "bottleneck": Law((Term((Power(Bottleneck(SIZE, Shift(TOKENS))), Log(SIZE))),)),
    "saturation": Law((Term((Saturation(SIZE), Power(TOKENS))),)),
    "bump": Law((Term((Bump(Shift(SIZE)),)), Term((Power(TOKENS),)))),
    "limit": Law((Term((Power(Limit(Shift(TOKENS))), Log(SIZE))),)),
    "joint": Law((Term((Joint(SIZE, Limit(Shift(TOKENS))),)),), offset=False),
    "valley": Law((Term((Log(SIZE),)), Term((Power(SIZE), Valley(Blend(TOKENS, SIZE)))))),
    "lopsided": Law((Term((Power(SIZE),)), Term((Power(SIZE), Valley(TOKENS, lopsided=True))))),
    "peak": Law((Term((Power(TOKENS),)), Term((Peak(SIZE),)))),
    "constrained": Law((Term((Constrained(0, 1, 1, 0.0),)),)),
    "constrained, shared": Law((Term((Constrained(0, 1, 1, 0.5, shared=True),)),)),
    "shares": Law((Term((Mixture((0, 1)),)), Term((Raw(0, share=True),)))),
    "raw": Law((Term((Raw(0, share=False), Log(TOKENS))),)),
}


def side(cap: int | None = 6, noise: float = 0.02) -> TrainSide:
    """A small problem, as a search knows it."""
    columns = tuple((name, "unit", name) for name in SCALES)
    train = tuple(grid(noise=noise))
    return TrainSide("t", "A task", "words", columns, (("loss", "u", "loss"),), cap, "", train)


PROGRAM = """
def fit_scaling_law(x, y):
    return FIT


def scaling_law_func(x, params):
    return x[:, 0]
"""
