"""Results as files and merged stores: nothing lost, nothing doubled, every contradiction named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from board_samples import claim, page, run
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import UserError
from harness.evaluation.records import Seconds, Traces
from harness.results.exchange import from_lines, to_lines
from harness.results.export_file import read_export
from harness.results.lines import Content
from harness.results.merge import elsewhere, plan_merge
from harness.results.records import Prefer, RunAssignment, StoredRun
from harness.results.store import Store

ARRAYS = Traces(
    params={"a": np.array([1.5, -2.0])},
    train={"a": np.array([[1.0], [np.nan]])},
    test={"a": np.array([[0.1]])},
    curve={},
)


def digest_of(word: str) -> str:
    return word.encode().hex().ljust(64, "0")[:64]


def keep(store: Store, *runs: StoredRun) -> None:
    for each in runs:
        store.add(each.evaluation, ARRAYS, each.program)
        key, found = each.key, each.evaluation.digest
        store.assign([RunAssignment(key, each.agent_name, each.model_name, each.path, found)])


def filled(path: Path, *runs: StoredRun) -> Path:
    with Store(path) as store:
        keep(store, *runs)
        one = claim(page("x = 1", ("0.900000",)))
        store.add_claim(one.task, one.page, one.source)
    return path


def content_of(path: Path) -> Content:
    with Store(path, read_only=True) as store:
        return store.content()


def a_run(number: int, r2: float | None = 0.9, program: bytes = b"x = 1\n", **names: str):
    word = f"{number} {program!r} {sorted(names.items())}"
    return run(number, r2, program=program, digest=digest_of(word), **names)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three runs: one failed, one of a program that is not UTF-8 text."""
    return filled(
        tmp_path / "ours.sqlite", a_run(1), a_run(2, None), a_run(3, program=b"# \xff\x00\r\n")
    )


def sld(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["sld", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


# --- lines


def test_what_is_written_is_read_again(store: Path) -> None:
    content = content_of(store)
    lines = list(to_lines(content))
    assert from_lines(lines, "file") == content
    assert list(to_lines(from_lines(lines, "file"))) == lines
    kinds = [json.loads(line)["kind"] for line in lines]
    counted = [*["program"] * 2, *["evaluation"] * 3, *["run"] * 3, "claim"]
    assert kinds == ["sld-results", *counted, "end"]


def test_the_order_in_which_things_were_stored_does_not_show(tmp_path: Path) -> None:
    runs = [a_run(1), a_run(2, 0.5), a_run(1, 0.3, agent="goose")]
    first = content_of(filled(tmp_path / "a.sqlite", *runs))
    second = content_of(filled(tmp_path / "b.sqlite", *runs[::-1]))
    same_time = {
        key: line.model_copy(update={"created": first.evaluations[key].created})
        for key, line in second.evaluations.items()
    }
    assert list(to_lines(first)) == list(to_lines(replace(second, evaluations=same_time)))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_still_true(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever bytes come, they are read, or refused with the line: no other error."""
    text = "".join(LINES)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    piece = data.draw(st.text(max_size=20))
    damaged = text[:start] + piece + text[end:]
    said = None
    try:
        found = from_lines(damaged.splitlines(keepends=True), "file")
    except UserError as error:
        said = str(error)
    if said is None:
        assert {line.digest for line in found.runs.values()} <= found.evaluations.keys()
    else:
        assert said.startswith("file")
        assert "\n" not in said


def sample_lines() -> list[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return list(to_lines(content_of(filled(Path(folder) / "s.sqlite", a_run(1)))))


LINES = sample_lines()
HEAD, PROGRAM, EVALUATION, RUN, CLAIM, END = LINES


def changed(line: str, **parts: object) -> str:
    return json.dumps(json.loads(line) | parts)


def scored(**figures: object) -> list[str]:
    """The lines of an export whose evaluation has other figures."""
    document = json.loads(EVALUATION)["document"] | figures
    return [HEAD, PROGRAM, changed(EVALUATION, document=document), RUN, CLAIM, END]


FAILED = {"status": "failed", "r2": None, "nmse": None, "per_group": {}, "per_target": {}}
ERROR = {"message": "no", "line": None}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "file: empty"),
        (["\n"], "file, line 1: no file of results"),
        ([PROGRAM], "file, line 1: no file of results"),
        (
            [changed(HEAD, version=9)],
            "file, line 1: results of version 9; this harness reads 1 to 2",
        ),
        ([HEAD, "{"], "file, line 2: "),
        ([HEAD, '{"kind": "thing"}'], "file, line 2: "),
        ([HEAD, changed(RUN, more=1)], "file, line 2: run.more: unknown key"),
        ([HEAD, changed(PROGRAM, text="y = 2\n")], "line 2: the program is not the one of its SHA"),
        ([HEAD, changed(PROGRAM, base64="eA==")], "line 2: expected either text or base64"),
        ([HEAD, changed(PROGRAM, text="\ud800")], "line 2: "),
        ([HEAD, PROGRAM, changed(EVALUATION, traces="!!")], "file, line 3: "),
        ([HEAD, PROGRAM, changed(EVALUATION, traces="AAAA")], "file, line 3: damaged arrays"),
        ([HEAD, PROGRAM, changed(EVALUATION, digest="0")], "line 3: the document is that of"),
        ([HEAD, PROGRAM, EVALUATION, changed(EVALUATION, created="now")], "line 4: the same"),
        ([HEAD], "file: cut short after line 1"),
        ([HEAD, PROGRAM, EVALUATION, RUN, CLAIM, "\n"], "file: cut short after line 6"),
        ([*LINES, RUN], "file, line 7: comes after the last line"),
        ([HEAD, EVALUATION, END], "the program of evaluation"),
        ([HEAD, RUN, END], "the evaluation of run small_law/codex/o4_mini/1 is missing"),
        ([HEAD, PROGRAM, EVALUATION, changed(RUN, task="t"), END], "has another task's evaluation"),
        # What can be read and cannot be true: boards were made of it, or died of it.
        (
            scored(r2=3.5, nmse=-2.5),
            "file, line 3: evaluation.document.r2: expected an R² of at most 1, got 3.5",
        ),
        (
            scored(r2=0.99, nmse=0.5),
            "file, line 3: evaluation.document.r2: expected 1 - nmse, which is 0.5, got 0.99",
        ),
        (scored(r2=0.5, nmse=None), "document.nmse: expected a figure beside r2 0.5, got None"),
        (scored(r2_fit=1.5), "document.r2_fit: expected an R² of at most 1, got 1.5"),
        (
            scored(per_target={"loss": {"r2": 2.0, "r2_fit": None}}),
            "document.per_target.loss.r2: expected an R² of at most 1, got 2.0",
        ),
        (scored(nmae=float("nan")), "document.nmae: expected a finite number, got nan"),
        (
            scored(**FAILED, error={"kind": "harness_error", **ERROR}),
            "evaluation.document.error.kind: expected a failure of the program, got 'harness_e",
        ),
        (
            [HEAD, PROGRAM, EVALUATION, changed(RUN, agent_name="Somebody Else"), CLAIM, END],
            "line 4: run.agent_name: expected a name of the folder 'codex', got 'Somebody Else'",
        ),
        (
            [HEAD, PROGRAM, EVALUATION, changed(RUN, model_name="GPT-5"), CLAIM, END],
            "file, line 4: run.model_name: expected a name of the folder 'o4_mini', got 'GPT-5'",
        ),
        (
            [HEAD, changed(CLAIM, agent="goose"), END],
            "file, line 2: claim.page.agent: expected a name of the folder 'goose', got 'codex'",
        ),
        (
            [HEAD, changed(RUN, agent="a" * 201), END],
            "file, line 2: run.agent: expected 200 characters at most, got 201",
        ),
    ],
)
def test_a_wrong_line_is_named(lines: Sequence[str], said: str) -> None:
    with pytest.raises(UserError) as caught:
        from_lines(lines, "file")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_the_first_version_is_read_and_its_weakness_told() -> None:
    said: list[str] = []
    old = [changed(HEAD, version=1), *LINES[1:-1]]
    assert from_lines(old, "file", said.append) == from_lines(LINES, "file", said.append)
    assert len(said) == 1
    assert "written by an older harness" in said[0]


@pytest.mark.parametrize(
    "lines",
    [
        scored(r2=1.0, nmse=0.0),
        scored(r2=0.1 + 0.2, nmse=0.7),
        scored(r2=1 - 12345678.9, nmse=12345678.9),
        scored(r2=-1e300, nmse=1e300, nmae=1e150),
        scored(r2_fit=None, per_group={}, per_target={}),
        scored(**FAILED, error={"kind": "timeout", **ERROR}),
        [HEAD, PROGRAM, EVALUATION, changed(RUN, agent_name="CODEX", model_name="o4 mini"), END],
        [HEAD, CLAIM, END],
        [changed(HEAD, version=1), CLAIM],
    ],
)
def test_what_a_scoring_can_give_is_read(lines: Sequence[str]) -> None:
    content = from_lines(lines, "file")
    assert from_lines(to_lines(content), "again") == content


def test_what_is_taken_from_elsewhere_can_be_exported(tmp_path: Path) -> None:
    """The mark makes a path longer: neither a long one nor a long name may be too long with it."""
    long = "/" + "x/" * 1999 + "y"
    lines = [HEAD, PROGRAM, EVALUATION, changed(RUN, path=long), END]
    marked = elsewhere(from_lines(lines, "file"), lambda _: False)
    assert from_lines(to_lines(marked), "again") == marked
    with pytest.raises(UserError, match="expected a path that a file can have"):
        from_lines([HEAD, PROGRAM, EVALUATION, changed(RUN, path="x" * 250), END], "file")


# --- merging


def test_what_is_new_is_added_and_what_is_here_stays(store: Path, tmp_path: Path) -> None:
    theirs = content_of(filled(tmp_path / "b.sqlite", a_run(1), a_run(1, 0.4, agent="goose")))
    merge = plan_merge(content_of(store), theirs)
    assert merge.n_new == (1, 1, 0)
    assert (merge.same, merge.conflicts) == (3, [])
    with Store(store) as opened:
        opened.take(merge)
    assert plan_merge(content_of(store), theirs).n_new == (0, 0, 0)


runs_of_a_store = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from("ab"), st.sampled_from([0.1, 0.2, None])),
    max_size=4,
    unique_by=lambda item: item[:2],
)


@settings(max_examples=25, deadline=None)
@given(runs_of_a_store, runs_of_a_store)
def test_merging_either_way_holds_the_same_where_nothing_contradicts(
    one: list[tuple[int, str, float | None]], other: list[tuple[int, str, float | None]]
) -> None:
    ours, theirs = (contents(each) for each in (one, other))
    there, here = plan_merge(ours, theirs), plan_merge(theirs, ours)
    assert len(there.conflicts) == len(here.conflicts)
    assert there.same == here.same
    if not there.conflicts:
        assert joined(ours, there.new) == joined(theirs, here.new)
    assert plan_merge(ours, ours).new == Content({}, {}, {}, {})


def contents(runs: list[tuple[int, str, float | None]]) -> Content:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = [a_run(n, r2, f"r2 = {r2}".encode(), agent=agent) for n, agent, r2 in runs]
        found = content_of(filled(Path(folder) / "s.sqlite", *made))
    same_time = {k: x.model_copy(update={"created": "now"}) for k, x in found.evaluations.items()}
    return replace(found, evaluations=same_time)


def joined(one: Content, other: Content) -> Content:
    return Content(
        one.programs | other.programs,
        one.evaluations | other.evaluations,
        one.runs | other.runs,
        one.claims | other.claims,
    )


def contradicting(tmp_path: Path) -> tuple[Path, Path]:
    """Two stores with another figure under one digest, and another program in one place."""
    figure = [run(1, r2, digest=digest_of("same")) for r2 in (0.9, 0.8)]
    place = [a_run(2, 0.5, text) for text in (b"x = 1\n", b"x = 2\n")]
    ours, theirs = (
        filled(tmp_path / f"{name}.sqlite", figure[i], place[i])
        for i, name in enumerate(("ours", "theirs"))
    )
    return ours, theirs


def test_contradictions_are_named_and_ours_stays(tmp_path: Path) -> None:
    ours, theirs = map(content_of, contradicting(tmp_path))
    merge = plan_merge(ours, theirs)
    evaluation, moved = merge.conflicts
    assert evaluation.kind == "evaluation"
    assert (evaluation.ours[:11], evaluation.theirs[:11]) == ("R² 0.900000", "R² 0.800000")
    assert (moved.kind, moved.name) == ("run", "small_law/codex/o4_mini/2")
    assert merge.replaced == Content({}, {}, {}, {})
    assert merge.n_new == (1, 0, 0)  # the other program's evaluation is worth keeping


@pytest.mark.parametrize(
    ("change", "here", "there"),
    [
        ({"r2_fit": 0.25}, "fit R² 0.5", "fit R² 0.250000"),
        ({"r2": 0.9 + 1e-12}, "R² 0.9", "R² 0.900000000001"),
        ({"notes": ("slow",)}, "notes 1 –", "notes 1 slow"),
        ({"n_params": 3, "notes": ("slow",)}, "and 1 more", "n_params 3 and 1 more"),
    ],
)
def test_a_contradiction_names_what_differs(
    store: Path, change: dict[str, object], here: str, there: str
) -> None:
    ours = content_of(store)
    digest = a_run(1).evaluation.digest
    line = ours.evaluations[digest]
    ours.evaluations[digest] = line.model_copy(
        update={"document": line.document.model_copy(update={"r2_fit": 0.5})}
    )
    other = line.model_copy(
        update={"document": line.document.model_copy(update={"r2_fit": 0.5, **change})}
    )
    (found,) = plan_merge(ours, replace(ours, evaluations={digest: other})).conflicts
    assert here in found.ours
    assert there in found.theirs
    assert found.ours != found.theirs


def named(tmp_path: Path, model: str, *agents: str) -> Content:
    """Runs 1, 2, ... of agents under one model's name."""
    runs = [
        a_run(number, agent=agent, model="gpt_5_2", model_name=model)
        for number, agent in enumerate(agents, 1)
    ]
    with Store(tmp_path / f"{model} {agents}.sqlite") as store:
        keep(store, *runs)
        return store.content()


def test_two_names_of_one_folder_are_a_contradiction(tmp_path: Path) -> None:
    """Regression: two models were merged as one without a word."""
    ours = named(tmp_path, "GPT-5.2", "goose")
    theirs = named(tmp_path, "GPT-5-2", "goose", "codex")
    merge = plan_merge(ours, theirs)
    (found,) = merge.conflicts
    assert (found.kind, found.name) == ("model", "gpt_5_2")
    assert (found.ours, found.theirs) == ("GPT-5.2", "GPT-5-2")
    assert merge.n_new == (1, 0, 0)  # what contradicts nothing is worth keeping
    assert merge.replaced == Content({}, {}, {}, {})
    asked_for = plan_merge(ours, theirs, Prefer.THEIRS)
    assert asked_for.n_new == (1, 1, 0)
    after = joined(joined(ours, asked_for.new), asked_for.replaced)
    assert {line.model_name for line in after.runs.values()} == {"GPT-5-2"}
    assert plan_merge(after, theirs).conflicts == []


def test_claims_under_another_name_of_one_folder_are_left_out(tmp_path: Path) -> None:
    ours = named(tmp_path, "GPT-5.2", "goose")
    with Store(tmp_path / "claims.sqlite") as store:
        for model in ("GPT-5-2", "o4-mini"):
            store.add_claim("small_law", page("", model=model), "page.txt")
        theirs = store.content()
    merge = plan_merge(ours, theirs)
    assert [each.kind for each in merge.conflicts] == ["model"]
    assert set(merge.new.claims) == {("small_law", "codex", "o4_mini")}


def test_a_folder_s_name_alone_contradicts_no_name(tmp_path: Path) -> None:
    ours, theirs = named(tmp_path, "GPT-5.2", "goose"), named(tmp_path, "gpt_5_2", "codex")
    assert plan_merge(ours, theirs).conflicts == []
    assert plan_merge(theirs, ours).conflicts == []
    assert plan_merge(ours, theirs).n_new == (1, 1, 0)


def test_claims_that_differ_in_a_run_alone_say_so(store: Path) -> None:
    ours = content_of(store)
    ((key, line),) = ours.claims.items()
    ranking = (line.page.ranking[0].model_copy(update={"program": "a" * 64}),)
    other = line.model_copy(update={"page": line.page.model_copy(update={"ranking": ranking})})
    (found,) = plan_merge(ours, replace(ours, claims={key: other})).conflicts
    assert found.ours == "0.900000, ranking 1 program –"
    assert found.theirs == f"0.900000, ranking 1 program {'a' * 64}"


def test_theirs_replaces_ours_where_that_is_asked_for(tmp_path: Path) -> None:
    ours, theirs = contradicting(tmp_path)
    with Store(ours) as opened:
        opened.take(plan_merge(opened.content(), content_of(theirs), Prefer.THEIRS))
    after, wanted = content_of(ours), content_of(theirs)
    assert after.runs == wanted.runs
    assert {d: x.document for d, x in wanted.evaluations.items()}.items() <= {
        d: x.document for d, x in after.evaluations.items()
    }.items()


def test_seconds_are_no_contradiction(store: Path) -> None:
    ours = content_of(store)
    slower = {
        digest: line.model_copy(
            update={
                "document": line.document.model_copy(
                    update={"seconds": Seconds(fit=9.0, predict=9.0)}
                )
            }
        )
        for digest, line in ours.evaluations.items()
    }
    assert plan_merge(ours, replace(ours, evaluations=slower)).conflicts == []


def test_runs_of_other_machines_do_not_leave_the_board(store: Path, tmp_path: Path) -> None:
    """`sld run` takes runs off the board whose program is gone; theirs never was here."""
    root = tmp_path / "candidates"
    theirs = content_of(store)
    paths = {
        key: line.model_copy(update={"path": f"{root}/{line.path}"})
        for key, line in theirs.runs.items()
    }
    marked = elsewhere(replace(theirs, runs=paths), lambda path: Path(path).is_file())
    with Store(tmp_path / "new.sqlite") as opened:
        opened.take(plan_merge(opened.content(), marked))
        assert opened.forget_missing(root) == []
        assert opened.forget_missing(Path.cwd()) == []  # whatever is marked is under no folder
        assert len(opened.runs()) == 3
    assert elsewhere(marked, lambda _: False) == marked


# --- the command


def test_out_and_in_again_gives_the_same_bytes(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, new = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "new.sqlite"
    assert sld(monkeypatch, "results", "export", first, "--store", store) == 0
    assert sld(monkeypatch, "results", "import", first, "--store", new) == 0
    assert (
        "3 evaluations, 3 runs, 1 claims; 0 already here; 0 contradict" in capsys.readouterr().out
    )
    assert sld(monkeypatch, "results", "merge", store, "--into", new) == 0
    assert "new: 0 evaluations, 0 runs, 0 claims; 7 already" in capsys.readouterr().out
    assert sld(monkeypatch, "results", "export", second, "--store", new) == 0
    there = [json.loads(line) for line in second.read_text("utf-8").splitlines()]
    for line in there:
        if line["kind"] == "run":
            line["path"] = line["path"].removeprefix("elsewhere:")
    assert there == [json.loads(line) for line in first.read_text("utf-8").splitlines()]
    assert sld(monkeypatch, "results", "export", "-", "--store", store) == 0
    assert capsys.readouterr().out == first.read_text("utf-8")


def test_contradictions_end_with_1_and_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = contradicting(tmp_path)
    assert sld(monkeypatch, "results", "merge", theirs, "--into", ours) == 1
    shown = capsys.readouterr().out
    assert "2 contradict" in shown
    assert "run small_law/codex/o4_mini/2: here R² 0.500000" in shown
    assert "--prefer theirs" in shown
    assert sld(monkeypatch, "results", "merge", theirs, "--into", ours, "--json") == 1
    (report,) = json.loads(capsys.readouterr().out)
    assert len(report["conflicts"]) == 2
    assert sld(monkeypatch, "results", "merge", theirs, "--into", ours, "--prefer", "theirs") == 1
    capsys.readouterr()
    assert sld(monkeypatch, "results", "merge", theirs, "--into", ours) == 0


def test_names_that_contradict_are_listed_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = tmp_path / "ours.sqlite", tmp_path / "theirs.sqlite"
    for path, name in ((ours, "GPT-5.2"), (theirs, "GPT-5-2")):
        with Store(path) as store:
            keep(store, a_run(1, agent=path.stem, model="gpt_5_2", model_name=name))
    assert sld(monkeypatch, "results", "merge", theirs, "--into", ours) == 1
    shown = capsys.readouterr().out
    assert "new: 1 evaluations, 0 runs, 0 claims; 0 already here; 1 contradict" in shown
    assert "model gpt_5_2: here GPT-5.2; there GPT-5-2" in shown
    assert "runs and claims under a name that contradicts ours were left out" in shown


def test_what_was_taken_is_said_though_a_later_file_is_refused(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the first file was taken, and stdout was empty."""
    good, cut, new = tmp_path / "good.jsonl", tmp_path / "cut.jsonl", tmp_path / "new.sqlite"
    lines = list(to_lines(content_of(store)))
    good.write_text("".join(lines), encoding="utf-8")
    cut.write_text("".join(lines[:-1]), encoding="utf-8")
    assert sld(monkeypatch, "results", "import", good, cut, "--json", "--store", new) == 2
    captured = capsys.readouterr()
    (report,) = json.loads(captured.out)
    assert (report["from"], report["new"]["runs"]) == (str(good), 3)
    assert "cut.jsonl: cut short" in captured.err
    assert sld(monkeypatch, "results", "import", cut, "--json", "--store", new) == 2
    assert capsys.readouterr().out == ""


def test_a_store_with_figures_that_cannot_be_true_is_not_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = a_run(1)
    figures = forged.evaluation.model_copy(update={"r2": 3.5, "nmse": -2.5})
    theirs = filled(tmp_path / "theirs.sqlite", replace(forged, evaluation=figures))
    assert sld(monkeypatch, "results", "merge", theirs, "--into", tmp_path / "new.sqlite") == 2
    said = capsys.readouterr().err
    place = forged.evaluation.digest[:12]
    assert f"theirs.sqlite: {place}: evaluation.document.r2: expected an R² of at most 1" in said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"agent": "a" * 201}, "agent: expected 200 characters at most, got 201"),
        ({"model": "GPT-5"}, "model: expected a model's folder name, such as 'gpt_5'"),
    ],
)
def test_a_run_that_no_export_can_hold_is_named_and_no_damage(
    names: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Regression: people were told to move a sound store away."""
    path = filled(tmp_path / "s.sqlite", a_run(1, **names))
    for arguments in (
        ("export", tmp_path / "a.jsonl", "--store", path),
        ("merge", path, "--into", tmp_path / "new.sqlite"),
    ):
        assert sld(monkeypatch, "results", *arguments) == 2
        message = capsys.readouterr().err
        assert message.startswith(f"error: {path}: run small_law/{names.get('agent', 'codex')}/")
        assert said in message
        assert "give its folder a name that it can hold, then `sld run`" in message
        assert "damaged" not in message
        assert "move it away" not in message
        assert message.count("\n") == 1


def test_a_claim_that_no_export_can_hold_is_named(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.add_claim("small_law", page("", agent="a" * 201), "page.txt")
        with pytest.raises(UserError) as caught:
            store.content()
    assert f"claim small_law/{'a' * 201}/o4_mini: agent: expected 200 char" in str(caught.value)
    assert "move it away" not in str(caught.value)


def test_a_line_without_an_end_is_one_line_of_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: a device's endless line took all memory, and a traceback followed."""
    assert sld(monkeypatch, "results", "import", "/dev/zero", "--store", tmp_path / "s.sqlite") == 2
    expected = "longer than 1,000 characters; expected what `sld results export` writes"
    assert capsys.readouterr().err == f"error: /dev/zero, line 1: {expected}\n"


def test_no_more_of_a_line_is_read_than_one_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(map(len, LINES))
    monkeypatch.setattr("harness.results.export_file.LONGEST_LINE", longest)
    file = tmp_path / "a.jsonl"
    file.write_text("".join(LINES), encoding="utf-8")
    assert read_export(file, lambda _: None) == from_lines(LINES, "file")
    file.write_text(HEAD + " " * longest + PROGRAM, encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.jsonl, line 2: longer than [0-9,]+ characters"):
        read_export(file, lambda _: None)


def test_an_export_to_a_link_writes_what_it_leads_to(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the link was replaced by a file, and the file stayed as it was."""
    there, link = tmp_path / "elsewhere" / "real.jsonl", tmp_path / "link.jsonl"
    there.parent.mkdir()
    there.touch()
    link.symlink_to(there)
    assert sld(monkeypatch, "results", "export", link, "--store", store) == 0
    assert link.is_symlink()
    assert there.read_text("utf-8") == "".join(to_lines(content_of(store)))
    assert [path.name for path in there.parent.iterdir()] == ["real.jsonl"]


def test_a_file_s_name_may_be_as_long_as_any(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the file that is written first had a longer name."""
    file = tmp_path / ("x" * 255)
    assert sld(monkeypatch, "results", "export", file, "--store", store) == 0
    assert read_export(file, lambda _: None) == content_of(store)


def test_a_file_is_taken_as_a_whole_or_not_at_all(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "a.jsonl", tmp_path / "new.sqlite"
    lines = list(to_lines(content_of(store)))
    file.write_text("".join(lines[:-2]) + lines[-2][:40], encoding="utf-8")
    assert sld(monkeypatch, "results", "import", file, "--store", new) == 2
    assert f"a.jsonl, line {len(lines) - 1}: " in capsys.readouterr().err
    assert not new.exists() or content_of(new) == Content({}, {}, {}, {})


def test_an_export_overwrites_earlier_exports_alone(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(store.parent)
    filled(Path("other.sqlite"))
    Path("law.py").write_text("x = 1\n")
    Path("link").symlink_to(store)
    Path("empty").touch()
    for name, said in (
        ("ours.sqlite", "is the store itself"),
        ("link", "is the store itself"),
        ("other.sqlite", "is an SQLite file"),
        ("law.py", "no export of results"),
        ("law.py/x", "law.py/x: cannot be written: Not a directory"),
        (".", "is a folder"),
        ("/dev/null", "no regular file"),
    ):
        before = Path(name).read_bytes() if Path(name).is_file() else b""
        assert sld(monkeypatch, "results", "export", name, "--store", "ours.sqlite") == 2
        captured = capsys.readouterr()
        assert said in captured.err
        assert captured.err.count("\n") == 1
        assert not Path(name).is_file() or Path(name).read_bytes() == before
    for name in ("new.jsonl", "new.jsonl", "empty"):
        assert sld(monkeypatch, "results", "export", name, "--store", "ours.sqlite") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "missing.jsonl"), "missing.jsonl: cannot be read: No such file"),
        (("merge", "ours.sqlite", "--into", "ours.sqlite"), "is the store that takes the others"),
        (("merge", "missing.sqlite", "--into", "new.sqlite"), "no store there yet"),
        (("export", "no/such/folder/a.jsonl", "--store", "ours.sqlite"), "No such file"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple[str, ...],
    said: str,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(store.parent)
    assert sld(monkeypatch, "results", *arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert said in captured.err
