"""The board for other programs: nothing lost, nothing made up, and no name that does harm."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
import time
import types
import typing
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from board_samples import Task, evaluation, run
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from harness.evaluation.records import FLOOR
from harness.failures import FailureKind
from harness.leaderboard.board import BoardSuite
from harness.leaderboard.entries import entries
from harness.leaderboard.exports import (
    export_files,
    export_names,
    feed,
    latex,
    leaderboard_json,
    schema_bytes,
    table_files,
)
from harness.leaderboard.exports.ranked import RankedLine, shown_ranks
from harness.leaderboard.exports.schema import LeaderboardDocument, RankedRow
from harness.leaderboard.exports.text import csv_text, xml_text
from harness.leaderboard.page_names import PageNames
from harness.leaderboard.readings import AS_RUN
from harness.leaderboard.standings import suite_rows, task_rows
from harness.leaderboard.tables import (
    SuiteTable,
    SuiteTables,
    TaskTable,
    TaskTables,
    suite_tables,
)
from harness.results.records import StoredRun

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTATION = (ROOT / "docs" / "leaderboard-json.md").read_text("utf-8")
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = (
    "<script>alert('1')</script>",
    'a "quoted", name\nof two\r\nlines',
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\u200b=1+1",
    "\u202eright to left\u202c",
    r"\input{/etc/passwd} 50% & $x_1^2$ #~{} --- [*]",
    "]]>&lt;\x00\x0b\ufffe",
    "\ud800",
    "模型 é",
    "",
)


def a_task(name: str, suite: str) -> Task:
    return Task(name, "Small Scaling Law", suite)


SUITES = (
    BoardSuite("nano", tuple(a_task(f"law_{i}", "nano") for i in range(4))),
    BoardSuite("wide", (a_task("nano", "wide"), a_task("wide_law", "wide")), expected_runs=5),
    BoardSuite("empty", (a_task("nothing_yet", "empty"),)),
)


def sample_runs() -> list[StoredRun]:
    """Return runs of hostile authors, some without any success, some that break a rule."""
    runs = []
    for i, name in enumerate(HOSTILE):
        for task in ("law_0", "law_1", "law_2", "law_3", "nano", "wide_law")[: 1 + i % 6]:
            for number in (1, 2, 3):
                r2 = None if i == 0 or (i + number) % 7 == 0 else 1 - 0.01 * i * number
                violation = "9 constants, 7 allowed" if r2 and (i + number) % 5 == 0 else None
                made = run(
                    number,
                    r2,
                    task=task,
                    agent=f"agent-{i}",
                    model=f"model_{i % 3}",
                    created=f"2025-01-{1 + i:02}T00:00:0{number}+00:00",
                    violation=violation,
                    failure="\x00bad\u202e <b>",
                )
                runs.append(replace(made, agent_name=name, model_name=HOSTILE[-1 - i]))
    return runs


def page_names(runs: Sequence[StoredRun]) -> PageNames:
    return PageNames((each.key.task, each.key.agent, each.key.model) for each in runs)


def tables_of(runs: Sequence[StoredRun]) -> list[SuiteTables]:
    found = entries(runs)
    return [suite_tables(suite, found) for suite in SUITES]


RUNS = sample_runs()
TABLES = tables_of(RUNS)
NAMES = page_names(RUNS)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return export_files(TABLES, RUNS, NAMES)


@pytest.fixture(scope="module")
def board(files: dict[str, bytes]) -> LeaderboardDocument:
    return LeaderboardDocument.model_validate_json(files["leaderboard.json"])


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


# All files


def test_the_names_are_known_without_the_tables(files: dict[str, bytes]) -> None:
    assert tuple(files) == export_names(SUITES, {each.key.task for each in RUNS})


def test_knowing_the_names_needs_no_numerical_library() -> None:
    code = (
        "import sys; from harness.leaderboard import exports; exports.export_names([], []); "
        "heavy = {'numpy', 'scipy', 'pandas', 'harness.leaderboard.exports.schema'}; "
        "print(*heavy & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_task_and_a_suite_of_one_name_have_files_of_their_own(files: dict[str, bytes]) -> None:
    assert b"Suite nano," in files["tables/nano.as-run.tex"]
    assert b"Task nano," in files["tables/nano.task.as-run.tex"]


def test_the_order_of_the_input_changes_no_byte(files: dict[str, bytes]) -> None:
    shuffler = random.Random(0)
    for _ in range(3):
        runs, suites = list(RUNS), list(SUITES)
        shuffler.shuffle(runs)
        shuffler.shuffle(suites)
        found = entries(runs)
        shuffler.shuffle(found)
        tables = [suite_tables(replace(suite, tasks=suite.tasks[::-1]), found) for suite in suites]
        assert export_files(tables, runs, page_names(runs)) == files


def test_every_file_is_utf_8_with_plain_line_ends(files: dict[str, bytes]) -> None:
    for data in files.values():
        assert data.decode("utf-8").endswith("\n")
        assert b"\r" not in data


def test_there_is_no_table_without_rows(files: dict[str, bytes]) -> None:
    assert not any("empty" in name or "nothing_yet" in name for name in files)
    runs = [run(1, None, task="law_0")]
    some = export_files(tables_of(runs), runs, page_names(runs))
    assert tuple(some) == export_names(SUITES, {"law_0"})
    stems = {name.partition(".")[0] for name in some if name.startswith("tables/")}
    assert stems == {"tables/nano", "tables/law_0"}
    for name, data in some.items():
        if name.endswith(".csv"):
            assert len(rows_of(data)) == 1, name


def test_an_empty_board_has_no_table() -> None:
    files = export_files(tables_of([]), [], PageNames([]))
    assert tuple(files) == ("feed.xml", "leaderboard.json", "leaderboard.schema.json")
    assert tuple(files) == export_names(SUITES, [])
    assert json.loads(files["leaderboard.json"])["suites"][0]["runs"] == []
    assert len(ET.fromstring(files["feed.xml"]).findall(f"{ATOM}entry")) == 0
    none = export_files([], [], PageNames([]))
    assert tuple(none) == export_names([], [])


# leaderboard.json


def test_the_document_is_json_without_nan_and_as_its_schema_says(files: dict[str, bytes]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    plain = json.loads(files["leaderboard.json"], parse_constant=refuse)
    schema = json.loads(files["leaderboard.schema.json"])
    assert list(plain) == schema["required"] == list(schema["properties"])
    assert schema["title"] == "SLD leaderboard"
    assert LeaderboardDocument.model_validate(plain).model_dump(mode="json") == plain
    with pytest.raises(ValidationError):
        LeaderboardDocument.model_validate({**plain, "more": 1})


def test_every_key_of_the_schema_is_described() -> None:
    schema = json.loads(schema_bytes())
    for part in (schema, *schema["$defs"].values()):
        assert part["description"]
        assert not part["additionalProperties"]
        assert part["required"] == list(part["properties"])
        for name, prop in part["properties"].items():
            assert prop.get("description"), (part["title"], name)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names, and those that these hold."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
            for field in annotation.model_fields.values():
                yield from models_in(field.annotation)
        return
    for argument in typing.get_args(annotation):
        yield from models_in(argument)


def test_every_key_is_in_the_manual() -> None:
    models = set(models_in(LeaderboardDocument))
    assert len(models) == 11
    for model in models:
        for name in model.model_fields:
            assert f"`{name}`" in DOCUMENTATION, f"{model.__name__}.{name}"


def test_every_run_is_there_once_with_its_figures_in_full(board: LeaderboardDocument) -> None:
    found = {(r.task, r.agent, r.model, r.run): r for s in board.suites for r in s.runs}
    assert len(found) == sum(len(suite.runs) for suite in board.suites) == len(RUNS)
    for each in RUNS:
        key = each.key
        shown = found[key.task, key.agent, key.model, key.run]
        assert (shown.r2, shown.score) == (each.evaluation.r2, each.evaluation.score)
        assert shown.created == each.created
        assert (shown.failure is None) == (each.evaluation.r2 is not None)
        assert shown.page == f"sld_{key.task}_{key.agent}_{key.model}.html#run-{key.run}"


def test_every_reading_is_there_with_its_rows(board: LeaderboardDocument) -> None:
    by_name = {suite.name: suite for suite in board.suites}
    assert list(by_name) == ["empty", "nano", "wide"]
    assert [r.reading for r in by_name["nano"].readings] == ["as-run", "successes"]
    assert [r.reading for r in by_name["wide"].readings] == ["as-run", "filled", "successes"]
    for tables in TABLES:
        for table, shown in zip(tables.readings, by_name[tables.suite.name].readings, strict=True):
            assert [(row.rank, row.mean) for row in table.rows] == [
                (row.rank, row.mean) for row in shown.rows
            ]
            for row, shown_row in zip(table.rows, shown.rows, strict=True):
                sure = table.sure.get(row.pair)
                assert shown_row.mean_low == (sure and sure.mean_low)
                assert shown_row.tie_rank == (sure and sure.tie_rank)
                assert list(shown_row.pages) == sorted(row.entries)
        for index, reading in enumerate(by_name[tables.suite.name].readings):
            for each in tables.tasks:
                table_rows = each.readings[index].rows
                shown_means = [row.mean for row in reading.by_task[each.task.name]]
                assert shown_means == [row.mean for row in table_rows]


def test_an_entry_without_success_has_null_where_successes_count(
    board: LeaderboardDocument,
) -> None:
    (nano,) = [suite for suite in board.suites if suite.name == "nano"]
    as_run, successes = nano.readings
    (failed,) = [row for row in successes.rows if row.agent == "agent-0"]
    assert (failed.mean, failed.best, failed.tie_rank, failed.mean_low) == (None,) * 4
    assert (failed.runs, failed.failures) == (3, 3)
    (counted,) = [row for row in as_run.rows if row.agent == "agent-0"]
    assert counted.mean == FLOOR


def test_each_reading_says_how_many_tasks_count(
    board: LeaderboardDocument, files: dict[str, bytes]
) -> None:
    """Regression: tasks on which all runs failed were shown among the successes."""
    (nano,) = [suite for suite in board.suites if suite.name == "nano"]
    assert any(row.tasks_counted < row.tasks_with_runs for row in nano.readings[1].rows)
    for reading in nano.readings:
        stem = f"tables/nano.{reading.reading}"
        in_latex = files[f"{stem}.tex"].decode("utf-8").splitlines()[5:-2]
        in_csv = rows_of(files[f"{stem}.csv"])
        for row, csv_row, tex_row in zip(reading.rows, in_csv, in_latex, strict=True):
            own = [r for r in nano.runs if (r.agent, r.model) == (row.agent, row.model)]
            counted = [r for r in own if r.status == "ok" or reading.reading == "as-run"]
            assert row.tasks_with_runs == len({r.task for r in own})
            assert row.tasks_counted == len({r.task for r in counted})
            assert csv_row["tasks_with_runs"] == str(row.tasks_with_runs)
            assert csv_row["tasks_counted"] == str(row.tasks_counted)
            assert tex_row.split(" & ")[-4] == str(row.tasks_counted)


def test_a_task_is_described(board: LeaderboardDocument) -> None:
    task = board.suites[1].tasks[0]
    assert (task.name, task.page, task.max_params) == ("law_0", "task_law_0.html", 7)
    assert (task.features[0].unit, task.targets[0].name) == ("parameters", "loss")


def test_figures_beyond_what_json_can_hold_are_null() -> None:
    huge = evaluation(-5.0, task="law_0").model_copy(update={"nmse": float("inf"), "nmae": None})
    runs = [replace(run(1, task="law_0", created=""), evaluation=huge)]
    document = json.loads(leaderboard_json(tables_of(runs), page_names(runs)))
    (shown,) = document["suites"][1]["runs"]
    assert (shown["nmse"], shown["nmae"], shown["created"]) == (None, None, None)


def test_rows_have_the_same_columns_in_json_and_in_tables() -> None:
    lines = set(RankedLine.__dataclass_fields__)
    assert lines - {"tasks_with_runs", "tasks_counted"} == set(RankedRow.model_fields)


def test_ten_thousand_runs_take_a_few_seconds() -> None:
    template = run(1, task="law_0")
    runs = [
        replace(template, key=replace(template.key, task=f"law_{t}", agent=f"agent-{a}", run=n))
        for t in range(4)
        for a in range(500)
        for n in range(1, 6)
    ]
    suite, found = SUITES[0], entries(runs)
    tables = SuiteTables(
        suite,
        [SuiteTable(AS_RUN, suite_rows(found, suite.tasks), {})],
        [
            TaskTables(task, [TaskTable(AS_RUN, task_rows(found, task.name), {})])
            for task in suite.tasks
        ],
    )
    names = page_names(runs)
    start = time.perf_counter()
    files = export_files([tables], runs, names)
    assert time.perf_counter() - start < 15, "about 2 s on a quiet machine"
    assert files["leaderboard.json"].count(b'"program_sha256"') == 10_000


# CSV


def test_a_table_has_the_columns_of_the_rows_at_full_precision(files: dict[str, bytes]) -> None:
    data = files["tables/nano.as-run.csv"]
    header = data.decode("utf-8").split("\n", 1)[0].split(",")
    assert header == list(RankedLine.__dataclass_fields__)
    assert all(re.fullmatch("[a-z_]+", name) for name in header)
    table = TABLES[0].usual
    rows = rows_of(data)
    assert [float(row["mean"]) for row in rows] == [row.mean for row in table.rows]
    assert {row["is_bar"] for row in rows} == {"false"}
    of_task = rows_of(files["tables/law_0.as-run.csv"])
    assert list(of_task[0]) == [name for name in header if not name.startswith("tasks_")]
    assert len(of_task) == len(TABLES[0].tasks[0].usual.rows)


def test_a_cell_is_empty_where_there_is_none(files: dict[str, bytes]) -> None:
    rows = rows_of(files["tables/nano.successes.csv"])
    (failed,) = [row for row in rows if row["agent"] == "agent-0"]
    assert failed["mean"] == failed["mean_low"] == failed["tie_rank"] == ""


def test_no_name_is_a_formula_or_a_second_line(files: dict[str, bytes]) -> None:
    """Regression: spreadsheets run what starts with an equals sign when the file is opened."""
    names = set()
    for name, data in files.items():
        if name.endswith(".csv"):
            for row in rows_of(data):
                cells = [*row, *row.values()]
                assert None not in cells, "a row of another length"
                names |= {row["agent_name"], row.get("model_name", "")}
    assert "'=cmd|' /C calc'!A0" in names
    assert {"'+1", "'-2+3", "'@SUM(A1)", "' =1+1", "'\u200b=1+1"} <= names
    assert 'a "quoted", name of two  lines' in names
    assert not any(re.match(r"\s*[=+@-]", name) for name in names)


@pytest.mark.parametrize(
    "unseen",
    ["\u00ad", "\u061c", "\u180e", "\ufe0f", "\u3164", "\u2800", "\U000e0001", " \u200b\t"],
)
def test_nothing_invisible_hides_a_formula(unseen: str) -> None:
    assert csv_text(f"{unseen}=1+1").startswith("'")
    assert csv_text(f"{unseen}one = 1") == f"{unseen}one = 1".replace("\t", " ")


@given(st.text())
def test_csv_text_is_one_harmless_line(text: str) -> None:
    shown = csv_text(text)
    assert shown[:1] not in tuple("=+-@\t\r")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", shown)
    assert len(shown) - len(text) in (0, 1)


def test_the_matrix_has_a_cell_for_each_agent_with_each_model(files: dict[str, bytes]) -> None:
    rows = rows_of(files["tables/nano.agents_models.csv"])
    assert list(rows[0]) == ["agent", "agent_name", "mean_model_0", "mean_model_1", "mean_model_2"]
    assert [row["agent"] for row in rows] == sorted(row["agent"] for row in rows)
    means = {row.pair: row.mean for row in TABLES[0].usual.rows}
    for row in rows:
        for model in ("model_0", "model_1", "model_2"):
            mean = means.get((row["agent"], model))
            assert row[f"mean_{model}"] == ("" if mean is None else repr(mean))


# LaTeX

TOKEN = re.compile(
    r"\\[{}$&#_%]|\\text(?:backslash|asciitilde|asciicircum|less|greater|bar)\{\}"
    r"|\{[\[\]*]\}|[-`',!?]\{\}|[^\\{}$&#_^~%<>|\[\]*]"
)


def assert_inert(text: str) -> None:
    """Fail unless a piece of LaTeX is nothing but escaped characters and plain ones."""
    assert TOKEN.sub("", text) == "", text
    assert not re.search("--|``|''|,,|[!?]`", text), "one character of two"
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search("[\u00ad\u200b-\u200f\u2060-\u2064\ufe0f\ufeff]", text)


@given(st.text() | st.text("\\{}$&#_^~%-[]*<>|\n\u202e a!?`',\u200b\ufeff"))
def test_escaped_text_holds_no_active_character(text: str) -> None:
    assert_inert(latex.escape(text))


def test_escaped_pairs_stay_two_characters() -> None:
    assert latex.escape("!`x ?\u200b`y ``z'' a,,b") == "!{}`x ?{}`y `{}`z'{}' a,{},b"
    assert latex.escape("a\ufeffb, c\ufe0f") == "ab, c"


def unescaped(text: str, char: str) -> int:
    return len(re.findall(rf"(?<!\\)(?:\\\\)*{re.escape(char)}", text))


def test_latex_of_hostile_names_is_whole(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        if not name.endswith(".tex"):
            continue
        comment, begin, top, *body, bottom, end = data.decode("utf-8").splitlines()
        assert re.fullmatch(r"% .*\\usepackage\{booktabs\}\.", comment)
        assert (top, bottom, end) == (r"\toprule", r"\bottomrule", r"\end{tabular}")
        columns = re.fullmatch(r"\\begin\{tabular\}\{([lr]+)\}", begin)
        assert columns, begin
        head, middle, *rows = body
        assert middle == r"\midrule"
        for row in (head, *rows):
            assert row.endswith(r" \\")
            assert unescaped(row, "{") == unescaped(row, "}")
            assert unescaped(row, "&") == len(columns[1]) - 1, row
            assert unescaped(row, "%") == unescaped(row, "#") == unescaped(row, "~") == 0
            assert row[0] not in "[*"
        for row in rows:
            for cell in re.split(r"(?<!\\) & ", row.removesuffix(r" \\")):
                figures = re.fullmatch(
                    r"=?\d*|\d+--\d+|--|\[(\$-\$)?\d\.\d{3}, (\$-\$)?\d\.\d{3}\]"
                    r"|(\\textbf\{)?(\$-\$)?\d\.\d{3}\}?",
                    cell,
                )
                if not figures:
                    assert_inert(cell)


def line(rank: int, tie_rank: int | None, mean: float | None, **more: object) -> RankedLine:
    plain = {
        "rank_low": 1,
        "rank_high": 3,
        "agent": "codex",
        "agent_name": "codex",
        "model": "m",
        "model_name": "M_1",
        "mean_low": 0.71,
        "mean_high": 0.83,
        "best": 0.9,
        "min": -0.0001,
        "tasks_with_runs": None,
        "tasks_counted": None,
        "runs": 5,
        "failures": 1,
        "violations": 0,
        "formats": ("law",),
        "is_bar": False,
    }
    return RankedLine(rank=rank, tie_rank=tie_rank, mean=mean, **{**plain, **more})


def test_a_ranking_in_latex() -> None:
    lines = [
        line(1, 1, 0.81),
        line(2, 1, -0.5),
        line(3, 3, 0.5, rank_low=3),
        line(4, None, None, rank_low=None, rank_high=None, mean_low=None, mean_high=None),
    ]
    shown = latex.ranking("Task t", lines, suite=False).splitlines()[5:-2]
    name, rest = r"codex & M\_1", r"0.900 & 0.000 & 5 & 1 & 0 \\"
    assert shown == [
        rf"=1 & 1--3 & {name} & \textbf{{0.810}} & [0.710, 0.830] & {rest}",
        rf"=1 & 1--3 & {name} & $-$0.500 & [0.710, 0.830] & {rest}",
        rf"3 & 3 & {name} & 0.500 & [0.710, 0.830] & {rest}",
        rf"4 & -- & {name} & -- & -- & {rest}",
    ]
    assert shown_ranks(lines) == ["=1", "=1", "3", "4"]


def test_a_matrix_in_latex_marks_the_best_and_leaves_gaps() -> None:
    shown = latex.matrix("t", ["[a]", "b"], ["m"], [[0.25], [None]]).splitlines()
    assert shown[5:7] == [r"{[}a{]} & \textbf{0.250} \\", r"b &  \\"]


# Feed


def entries_of(data: bytes) -> list[ET.Element]:
    return ET.fromstring(data).findall(f"{ATOM}entry")


def texts(data: bytes, tag: str) -> list[str]:
    return [each.findtext(f"{ATOM}{tag}") or "" for each in entries_of(data)]


def test_the_feed_is_newest_first_with_ties_by_key() -> None:
    old, new = "2025-01-01T00:00:00+00:00", "2025-06-01T00:00:00+00:00"
    runs = [
        run(3, 0.974767, model="o4_mini", model_name="o4-mini", created=new),
        run(2, None, created=new),
        run(1, created=old),
        run(4, violation="9 constants", created=""),
    ]
    data = feed(runs, {"small_law": "Nano MoE Scaling Law"}, page_names(runs))
    assert texts(data, "title") == [
        "codex with o4_mini on Nano MoE Scaling Law, run 2 failed: candidate error",
        "codex with o4-mini on Nano MoE Scaling Law, run 3: R² 0.974767",
        "codex with o4_mini on Nano MoE Scaling Law, run 1: R² 0.900000",
        "codex with o4_mini on Nano MoE Scaling Law, run 4: R² 0.900000, but breaks a rule",
    ]
    assert texts(data, "updated") == [new, new, old, "1970-01-01T00:00:00+00:00"]
    root = ET.fromstring(data)
    assert root.findtext(f"{ATOM}updated") == new
    links = [each.find(f"{ATOM}link") for each in entries_of(data)]
    assert links[0] is not None
    assert links[0].get("href") == "sld_small_law_codex_o4_mini.html#run-2"
    assert texts(feed(runs, {}, page_names(runs), limit=1), "updated") == [new]


def test_times_of_other_zones_are_put_in_order_and_nonsense_is_no_time() -> None:
    runs = [
        run(1, created="2025-01-01T01:00:00+02:00"),
        run(2, created="2024-12-31T23:30:00"),
        run(3, created="yesterday"),
        run(4, created="0001-01-01T00:00:00+14:00"),
    ]
    data = feed(runs, {}, page_names(runs))
    assert texts(data, "updated") == [
        "2024-12-31T23:30:00+00:00",
        "2024-12-31T23:00:00+00:00",
        *["1970-01-01T00:00:00+00:00"] * 2,
    ]


def test_an_empty_feed_has_a_time() -> None:
    root = ET.fromstring(feed([], {}, PageNames([])))
    assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00+00:00"
    assert root.find(f"{ATOM}author/{ATOM}name") is not None


def test_ids_are_those_of_runs_and_change_with_the_evaluation() -> None:
    runs = [run(number) for number in range(1, 6)]
    assert len({each.evaluation.digest for each in runs}) == 1
    ids = texts(feed(runs, {}, page_names(runs)), "id")
    assert len(set(ids)) == 5
    assert all(re.fullmatch("urn:sha256:[0-9a-f]{64}", each) for each in ids)
    other = evaluation().model_copy(update={"digest": "f" * 64})
    again = [replace(runs[0], evaluation=other), *runs[1:]]
    changed = texts(feed(again, {}, page_names(runs)), "id")
    assert changed[0] not in ids
    assert changed[1:] == ids[1:]


def test_hostile_names_stay_text_in_the_feed(files: dict[str, bytes]) -> None:
    assert b"<script" not in files["feed.xml"]
    titles = "\n".join(texts(feed(RUNS, {}, NAMES, limit=len(RUNS)), "title"))
    assert "<script>alert('1')</script> with" in titles
    assert "]]>&lt;\N{REPLACEMENT CHARACTER}" in titles
    assert not re.search("[\u202a-\u202e]", titles)
    assert len(titles.splitlines()) == len(RUNS)


@given(st.text(), st.text())
def test_the_feed_is_xml_whatever_is_in_it(name: str, message: str) -> None:
    failed = evaluation(None, failure=message)
    runs = [replace(run(1), agent_name=name, evaluation=failed)]
    data = feed(runs, {"small_law": message}, page_names(runs))
    (title,) = texts(data, "title")
    assert "run 1 failed" in title


@given(st.text())
def test_xml_text_keeps_what_xml_can_hold(text: str) -> None:
    shown = xml_text(text)
    assert len(shown) == len(text)
    ET.fromstring(f"<a>{shown.replace('&', '').replace('<', '')}</a>".encode())


def test_all_failure_kinds_have_words_in_the_feed() -> None:
    def failed(kind: FailureKind) -> StoredRun:
        error = evaluation(None).error
        assert error is not None
        changed = evaluation(None).model_copy(
            update={"error": error.model_copy(update={"kind": kind})}
        )
        return replace(run(1), evaluation=changed)

    for kind in FailureKind:
        (title,) = texts(feed([failed(kind)], {}, page_names([run(1)])), "title")
        assert title.endswith(f" failed: {kind.value.replace('_', ' ')}")


def test_tables_alone_are_those_of_all_files(files: dict[str, bytes]) -> None:
    alone = table_files(TABLES)
    assert alone == {name: data for name, data in files.items() if name.startswith("tables/")}
