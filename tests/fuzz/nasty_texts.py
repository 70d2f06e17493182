"""Programs, names, paths, pages, boards, tasks and tables that are wrong, or nearly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from conftest import TRAIN

from fuzz.cases import Case, Inputs
from fuzz.seeds import GROUP_MEDIAN, seeds

MANY = 50_000

# --- bytes that every reader of text is given

_SEED = {name: found[0] for name, found in seeds().items()}
_TEXTS = ("names", "page", "board", "task", "table", "results")
_EVERYWHERE: dict[str, Callable[[bytes], bytes]] = {
    "UTF-16": lambda seed: seed.decode().encode("utf-16"),
    "UTF-32": lambda seed: seed.decode().encode("utf-32"),
    "a NUL first": lambda seed: b"\0" + seed,
    "a half character": lambda seed: seed.replace(b"o", b"\xed\xa0\x80"),
    "an overlong character": lambda seed: b"\xc0\x80" + seed,
    "zeros": lambda seed: bytes(MANY),
    "0xff": lambda seed: b"\xff" * MANY,
    "a long line": lambda seed: b"x" * 10 * MANY,
    "brackets": lambda seed: b"[" * MANY,
    "braces and keys": lambda seed: b'{"a":' * MANY,
    "quotes": lambda seed: b'"' * (2 * MANY + 1),
    "control codes": lambda seed: b"\x1b[2J\x07\x08\x85" * 100,
    "digits": lambda seed: b"9" * MANY,
}


def everywhere() -> Iterator[Case]:
    for reader in _TEXTS:
        for title, made in _EVERYWHERE.items():
            yield Case(reader, title, made(_SEED[reader]), "refused")
        yield Case(reader, "nothing", b"", "read" if reader == "names" else "refused")


# --- candidates

_PROGRAMS_READ: Inputs = {
    "a byte order mark before the law": b"\xef\xbb\xbflaw = max\r\n",
    "carriage returns alone": b"x = 1\rdef law(rows, group): return rows\r",
    "a form feed before the law": b"\x0cdef law(rows, group): return rows\n",
    "NUL and 0xff behind the law": b"law = max\n\0\xff",
    "deep nesting": b"law = " + b"(" * MANY + b")" * MANY,
    "a name of a megabyte": b"law = " + b"a" * (1 << 20),
}
_PROGRAMS_REFUSED: Inputs = {
    "nothing": b"",
    "four megabytes and a byte": b" " * ((4 << 20) + 1),
    "four megabytes of spaces": b" " * (4 << 20),
    "four megabytes of lines": b"\n" * (4 << 20),
    "imports that import nothing": b"import lawx, " * (300 << 10),
    "law and four megabytes of spaces": b"law" + b" " * ((4 << 20) - 3),
    "markers without end": b"# EVOLVE-BLOCK-START\n" * MANY,
    "tabs": b"\t" * (1 << 20) + b"#",
}

_NAMES_READ: Inputs = {
    "CRLF": _SEED["names"].replace(b"\n", b"\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + _SEED["names"],
    "a comment": "# nobody yet\n",
}
_NAMES_REFUSED: Inputs = {
    "a list": "- codex\n",
    "a tag without a value": "agents: !!int ''\n",
    "a tag of Python": "agents: !!python/object/apply:os.system [ls]\n",
    "an alias": "agents: &a {codex: Codex}\nmodels: *a\n",
    "an alias of its own": "agents: &a {codex: *a}\n",
    "a merge": "agents: &a {codex: Codex}\nmodels: {<<: *a}\n",
    "a time that is none": "agents: {codex: 2001-99-99}\n",
    "sexagesimal digits": "agents: {codex: 1" + ":1" * MANY + "}\n",
    "many digits": "agents: {codex: " + "1" * 900 + "}\n",
    "a key of two lines": 'agents: {"a\\nb": "a\\nb"}\n',
    "a name of two lines": 'agents: {a_b: "a\\nb"}\n',
    "a name with an escape": 'agents: {a_b: "a\\eb"}\n',
    "a half character": 'agents: {_: "\\ud800"}\n',
    "a thousand wrong names": "agents:\n" + "".join(f"  k{i}: [1]\n" for i in range(1000)),
    "two megabytes": "#" * (2 << 20),
    "a name of ten thousand": "agents: {x: " + "x" * 10_000 + "}\n",
}

_PATHS_READ: Inputs = {
    "eighteen digits": "t/a/m/run_" + "9" * 18 + ".py",
}
_PATHS_REFUSED: Inputs = {
    "thirty digits": "t/a/m/run_" + "9" * 30 + ".py",
    "a name with a line break": "t\n/a\n/m/run_1.py",
    "a stray with an escape": "t/\x1b[2J.py",
    "a folder that is not UTF-8": b"caf\xe9/a/m/run_1.py",
    "a stray that is not UTF-8": b"caf\xe9.py",
}

# --- pages

_PAGE = _SEED["page"].decode()


def _page(old: str, new: str) -> str:
    changed = _PAGE.replace(old, new)
    assert changed != _PAGE
    return changed


def _article(inside: str) -> str:
    return f'<html><body><article id="run">{inside}</article></body></html>'


_PAGES_READ: Inputs = {
    "a program that is a page": _page("x = 1", _PAGE),
    "a program of NULs": _page("x = 1", "\0\0"),
    "numbers of many digits": _page("0.9", "0." + "9" * 4000),
    "HTML in capitals": _article(_PAGE.replace("\r", "&#13;")).upper().replace(
        _PAGE.upper().replace("\r", "&#13;"), _PAGE.replace("\r", "&#13;")
    ).replace('ID="RUN"', 'ID="run"'),
}  # fmt: skip
_PAGES_REFUSED: Inputs = {
    "CRLF": _PAGE.replace("\r\n", "\n").replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + _PAGE,
    "a figure beyond all floats": _page("0.9", "1e999999"),
    "a figure of many digits and a letter": _page("0.9", "1" * MANY + "x"),
    "a figure of many digits": _page("0.9", "9" * MANY),
    "an exponent of many digits": _page("0.9", "1e" + "9" * MANY),
    "more runs than lines": _page("Runs: 2", "Runs: 21"),
    "two more runs than lines": _page("Runs: 2", "Runs: 22"),
    "many more runs than lines": _page("Runs: 2", "Runs: 999999"),
    "runs without number": _page("Runs: 2", "Runs: " + "9" * MANY),
    "a run of many digits": _page("Best Run 1", "Best Run " + "9" * MANY),
    "a run of other digits": _page("Best Run 1", "Best Run ١"),
    "a title of control codes": _page("Small Scaling Law", "\x1b[2J\x85"),
    "tags that never end": _article("<a " * MANY),
    "tags that never end, alone": "<a b='" * MANY,
    "comments that never end": _article("<!--" * MANY),
    "sections that never end": _article("<![CDATA[" * MANY),
    "declarations that never end": _article("<!x" * MANY),
    "end tags that never end": _article("</a " * MANY),
    "attributes without end": "<article id=run " + "a = " * MANY,
    "quotes in attributes": "<article id=run " + "a='\"" * MANY,
    "articles in articles": "<article id=run>" * MANY,
    "a section of another kind": "<![foo[x]]>" + _article("hi"),
    "a section in Word's manner": "<![if IE]>" + _article("hi"),
    "a reference of many digits": _article("&#" + "9" * 5000 + ";"),
    "a reference of many hex digits": _article("&#x" + "f" * 5000 + ";"),
    "a reference to half a character": _article("&#xd800;"),
    "ampersands": _article("&" * MANY),
    "only an end": "</article>",
    "a script that never ends": '<script><article id="run">',
}
_HTML_READ: Inputs = {
    "a section of another kind": "<![foo[x]]>" + _article("hi"),
    "references": _article("&#0000000000000000000065;&#" + "9" * 5000 + ";&#x110000;&lt"),
    "no end": '<article id="run">' + "<p" * MANY,
    "a half tag in the text": _article("a < b </ c <3 <"),
    "quotes": """<article data-x='a>b' ID="run" id=other>x</article>""",
}
_HTML_REFUSED: Inputs = {
    "another article": '<article id="runs">x</article>',
    "in a comment": '<!-- <article id="run"> -->',
    "in a script": '<script><article id="run"></script>',
    "in a title": '<title><article id="run"></title>',
    "a second identity": '<article id="other" id="run">',
}


# --- boards


def _line(**change: object) -> bytes:
    line = json.loads(_SEED["board"].splitlines()[0]) | change
    return json.dumps(line).encode() + b"\n"


_BOARDS_READ: Inputs = {
    "CRLF and blank lines": _SEED["board"].replace(b"\n", b"\r\n\r\n"),
    "the largest floats": _line(reward_r2=1.7e308) * 3,
    "the least float": _line(reward_r2=5e-324) + _line(reward_r2=-0.0),
    "a program of control codes": _line(solution="\x00\x1b[2J\u2028\r"),
    "spaces in a name": _line(agent_name=" a b "),
    "a whole number": _line(reward_r2=1),
}
_BOARDS_REFUSED: Inputs = {
    "a byte order mark": b"\xef\xbb\xbf" + _SEED["board"],
    "NaN": _line(reward_r2=float("nan")),
    "infinity": _line(reward_r2=float("inf")),
    "1e999999": _line().replace(b"0.5", b"1e999999"),
    "5000 digits": _line().replace(b"0.5", b"1" * 5000),
    "4300 digits": _line().replace(b"0.5", b"9" * 4300),
    "a half character": _line(solution="\ud800"),
    "a name of two lines": _line(agent_name="a\nb"),
    "a name of a separator": _line(model_name="a\u2028b"),
    "a name of spaces": _line(agent_name="  "),
    "a key of two lines": _line(**{"a\nb": 1}),
    "a thousand keys": _line(**{f"key{i}": i for i in range(1000)}),
    "a key of a megabyte": _line(**{"x" * (1 << 20): 1}),
    "a program of five megabytes": _line(solution="x" * (5 << 20)),
    "an unknown task": _line(task="x" * 100),
    "a task that climbs": _line(task="../x"),
    "a key twice, the last one wrong": _line().replace(b"}", b', "solution": 1}'),
    "deep": b'{"task": ' + b"[" * MANY + b"]" * MANY + b"}",
}

# --- searches

_CONFIGS_READ: Inputs = {
    "a key that is not shown": "llm:\n  api_key: sk-very-secret\n  models: [{name: m}]\n",
    "nothing that means anything": "checkpoint_interval: 10\n",
    "keys that are numbers": "1: 2\nllm: {3: 4}\n",
}
_CONFIGS_REFUSED: Inputs = {
    "a list": "- 1\n",
    "a model without a name": "llm: {models: [{weight: 1}]}\n",
    "a weight below zero": "llm: {models: [{name: m, weight: -1}]}\n",
    "a weight that is none": "llm: {models: [{name: m, weight: .nan}]}\n",
    "a section that is a list": "llm: [1]\n",
    "iterations beyond all counts": "max_iterations: " + "9" * 400 + "\n",
    "a truth for a number": "max_iterations: true\n",
    "an address of two lines": 'llm: {primary_model: m, api_base: "http://x\\ny"}\n',
}
_ANSWERS_READ: Inputs = {
    "a fence in a fence": f"```python\n{GROUP_MEDIAN}```\n```text\nno\n```\n",
    "thoughts that hold another": (
        f"<think>```python\nx\n```</think>\n```python\n{GROUP_MEDIAN}```\n"
    ),
}
_ANSWERS_REFUSED: Inputs = {
    "a fence that stays open": f"```python\n{GROUP_MEDIAN}",
    "blocks within blocks": "<<<<<<< SEARCH\n" * 500,
    "many brackets": "```python\nfit_scaling_law = scaling_law_func = " + "(" * 5000 + "\n```\n",
    "null bytes": "```python\ndef fit_scaling_law(x, y):\n    return '\0'\n```\n",
    "only a fence": "```",
    "many fences": "```\n" * 4000,
    "a thought without end": "<think>" * 3000,
}
_LAWS_REFUSED: Inputs = {
    "an unknown node": '["Import", "os"]',
    "too few parts": '["Law"]',
    "a part for a law": '["Feature", 0]',
    "deep": "[" * 900 + "]" * 900,
    "deeper": '["Shift", ' * 400 + "0" + "]" * 400,
}

# --- tasks

_TASK = _SEED["task"].decode()


def _task(old: str, new: str) -> str:
    changed = _TASK.replace(old, new)
    assert changed != _TASK
    return changed


def _bomb(first: str, step: str, levels: int = 60) -> str:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} {step.replace('*', f'*a{i - 1}')}" for i in range(1, levels)]
    return "\n".join(lines) + "\n" + _TASK


_COLUMNS = "".join(f"- {{name: c{i}, unit: x, meaning: y}}\n" for i in range(4000))

_TASKS_READ: Inputs = {
    "CRLF": _TASK.replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + _TASK,
    "an end and a comment": _TASK + "...\n# done\n",
    "an alias": _task("citation: nobody", "citation: &c nobody").replace("url: null", "url: *c"),
    "a number in hexadecimal": _task("max_params: 4", "max_params: 0x4"),
}
_TASKS_REFUSED: Inputs = {
    "a bomb of aliases": _bomb("[x]", "[*, *]"),
    "a bomb of merges": _bomb("{k: 1}", "{<<: [*, *]}"),
    "a bomb of columns": "more: [&c {name: x}, " + "*c, " * MANY + "]\n" + _TASK,
    "an alias of its own": _task("title: Small Scaling Law", "title: &a [*a]"),
    "a document of its own": "&a {b: *a}",
    "many columns": _task("targets:", _COLUMNS + "targets:"),
    "many keys": "".join(f"k{i}: 1\n" for i in range(9000)) + _TASK,
    "long keys": "x" * 100_000 + ": 1\n" + _TASK,
    "a long value": _task("schema_version: 1", "schema_version: " + "x" * 100_000),
    "a key of two lines": '"a\\nb\\e": 1\n' + _TASK,
    "a key that is none": "? [a]\n: b\n" + _TASK,
    "a key that is null": "? \n: b\n" + _TASK,
    "a key twice": _TASK + "name: other\n",
    "an integer of nothing": _task("max_params: 4", "max_params: !!int ''"),
    "a float of nothing": _task("fit_seconds: 60", "fit_seconds: !!float ''"),
    "a truth that is none": _task("log: true", "log: !!bool x"),
    "a time that is none": _task("citation: nobody", "citation: !!timestamp x"),
    "a date that is none": _task("citation: nobody", "citation: 2001-99-99"),
    "a tag of two lines": _task("citation: nobody", "citation: !x%0Ay z"),
    "a tag of Python": _task("citation: nobody", "citation: !!python/name:os.system x"),
    "5000 digits": _task("max_params: 4", "max_params: " + "1" * 5000),
    "4000 hex digits": _task("max_params: 4", "max_params: 0x" + "F" * 4000),
    "sexagesimal digits": _task("max_params: 4", "max_params: 1" + ":1" * 60_000),
    "65 bits": _task("max_params: 4", "max_params: 18446744073709551617"),
    "a limit of 1e999999": _task("fit_seconds: 60", "fit_seconds: 1.0e+999999"),
    "a limit of infinity": _task("fit_seconds: 60", "fit_seconds: .inf"),
    "a limit beyond all clocks": _task("fit_seconds: 60", "fit_seconds: 1.0e+300"),
    "a path with NUL": _task("small_task/train.csv", '"a\\0b"'),
    "a half character": _task("citation: nobody", 'citation: "\\ud800"'),
    "two documents": _TASK + "---\n" + _TASK,
    "another version": "%YAML 9.9\n---\n" + _TASK,
    "dashes": "- " * MANY,
    "question marks": "? " * MANY,
    "deep": "a: " + "[" * 900 + "]" * 900,
    "deep in blocks": "".join(" " * i + "a:\n" for i in range(300)),
    "many anchors": "".join(f"- &a{i} x\n" for i in range(20_000)),
    "a megabyte": "#" * (1 << 20),
}  # fmt: skip

# --- tables

_TABLES_READ: Inputs = {
    "CR alone": TRAIN.replace("\n", "\r"),
    "quoted line breaks": TRAIN.replace("a,1.0", '"a\n\nb",1.0'),
    "groups of control codes": TRAIN.replace("b,", "\x1b[2J\x00,"),
    "numbers in many ways": TRAIN.replace("3.0", " +3.000e-2 "),
    "a number of many digits": TRAIN.replace("3.0", "0." + "1" * 100_000),
    "a column twice as wide": TRAIN.replace("group", '"group"'),
}
_TABLES_REFUSED: Inputs = {
    "two byte order marks": "\ufeff\ufeff" + TRAIN,
    "many columns": ",".join(f"c{i}" for i in range(MANY)) + "\n",
    "one column many times": "loss," * MANY + "\n",
    "a column of control codes": "group,size,tokens,\x1b[2J\n",
    "a quote without end": TRAIN + '"' + "x\n" * MANY,
    "a cell of a megabyte": TRAIN.replace("3.0", "x" * (1 << 20)),
    "a cell of a hundred thousand": TRAIN.replace("3.0", "x" * 100_000),
    "1e999999": TRAIN.replace("3.0", "1e999999"),
    "NaN": TRAIN.replace("3.0", "nan"),
    "infinity": TRAIN.replace("3.0", "Infinity"),
    "other digits": TRAIN.replace("3.0", "٣"),
    "an underscore": TRAIN.replace("3.0", "1_0"),
    "hexadecimal": TRAIN.replace("3.0", "0x1p3"),
    "a cell of two lines": TRAIN.replace("3.0", '"3\n4"'),
    "commas": "," * MANY,
}

READ = {
    "program": _PROGRAMS_READ,
    "names": _NAMES_READ,
    "run_path": _PATHS_READ,
    "page": _PAGES_READ,
    "html": _HTML_READ,
    "board": _BOARDS_READ,
    "task": _TASKS_READ,
    "table": _TABLES_READ,
    "config": _CONFIGS_READ,
    "answer": _ANSWERS_READ,
}
REFUSED = {
    "program": _PROGRAMS_REFUSED,
    "names": _NAMES_REFUSED,
    "run_path": _PATHS_REFUSED,
    "page": _PAGES_REFUSED,
    "html": _HTML_REFUSED,
    "board": _BOARDS_REFUSED,
    "task": _TASKS_REFUSED,
    "table": _TABLES_REFUSED,
    "config": _CONFIGS_REFUSED,
    "answer": _ANSWERS_REFUSED,
    "law": _LAWS_REFUSED,
}
