"""The pages as people use them: sorting, filters, charts, keyboard, phone, without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from board_samples import PROGRAM, TASKS, board, claim, drawn_run, page, run
from conftest import unavailable, watch

from harness.leaderboard.page_names import PageNames
from harness.leaderboard.site import write_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[1]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
RUN_PAGE = "sld_small_law_codex_o4_mini.html"
TASK_PAGE = "task_small_law.html"
COMPARE_PAGE = "compare_codex.o4_mini.vs.human.human.html"
PAGES = (
    "index.html",
    "agents_models.html",
    "compare.html",
    "audit.html",
    COMPARE_PAGE,
    TASK_PAGE,
    RUN_PAGE,
)
A4 = 718  # pixels across, with the margins that browsers leave
NASTY = "<b>x</b><script>document.title='taken'</script>\u202e"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three agents, two models; runs of one entry with arrays; a failure and a broken rule."""
    out = tmp_path_factory.mktemp("site")
    runs, arrays = [], {}
    for number, offset in ((1, 0.01), (2, -0.02), (3, 0.05)):
        made, traces = drawn_run(number, offset, model_name="o4-mini")
        runs.append(made)
        arrays[made.evaluation.digest] = traces
    runs += [
        run(4, None, model_name="o4-mini"),
        run(5, 0.9, model_name="o4-mini", violation="9 constants, at most 7"),
        *(run(n, 0.8 + n / 100, agent="human", model="human") for n in (1, 2, 3)),
        run(1, 0.7, agent="human", model="human", task="other_law", program=PROGRAM + b"# x\n"),
        run(1, 0.6, model_name="o4-mini", task="other_law"),
        run(1, 0.5, agent="nasty", model="o4_mini", agent_name=NASTY, model_name="o4-mini"),
        run(1, 0.4, agent="human", model="human", task="wide_law"),
    ]
    claims = [
        claim(page(PROGRAM.decode(), ("0.999000", "0.800000"))),
        claim(page("", ("0.700000",), agent=NASTY, model=NASTY), agent="nasty", model="nasty"),
    ]
    write_site(out, board(runs, claims, traces=arrays, expected_runs=5))
    return out


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        unavailable(f"no {AXE.relative_to(ROOT)}: npm is needed to install axe-core (make test)")
    return AXE.read_text("utf-8")


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    opened = context.new_page()
    troubles = watch(opened)
    yield opened
    context.close()
    assert troubles == []


def see_all(tab: Page) -> None:
    """Unfold all that is folded and have every chart drawn: for paper, then for the screen."""
    tab.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    drawn(tab)
    tab.evaluate("dispatchEvent(new Event('afterprint'))")


def drawn(tab: Page) -> None:
    """Wait until every chart is drawn, whether or not the browser paints frames meanwhile."""
    tab.wait_for_function(
        "[...document.querySelectorAll('figure.chart')].every("
        "(f) => f.hidden || f.classList.contains('drawn'))",
        polling=100,
    )


def agents(tab: Page, panel: str) -> list[str]:
    """The agents of a panel's table in sight, as they stand."""
    cells = tab.locator(f"#{panel} .reading:visible tbody tr:visible th.agent bdi")
    return [text.strip() for text in cells.all_inner_texts()]


def test_any_column_sorts_by_mouse_and_by_keyboard(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri() + "#task-small_law")
    assert agents(tab, "task-small_law") == ["human", NASTY, "codex"]
    heads = tab.locator("#task-small_law .reading:visible thead th")
    best = heads.filter(has_text="Max R²")
    best.get_by_role("button").click()
    assert best.get_attribute("aria-sort") == "descending"
    assert agents(tab, "task-small_law") == ["codex", "human", NASTY]
    best.get_by_role("button").click()
    assert best.get_attribute("aria-sort") == "ascending"
    assert agents(tab, "task-small_law") == [NASTY, "human", "codex"]
    heads.filter(has_text="Agent").get_by_role("button").focus()
    tab.keyboard.press("Enter")
    assert agents(tab, "task-small_law") == [NASTY, "codex", "human"]
    heads.filter(has_text="Rank").get_by_role("button").click()
    assert agents(tab, "task-small_law") == ["human", NASTY, "codex"]


def test_filters_leave_what_was_asked_for_and_say_how_much(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri() + "#task-small_law")
    tab.get_by_role("combobox", name="Agent", exact=True).select_option("human")
    assert agents(tab, "task-small_law") == ["human"]
    assert tab.get_by_role("status").inner_text() == "1 of 3 entries"
    tab.get_by_role("combobox", name="Agent", exact=True).select_option("")
    tab.get_by_role("combobox", name="Model", exact=True).select_option("o4_mini")
    assert agents(tab, "task-small_law") == [NASTY, "codex"]
    tab.get_by_role("combobox", name="Format").select_option("evolve-block")
    assert agents(tab, "task-small_law") == [NASTY, "codex"]


def test_runs_are_counted_as_asked_for(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri() + "#task-small_law")
    shown = tab.locator("#task-small_law .reading:visible")
    assert shown.count() == 1
    as_run = shown.locator("tbody tr").first.inner_text()
    tab.get_by_text("filled up", exact=True).click()
    assert shown.count() == 1
    assert shown.get_attribute("data-reading") == "filled"
    assert shown.locator("tbody tr").first.inner_text() != as_run
    tab.get_by_text("successes only", exact=True).click()
    assert agents(tab, "task-small_law") == ["codex", "human", NASTY]
    assert "Only runs that succeeded count" in tab.locator("#all-nano .reading").last.text_content()


def test_from_the_index_to_a_run_its_charts_and_back(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri() + "#task-small_law")
    tab.locator("#task-small_law .reading:visible").get_by_role(
        "link", name="Runs of codex"
    ).click()
    tab.wait_for_url(f"**/{RUN_PAGE}")
    see_all(tab)
    for kind, points in (("predicted", 16), ("residuals", 16), ("law", 16)):
        figure = tab.locator(f"figure[data-chart={kind}]")
        assert figure.locator("svg.main-svg").count() > 0
        assert figure.locator(".scatterlayer .point").count() >= points, kind
    assert tab.locator("figure[data-chart=law] .scatterlayer .js-line").count() >= 2
    tab.locator("figure[data-chart=predicted]").get_by_role("combobox", name="Run").select_option(
        "3"
    )
    assert (
        tab.locator("figure[data-chart=law]").get_by_role("combobox", name="Run").input_value()
        == "3"
    )
    tab.get_by_role("link", name="Run 4").first.click()
    tab.locator("details#run-4[open]").wait_for()
    assert "division by zero" in tab.locator("details#run-4").inner_text()
    tab.get_by_role("link", name="Back to Leaderboard").click()
    tab.wait_for_url("**index.html")


def test_a_task_page_draws_the_data_all_runs_and_the_best_law(tab: Page, site: Path) -> None:
    tab.goto((site / TASK_PAGE).as_uri())
    see_all(tab)
    assert tab.locator("figure[data-chart=data] .scatterlayer .point").count() >= 16
    assert tab.locator("figure[data-chart=strip] .scatterlayer .point").count() == 9
    assert tab.locator("figure[data-chart=law] .scatterlayer .js-line").count() >= 2
    assert tab.title() == "Small Scaling Law"


def test_charts_are_drawn_as_they_come_into_view(tab: Page, site: Path) -> None:
    tab.goto((site / RUN_PAGE).as_uri())
    last = tab.locator("figure.chart:not([hidden])").last
    assert tab.locator("figure.chart:not([hidden]):not(.drawn)").count() > 0
    last.evaluate("(figure) => figure.scrollIntoView({behavior: 'instant'})")
    last.and_(tab.locator(".drawn")).wait_for()


def test_paper_is_light_and_has_the_charts_that_nobody_scrolled_to(
    browser: Browser, site: Path
) -> None:
    context = browser.new_context(color_scheme="dark")
    opened = context.new_page()
    opened.goto((site / RUN_PAGE).as_uri())
    opened.wait_for_function("Boolean(window.Plotly)", polling=100)
    light = "getComputedStyle(document.body).getPropertyValue('--text').trim()"
    shown = "[...document.querySelectorAll('figure.chart svg.main-svg:first-child')]"
    printed = opened.evaluate(
        f"""() => new Promise((resolve) => {{
            addEventListener("beforeprint", () => setTimeout(() => resolve([
                {light}, {shown}.map((svg) => Number(svg.getAttribute("width"))),
            ]), 300));
            dispatchEvent(new Event("beforeprint"));
        }})"""
    )
    assert printed == ["#1a1f29", [640, 640, 640]]
    drawn(opened)
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    opened.wait_for_function(
        f"{shown}.every((svg) => svg.getAttribute('width') !== '640')", polling=100
    )
    assert opened.evaluate(light) == "#e6e9ef"
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_paper_holds_everything_at_full_size(browser: Browser, site: Path, name: str) -> None:
    """A page with one thing too wide is printed smaller as a whole, or is cut off."""
    context = browser.new_context(viewport={"width": A4, "height": 900})
    opened = context.new_page()
    opened.goto((site / name).as_uri())
    opened.emulate_media(media="print")
    opened.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    if name in {RUN_PAGE, TASK_PAGE}:
        opened.wait_for_function("Boolean(window.Plotly)", polling=100)
        opened.evaluate("dispatchEvent(new Event('beforeprint'))")
        drawn(opened)
    wide = opened.evaluate(
        """() => [...document.querySelectorAll("main *")]
            .filter((item) => item.getBoundingClientRect().right > innerWidth + 1)
            .map((item) => item.outerHTML.slice(0, 120))"""
    )
    charts = opened.evaluate(
        """() => [...document.querySelectorAll(".chart-plot")].map((plot) =>
            plot.querySelector(".main-svg").getBoundingClientRect().width / plot.clientWidth)"""
    )
    context.close()
    assert wide == []
    assert all(share == pytest.approx(1, abs=0.01) for share in charts)
    assert len(charts) == {RUN_PAGE: 3, TASK_PAGE: 4}.get(name, 0)


def test_two_entries_are_compared_from_the_index(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri())
    tab.get_by_role("link", name="Compare two entries").click()
    tab.get_by_role("combobox", name="A", exact=True).select_option("human/human")
    tab.get_by_role("combobox", name="B", exact=True).select_option("human/human")
    tab.get_by_role("button", name="Compare").click()
    assert "two different" in tab.get_by_role("status").inner_text()
    tab.get_by_role("combobox", name="B", exact=True).select_option("codex/o4_mini")
    tab.get_by_role("button", name="Compare").click()
    tab.wait_for_url(f"**/{COMPARE_PAGE}")
    tab.locator("summary").filter(has_text="Other Scaling Law").click()
    assert tab.locator("table.diff").first.is_visible()


def test_names_cannot_touch_a_page_or_its_charts(tab: Page, site: Path) -> None:
    for name in ("index.html", TASK_PAGE, "compare.html", "audit.html", "agents_models.html"):
        tab.goto((site / name).as_uri())
        see_all(tab)
        assert "taken" not in tab.title()
        assert tab.locator("script").count() <= 5
        assert NASTY in tab.locator("main").text_content()


def test_claims_are_shown_beside_what_they_turned_out_to_be(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri())
    tab.get_by_role("link", name="Published figures").click()
    rows = [row.inner_text().split("\t") for row in tab.locator("tbody tr").all()]
    assert [(row[3].strip(), row[4].strip(), row[-1].strip()) for row in rows] == [
        ("1", "0.999000", "close"),
        ("2", "0.800000", "no program"),
        ("1", "0.700000", "no program"),
    ]
    tab.locator("tbody tr").first.get_by_role("link").click()
    tab.wait_for_url(f"**/{RUN_PAGE}")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_is_found(
    browser: Browser, site: Path, axe: str, name: str, scheme: str
) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    opened = context.new_page()
    troubles = watch(opened)
    opened.goto((site / name).as_uri())
    see_all(opened)
    opened.evaluate(axe)
    found = opened.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    serious = [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"][:3]
    ]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=SCREENSHOTS / f"{Path(name).stem}_{scheme}.png", full_page=True)
    context.close()
    assert serious == []
    assert troubles == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_never_scrolls_sideways(phone: Page, site: Path, name: str) -> None:
    phone.goto((site / name).as_uri())
    see_all(phone)
    wide, seen = phone.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    phone.screenshot(path=SCREENSHOTS / f"{Path(name).stem}_phone.png", full_page=True)
    assert wide <= seen


@pytest.mark.parametrize("panel", ["all-nano", "task-small_law"])
def test_a_phone_shows_who_and_the_ranking_figure_without_scrolling(
    phone: Page, site: Path, panel: str
) -> None:
    phone.goto((site / "index.html").as_uri() + f"#{panel}")
    box, ends = phone.evaluate(
        """(panel) => {
            const part = document.querySelector(`#${panel} .reading:not([hidden]) .scroll`);
            const cells = [...part.querySelectorAll("tr > :nth-child(4)")];
            return [part.getBoundingClientRect().right,
                    cells.map((cell) => cell.getBoundingClientRect().right)];
        }""",
        panel,
    )
    assert len(ends) >= 3
    assert max(ends) <= box


@pytest.mark.parametrize("name", PAGES)
def test_everything_is_reached_with_the_keyboard_alone(tab: Page, site: Path, name: str) -> None:
    """Whatever can be clicked has to be on the way of the Tab key, and be seen when it is there."""
    tab.goto((site / name).as_uri())
    tab.evaluate(
        """() => {
            const kinds = "a[href], button, select, input, summary, [tabindex='0']";
            window.wanted = new Set([...document.querySelectorAll(kinds)].filter((item) =>
                item.checkVisibility() && item.tabIndex >= 0 && !item.closest(".js-plotly-plot")));
            // Of a group of radio buttons, Tab reaches the chosen one; arrows move on.
            for (const item of [...wanted]) {
                if (item.type === "radio" && !item.checked) wanted.delete(item);
            }
        }"""
    )
    total = tab.evaluate("wanted.size")
    # Charts are drawn as they come into view, and have buttons of their own.
    for _ in range(4 * total + 5):
        tab.keyboard.press("Tab")
        if tab.evaluate("wanted.delete(document.activeElement), wanted.size") == 0:
            break
    left = tab.evaluate("[...wanted].map((item) => item.outerHTML.slice(0, 120))")
    assert total > 5
    assert left == []


@pytest.mark.parametrize("name", PAGES)
def test_every_number_is_there_without_javascript(
    browser: Browser, tab: Page, site: Path, name: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((site / name).as_uri())
    for number in range(opened.locator("summary").count()):
        if opened.locator("details").nth(number).get_attribute("open") is None:
            opened.locator("summary").nth(number).click()
    plain = numbers(opened.locator("body").inner_text())
    hidden = opened.locator("main [hidden]:not(form):not(figure)").count()
    context.close()
    tab.goto((site / name).as_uri())
    source = tab.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.querySelector("main"), 4);
            const found = [];
            while (walker.nextNode()) {
                const shown = walker.currentNode.parentElement.closest("table, dl, p");
                if (shown && !shown.closest("figure")) found.push(walker.currentNode.data);
            }
            return found.join(" ");
        }"""
    )
    assert len(numbers(source)) > 3
    assert numbers(source) <= plain
    assert hidden == 0


def numbers(text: str) -> set[str]:
    return set(re.findall(r"[-−+]?\d+\.\d+", text))


def test_the_links_of_the_index_are_the_pages_that_there_are(site: Path) -> None:
    names = PageNames((task.name, "human", "human") for task in TASKS)
    index = (site / "index.html").read_text("utf-8")
    for task in TASKS:
        assert f'href="{names.run_page(task.name, ("human", "human"))}"' in index
    document = json.loads((site / "leaderboard.json").read_text("utf-8"))
    assert document["schema_version"] == 1
