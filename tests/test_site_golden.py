"""A small site, byte for byte.

After a wanted change: ``python tests/test_site_golden.py --update-golden``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from board_samples import PROGRAM, board, claim, drawn_run, page, run

from harness.leaderboard.site import write_site

GOLDEN = Path(__file__).parent / "golden"
FILES = (
    "agents_models.html",
    "compare.html",
    "compare_codex.o4_mini.vs.human.human.html",
    "feed.xml",
    "index.html",
    "leaderboard.json",
    "sld_small_law_codex_o4_mini.html",
    "sld_small_law_human_human.html",
    "tables/nano.as-run.csv",
    "tables/nano.as-run.tex",
    "task_small_law.html",
)


def render(folder: Path) -> dict[str, bytes]:
    drawn, traces = drawn_run(1, 0.01, agent="human", model="human", program=b"x = 1\r\n")
    runs = [
        run(1, 0.992, r2_fit=0.996943, model_name="o4-mini"),
        run(2, 0.5, model_name="o4-mini", notes=("constants of 1 group did not settle",)),
        run(3, None, model_name="o4-mini"),
        run(4, 0.99, model_name="o4-mini", violation="9 constants, at most 7"),
        drawn,
        run(1, 0.5, agent="human", model="human", task="other_law", program=PROGRAM + b"# more\n"),
        run(1, 0.25, model_name="o4-mini", task="other_law"),
    ]
    claims = [claim(page(PROGRAM.decode(), ("0.996946", "0.990000")))]
    arrays = {drawn.evaluation.digest: traces}
    write_site(folder, board(runs, claims, traces=arrays, expected_runs=5))
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_the_site_is_as_it_was(tmp_path: Path, name: str) -> None:
    golden = (GOLDEN / name).read_text("utf-8")
    assert render(tmp_path)[name].decode() == golden


if __name__ == "__main__":
    if sys.argv[1:] != ["--update-golden"]:
        sys.exit(f"usage: python {sys.argv[0]} --update-golden")
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in render(Path(scratch)).items():
            (GOLDEN / name).parent.mkdir(exist_ok=True)
            (GOLDEN / name).write_bytes(data)
