"""Whether a proposal is new, decided before anything is spent on evaluating it."""

from __future__ import annotations

import ast
import hashlib

import numpy as np

from harness.evolution.expression import Law, normal_form
from harness.evolution.rows import TrainRows

_PROBES = 64
_DIGITS = 7
_FIRST, _NEXT = 0.137 * 2**0.5, 0.137 * 3**0.5
"""What is added to the usual start of a constant, and for each further one of its name."""


class Novelty:
    """Remembers every law and program that was proposed.

    Laws are the same if their normal forms are, or if they can say the same on a probe: what their
    terms span at given shape constants, whichever signs their constants may have. Programs are the
    same if their syntax trees are, with comments, docstrings and layout taken away.
    """

    def __init__(self, rows: TrainRows) -> None:
        """Choose the probe: rows of the train split."""
        real = np.flatnonzero(rows.weights.ravel() > 0)
        # Drawn, for evenly spaced rows may be all of one level of a grid.
        drawn = np.random.default_rng(0).permutation(len(real))[:_PROBES]
        chosen = real[np.sort(drawn)]
        self._columns = [rows.coordinates[..., n].ravel()[chosen] for n in range(len(rows.axes))]
        self._seen: set[str] = set()

    def is_new(self, key: str) -> bool:
        """Whether nothing with this key was proposed."""
        return key not in self._seen

    def remember(self, key: str) -> None:
        """Take note of a proposal."""
        self._seen.add(key)

    def law_key(self, law: Law) -> str:
        """Return the same for laws that can say the same."""
        return f"{law.link}:{law.n_constants}:{self._span(normal_form(law))}"

    def _span(self, law: Law) -> str:
        theta = _by_what_they_are(law)
        with np.errstate(all="ignore"):
            parts = law.basis(self._columns, theta)
            basis = np.column_stack(
                [np.broadcast_to(part, len(self._columns[0])) for part in parts]
            )
        if not np.isfinite(basis).all():
            return repr(law)
        # A projector does not care in which order, or how scaled, the terms come.
        left, values, _ = np.linalg.svd(
            basis / (np.abs(basis).max(axis=0) + 1e-300), full_matrices=False
        )
        rank = int((values > 1e-9 * values[0]).sum())
        probe = np.cos(np.arange(len(basis)) * 1.7)
        image = left[:, :rank] @ (left[:, :rank].T @ probe)
        return hashlib.sha256(np.round(image, _DIGITS).tobytes()).hexdigest()[:24]


def _by_what_they_are(law: Law) -> list[np.ndarray]:
    """Return shape constants that are equal where slots are: order must not matter.

    None may be neutral, as an exponent of 0 would be, which makes any power the same.
    """
    seen: dict[str, int] = {}
    theta = []
    for slot in law.slots:
        count = seen.get(slot.name, 0)
        seen[slot.name] = count + 1
        theta.append(np.array(slot.starts[0] + _FIRST + _NEXT * count))
    return theta


def program_key(source: str) -> str | None:
    """Return the same for programs that differ in comments, docstrings and layout only.

    Returns:
        None where Python cannot parse it.
    """
    try:
        tree = ast.parse(source)
        return _tree_key(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _tree_key(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[:1] = [] if len(body) > 1 else [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest()
