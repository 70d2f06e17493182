"""The site in a real browser, from ``file://``: exact text, tabs, keyboard, no request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from board_samples import TASKS, board, claim, page, run
from test_source_page import FRAGMENTS

from harness.leaderboard.site import write_site
from harness.results.records import ClaimedPage, StoredClaim
from harness.results.source_page import page_text, read_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    runs = [
        run(number, r2, task=task.name, agent=agent, model="gpt_5", model_name="GPT-5" * 3)
        for task in TASKS
        for agent in ("codex", "a_very_long_agent_name_without_any_break", "human")
        for number, r2 in ((1, 0.9), (2, None), (3, 0.5))
    ]
    write_site(out, board(runs))
    return out


def article_bytes(tab: Page, path: Path) -> bytes:
    tab.goto(path.as_uri())
    return tab.evaluate("document.querySelector('article#run').textContent").encode()


@pytest.mark.data
def test_the_published_pages_are_given_back(tab: Page, tmp_path: Path, data_folder: Path) -> None:
    seeds = sorted((data_folder / "seeds").glob("0*.txt"))
    claims = [
        claim(read_page(path), agent="seed", model=str(number)) for number, path in enumerate(seeds)
    ]
    write_site(tmp_path, board([], claims), "claims")
    for number, path in enumerate(seeds):
        shown = article_bytes(tab, tmp_path / f"sld_small_law_seed_{number}.html")
        assert shown == path.read_bytes()


def hostile() -> list[ClaimedPage]:
    pieces = [fragment for fragment in FRAGMENTS if fragment != "\ufeff"]
    programs = [f"{piece}x{piece}" for piece in FRAGMENTS]
    return [page(program) for program in [*programs, "".join(pieces), "\ufeff\r\n\n", "\n" * 3]]


def test_hostile_programs_change_nothing_but_their_own_text(tab: Page, tmp_path: Path) -> None:
    claims: list[StoredClaim] = [
        claim(claimed, agent="hostile", model=str(number))
        for number, claimed in enumerate(hostile())
    ]
    write_site(tmp_path, board([], claims), "claims")
    for number, item in enumerate(claims):
        shown = article_bytes(tab, tmp_path / f"sld_small_law_hostile_{number}.html")
        assert shown == page_text(item.page).encode()


def test_tabs_follow_mouse_keyboard_and_address(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri())
    tabs = tab.get_by_role("tablist").first.get_by_role("tab")
    assert tab.locator("#all-nano").is_visible()
    assert not tab.locator("#task-small_law").is_visible()
    tabs.nth(1).click()
    assert tab.locator("#task-small_law").is_visible()
    assert not tab.locator("#all-nano").is_visible()
    tab.wait_for_url("**#task-small_law")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#task-other_law").is_visible()
    assert tabs.nth(2).get_attribute("aria-selected") == "true"
    assert tab.evaluate("document.activeElement.textContent") == "Other"
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#all-nano").is_visible()
    tab.keyboard.press("End")
    tab.wait_for_url("**#task-other_law")
    tab.reload()
    assert tab.locator("#task-other_law").is_visible()


def test_an_address_of_old_opens_its_tab_and_one_of_nothing_the_first(
    tab: Page, site: Path
) -> None:
    """Regression: a lone percent sign ended the script, and there were no tabs."""
    tab.goto((site / "index.html").as_uri() + "#small_law")
    assert tab.locator("#task-small_law").is_visible()
    assert not tab.locator("#all-nano").is_visible()
    for nothing in ("#100%", "#main", "#no_law"):
        tab.goto("about:blank")
        tab.goto((site / "index.html").as_uri() + nothing)
        assert tab.locator("#all-nano").is_visible()
        assert not tab.locator("#task-small_law").is_visible()


def test_a_link_leads_to_the_runs_and_back(tab: Page, site: Path) -> None:
    tab.goto((site / "index.html").as_uri() + "#task-small_law")
    tab.locator("#task-small_law").get_by_role("link", name="Runs of human").click()
    tab.wait_for_url("**sld_small_law_human_gpt_5.html")
    tab.get_by_role("link", name="Run 3").first.click()
    tab.locator("details#run-3[open]").wait_for()
    tab.get_by_role("link", name="Back to Leaderboard").click()
    tab.wait_for_url("**index.html")


def test_every_number_is_there_without_javascript(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((site / "index.html").as_uri())
    for name in ("all-nano", "all-wide", *(f"task-{task.name}" for task in TASKS)):
        tables = opened.locator(f"#{name} table").all()
        assert tables
        assert all(table.is_visible() for table in tables)
    context.close()


@pytest.mark.parametrize("name", ["index.html", "sld_small_law_codex_gpt_5.html"])
@pytest.mark.parametrize("script", [True, False])
def test_a_phone_never_scrolls_sideways(
    browser: Browser, site: Path, name: str, script: bool
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=script
    )
    opened = context.new_page()
    opened.goto((site / name).as_uri())
    for number in range(opened.locator("summary").count()):
        opened.locator("summary").nth(number).click()
    box = opened.locator("html").evaluate("html => [html.scrollWidth, html.clientWidth]")
    assert box[0] <= box[1]
    context.close()
