"""The site's files: right text, same bytes for same input, nobody else's file touched."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
from board_samples import (
    DATA,
    PROGRAM,
    TASKS,
    FixedTraces,
    Task,
    article_text,
    board,
    claim,
    drawn_run,
    page,
    run,
    text_content,
)
from hypothesis import given
from test_source_page import pages, programs
from typer.testing import CliRunner

from harness.cli.leaderboard import leaderboard
from harness.errors import UserError
from harness.evaluation.records import GroupFigures
from harness.evaluation.scoring import r2_or_none
from harness.leaderboard.board import Board
from harness.leaderboard.compare_page import compare_html
from harness.leaderboard.comparison import contenders
from harness.leaderboard.entries import Entry, entries
from harness.leaderboard.page_names import PageNames
from harness.leaderboard.rendering import Tools
from harness.leaderboard.run_page import claimed_page, evaluated_page, layout
from harness.leaderboard.site import SiteReport, write_site
from harness.leaderboard.site_plan import plan_site
from harness.leaderboard.summary import Summary
from harness.leaderboard.task_page import task_html
from harness.leaderboard.task_view import task_view
from harness.results.records import ClaimedPage, StoredClaim, StoredRun
from harness.results.source_page import page_text, parse_page, read_page
from harness.results.store import Store

PAGE = "sld_small_law_codex_o4_mini.html"
VIEW = task_view(TASKS[0])
RUNS = [
    run(1, 0.5, agent_name="Codex", model_name="o4-mini"),
    run(2, 0.75, agent_name="Codex", model_name="o4-mini", program=b"\n\nx = 1\n"),
    run(3, None, agent_name="Codex", model_name="o4-mini"),
    run(4, 0.99, agent_name="Codex", model_name="o4-mini", violation="9 constants, at most 7"),
    run(1, 0.25, agent="human", model="human"),
    run(1, 0.125, agent="human", model="human", task="other_law"),
]


def write(
    out: Path, runs: list[StoredRun] = RUNS, claims: list[StoredClaim] | None = None
) -> SiteReport:
    return write_site(out, board(runs, claims or []))


def contents(out: Path) -> dict[str, bytes]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def entry(runs: list[StoredRun]) -> Entry:
    (only,) = entries(runs)
    return only


@given(pages(programs))
def test_the_article_of_a_claimed_page_is_the_source_text(claimed: ClaimedPage) -> None:
    expected = page_text(claimed).replace("\0", "\ufffd")
    assert article_text(claimed_page(claim(claimed))) == expected


def test_the_article_of_a_measured_page_is_the_layout_with_our_figures() -> None:
    html = evaluated_page(entry(RUNS[:4]), VIEW)
    assert article_text(html) == (
        "← Back to Leaderboard\n\nSmall Scaling Law\n\nAgent: Codex\nModel: o4-mini\n"
        "Best R²: 0.750000\nMean R²: -0.187500\nMin R²: -1.000000\nRuns: 4\n\n"
        "All Runs (sorted by R²)\n\nBest Run 2 R² = 0.750000\nPython\n\n\nx = 1\n\n"
        "#2 Run 1 R² = 0.500000\n#3 Run 4 R² = 0.990000\n#4 Run 3 R² = -1.000000"
    )
    assert parse_page(html.encode(), "page").program == "\n\nx = 1\n"


def test_marks_and_failures_stand_outside_the_article() -> None:
    html = evaluated_page(entry(RUNS[:4]), VIEW)
    below = text_content(html.partition("</article>")[2])
    assert "9 constants, at most 7" in below
    assert "candidate error: division by zero (line 5)" in below
    assert "division by zero" not in article_text(html)
    assert PROGRAM.decode() in below


def test_a_page_says_what_a_claim_turns_out_to_be() -> None:
    measured = [run(1, 0.8, r2_fit=0.9)]
    html = evaluated_page(entry(measured), VIEW, claim(page(PROGRAM.decode(), ("0.900000",))))
    assert "equals our R² on the train rows (0.900000)" in text_content(html)


def test_what_html_cannot_hold_is_marked_on_the_page() -> None:
    html = evaluated_page(entry([run(1, program=b"x = '\0\xff'")]), VIEW)
    assert '<article id="run" data-altered>' in html
    assert "x = '\ufffd\ufffd'" in article_text(html)
    assert "NUL characters" in html.partition("</article>")[2]
    assert "not UTF-8" in html.partition("</article>")[2]


RTL = "\u202e"
HOSTILE = (
    "<script>alert(1)</script>",
    "a&amp;b",
    "\u202egpt\u2066",
    '"quoted"',
    "</pre></article></details>",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 10_000,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_messages_change_nothing_but_their_own_text(tmp_path: Path, name: str) -> None:
    """Regression: one submitted name must not be able to script or break everybody's pages."""
    # Programs with marks that reorder text or with long lines are shown otherwise: see below.
    program = PROGRAM + f"# {'' if name.startswith((RTL, 'xxx')) else name}\n".encode()
    runs = [
        run(1, agent_name=name, model_name=name, program=program),
        run(2, None, agent_name=name, model_name=name, failure=name, program=program + b"\n"),
        run(3, violation=name, agent_name=name, model_name=name),
        run(1, agent="human", model="human", program=b"x = 1\n"),
    ]
    tame = PROGRAM + b"# x\n"
    plain = [
        run(1, program=tame),
        run(2, None, program=tame + b"\n"),
        run(3, violation="rule"),
        runs[3],
    ]
    write(tmp_path / "hostile", runs)
    write(tmp_path / "plain", plain)
    for file in sorted((tmp_path / "plain").glob("*.html")):
        tame = file.read_text("utf-8")
        html = (tmp_path / "hostile" / file.name).read_text("utf-8")
        assert tags(html) == tags(tame), file.name
        if "o4-mini" in tame:
            assert name in text_content(html)


def test_a_program_that_reorders_its_text_is_called_so() -> None:
    html = evaluated_page(entry([run(1, program=f"x = 1  # {RTL}2".encode())]), VIEW)
    assert f"x = 1  # {RTL}2" in article_text(html)
    assert "data-altered" not in html
    assert "change the order in which text is shown (U+202E)" in html


@pytest.mark.parametrize("gap", [0.2, -0.2])
def test_no_name_turns_what_a_comparison_says(gap: float) -> None:
    """A mark that turns the direction of writing works to the end of the name alone."""
    tasks = [Task(f"t{i}", "T Scaling Law", "s") for i in range(8)]
    names = {"agent_name": f"{RTL}agent", "model_name": f"{RTL}model"}
    runs = [
        run(number, 0.5 + above, task=task.name, agent=agent, **names)
        for task in tasks
        for number in (1, 2, 3)
        for agent, above in (("a", gap), ("b", 0.0))
    ]
    a, b = contenders(entries(runs)).values()
    html = compare_html(a, b, [suite.outline() for suite in board(tasks=tasks).suites])
    assert "agent with model is ahead." in text_content(html).replace(RTL, "")
    body = html[html.index("</head>") :]
    isolated = re.sub("<bdi>[^<]*</bdi>", "", body)
    assert RTL not in re.sub('aria-label="[^"]*"', "", isolated)


def test_programs_with_long_lines_are_not_laid_side_by_side(tmp_path: Path) -> None:
    long = b"x = '" + b"y" * 10_000 + b"'\n"
    write(tmp_path, [run(1, program=long), run(1, agent="human", model="human")])
    html = (tmp_path / "compare_codex.o4_mini.vs.human.human.html").read_text("utf-8")
    assert "too long to be laid side by side" in html
    assert long.decode() in article_text((tmp_path / PAGE).read_text("utf-8"))


def tags(html: str) -> Counter[str]:
    """The elements of a page, those that only colour programs aside."""
    found: Counter[str] = Counter()
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, _: found.update([tag])  # type: ignore[method-assign]
    reader.feed(html)
    del found["span"], found["tr"], found["td"]  # of programs: colours, lines that differ
    return found


def test_a_name_with_line_ends_stays_on_its_line() -> None:
    named = layout(entry([run(1, agent_name="two\r\nlines")]), "T")
    assert parse_page(page_text(named).encode(), "page").agent == "two  lines"


def test_every_page_is_reached_from_the_index_and_every_link_leads_somewhere(
    tmp_path: Path,
) -> None:
    report = write(tmp_path)
    seen, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        assert (tmp_path / name).is_file(), name
        if not name.endswith(".html"):
            continue
        html = (tmp_path / name).read_text("utf-8")
        ids = set(re.findall(r' id="([^"]+)"', html))
        for link in re.findall(r'(?:href|src)="([^"]+)"', html):
            file, _, anchor = link.partition("#")
            if "://" in link or link.startswith("data:"):
                continue
            if not file:
                assert anchor in ids or anchor == "main", link
            else:
                waiting.append(file)
    machine_read = {name for name in report.written if name.startswith(("tables/", "leaderboard."))}
    assert set(report.written) - seen <= machine_read | {"plotly.min.js"}
    index = report.index.read_text("utf-8")
    assert "0.250000" in index
    assert "wide" not in index


def test_claims_stand_beside_our_figures(tmp_path: Path) -> None:
    write(tmp_path, claims=[claim(page(figures=("0.987654", "0.3")))])
    index = (tmp_path / "index.html").read_text("utf-8")
    assert "Claimed mean" in index
    assert "0.987654" in index
    write(tmp_path, claims=[claim(page(), agent="nobody", model="none")])
    assert "Claimed mean" not in (tmp_path / "index.html").read_text("utf-8")


def test_no_name_of_a_task_or_suite_gives_an_id_that_is_taken() -> None:
    tasks = [Task(name, "T Scaling Law", "nano") for name in ("nano", "main", "how", "suite")]
    html = Summary(
        suites=board(tasks=tasks).suites,
        runs=(run(1, task="nano"),),
        claims=(),
        page_names=PageNames([("nano", "codex", "o4_mini")]),
        pairs=(),
    ).make(Tools(FixedTraces({})))["index.html"]
    ids = re.findall(r' id="([^"]+)"', html.decode())
    assert {"all-nano", "task-nano", "task-main", "main"} <= set(ids)
    assert [name for name, count in Counter(ids).items() if count > 1] == []


def test_an_empty_store_still_gives_an_index(tmp_path: Path) -> None:
    write(tmp_path, runs=[])
    assert "Nothing to show yet" in (tmp_path / "index.html").read_text("utf-8")


def test_runs_of_tasks_that_are_not_shown_are_left_out(tmp_path: Path) -> None:
    report = write(tmp_path, runs=[run(1, task="unknown_law")])
    assert "sld_unknown_law_codex_o4_mini.html" not in report.written


def test_the_same_input_gives_the_same_bytes_and_writes_nothing_again(tmp_path: Path) -> None:
    first = write(tmp_path / "a")
    second = write(tmp_path / "b", runs=list(reversed(RUNS)))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert first.written == second.written
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()}
    again = write(tmp_path / "a")
    assert again.written == ()
    assert again.unchanged == first.written
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()} == times
    ours = [data for name, data in contents(tmp_path / "a").items() if "plotly" not in name]
    assert all(b"\r" not in data for data in ours)


class Made:
    """Remembers what was made anew."""

    total = unchanged = 0

    def started(self, total: int, unchanged: int) -> None:
        self.total, self.unchanged = total, unchanged

    def made(self, count: int) -> None:
        self.total -= count


def test_only_pages_whose_input_changed_are_made_again(tmp_path: Path) -> None:
    """A board of a thousand runs must not be rendered anew for one more."""
    first = write(tmp_path)
    watcher = Made()
    write_site(tmp_path, board(RUNS), watcher=watcher)
    assert (watcher.total, watcher.unchanged) == (0, len(first.written))
    more = [*RUNS, run(2, 0.3, agent="human", model="human", task="other_law")]
    report = write_site(tmp_path, board(more))
    assert "sld_other_law_human_human.html" in report.written
    assert "task_other_law.html" in report.written
    assert PAGE in report.unchanged
    assert "task_small_law.html" in report.unchanged
    write_site(tmp_path / "fresh", board(more))
    assert contents(tmp_path) == {
        **contents(tmp_path / "fresh"),
        **{f"fresh/{name}": data for name, data in contents(tmp_path / "fresh").items()},
    }


def test_a_page_whose_links_changed_is_made_again() -> None:
    """A page's name may pass to another entry: who links it must not lead to that one then."""
    tasks = (Task("t", "T Scaling Law", "s"), Task("t_u", "TU Scaling Law", "s"))

    def inputs(*runs: StoredRun) -> dict[tuple[str, ...], str]:
        return {each.job.names: each.input for each in plan_site(board(runs, tasks=tasks))}

    runs = (
        run(1, task="t", agent="a_b", model="c"),
        run(1, task="t", agent="x", model="y"),
        run(1, task="t_u", agent="c", model="d"),
    )
    takers = (
        run(1, 0.5, task="t", agent="a", model="b_c"),
        run(1, 0.5, task="t", agent="u_c", model="d"),
    )
    before, after = inputs(*runs), inputs(*runs, *takers)
    for name in ("compare_a_b.c.vs.x.y.html", "task_t_u.html"):
        assert before[name,] != after[name,]
    assert before["sld_t_x_y.html",] == after["sld_t_x_y.html",]


class WhileWriting(Made):
    """Does something when the writing begins."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def started(self, total: int, unchanged: int) -> None:
        super().started(total, unchanged)
        self._action()


def test_who_comes_while_another_writes_waits_and_reads_the_board_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the last manifest of two lost pages, which stood in everybody's way then."""
    monkeypatch.setattr("harness.leaderboard.site_files._PATIENCE", 0.01)
    claims = [claim(page())]
    waiting = threading.Event()

    def write_claims(out: Path) -> SiteReport:
        return write_site(out, lambda: board(claims=claims), "claims", waiting=waiting.set)

    second = threading.Thread(target=write_claims, args=[tmp_path / "site"])

    def come_second() -> None:
        second.start()
        assert waiting.wait(5)
        claims.append(claim(page(), agent="another"))

    first = WhileWriting(come_second)
    write_site(tmp_path / "site", board(claims=claims), "claims", watcher=first, processes=1)
    second.join(5)
    write_claims(tmp_path / "fresh")
    assert contents(tmp_path / "site") == contents(tmp_path / "fresh")
    assert write_claims(tmp_path / "site").written == ()


def test_a_folder_that_went_away_while_it_was_waited_for_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds no store takes the folder that it made away again; others may wait for it then."""
    monkeypatch.setattr("harness.leaderboard.site_files._PATIENCE", 0.01)
    waiting, folder = threading.Event(), tmp_path / "site"

    def second() -> None:
        write_site(folder, board(), "claims", waiting=waiting.set)

    come_second = threading.Thread(target=second)

    def no_board() -> Board:
        come_second.start()
        assert waiting.wait(5)
        raise UserError("no store there yet")

    with pytest.raises(UserError, match="no store"):
        write_site(folder, no_board, "claims")
    come_second.join(5)
    assert "index.html" in contents(folder)
    with pytest.raises(ZeroDivisionError):
        write_site(tmp_path / "other", lambda: board(runs=[run(1 // 0)]), "claims")
    assert not (tmp_path / "other").exists()


def test_a_page_that_was_edited_or_removed_is_made_again(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / PAGE).write_bytes(b"edited")
    (tmp_path / "compare.html").unlink()
    report = write(tmp_path)
    assert set(report.written) == {PAGE, "compare.html"}


def test_the_site_is_the_same_from_one_process_and_from_many(tmp_path: Path) -> None:
    runs = [
        run(1, 0.5, agent=f"agent-{number}", model="m", task=task.name)
        for number in range(8)
        for task in TASKS
    ]
    write_site(tmp_path / "one", board(runs), processes=1)
    write_site(tmp_path / "many", board(runs), processes=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_predictions_of_other_rows_are_never_drawn(tmp_path: Path) -> None:
    """After a change of the data, old predictions beside new rows would be a false picture."""
    good, traces = drawn_run(1, 0.01)
    stale, other = drawn_run(2, 0.02)
    moved = {**other.test, "group 0": other.test["group 0"] + 0.5}
    arrays = {
        good.evaluation.digest: traces,
        stale.evaluation.digest: replace(other, test=moved),
    }
    write_site(tmp_path, board([good, stale], traces=arrays))
    html = (tmp_path / PAGE).read_text("utf-8")
    assert 'data-run="1"' in html
    assert 'data-run="2"' not in html
    assert text_content(html).count("This run is not in the charts") == 1


def test_predictions_of_other_train_rows_are_never_drawn_either() -> None:
    """Regression: held-out rows may be the same where train rows are others."""
    good, traces = drawn_run(1, 0.05)
    partial = good.evaluation.model_copy(
        update={
            "r2_fit": None,
            "per_group": {
                rows.group: GroupFigures(
                    r2=None,
                    r2_fit=None if index else r2_or_none(rows.targets, traces.train[rows.group]),
                    n_train=len(rows.targets),
                    n_test=3,
                )
                for index, rows in enumerate(DATA.train)
            },
        }
    )
    first_only = replace(traces, train={"group 0": traces.train["group 0"]})
    for factor, drawn in ((1.0, True), (3.0, False)):
        train = tuple(replace(rows, targets=factor * rows.targets) for rows in DATA.train)
        view = replace(VIEW, data=replace(DATA, train=train))
        assert view.agrees(good.evaluation, traces) is drawn
        assert view.agrees(partial, first_only) is drawn


def test_every_number_of_a_chart_stands_in_a_table(tmp_path: Path) -> None:
    good, traces = drawn_run(1, 0.01)
    write_site(tmp_path, board([good], traces={good.evaluation.digest: traces}))
    html = (tmp_path / PAGE).read_text("utf-8")
    for kind in ("predicted", "residuals", "law"):
        assert f'data-chart="{kind}"' in html
    lines = {
        split: html[html.index(f'data-split="{split}"') :].partition("</table>")[0].splitlines()
        for split in ("test", "train", "curve")
    }
    # 2 + 3 / sqrt(n), and 0.01 more is predicted; group 1 lies one higher.
    assert "<tr><td>group 0<td>320<td>2.16771<td>2.17771" in lines["test"]
    assert "<tr><td>group 1<td>320<td>3.16771<td>3.17771" in lines["test"]
    assert "<tr><td>group 0<td>40<td>2.47434<td>2.48434" in lines["train"]
    assert "<tr><td>group 0<td>1280<td>2.09385" in lines["curve"]
    counts = {split: sum("<tr><td>" in line for line in found) for split, found in lines.items()}
    assert counts == {"test": 6, "train": 10, "curve": 8}


@pytest.mark.parametrize("lost", [False, True], ids=["all at hand", "one lost"])
def test_of_equally_good_runs_a_page_calls_one_the_best(lost: bool) -> None:
    """Regression: two places of a page named two of them."""
    first, traces = drawn_run(1, 0.01, agent="a", model="m")
    second, others = drawn_run(2, 0.01, agent="b", model="m")
    arrays = {second.evaluation.digest: others}
    if not lost:
        arrays[first.evaluation.digest] = traces
    pages = {("a", "m"): "a.html", ("b", "m"): "b.html"}
    html = task_html(VIEW, entries([first, second]), pages, FixedTraces(arrays))
    text = text_content(html)
    assert "The best run of all (a with m)" in text
    assert ("The best law so far" in text) is not lost
    assert f"Run {'2 of b' if lost else '1 of a'} with m: R²" in text


def test_without_the_data_pages_say_so_and_show_all_figures(tmp_path: Path) -> None:
    good, traces = drawn_run(1, 0.01)
    absent = [Task(task.name, task.title, task.suite, has_data=False) for task in TASKS]
    write_site(tmp_path, board([good], tasks=absent, traces={good.evaluation.digest: traces}))
    html = (tmp_path / PAGE).read_text("utf-8")
    assert "were not at hand" in html
    assert "data-chart" not in html
    assert "were not at hand" in (tmp_path / "task_small_law.html").read_text("utf-8")


def test_the_first_version_s_manifest_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "manifest.json"
    files = json.loads(path.read_text())["files"]
    old = {name: record["sha256"] for name, record in files.items()}
    path.write_text(json.dumps({"schema_version": 1, "files": old}))
    report = write(tmp_path)
    assert report.written == ()
    assert json.loads(path.read_text())["files"] == files


def test_pages_of_entries_that_vanished_are_removed_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "store.sqlite").write_bytes(b"mine")
    (tmp_path / "sld_mine.html").write_bytes(b"mine too")
    report = write(tmp_path, runs=RUNS[4:])
    assert report.removed == ("compare_codex.o4_mini.vs.human.human.html", PAGE)
    assert (tmp_path / "store.sqlite").read_bytes() == b"mine"
    assert (tmp_path / "sld_mine.html").read_bytes() == b"mine too"
    assert PAGE not in json.loads((tmp_path / "manifest.json").read_text())["files"]


def test_a_vanished_page_that_was_edited_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / PAGE).write_bytes(b"edited")
    assert PAGE not in write(tmp_path, runs=RUNS[4:]).removed
    assert (tmp_path / PAGE).read_bytes() == b"edited"


def test_somebody_else_s_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"my home page")
    with pytest.raises(UserError, match="was not written by this site"):
        write(tmp_path)
    assert contents(tmp_path) == {"index.html": b"my home page"}


def test_after_a_sudden_end_the_next_call_knows_its_own_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash half-way must not leave files that the next run takes for somebody else's."""
    from harness.leaderboard import site_files

    real = site_files.write_atomically

    def write_one_page(path: Path, data: bytes) -> None:
        real(path, data)
        if path.suffix == ".html":
            raise KeyboardInterrupt

    monkeypatch.setattr(site_files, "write_atomically", write_one_page)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    monkeypatch.undo()
    write(tmp_path, runs=RUNS[4:])
    write(tmp_path / "fresh", runs=RUNS[4:])
    fresh = contents(tmp_path / "fresh")
    assert {name: (tmp_path / name).read_bytes() for name in fresh} == fresh


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("not json", "not a manifest of this site"),
        ('{"schema_version": 3, "files": {}}', "schema_version"),
        ('{"files": {"../keep.txt": "00"}}', "expected file names inside the folder, got '../k"),
        ('{"files": {"..": "00"}}', "expected file names inside the folder"),
        ('{"files": {"/etc/passwd": "00"}}', "expected file names inside the folder"),
        ('{"files": {"a/b/c": "00"}}', "expected file names inside the folder"),
        ('{"schema_version": 2, "files": {"a": {"sha": ""}}}', "unknown key"),
    ],
)
def test_a_manifest_that_is_not_ours_stops_everything(
    tmp_path: Path, manifest: str, expected: str
) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(UserError, match=expected):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_file_where_the_folder_belongs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(UserError, match="expected a folder for the site, got a file"):
        write(tmp_path / "site")
    with pytest.raises(UserError, match="Not a directory"):
        write(tmp_path / "site" / "below")


def test_entries_whose_pages_would_share_a_name_get_two(tmp_path: Path) -> None:
    """Nobody can keep the site from being written by choosing a name."""
    runs = [run(1, 0.5, agent="a_b", model="c"), run(1, 0.25, agent="a", model="b_c")]
    write(tmp_path, runs)
    first = (tmp_path / "sld_small_law_a_b_c.html").read_text("utf-8")
    second = (tmp_path / "sld_small_law.a_b.c.html").read_text("utf-8")
    assert "Best R²: 0.250000" in article_text(first)
    assert "Best R²: 0.500000" in article_text(second)


def test_a_name_too_long_for_a_file_is_shortened(tmp_path: Path) -> None:
    runs = [run(1, 0.5, agent="a" * 240, model=model * 240) for model in "bc"]
    report = write(tmp_path, runs)
    assert max(map(len, report.written)) <= 255
    assert sum(name.startswith("sld_") for name in report.written) == 2


@pytest.mark.data
def test_the_command_gives_the_published_pages_back(tmp_path: Path, data_folder: Path) -> None:
    """From file to claim to site and back, through the store: not one byte may change."""
    seeds = [(path, read_page(path)) for path in sorted((data_folder / "seeds").glob("0*.txt"))]
    tasks = {
        "Domain Mixture Scaling Law": "domain_mixture_scaling_law",
        "Data-Constrained Scaling Law": "data_constrained_scaling_law",
        "SFT Scaling Law": "sft_scaling_law",
    }
    store, out = tmp_path / "store.sqlite", tmp_path / "site"
    with Store(store) as opened:
        for path, claimed in seeds:
            opened.add_claim(tasks[claimed.title], claimed, str(path))
        claims = opened.claims()
    app = typer.Typer()
    app.command()(leaderboard)
    arguments = ["--from", "claims", "--store", str(store), "--out", str(out)]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.output.splitlines() == [
        "files: 9 written, 0 unchanged, 0 removed",
        str(out / "index.html"),
        (out / "index.html").as_uri(),
    ]
    expected = {path.read_bytes() for path, _ in seeds}
    texts = [(out / name).read_text("utf-8") for name in contents(out) if name.startswith("sld_")]
    assert {article_text(html).encode() for html in texts} == expected
    assert len(claims) == 5
