"""Results from elsewhere taken into a store: what is new is added, what contradicts is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from harness.errors import one_line
from harness.evaluation.figures import figure
from harness.evaluation.records import Evaluation
from harness.results.differences import told_apart
from harness.results.lines import ELSEWHERE, ClaimLine, Content, EvaluationLine, RunLine
from harness.results.records import ClaimedPage, Prefer

K = TypeVar("K")
L = TypeVar("L")
N = TypeVar("N", RunLine, ClaimLine)

_NO_FIGURES = {"seconds", "isolation"}


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """Something that two stores say differently."""

    kind: str
    name: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merge:
    """What is to be written so that a store holds what another one does."""

    new: Content
    replaced: Content
    """What takes the place of ours; empty where ours is preferred."""
    same: int
    """Evaluations, runs and claims that the store holds already."""
    conflicts: Sequence[Conflict]
    """Sorted."""

    @property
    def n_new(self) -> tuple[int, int, int]:
        """New evaluations, runs and claims."""
        return len(self.new.evaluations), len(self.new.runs), len(self.new.claims)


def plan_merge(ours: Content, theirs: Content, prefer: Prefer = Prefer.OURS) -> Merge:
    """Compare two contents.

    Two evaluations with one digest are the same where all their figures are: seconds, the
    isolation, and when they were made may differ. Two runs in one place are the same where they
    have one digest; a run that was scored again elsewhere has another one. Two names that share a
    folder's name (GPT-5.2, GPT-5-2) may be two models: what is theirs under such a name is left
    out, or, where theirs counts, ours is shown under it as well.
    """
    others = _other_names(ours, theirs)
    evaluations = _compared(ours.evaluations, theirs.evaluations, _same_figures)
    runs = _compared(ours.runs, theirs.runs, lambda a, b: a.digest == b.digest)
    claims = _compared(ours.claims, theirs.claims, lambda a, b: a.page == b.page)
    conflicts = [
        *(_evaluation_conflict(ours.evaluations[key], line) for key, line in evaluations.other),
        *(_run_conflict(ours, theirs, key) for key, _ in runs.other),
        *(
            Conflict("claim", "/".join(key), *claims_apart(ours.claims[key].page, line.page))
            for key, line in claims.other
        ),
        *(
            Conflict(kind, slug, _listed(rivals.ours), _listed(rivals.theirs))
            for (kind, slug), rivals in others.items()
        ),
    ]
    replaced = Content({}, {}, {}, {})
    if prefer is Prefer.THEIRS:
        new = _with_programs(theirs, evaluations.new, runs.new, claims.new)
        replaced = _with_programs(theirs, evaluations.other, runs.other, claims.other)
        replaced = replace(replaced, runs=_renamed(ours, others) | replaced.runs)
    else:
        agreeing = _agreeing(runs.new, others), _agreeing(claims.new, others)
        new = _with_programs(theirs, evaluations.new, *agreeing)
    same = evaluations.n_same + runs.n_same + claims.n_same
    return Merge(new, replaced, same, sorted(conflicts))


def elsewhere(content: Content, is_here: Callable[[str], bool]) -> Content:
    """Return content with the paths of programs that are not on this machine marked as such.

    A run whose program was under a candidates folder here and is gone leaves the board; one whose
    program never was here must not.

    Args:
        content: From another machine.
        is_here: Whether there is such a path on this one.
    """
    runs = {
        key: line
        if line.path.startswith(ELSEWHERE) or is_here(line.path)
        else line.model_copy(update={"path": f"{ELSEWHERE}{line.path}"})
        for key, line in content.runs.items()
    }
    return replace(content, runs=runs)


@dataclass(frozen=True, slots=True)
class _Compared(Generic[K, L]):
    """The lines of one kind that are new, and that are otherwise here."""

    new: list[tuple[K, L]]
    other: list[tuple[K, L]]
    n_same: int


def _compared(
    ours: Mapping[K, L], theirs: Mapping[K, L], same: Callable[[L, L], bool]
) -> _Compared[K, L]:
    new = [(key, line) for key, line in theirs.items() if key not in ours]
    other = [(key, x) for key, x in theirs.items() if key in ours and not same(ours[key], x)]
    return _Compared(new, other, len(theirs) - len(new) - len(other))


def _with_programs(
    theirs: Content,
    evaluations: Sequence[tuple[str, EvaluationLine]],
    runs: Sequence[tuple[tuple[str, str, str, int], RunLine]],
    claims: Sequence[tuple[tuple[str, str, str], ClaimLine]],
) -> Content:
    programs = {line.program: theirs.programs[line.program] for _, line in evaluations}
    return Content(programs, dict(evaluations), dict(runs), dict(claims))


@dataclass(frozen=True, slots=True)
class _Rivals:
    """Names that share one folder's name."""

    ours: frozenset[str]
    theirs: frozenset[str]
    """Those that are not among ours."""


_Others = Mapping[tuple[str, str], _Rivals]
"""By what is called so (agent, model) and by slug."""


def _names(line: RunLine | ClaimLine) -> dict[tuple[str, str], str]:
    """Return the names shown; one that is the slug itself says that there is none."""
    if isinstance(line, RunLine):
        agent, model = line.agent_name, line.model_name
    else:
        agent, model = line.page.agent, line.page.model
    names = {("agent", line.agent): agent, ("model", line.model): model}
    return {key: name for key, name in names.items() if name != key[1]}


def _all_names(content: Content) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    lines: list[RunLine | ClaimLine] = [*content.runs.values(), *content.claims.values()]
    for line in lines:
        for key, name in _names(line).items():
            found.setdefault(key, set()).add(name)
    return found


def _other_names(ours: Content, theirs: Content) -> _Others:
    here, there = _all_names(ours), _all_names(theirs)
    return {
        key: _Rivals(frozenset(here[key]), frozenset(there[key] - here[key]))
        for key in here.keys() & there.keys()
        if there[key] - here[key]
    }


def _agreeing(lines: Sequence[tuple[K, N]], others: _Others) -> list[tuple[K, N]]:
    """Return the lines whose names are none that contradict ours."""
    return [
        (key, line)
        for key, line in lines
        if not any(
            called in others and name in others[called].theirs
            for called, name in _names(line).items()
        )
    ]


def _renamed(ours: Content, others: _Others) -> dict[tuple[str, str, str, int], RunLine]:
    """Return our runs that are shown under another name as soon as theirs counts."""
    renamed = {}
    for key, line in ours.runs.items():
        rivals = {
            f"{kind}_name": min(others[kind, slug].theirs)
            for kind, slug in (("agent", line.agent), ("model", line.model))
            if (kind, slug) in others
        }
        if rivals:
            renamed[key] = line.model_copy(update=rivals)
    return renamed


def _listed(names: frozenset[str]) -> str:
    return one_line(", ".join(sorted(names)))


def _evaluation_conflict(ours: EvaluationLine, theirs: EvaluationLine) -> Conflict:
    name = f"{theirs.document.task} {theirs.digest[:12]}"
    return Conflict("evaluation", name, *_evaluations(ours, theirs))


def _run_conflict(ours: Content, theirs: Content, key: tuple[str, str, str, int]) -> Conflict:
    here, there = (side.evaluations[side.runs[key].digest] for side in (ours, theirs))
    return Conflict("run", "/".join(map(str, key)), *_evaluations(here, there))


def _same_figures(ours: EvaluationLine, theirs: EvaluationLine) -> bool:
    return _figures(ours.document) == _figures(theirs.document)


def _figures(evaluation: Evaluation) -> str:
    return evaluation.model_dump_json(exclude=_NO_FIGURES)


def _evaluations(ours: EvaluationLine, theirs: EvaluationLine) -> tuple[str, str]:
    """Return both in short, so that one sees in what they differ."""
    words = _short(ours), _short(theirs)
    if words[0] != words[1]:
        return words
    documents = (line.document.model_dump(exclude=_NO_FIGURES) for line in (ours, theirs))
    return told_apart(words[0], *documents)


def claims_apart(ours: ClaimedPage, theirs: ClaimedPage) -> tuple[str, str]:
    """Return two claims about one place in short, so that one sees in what they differ."""
    if ours.best != theirs.best:
        return ours.best, theirs.best
    return told_apart(ours.best, ours.model_dump(), theirs.model_dump())


def _short(line: EvaluationLine) -> str:
    found = line.document
    if found.r2 is None:
        return f"{found.status} (program {line.program[:8]})"
    return f"R² {figure(found.r2)}, {found.status} (program {line.program[:8]})"
