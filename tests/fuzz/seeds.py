"""Small inputs to start from: well-formed ones for each reader, and words that matter to it."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from board_samples import claim, page, run
from conftest import TEST, TRAIN, task_document
from evolution_samples import LAWS
from programs import GROUP_MEAN, LAW

from harness.evaluation.records import Traces
from harness.evolution.law_text import to_plain
from harness.leaderboard.run_page import claimed_page
from harness.results.exchange import to_lines
from harness.results.records import RunAssignment
from harness.results.source_page import page_text
from harness.results.store import Store
from harness.sandbox.guest import wire

GROUP_MEDIAN = GROUP_MEAN.replace("np.mean", "np.median")
MARKED = f"# EVOLVE-BLOCK-START\n{GROUP_MEAN}# EVOLVE-BLOCK-END\n"


def _board() -> bytes:
    lines = [
        {
            "task": task,
            "agent_name": "Codex",
            "model_name": "o4-mini",
            "reward_r2": r2,
            "solution": s,
        }
        for task, r2, s in (
            ("nano_moe", 0.5, "a = 1\n"),
            ("nano_moe", None, "b = 'é'\r\n"),
            ("nano_vocab", -1.0, ""),
        )
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _results() -> bytes:
    """What a store with two runs (one failed, one no UTF-8 text) and a claim is exported as."""
    arrays = Traces(
        params={"a": np.array([1.5, -2.0])},
        train={"a": np.array([[1.0], [np.nan]])},
        test={"a": np.array([[0.1]])},
        curve={},
    )
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.sqlite") as store:
        for number, r2, source in ((1, 0.9, b"x = 1\n"), (2, None, b"# \xff\x00")):
            one = run(number, r2, program=source, digest=f"{number:064x}")
            store.add(one.evaluation, arrays, source)
            names = (one.agent_name, one.model_name, one.path, one.evaluation.digest)
            store.assign([RunAssignment(one.key, *names)])
        made = claim(page("x = 1", ("0.900000",)))
        store.add_claim(made.task, made.page, made.source)
        return "".join(to_lines(store.content())).encode()


def _replies() -> list[bytes]:
    failure = {"kind": "candidate_error", "message": "ValueError: no\nmore", "line": 3}
    bodies = [
        {"calls": [{}, {}]},
        {"calls": [{}, {"error": failure}]},
        {"error": {**failure, "kind": "load_error", "line": None}},
    ]
    return [json.dumps({"body": body, "shapes": []}).encode() for body in bodies]


_CONFIG = """\
max_iterations: 100
random_seed: 42
llm:
  models: [{name: one, weight: 0.8}, {name: two}]
  api_base: https://api.example.com/v1
  temperature: 0.7
  max_tokens: 4096
  timeout: 60
prompt: {system_message: You find laws., num_top_programs: 4}
database: {num_islands: 5, migration_interval: 20, population_size: 9}
evaluator: {timeout: 300, parallel_evaluations: 4}
diff_based_evolution: false
"""


def _names() -> bytes:
    names = {"agents": {"codex": "Codex"}, "models": {"gpt_5_2": "GPT-5.2", "mod_le": "Modèle"}}
    return yaml.safe_dump(names, allow_unicode=True).encode()


@cache
def seeds() -> dict[str, list[bytes]]:
    """Return well-formed inputs by the reader's name."""
    pages = [page("x = 1\r\n\ny = 2", ("0.9", "+8.0e-1")), page("")]
    return {
        "program": [MARKED.encode(), LAW.encode(), b"\xef\xbb\xbflaw = max\r\n"],
        "names": [_names()],
        "run_path": [b"small_law/codex/o4_mini/run_1.py"],
        "page": [
            *(page_text(one).encode() for one in pages),
            *(claimed_page(claim(one)).encode() for one in pages),
        ],
        "html": [claimed_page(claim(pages[0])).encode(), b'<p><article id="run">a&amp;b</article>'],
        "board": [_board()],
        "task": [yaml.safe_dump(task_document(), sort_keys=False).encode()],
        "table": [TRAIN.encode(), TEST.replace("\n", "\r\n").encode("utf-8-sig")],
        "frame": [
            wire.encode({"calls": [{"do": "fit"}]}, [np.arange(6.0).reshape(2, 3)], b"raw"),
            wire.encode({"calls": []}, [np.float64(1), np.zeros((0, 3))]),
        ],
        "replies": _replies(),
        "results": [_results()],
        "config": [_CONFIG.encode()],
        "answer": [
            f"idea: a median\n```python\n{GROUP_MEDIAN}```\n".encode(),
            (
                b"<think>hm</think>\n<<<<<<< SEARCH\n    return np.array([np.mean(loss_values)])\n"
                b"=======\n    return np.array([np.median(loss_values)])\n>>>>>>> REPLACE\n"
            ),
        ],
        "law": [json.dumps(to_plain(one)).encode() for one in LAWS.values()],
    }


_JSON = [
    b'"', b"{", b"}", b"[", b"]", b":", b",", b"null", b"true", b"NaN", b"-Infinity", b"1e999",
    b"-1", b"9" * 30, b"9" * 4301, b"0.5", b'"\\ud800"', b'"\\u0000"', b'"\\n"', b"[]", b"{}",
    b"[" * 300,
]  # fmt: skip
_TEXT = [
    b"\x00", b"\r\n", b"\r", b"\n", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[2J", b" ",
    "\u2028".encode(), "\x85".encode(), "é".encode(), b"\xed\xa0\x80", b"9" * 4301, b"-", b"0",
]  # fmt: skip
_HTML = [
    b"<", b">", b"</", b"<!--", b"-->", b"<![CDATA[", b"<![x[", b"<!x", b"<?", b"&", b"&#", b";",
    b"&#99999999999;", b"&#xd800;", b"&lt", b"<a ", b"'", b'"', b"=", b'<article id="run">',
    b"</article>", b"<pre>\n", b"<script>", b"</script>", b"<textarea>", b" data-altered",
]  # fmt: skip
_YAML = [
    b"&a ", b"*a", b"<<: ", b"!!int ", b"!!float ", b"!!bool ", b"!!timestamp ", b"!!binary ",
    b"!!set ", b"!!omap ", b"!!python/object:os.system ", b"!x%0A ", b"? ", b": ", b"- ", b"---\n",
    b"...\n", b"%YAML 9.9\n", b"| \n", b"'", b'"', b"\t", b"#", b"{", b"}", b"[", b"]", b"~",
    b"0x" + b"F" * 4000, b"1" + b":1" * 400, b".inf", b".nan", b"2001-99-99", b'"\\ud800"',
    b'"\\n"', b"=",
]  # fmt: skip

DICTIONARY: dict[str, list[bytes]] = {
    "program": [
        *_TEXT, b"# EVOLVE-BLOCK-START", b"# EVOLVE-BLOCK-END", b"def law(", b"import ", b"law",
        b"fit_scaling_law", b"scaling_law_func", b"async ", b"\t",
    ],
    "names": [*_TEXT, *_YAML, b"agents:", b"models:", b"codex"],
    "run_path": [*_TEXT, b"/", b"run_", b".py", b"run_" + b"9" * 30 + b".py", b"..", b".git"],
    "page": [
        *_TEXT, *_HTML, "R²: ".encode(), b"Runs: ", b"Python\n", b"1e999", b"1" * 400,
        "\n#2 Run 2 R² = 0.5".encode(), b"99", b"Agent: ", b".", b"e5",
    ],
    "html": [*_HTML, b"\r", b"\x00"],
    "board": [*_JSON, *_TEXT, b"1e308", b"nano_moe", b'"solution": ', b'"reward_r2": ', b"\\n"],
    "task": [*_TEXT, *_YAML, b"name: ", b"features: ", b"curve: null", b"max_params: ", b"1e308"],
    "config": [*_TEXT, *_YAML, b"llm:", b"models:", b"${KEY}", b"api_key: ", b"name: ", b"1e308"],
    "answer": [
        *_TEXT, b"```", b"```python\n", b"~~~", b"<<<<<<< SEARCH\n", b"=======\n", b"def ",
        b">>>>>>> REPLACE\n", b"<think>", b"</think>", b"idea: ", b"# EVOLVE-BLOCK-START",
        b"# EVOLVE-BLOCK-END", b"scaling_law_func", b"fit_scaling_law", b"(" * 200,
    ],
    "law": [*_JSON, b'"Law"', b'"Term"', b'"Power"', b'"Feature"', b'"Blend"', b'""'],
    "table": [*_TEXT, b",", b'"', b"group", b"loss", b"nan", b"1e999", b"1_0", "٣".encode()],
    "frame": [*_JSON, b"\xff" * 4, b"\x00" * 8, b'"shapes":', b'"body":', b"[0,1073741824]"],
    "replies": [
        *_JSON, b'"error"', b'"calls"', b'"kind"', b'"message"', b'"line"', b'"harness_error"',
        b'"timeout"', b'"memory"',
    ],
    "results": [
        *_JSON, *_TEXT, b'"kind": "run"', b'"kind": "claim"', b'"kind": "program"', b"../",
        b'"path": "', b'"run": ', b'"traces": "', b'"ranking": []', b'"r2": ', b"\\n",
    ],
}  # fmt: skip
"""Words by the reader's name that mutations put in."""
