"""Fills a store with made-up runs in the shape of the public leaderboard.

Eight tasks, about five runs for each task, agent and model, programs that resemble each other
within an entry, predictions around the measured values, and some failures and broken rules. Every
figure is computed from the stored predictions as an evaluation computes it. Agents and models are
invented, so that no figure here can be taken for somebody's.

The same runs, suite and seed give the same store, but for the times at which rows were written; a
larger board repeats the runs that a smaller one has of the same entries.

Run: python tests/benchmarks/synthetic_board.py STORE --runs 934
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import jinja2
import numpy as np
import yaml

from harness.candidates import Candidate
from harness.candidates.naming import agent_slug, model_slug
from harness.evaluation.digest import DEFAULT_SEED, evaluation_digest, limits_for
from harness.evaluation.records import Evaluation, Failure, Isolation, Seconds, Traces, Violation
from harness.evaluation.scoring import figures, join, per_group, per_target
from harness.results.records import RunAssignment, RunKey
from harness.results.store import Store
from harness.tasks import GroupRows, Task, load_catalogue
from harness.versions import SCORING_VERSION, versions

RUNS_EACH = 5
FAILED, VIOLATING, BLOWN_UP, PARTLY, LAW = 0.05, 0.02, 0.03, 0.01, 0.15
"""How much of the runs, and of the entries in the case of the format, is so."""
T = TypeVar("T")
_ISOLATION = Isolation(layers=("landlock", "namespaces", "rlimits", "seccomp", "tmpfs"))

_FOLDER = Path(__file__).parent / "synthetic"
_WORDS: dict[str, Any] = yaml.safe_load((_FOLDER / "words.yaml").read_text("utf-8"))
_MODELS = [
    f"{family}-{release}{size}"
    for release, family, size in itertools.product(*_WORDS["models"].values())
]
_TEMPLATES = jinja2.Environment(
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
    loader=jinja2.FileSystemLoader(_FOLDER),
)


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticRun:
    """All that the store takes of one run."""

    assignment: RunAssignment
    evaluation: Evaluation
    traces: Traces
    program: bytes


def fill(store_path: Path, runs: int, suite: str, seed: int = 0) -> list[RunKey]:
    """Add a board of so many runs to a store and return their keys, sorted.

    Args:
        store_path: The store's file; made if it is not there.
        runs: How many; 40 for each agent with each model, less where they do not come out even.
        suite: Whose tasks.
        seed: Another seed gives other runs.
    """
    board = Board(suite, seed)
    return _write(store_path, (board.run(*place) for place in board.places(runs)))


def add_one(store_path: Path, suite: str, seed: int = 0) -> RunKey:
    """Add one more run to the first entry of a board that was filled, and return its key."""
    return _write(store_path, iter([Board(suite, seed).run(0, 0, RUNS_EACH + 1)]))[0]


def default_suite() -> str:
    """Return ``sldbench`` where its data is, else the shipped ``nano``."""
    there = all(task.has_data() for task in load_catalogue().tasks("sldbench"))
    return "sldbench" if there else "nano"


def _write(store_path: Path, runs: Iterator[SyntheticRun]) -> list[RunKey]:
    assignments = []
    with Store(store_path) as store:
        for run in runs:
            store.add(run.evaluation, run.traces, run.program)
            assignments.append(run.assignment)
        store.assign(assignments)
    return sorted(assignment.key for assignment in assignments)


class Board:
    """Makes runs. Each has a generator of its own, so none depends on which others are made."""

    def __init__(self, suite: str, seed: int) -> None:
        self.seed = seed
        self.tasks = load_catalogue().tasks(suite)
        self._grounds = [Ground(task, self._rng(0, i)) for i, task in enumerate(self.tasks)]
        # Square-like for every size: three agents with eight models, ten with twenty-five.
        grid = itertools.product(enumerate(_WORDS["agents"]), enumerate(_MODELS))
        ordered = sorted(grid, key=lambda pair: (max(2.5 * pair[0][0], pair[1][0]), pair))
        self._pairs = [(agent, model) for (_, agent), (_, model) in ordered]

    def places(self, runs: int) -> list[tuple[int, int, int]]:
        """Return task, pair (as positions) and run number of so many runs."""
        each = RUNS_EACH * len(self.tasks)
        n_pairs = math.ceil(runs / each)
        if not 0 < n_pairs <= len(self._pairs):
            raise ValueError(f"expected 1 to {each * len(self._pairs)} runs, got {runs}")
        entries = itertools.product(range(len(self.tasks)), range(n_pairs))
        counts = dict.fromkeys(entries, RUNS_EACH)
        rng = self._rng(1, runs)
        # Half of what is too much goes as whole entries, the rest run by run.
        for _ in range((len(counts) * RUNS_EACH - runs) // (2 * RUNS_EACH)):
            counts.pop(_pick(rng, list(counts)[1:]))
        for _ in range(sum(counts.values()) - runs):
            several = [entry for entry, count in counts.items() if count > 1]
            counts[_pick(rng, several or [entry for entry in counts if counts[entry]])] -= 1
        return [(*entry, n) for entry, count in counts.items() for n in range(1, count + 1)]

    def run(self, task: int, pair: int, number: int) -> SyntheticRun:
        """Return one run; the same arguments give the same run."""
        ground = self._grounds[task]
        agent, model = self._pairs[pair]
        key = RunKey(self.tasks[task].name, agent_slug(agent), model_slug(model), number)
        skill = self._rng(2, pair).normal(-1.3, 0.35)
        maker = _Maker(ground, skill, self._rng(3, task, pair), self._rng(4, task, pair, number))
        program = maker.program()
        evaluation, traces = maker.outcome(program)
        assignment = RunAssignment(key, agent, model, f"/made-up/{key.place}", evaluation.digest)
        return SyntheticRun(assignment, evaluation, traces, program)

    def _rng(self, *place: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *place])


class Ground:
    """What all runs on a task share: its rows, a smooth curve through them, what is hard in it."""

    def __init__(self, task: Task, rng: np.random.Generator) -> None:
        self.task = task
        self.data = task.data()
        self.limits = limits_for(task)
        self.width = len(task.target_names)
        self.spread = np.std(np.concatenate([rows.targets for rows in self.data.test]), axis=0)
        self.difficulty = rng.uniform(-0.5, 0.5)
        self.hard = [rng.normal(size=rows.targets.shape) for rows in self._splits]
        features = np.concatenate([rows.features for rows in self.data.train])
        self.scales = np.nanmedian(np.where(features > 0, features, np.nan), axis=0)

    @property
    def _splits(self) -> tuple[GroupRows, ...]:
        return self.data.train + self.data.test

    def predictions(
        self, nmse: float, entry: np.random.Generator, own: np.random.Generator
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return train and test predictions: what was measured, and errors of about this size.

        A part of each error is the task's, and a part the entry's: runs of one entry err alike.
        """
        train: dict[str, np.ndarray] = {}
        test: dict[str, np.ndarray] = {}
        for index, (rows, hard) in enumerate(zip(self._splits, self.hard, strict=True)):
            error = 0.5 * hard + 0.6 * (entry.normal(size=hard.shape) + own.normal(size=hard.shape))
            seen = index < len(self.data.train)
            size = (0.4 if seen else 1.0) * math.sqrt(nmse) * self.spread
            (train if seen else test)[rows.group] = rows.targets + size * error
        return train, test

    def curves(self, nmse: float, own: np.random.Generator) -> dict[str, np.ndarray]:
        """Return smooth predictions along the task's curve, off by about as much as the rows."""
        found = {}
        for group, smooth in self._smooth.items():
            along = np.linspace(0.0, 1.0, len(smooth))[:, None]
            offset, slope, wave, phase = own.normal(scale=0.5, size=(4, 1, self.width))
            off = offset + slope * along + wave * np.sin(np.pi * (along + phase))
            found[group] = smooth + off * math.sqrt(nmse) * self.spread
        return found

    @cached_property
    def _smooth(self) -> dict[str, np.ndarray]:
        found = {}
        for group, curve in self.data.curve.items():
            own = [rows for rows in self._splits if rows.group == group]
            features, targets = ([getattr(r, n) for r in own] for n in ("features", "targets"))
            found[group] = _parabola(np.concatenate(features), np.concatenate(targets), curve)
        return found


def _parabola(features: np.ndarray, targets: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Return a least-squares parabola through rows, at the rows of a curve."""
    positive = (features > 0).all(axis=0) & (curve > 0).all(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z, along = (np.where(positive, np.log(np.abs(x)), x) for x in (features, curve))
    centre, width = z.mean(axis=0), np.maximum(z.std(axis=0), 1e-12)
    rows, line = ((x - centre) / width for x in (z, along))
    design, wanted = (np.hstack([np.ones((len(x), 1)), x, x**2]) for x in (rows, line))
    return np.asarray(wanted @ np.linalg.lstsq(design, targets, rcond=1e-6)[0])


class _Maker:
    """One run in the making: what its entry decided, and what the run does otherwise."""

    def __init__(
        self, ground: Ground, skill: float, entry: np.random.Generator, own: np.random.Generator
    ) -> None:
        self.ground, self.entry, self.own = ground, entry, own
        level = skill + ground.difficulty + entry.normal(scale=0.15) + own.normal(scale=0.2)
        self.nmse = 10**level
        if own.random() < BLOWN_UP:
            self.nmse *= 10 ** own.uniform(0.5, 2.0)
        self.is_law = entry.random() < LAW
        self.form, self.size = _form(ground, entry)
        shape = (ground.width, self.size) if ground.width > 1 else self.size
        self.params = {
            rows.group: 0.9 * entry.normal(size=shape) + 0.3 * own.normal(size=shape)
            for rows in ground.data.train
        }
        self.fate = own.random()
        self.failure = _pick(own, _WORDS["failures"]) if self.fate < FAILED else None

    def program(self) -> bytes:
        """Return the program's text: the entry's choices, a few of them made anew."""
        choices, fresh = _choices(self.entry), _choices(self.own)
        again = self.own.random(len(choices)) < 0.25
        choices |= {name: fresh[name] for name, new in zip(choices, again, strict=True) if new}
        choices["seed"] = fresh["seed"]  # no two programs are the same
        shown = {
            "title": self.ground.task.title,
            "form": self.form,
            "form_words": _WORDS["forms"][self.form],
            "c": choices,
            "features": self.ground.task.feature_names,
            "targets": self.ground.task.target_names,
            "scales": ", ".join(f"{scale:.4g}" for scale in self.ground.scales),
            "constants": [
                (repr(group), [_numbers(row) for row in np.atleast_2d(values)])
                for group, values in self.params.items()
            ],
        }
        template = "law.py.j2" if self.is_law else "evolve_block.py.j2"
        text = _TEMPLATES.get_template(template).render(shown)
        if self.failure and self.failure["kind"] == "load_error":
            text = text[: text.rindex("(") + 1]
        return text.encode("utf-8")

    def outcome(self, program: bytes) -> tuple[Evaluation, Traces]:
        """Return an evaluation of the program and its arrays."""
        ground, own = self.ground, self.own
        fit = 0.0 if self.is_law else min(own.lognormal(0.7, 1.1), 250.0)
        common: dict[str, Any] = {
            "task": ground.task.name,
            "format": Candidate(program, "synthetic").format,
            "n_params": None if self.is_law else self.size * ground.width,
            "seconds": Seconds(fit=round(fit, 4), predict=round(own.uniform(0.05, 0.4), 4)),
            "isolation": _ISOLATION,
            "seed": DEFAULT_SEED,
            "versions": versions(),
            "scoring_version": SCORING_VERSION,
            "digest": evaluation_digest(program, ground.task, ground.limits, DEFAULT_SEED),
        }
        if self.failure:
            common |= {"n_params": None, "error": self._failure(self.failure, program)}
            return Evaluation(**common, status="failed"), Traces({}, {}, {}, {})
        train, test = ground.predictions(self.nmse, self.entry, own)
        curve = ground.curves(self.nmse, own)
        common["notes"] = self._lose_a_part(train, curve)
        if self.fate < FAILED + VIOLATING:
            common["violations"] = (self._violation(common, test),)
        traces = Traces({} if self.is_law else self.params, train, test, curve)
        return _scored(ground, traces, common), traces

    def _failure(self, failure: dict[str, Any], program: bytes) -> Failure:
        lines = program.decode("utf-8").splitlines()
        line = int(self.own.integers(len(lines) // 2, len(lines)))
        message = failure["words"].format(
            tail=" ".join(" ".join(lines[line - 12 : line]).split()),
            numbers=_numbers(self.own.normal(scale=30.0, size=60)),
            n=int(self.own.integers(2, 90)),
            limit=self.ground.limits.fit_seconds,
        )[:500]
        if failure["group"]:
            message += f" [group {_pick(self.own, self.ground.data.train).group!r}]"
        named = failure["kind"] in ("load_error", "candidate_error")
        return Failure(kind=failure["kind"], message=message, line=line if named else None)

    def _lose_a_part(
        self, train: dict[str, np.ndarray], curve: dict[str, np.ndarray]
    ) -> tuple[str, ...]:
        """Take one group's curve or train rows away, as a law does that fails there alone."""
        lost = self.own.random()
        group = _pick(self.own, self.ground.data.train).group
        if lost < PARTLY and group in curve:
            curve[group] = np.full_like(curve[group], np.nan)
        elif PARTLY <= lost < 2 * PARTLY:
            del train[group]
            return (f"train rows could not be predicted: OverflowError [group {group!r}]",)
        return ()

    def _violation(self, common: dict[str, Any], test: dict[str, np.ndarray]) -> Violation:
        cap = self.ground.task.definition.max_params
        group = next(iter(test))
        if cap is not None and not self.is_law and self.own.random() < 0.5:
            size = cap + int(self.own.integers(1, 9))
            self.params[group] = self.own.normal(size=size)
            common["n_params"] = size
            message = f"{size} constants for group {group!r}; the task allows {cap} per group"
            return Violation(rule="max_params", message=message)
        value = test[group][0, 0]
        message = (
            f"the law is not a function of (row, params): test row 1 of group {group!r} is "
            f"predicted as {value:.9g} in the full batch and as {1.01 * value:.9g} alone"
        )
        return Violation(rule="row_function", message=message)


def _scored(ground: Ground, traces: Traces, common: dict[str, Any]) -> Evaluation:
    """Return the evaluation of these predictions, by the steps of an evaluation proper."""
    data = ground.data
    test = join(data.test, traces.test)
    train = join(data.train, traces.train) if len(traces.train) == len(data.train) else None
    held_out, fit = figures(*test), figures(*train) if train else None
    assert held_out  # a test split varies
    return Evaluation(
        **common,
        status="violation" if "violations" in common else "ok",
        r2=held_out.r2,
        nmse=held_out.nmse,
        nmae=held_out.nmae,
        r2_fit=fit.r2 if fit else None,
        per_group=per_group(data.train, data.test, traces.train, traces.test),
        per_target=per_target(ground.task.target_names, test, train),
    )


def _form(ground: Ground, rng: np.random.Generator) -> tuple[str, int]:
    """Return a form that the task's cap on constants allows, and its constants per target."""
    n_features, cap = len(ground.task.feature_names), ground.task.definition.max_params
    sizes = {"additive": 1 + 2 * n_features, "product": 2 + n_features, "loglinear": 1 + n_features}
    allowed = [kind for kind in sizes if cap is None or sizes[kind] * ground.width <= cap]
    kind = _pick(rng, allowed or list(sizes))
    return kind, sizes[kind]


def _choices(rng: np.random.Generator) -> dict[str, object]:
    """Return what the author of a program settles: names, numbers, how the fit is made."""
    told = sorted(rng.permutation(len(_WORDS["stories"]))[:3])
    return {
        "seed": int(rng.integers(1, 2**31)),
        "story": " ".join(_WORDS["stories"][i] for i in told),
        "exponents": _numbers(np.sort(rng.uniform(0.05, 1.5, size=5)), 2),
        **{name: _pick(rng, words) for name, words in _WORDS["one_of"].items()},
        **{
            name: shape.format(rng.uniform(low, high))
            for name, (low, high, shape) in _WORDS["numbers"].items()
        },
        **{name: bool(rng.random() < share) for name, share in _WORDS["flags"].items()},
    }


def _numbers(values: np.ndarray, digits: int = 6) -> str:
    return ", ".join(f"{value:.{digits}g}" for value in values)


def _pick(rng: np.random.Generator, among: Sequence[T]) -> T:
    return among[int(rng.integers(len(among)))]


def main() -> None:
    """Fill a store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--runs", type=int, default=934)
    parser.add_argument("--suite", help="default: sldbench where its data is, else nano")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one-more", action="store_true", help="add one run to a filled store")
    arguments = parser.parse_args()
    suite, seed = arguments.suite or default_suite(), arguments.seed
    if arguments.one_more:
        print(add_one(arguments.store, suite, seed).place)
    else:
        print(len(fill(arguments.store, arguments.runs, suite, seed)), "runs on", suite)


if __name__ == "__main__":
    main()
