"""The page of a search: what it says, that it is safe, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import unavailable, watch
from evolution_samples import LAWS, grid
from report_pages import LONG, NASTY, Node, nasty_discovery, parsed, tables_of
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import UserError
from harness.evolution.choose import Finalist
from harness.evolution.emit import predict
from harness.evolution.fitness import PRICE
from harness.evolution.formula import formula
from harness.evolution.gateway import TrainSide, Verdict, train_side
from harness.evolution.ledger import Budget
from harness.evolution.proposals import Entry, Proposal, Usage
from harness.evolution.report import render_report, write_discovery_report, write_report
from harness.evolution.report.against import MOST_GROUPS, MOST_ROWS, fits_of
from harness.evolution.report.charts import Dots, Line, Picture, draw, linear_ticks, log_ticks
from harness.evolution.report.lineage import MOST, lineage_of
from harness.evolution.report.mathml import law_pieces, symbols
from harness.evolution.report.words import figure, fixed, plain, signed
from harness.evolution.result import Result, result_of
from harness.evolution.rows import Axis, Kind
from harness.evolution.search import Search
from harness.evolution.sitting import run
from harness.results.journal import Journal
from harness.tasks import load_catalogue

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
SCREENSHOTS = ROOT / "build" / "screenshots"
PAGES = ("search", "hostile", "discovery")
AXE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"


def searched(side: TrainSide, folder: Path, evaluations: int) -> tuple[Search, Result]:
    search = Search(side, 1)
    with Journal(folder / "store.sqlite", "one") as journal:
        journal.begin({"seed": 1}, "now")
        run(search, journal, Budget(None, evaluations), jobs=1)
    result = result_of(search)
    assert result is not None
    return search, result


def side_of(name: str, groups: list[str], **words: str) -> TrainSide:
    """Return what a search sees of a made-up task with these groups."""
    rows = grid(len(groups), noise=0.01)
    train = tuple(replace(one, group=group) for one, group in zip(rows, groups, strict=True))
    return TrainSide(
        name=name,
        title=words.get("title", "Made up"),
        description=words.get("description", ""),
        features=tuple((words.get(n, n), words.get("unit", ""), "") for n in ("size", "tokens")),
        targets=((words.get("target", "loss"), "", ""),),
        max_params=6,
        known_law="",
        train=train,
    )


@pytest.fixture(scope="module")
def moe(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, Result]:
    side = train_side(load_catalogue().find("nano_moe"))
    return searched(side, tmp_path_factory.mktemp("moe"), 150)


@pytest.fixture(scope="module")
def moe_page(moe: tuple[Search, Result]) -> Node:
    return parsed(render_report(*moe))


def asked(search: Search, journal: Journal, number: int, **given: object) -> Entry:
    """Have an answer of a model recorded, with what became of it."""
    proposal = Proposal(
        number,
        str(given.get("proposer", "a model")),
        str(given.get("how", "rewritten")),
        0,
        parents=(0,),
        source=given.get("source"),  # type: ignore[arg-type]
        usage=Usage(str(given.get("proposer", "a model")), 1200, 340, given.get("dollars")),  # type: ignore[arg-type]
        failure=str(given.get("failure", "")),
    )
    search.record_answer(journal, proposal)
    verdict = given.get("verdict", Verdict(np.inf, failure=proposal.failure))
    return search.record(journal, Entry(proposal, verdict, "", 0.5), None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, Result]:
    """A search where every name and text is somebody's attack."""
    side = side_of(
        NASTY,
        [f"{NASTY}{number}" for number in range(2)] + [LONG],
        title=NASTY,
        description=NASTY * 3,
        size=f"size{NASTY}",
        tokens=LONG,
        target=NASTY,
        unit=NASTY,
    )
    search = Search(side, 1)
    with Journal(tmp_path_factory.mktemp("hostile") / "s.sqlite", "one") as journal:
        journal.begin({"seed": 1}, "now")
        run(search, journal, Budget(None, 60), jobs=1)
        common = {"proposer": NASTY, "how": NASTY}
        asked(search, journal, 90, source=NASTY, failure=NASTY, dollars=0.01, **common)
        asked(search, journal, 91, failure=LONG, **{**common, "proposer": LONG})
        verdict = Verdict(-20.0, (1e-5,) * len(search.folds), 3, fit=1.0)
        asked(search, journal, 92, source=f"{NASTY}\n\t# {LONG}\u2028", verdict=verdict, **common)
        known = Verdict(np.inf, failure="not new: the same program was proposed before")
        asked(search, journal, 93, source=NASTY, verdict=known, **common)
    result = result_of(search)
    assert result is not None
    return search, replace(result, source=f"{result.source}\n# {NASTY}", why=NASTY)


def test_the_page_stands_alone_and_names_its_parts_once(moe_page: Node) -> None:
    assert moe_page.all("script") == []
    assert len(moe_page.all("style")) == 1
    links = [link.attributes["href"] for link in moe_page.all("link")]
    assert all(link.startswith("data:") for link in links)
    ids = [
        node.attributes["id"]
        for tag in ("h2", "li", "title", "desc", "main")
        for node in moe_page.all(tag)
        if "id" in node.attributes
    ]
    assert len(ids) == len(set(ids)) > 15
    for link in moe_page.all("a"):
        assert link.attributes["href"].removeprefix("#") in ids
    for svg in moe_page.all("svg"):
        assert all(name in ids for name in svg.attributes["aria-labelledby"].split())
        assert svg.all("title")[0].text
        assert svg.all("desc")[0].text
    assert "held-out rows were used neither" in moe_page.words()


def test_the_same_search_gives_the_same_bytes(moe: tuple[Search, Result], tmp_path: Path) -> None:
    search, result = moe
    write_report(search, result, tmp_path / "new" / "one.html")
    again = result_of(search)
    assert again is not None
    write_report(search, again, tmp_path / "two.html")
    first = (tmp_path / "new" / "one.html").read_bytes()
    assert first == (tmp_path / "two.html").read_bytes()
    assert b"\r" not in first
    dated = render_report(search, result, date="2026-03-01")
    assert "2026-03-01" in dated
    assert dated.replace(", 2026-03-01", "").encode() == first


def test_a_resumed_search_gives_the_same_page(tmp_path: Path) -> None:
    side = side_of("made_up", ["a"])
    search, result = searched(side, tmp_path, 60)
    resumed = Search(side, 1)
    with Journal(tmp_path / "store.sqlite", "one") as journal:
        resumed.resume(journal)
    again = result_of(resumed)
    assert again is not None
    assert render_report(resumed, again) == render_report(search, result)


def test_every_train_row_is_a_point_and_a_line_of_a_table(
    moe: tuple[Search, Result], moe_page: Node
) -> None:
    search, result = moe
    tables = tables_of(moe_page)
    assert result.choice is not None
    law = result.choice.chosen.law
    assert law is not None
    fits = fits_of(search, result.choice.chosen, law)
    for number, (fit, rows) in enumerate(zip(fits, search.side.train, strict=True)):
        (drawn,) = [s for s in moe_page.all("svg") if f"predicted-{number}-t" in str(s.attributes)]
        assert len(drawn.all("circle")) == len(rows.features)
        listed = tables[f"Rows of group {rows.group}"][1:]
        assert [line[2] for line in listed] == [figure(y, 6) for y in rows.targets[:, 0]]
        again = predict(law, search.rows.axes, fit.constants, rows.features)
        assert [line[3] for line in listed] == [figure(p, 6) for p in again[:, 0]]
    for column in range(2):
        (drawn,) = [s for s in moe_page.all("svg") if f"residuals-{column}-t" in str(s.attributes)]
        assert len(drawn.all("circle")) == search.rows.n_rows


def test_tables_hold_what_the_search_found(moe: tuple[Search, Result], moe_page: Node) -> None:
    search, result = moe
    choice, tables = result.choice, tables_of(moe_page)
    assert choice is not None
    assert sum(int(row[1]) for row in tables["What became of proposals"][1:]) == 150
    finalists = {row[0].split()[0]: row for row in tables["Finalists"][1:]}
    for one in choice.finalists:
        row = finalists[f"#{one.entry.proposal.number}"]
        assert row[3:5] == [fixed(one.entry.verdict.fitness), fixed(float(one.guard.mean()))]
        assert one.law is not None
        said = (one.apart, one.beyond.shaken, one.against)
        assert row[7:10] == [fixed(value) for value in said]
        assert row[10] == formula(one.law, search.rows.axes, search.side.target_names)
    chosen = [row[0] for row in tables["Finalists"][1:] if "chosen" in row[0]]
    assert chosen == [f"#{result.entry.proposal.number} chosen"]
    assert choice.rival is not None
    rival = f"#{choice.rival.entry.proposal.number} (rival)"
    assert [row[0] for row in tables["Finalists"] if "rival" in row[0]] == [rival]
    assert rival in tables["Errors fold by fold"][0]
    folds = tables["Errors fold by fold"]
    names = [row[0] for row in folds[1:] if not row[0].startswith("spread")]
    assert names == [fold.name for fold in (*search.folds, *search.guards)]
    place = next(n for n, head in enumerate(folds[0]) if "chosen" in head)
    assert folds[1][place] == figure(result.entry.verdict.errors[0], 3)
    front = [row[0].split()[0] for row in tables["The Pareto front"][1:]]
    assert front == [f"#{member.number}" for member in search.view.archive.front()]
    best = [
        float(row[4].replace("−", "-"))
        for row in tables["Each time the best law so far was found"][1:]
    ]
    assert best == sorted(best, reverse=True)
    assert best[-1] == round(search.view.archive.best()[0].fitness, 3)
    constants = tables["Constants by group"]
    assert [row[0] for row in constants[1:]] == list(search.rows.groups)
    assert len(constants[0]) == 1 + result.entry.verdict.n_constants
    assert sum(int(row[1]) for row in tables["Proposers"][1:]) == 150


def test_nothing_that_a_stranger_wrote_becomes_part_of_the_page(
    hostile: tuple[Search, Result],
) -> None:
    text = render_report(*hostile)
    page = parsed(text)
    assert page.all("script") == []
    assert len(page.all("style")) == len(page.all("main")) == 1
    known = {"html", "head", "body", "header", "footer", "main", "section", "nav", "div", "p", "a"}
    known |= {"h1", "h2", "h3", "b", "strong", "span", "bdi", "code", "pre", "small", "wbr"}
    known |= {"ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "figure", "figcaption"}
    known |= {"table", "thead", "tbody", "tr", "th", "td", "meta", "title", "link", "style"}
    known |= {"svg", "desc", "path", "g", "rect", "text", "circle"}
    known |= {"math", "mrow", "mi", "mn", "mo", "mtext", "msub", "msup", "mfrac"}
    assert {node.tag for node in below(page)} <= known
    for node in below(page):
        assert not [name for name in node.attributes if name.startswith("on")]
        assert node.attributes.get("style") is None
    for sign in "\u202e\u2028":
        assert sign not in text
    assert "n" * 3000 not in re.sub(r"(?s)<pre.*?</pre>", "", text)
    assert "{{7*7}}" in page.words()
    assert len(text) < 3_000_000


def below(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from below(child)


def search_program(page: Node) -> str:
    return max((node.words() for node in page.all("pre")), key=len)


def test_models_failures_and_money_are_told(hostile: tuple[Search, Result]) -> None:
    tables = tables_of(parsed(render_report(*hostile)))
    failed = tables["Failures of program text"][1:]
    assert [row[0] for row in failed] == ["#90", "#91", "#93"]
    assert failed[2][3] == "not new: the same program was proposed before"
    outcomes = {row[0]: row[1] for row in tables["What became of proposals"][1:]}
    assert outcomes["not new"] == "1"
    models = tables["Models"][1:]
    assert [row[1:5] for row in models] == [
        ["3", "0", "3,600", "1,020"],
        ["1", "0", "1,200", "340"],
    ]
    assert [row[5] for row in models] == ["at least $0.0100", "price not known"]


def test_text_of_a_model_that_was_chosen_is_not_run_for_the_page(
    hostile: tuple[Search, Result],
) -> None:
    search, result = hostile
    entry, choice = search.view.entries[92], result.choice
    assert choice is not None
    errors, beyond = np.full(len(search.guards), 0.5), choice.chosen.beyond
    own = Finalist(entry, None, errors, np.empty((0, 0)), beyond)
    text = replace(result, entry=entry, formula="program text", choice=None)
    among = replace(choice, chosen=own, finalists=(*choice.finalists, own), spread=np.inf)
    for ended in (text, replace(text, choice=among)):
        page = parsed(render_report(search, ended))
        assert "only ever runs in the sandbox" in page.words()
        tables = tables_of(page)
        assert "Constants by group" not in tables
        assert ("Finalists" in tables) == (ended.choice is not None)
    (row,) = [row for row in tables["Finalists"] if "chosen" in row[0]]
    assert row[0] == "#92 chosen"
    assert row[4] == fixed(float(np.log(0.5)) + 3 * PRICE)
    assert row[10] == "program text, 2 lines"
    assert "best bred over best library law; no proof possible" in page.words()


def test_many_groups_and_rows_are_drawn_in_part_and_the_rest_is_named(tmp_path: Path) -> None:
    side = side_of("wide", [f"g{number:02}" for number in range(15)])
    first = side.train[0]
    more = replace(
        first,
        features=np.tile(first.features, (12, 1)),
        targets=np.tile(first.targets, (12, 1)),
    )
    side = replace(side, train=(more, *side.train[1:]))
    page = parsed(render_report(*searched(side, tmp_path, 25)))
    charts = [svg for svg in page.all("svg") if "predicted-" in svg.attributes["aria-labelledby"]]
    assert len(charts) == MOST_GROUPS
    assert len(charts[0].all("circle")) == MOST_ROWS
    assert len(tables_of(page)["Rows of group g00"]) == MOST_ROWS + 1
    assert f"Of {len(more.features)} rows, {MOST_ROWS} are drawn" in page.words()
    (unshown,) = [fold for fold in page.all("details") if "not drawn" in fold.words()]
    assert all(f"g{number}" in unshown.words() for number in range(12, 15))


def test_a_lineage_leads_back_to_published_forms(moe: tuple[Search, Result]) -> None:
    search, _ = moe
    bred = [e for e in search.view.entries.values() if e.proposal.proposer == "offline"]
    youngest = max(bred, key=lambda entry: entry.proposal.number)
    lineage = lineage_of(search, youngest, "one", "One")
    numbers = [law.number for law in lineage.laws]
    assert numbers[0] == youngest.proposal.number
    assert numbers == sorted(numbers, reverse=True)
    for law in lineage.laws:
        assert law.parents == search.view.entries[law.number].proposal.parents
        assert bool(law.parents) != law.library
        assert (law.gain == "") == (not law.parents)
    tree = parsed(str(lineage.tree))
    assert len(tree.all("g", "node")) == len(numbers)
    assert len(tree.all("path", "edge")) == sum(len(law.parents) for law in lineage.laws)


def test_a_long_lineage_is_cut_and_a_loop_ends(tmp_path: Path) -> None:
    search, _ = searched(side_of("made_up", ["a"]), tmp_path, 10)
    template = search.view.entries[0]
    for number in range(100, 200):
        parents = (number - 1, number, number + 1, 9999)
        proposal = replace(template.proposal, number=number, parents=parents, proposer="offline")
        search.view.entries[number] = replace(template, proposal=proposal)
    lineage = lineage_of(search, search.view.entries[199], "one", "One")
    assert len(lineage.laws) == MOST
    assert lineage.note == f"{100 - MOST} older laws not shown"


@pytest.mark.parametrize("name", LAWS)
def test_every_law_is_set_as_a_formula_with_all_its_constants(name: str) -> None:
    law = LAWS[name]
    axes = [Axis(NASTY, Kind.SCALE, 1.0), Axis("tokens", Kind.SCALE, 1.0)]
    page = parsed("".join(law_pieces(law, axes, ("loss",))))
    text = formula(law, axes, ("loss",))
    shown = {node.words().replace(" ", "") for node in page.all("msub")}
    constants = {f"c{number}" for number in range(not law.offset, len(law.terms) + 1)}
    assert shown == constants | set(symbols(law))
    assert all(symbol in text for symbol in shown)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3.2, 4.7), (1e-9, 2e-9), (1e12, 3e12), (0.99, 1.01), (-1e-5, 0)]
)
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    ticks = linear_ticks(low, high)
    assert 3 <= len(ticks) <= 7
    assert all(low - 1e-12 * abs(low) <= tick <= high + 1e-12 * abs(high) for tick in ticks)
    assert len({figure(tick, 5) for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-9, 9), (5.01, 5.02), (2.9, 4.2), (0.1, 0.4)])
def test_ticks_of_logarithms_are_inside(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 8
    assert all(10**low <= tick <= 10**high for tick in ticks)


def test_points_that_cannot_be_drawn_are_left_out() -> None:
    picture = Picture(
        "p",
        "<b>",
        "&",
        "x",
        "y",
        [
            Dots([1.0, np.nan, 3.0, -1.0], [1.0, 2.0, np.inf, 4.0], titles=["<i>"] * 4),
            Line([np.nan, 1.0, 2.0], [1.0, 1.0, 1.0], step=True),
        ],
        log_x=True,
    )
    drawn = draw(picture)
    page = parsed(str(drawn))
    assert len(page.all("circle")) == 1
    assert page.all("b") == page.all("i") == []
    assert "nan" not in drawn
    assert "inf" not in drawn
    parsed(str(draw(replace(picture, marks=[Dots([2.0], [5.0])]))))
    parsed(str(draw(replace(picture, marks=[Dots([np.nan], [np.nan])], log_y=True))))


def test_figures_are_short_and_never_ascii_minus() -> None:
    assert [figure(v) for v in (0.0, 5.0, -1234567.0, 1.5e-7, -0.25, np.inf, np.nan, None)] == [
        "0",
        "5",
        "−1,234,567",
        "1.5e−7",
        "−0.25",
        "∞",
        "–",
        "–",
    ]
    assert [fixed(-0.0001), fixed(-0.5), fixed(None), fixed(np.inf)] == [
        "0.000",
        "−0.500",
        "–",
        "–",
    ]
    assert [signed(0.25), signed(-0.25), signed(0.0), signed(None)] == [
        "+0.250",
        "−0.250",
        "0.000",
        "–",
    ]
    assert plain("a\n b\u202ec") == "a b\N{REPLACEMENT CHARACTER}c"
    assert len(plain(LONG)) == 160


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page, store = tmp_path / "report.html", str(tmp_path / "s.sqlite")
    command = ["evolve", "nano_moe", "--evaluations", "30", "--jobs", "1", "--store", store]
    command += ["--out", str(tmp_path / "law.py"), "--report", str(page)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert f"report: {page}" in done.output.replace("\n", "")
    program = (tmp_path / "law.py").read_text("utf-8")
    assert search_program(parsed(page.read_text("utf-8"))).strip() == program.strip()
    several = ["evolve", "nano_moe", "--runs", "2", "--report", str(page), "--store", store]
    with pytest.raises(UserError, match="--report takes one search"):
        CliRunner().invoke(app, several, catch_exceptions=False)


@pytest.mark.parametrize(("option", "place"), [("--out", "file/x"), ("--report", ".")])
def test_where_nothing_can_be_written_no_search_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, place: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(
        "harness.cli.evolve_run.search_task", lambda *_: pytest.fail("a search began")
    )
    wrong = ["evolve", "nano_moe", option, str(tmp_path / place)]
    with pytest.raises(UserError, match="cannot be written"):
        CliRunner().invoke(app, wrong, catch_exceptions=False)


def test_a_page_that_cannot_be_written_is_one_line(
    moe: tuple[Search, Result], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_report(*moe, tmp_path)


@pytest.fixture(scope="module")
def files(
    moe: tuple[Search, Result],
    hostile: tuple[Search, Result],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {name: folder / f"{name}.html" for name in PAGES}
    write_report(*moe, found["search"])
    write_report(*hostile, found["hostile"])
    discovered, forecast = nasty_discovery()
    write_discovery_report(discovered, found["discovery"], forecast)
    return found


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        unavailable(f"no {AXE.relative_to(ROOT)}: npm is needed to install axe-core (make test)")
    return AXE.read_text("utf-8")


def see_all(opened: Page) -> None:
    """Unfold all that is folded."""
    opened.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_is_found(
    browser: Browser, files: dict[str, Path], axe: str, name: str, scheme: str
) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    opened = context.new_page()
    troubles = watch(opened)
    opened.goto(files[name].as_uri())
    if name == "search":
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"evolution_report_{scheme}.png"
        opened.screenshot(path=path, full_page=True)
    see_all(opened)
    opened.evaluate(axe)
    found = opened.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    serious = [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"][:3]
    ]
    title = opened.title()
    context.close()
    assert serious == []
    assert troubles == []
    assert title != "taken"


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_never_scrolls_sideways(
    browser: Browser, files: dict[str, Path], name: str
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    opened = context.new_page()
    troubles = watch(opened)
    opened.goto(files[name].as_uri())
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=SCREENSHOTS / f"evolution_report_{name}_phone.png", full_page=True)
    see_all(opened)
    wide = opened.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert wide <= 390
    assert troubles == []


@pytest.mark.browser
def test_folds_open_and_links_of_the_lineage_lead_somewhere(
    tab: Page, files: dict[str, Path]
) -> None:
    tab.goto(files["search"].as_uri())
    summary = tab.locator("section[aria-labelledby=lineage] > details > summary").last
    summary.focus()
    if tab.locator("section[aria-labelledby=lineage] > details").last.get_attribute("open") is None:
        tab.keyboard.press("Enter")
    link = tab.locator("ol.laws a").first
    link.click()
    target = link.get_attribute("href")
    tab.wait_for_url(f"**{target}")
    tab.locator(str(target)).wait_for()


@pytest.mark.browser
def test_all_of_it_is_there_without_javascript(browser: Browser, files: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(files["search"].as_uri())
    assert opened.locator("svg.plot").first.is_visible()
    opened.locator("figure summary").first.click()
    assert opened.locator("figure table").first.is_visible()
    context.close()
